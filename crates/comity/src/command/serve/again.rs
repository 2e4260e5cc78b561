//! A new start of the same command, in the same process and at the same addresses: a port that the
//! system gave is asked for by its number, since clients and peers know it by now.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::OnceLock;

use comity_node::config::Config;

use crate::arguments::Serve;
use crate::command::Failure;

/// Where the doors of this process are, once they are open.
#[derive(Debug, Default)]
pub(super) struct Bound {
    pub(super) listen: OnceLock<SocketAddr>,
    pub(super) peers: OnceLock<SocketAddr>,
    pub(super) metrics: OnceLock<SocketAddr>,
}

impl Bound {
    /// The options that ask for the ports that the system gave.
    fn options(&self, arguments: &Serve, config: &Config) -> Vec<(&'static str, String)> {
        let doors = [
            ("--listen", &arguments.listen, &config.listen, &self.listen),
            ("--peers", &arguments.peers, &config.peers, &self.peers),
            ("--metrics", &arguments.metrics, &config.metrics, &self.metrics),
        ];
        let kept =
            |(option, given, configured, bound): (_, &Option<String>, &String, &OnceLock<_>)| {
                Some((option, same(given.as_ref().unwrap_or(configured), *bound.get()?)?))
            };
        doors.into_iter().filter_map(kept).collect()
    }
}

/// An address whose port the system was asked for, with the port that it gave. The host stays as it
/// was written: certificates are made for it.
fn same(wanted: &str, bound: SocketAddr) -> Option<String> {
    let (host, port) = wanted.rsplit_once(':')?;
    (port.parse() == Ok(0_u16)).then(|| format!("{host}:{}", bound.port()))
}

/// This process becomes a new one of the same command. Returns why it could not.
pub(super) fn start(arguments: &Serve, config: &Config, bound: &Bound) -> Failure {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return Failure::new(format!("the program is not found: {error}")),
    };
    let words = with(std::env::args_os().skip(1), &bound.options(arguments, config));
    let error = Command::new(program).args(words).exec();
    Failure::new(format!("another charter is in force, and a new start failed: {error}"))
}

/// The words of a command with some options in place of what it says of them.
fn with(
    words: impl Iterator<Item = OsString>,
    options: &[(&'static str, String)],
) -> Vec<OsString> {
    let (mut made, mut passes) = (Vec::new(), false);
    for word in words {
        if std::mem::take(&mut passes) {
            continue;
        }
        let text = word.to_string_lossy();
        let (name, value) = text.split_once('=').map_or((&*text, None), |(a, b)| (a, Some(b)));
        if options.iter().any(|(option, _)| *option == name) {
            passes = value.is_none();
            continue;
        }
        let begins = text == "serve" && !made.iter().any(|known| known == "serve");
        made.push(word);
        if begins {
            made.extend(options.iter().flat_map(|(name, value)| [(*name).into(), value.into()]));
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_port_that_the_system_gave_is_asked_for() {
        let bound: SocketAddr = "127.0.0.1:4444".parse().unwrap();
        assert_eq!(same("localhost:0", bound).as_deref(), Some("localhost:4444"));
        assert_eq!(same("[::1]:0", bound).as_deref(), Some("[::1]:4444"));
        assert_eq!(same("127.0.0.1:4000", bound), None);
        assert_eq!(same("", bound), None);
    }

    #[test]
    fn options_take_the_place_of_those_that_were_given() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let options = [("--listen", "h:1".to_owned()), ("--peers", "h:2".to_owned())];
        for (given, wanted) in [
            ("serve dir", "serve --listen h:1 --peers h:2 dir"),
            ("serve --listen h:0 dir --tls", "serve --listen h:1 --peers h:2 dir --tls"),
            (
                "--json serve serve --peers=h:0 --listen h:0 --metrics h:9",
                "--json serve --listen h:1 --peers h:2 serve --metrics h:9",
            ),
            ("serve -- dir", "serve --listen h:1 --peers h:2 -- dir"),
        ] {
            assert_eq!(with(words(given).into_iter(), &options), words(wanted), "{given}");
        }
        assert_eq!(with(words("serve dir").into_iter(), &[]), words("serve dir"));
    }
}
