//! `user-account`: only the accounts that systems bring with them. They belong to nobody.

use comity_wire::json::{Object, Value};

use super::super::code;
use super::super::place::Place;
use super::super::walk::{Judge, Verdict};
use crate::refusal::Refusal;

/// The whole object: one name at least, and no name that is not on the list.
pub(super) fn object(object: &Object<'_>, place: &Place<'_>) -> Verdict {
    for (name, value) in object.iter() {
        field(name, value, &place.member(name))?;
    }
    let named =
        ["account_login", "user_id"].iter().any(|name| object.str(name).is_some_and(is_built_in));
    if named {
        Ok(())
    } else {
        Err(refusal(place, "an account without the name of a built-in one"))
    }
}

/// One member.
pub(super) fn field(name: &str, value: &Value<'_>, place: &Place<'_>) -> Verdict {
    let text = value.as_str().unwrap_or("");
    match name {
        "account_login" | "display_name" if !is_built_in(text) => {
            Err(refusal(place, "the name of an account"))
        }
        "user_id" if !is_built_in(text) && !is_system_id(text) => {
            Err(refusal(place, "the identifier of an account"))
        }
        "account_type" if !TYPES.contains(&text) => {
            Err(refusal(place, "an account of a service for people"))
        }
        _ => Ok(()),
    }
}

fn refusal(place: &Place<'_>, found: &'static str) -> Refusal {
    place
        .refuse(&code::ACCOUNT)
        .found(found)
        .required("a built-in or service account such as `root`, `SYSTEM` or `nobody`")
}

/// Whether a name, with or without its domain, is that of an account that systems bring along.
pub(in super::super) fn is_built_in(name: &str) -> bool {
    let name = name.trim();
    let bare = name.rsplit('\\').next().unwrap_or(name);
    is_listed(name) || is_listed(bare)
}

fn is_listed(name: &str) -> bool {
    BUILT_IN.iter().any(|known| name.eq_ignore_ascii_case(known))
        || SYSTEM_SIDS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Numbers below those that systems give to people.
fn is_system_id(id: &str) -> bool {
    id.parse::<u16>().is_ok_and(|id| id < 500 || id == 65534)
}

/// Kinds of accounts of machines; the others of STIX's list are services for people.
const TYPES: &[&str] =
    &["", "unix", "windows-local", "windows-domain", "ldap", "nis", "radius", "tacacs"];

const SYSTEM_SIDS: &[&str] = &["S-1-5-18", "S-1-5-19", "S-1-5-20", "S-1-1-0", "S-1-5-7"];

const BUILT_IN: &[&str] = &[
    "_apt",
    "admin",
    "administrator",
    "anonymous",
    "anonymous logon",
    "apache",
    "backup",
    "bin",
    "daemon",
    "defaultaccount",
    "dnsmasq",
    "everyone",
    "ftp",
    "games",
    "gnats",
    "guest",
    "irc",
    "iusr",
    "krbtgt",
    "list",
    "local service",
    "local system",
    "localservice",
    "localsystem",
    "lp",
    "mail",
    "man",
    "messagebus",
    "mysql",
    "network service",
    "networkservice",
    "news",
    "nginx",
    "nobody",
    "nt authority",
    "ntp",
    "operator",
    "postgres",
    "proxy",
    "root",
    "sa",
    "sshd",
    "sync",
    "sys",
    "syslog",
    "system",
    "systemd-network",
    "systemd-resolve",
    "systemd-timesync",
    "tomcat",
    "trustedinstaller",
    "uucp",
    "wdagutilityaccount",
    "www-data",
];

/// `environment_variables` of a process: who was logged in.
pub(super) fn environment(judge: &mut Judge<'_>, value: &Value<'_>, place: &Place<'_>) {
    let Value::Object(variables) = value else {
        return;
    };
    for (name, value) in variables.iter() {
        let is_user = ["USER", "USERNAME", "LOGNAME", "SUDO_USER"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known));
        if is_user && !value.as_str().is_some_and(is_built_in) {
            judge.flag(&code::TEXT_ACCOUNT, &place.member(name));
        }
    }
}
