//! Everything that can be recomputed, recomputed: leaves, tiles, checkpoints, bodies, the view
//! against a fold from nothing, the sums of local rows. Each fault is named with its file, table
//! and row.

mod file;

use comity_tlog::FollowConfig;
use comity_tlog::verify::{self, LogIdentity};
use comity_view::{View, compare};
use serde::Serialize;

use crate::config::Config;
use crate::directory::Directory;
use crate::fold::{self, Ground};
use crate::judge::Judge;
use crate::local::{self, Local};
use crate::node::NodeError;
use crate::peer;
use crate::recover;
use crate::resume;
use crate::succession;
use crate::terms;
use crate::{account, collection, refusals, status, token};
use file::Ours;

/// How often a view that differs is compared again while the logs change.
const COMPARISONS_MAX: usize = 5;

/// What a verification found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// What was looked at, in words with counts.
    pub checked: Vec<String>,
    /// What is wrong: file, table, row, what.
    pub faults: Vec<String>,
    /// Entries whose content is here and whose keys are not.
    pub keyless: u64,
    /// The digest of the view, in hex, where it could be computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view_digest: Option<String>,
}

/// Verifies a directory that no process writes, or that serves: it is only read.
pub fn verify_directory(
    directory: &Directory,
    mut progress: impl FnMut(u64, u64),
) -> Result<Report, NodeError> {
    directory.require_node()?;
    if has_nothing(directory)? {
        return Err(NodeError::Start(format!(
            "the logs of `{0}` have not begun, so there is nothing to verify; they begin with \
             `comity charter found {0} FILE`",
            directory.root().display()
        )));
    }
    let config = Config::read(&directory.config())?;
    let charter = terms::read_charter(directory)?;
    let mut logs = resume::identities(directory, &config)?;
    let own = logs.clone();
    // What is wrong with local state is told below; without it nobody knows whose logs they are.
    let local = Local::open_to_check(&directory.local());
    let peers = local.as_ref().ok().and_then(|local| peer::list(local).ok()).unwrap_or_default();
    let body = local.as_ref().ok().and_then(|local| succession::body_of(local, &charter).ok());
    let body = body.unwrap_or_else(|| charter.hash.to_string());
    let before = local.as_ref().ok().and_then(|local| succession::before(local, &charter).ok());
    let before = before.unwrap_or_default();
    drop(local);
    for FollowConfig { id, name, verifier } in peer::follow_configs(&charter, &peers)? {
        logs.push(LogIdentity { id, name, verifier });
    }
    let mut report = Report::default();
    logs_of(directory, &logs, &mut report, &mut progress);
    match resume::behind_of(directory, &config, &own) {
        Ok(behind) => report.faults.extend(behind.iter().map(|one| format!("log.db: {one}"))),
        Err(error) => report.faults.push(format!("head.mark: {error}")),
    }
    let ground = Ground { judge: Judge::new(&config, &charter, &body, before), peers };
    if let Err(error) = view_of(directory, &ground, &mut report) {
        report.faults.push(format!("view.db: {error}"));
    }
    if let Err(error) = local_of(directory, &mut report) {
        report.faults.push(format!("local.db: {error}"));
    }
    Ok(report)
}

/// Whether nothing was ever signed here: no store is there, nor a word of one that was.
fn has_nothing(directory: &Directory) -> Result<bool, NodeError> {
    let stores = directory.stores()?;
    let only_local = |path: &std::path::PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with("local."))
    };
    let mark = directory.root().join("head.mark").exists();
    let nothing = stores.iter().all(only_local) && !mark;
    Ok(nothing && resume::restored(directory)?.is_none() && !recover::is_lost(directory)?)
}

fn logs_of(
    directory: &Directory,
    logs: &[LogIdentity],
    report: &mut Report,
    progress: &mut impl FnMut(u64, u64),
) {
    let found = verify::verify(directory.root(), logs, &mut |step| {
        progress(step.done, step.total);
    });
    report.faults.extend(found.findings.iter().map(ToString::to_string));
    if found.more > 0 {
        report.faults.push(format!("log.db, keys.db: {} findings more", found.more));
    }
    report.keyless = found.keyless;
    let unopened = match found.unopened {
        0 => String::new(),
        some => format!("{some} not opened to this party, "),
    };
    report.checked.push(format!(
        "log.db, keys.db: {} entries, {} opened, {} erased, {}{} tiles, {} arrivals",
        found.entries, found.opened, found.erased, unopened, found.tiles, found.arrivals
    ));
}

/// The view is compared with a fold from nothing. A view that is behind, as a
/// kill may leave it and a node that serves always may be, is brought up to the logs in a copy.
fn view_of(directory: &Directory, ground: &Ground, report: &mut Report) -> Result<(), NodeError> {
    let user_version = comity_view::SCHEMA_VERSION;
    let ours = Ours { name: "view.db", application_id: 0x436d_5677, user_version };
    let folded = directory.view().exists();
    if folded {
        file::check(&directory.view(), &ours, report)?;
    }
    let log = crate::writer::reader(directory.root())?;
    let (mut differences, mut again) = folds(directory, &log, ground)?;
    for _ in 0..COMPARISONS_MAX {
        let before = fold::Bounds::now(&log)?;
        if differences.is_empty() {
            break;
        }
        // Beside a node that serves, an entry may be erased between two looks at it.
        (differences, again) = folds(directory, &log, ground)?;
        if fold::Bounds::now(&log)? == before {
            break;
        }
    }
    for difference in &differences {
        let key = difference.key.as_deref().unwrap_or("none");
        report.faults.push(format!(
            "view.db: {} row {} (key {key}): not what the logs fold to; delete view.db, it is folded again",
            difference.table, difference.row
        ));
    }
    let digest = again.digest()?;
    report.view_digest = Some(digest.iter().map(|octet| format!("{octet:02x}")).collect());
    report.checked.push(if folded {
        "view.db: every row against a fold of the logs from nothing".to_owned()
    } else {
        "view.db: there is none; the next start folds it from the logs".to_owned()
    });
    Ok(())
}

/// A copy of the view and a fold from nothing, both brought up to what the logs hold now: where
/// they differ, and the fold.
fn folds(
    directory: &Directory,
    log: &comity_tlog::Reader,
    ground: &Ground,
) -> Result<(Vec<comity_view::Difference>, View), NodeError> {
    let mut again = View::in_memory()?;
    if !directory.view().exists() {
        fold::catch_up_to(log, &mut again, ground, &fold::Bounds::now(log)?)?;
        return Ok((Vec::new(), again));
    }
    let mut kept = View::copy_of(&directory.view())?;
    let bounds = fold::Bounds::now(log)?;
    fold::catch_up_to(log, &mut kept, ground, &bounds)?;
    fold::catch_up_to(log, &mut again, ground, &bounds)?;
    Ok((compare(&kept, &again)?, again))
}

fn local_of(directory: &Directory, report: &mut Report) -> Result<(), NodeError> {
    let (name, path) = ("local.db", directory.local());
    let ours = Ours { name, application_id: local::APPLICATION_ID, user_version: local::VERSION };
    file::check(&path, &ours, report)?;
    let local = Local::open_to_check(&path)?;
    file::check_tables(&local.lock(), &local::schema()?, &ours, report);
    report.faults.extend(account::damaged(&local)?);
    report.faults.extend(token::damaged(&local)?);
    report.faults.extend(collection::damaged(&local)?);
    report.faults.extend(collection::damaged_rights(&local)?);
    report.faults.extend(collection::damaged_rules(&local)?);
    report.faults.extend(status::damaged(&local)?);
    report.faults.extend(refusals::damaged(&local)?);
    report.faults.extend(crate::quota::damaged(&local)?);
    report.faults.extend(peer::damaged(&local)?);
    report.faults.extend(crate::allowance::damaged(&local)?);
    report.faults.extend(crate::assess::damaged(&local)?);
    report.faults.extend(crate::adopt::rule::damaged(&local)?);
    report.faults.extend(succession::damaged(&local)?);
    report.checked.push("local.db: tables, and the sum of every row".to_owned());
    Ok(())
}
