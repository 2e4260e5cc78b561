//! Everything that can be recomputed, recomputed: leaves, tiles, checkpoints, bodies, the view
//! against a fold from nothing, the sums of local rows. Each fault is named with its file, table
//! and row.

use comity_tlog::verify::{self, LogIdentity};
use comity_view::{View, compare};
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;

use crate::config::Config;
use crate::directory::Directory;
use crate::fold;
use crate::keys;
use crate::local::{self, Local};
use crate::node::NodeError;
use crate::terms;
use crate::{account, collection, token};

/// What a verification found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// What was looked at, in words with counts.
    pub checked: Vec<String>,
    /// What is wrong: file, table, row, what.
    pub faults: Vec<String>,
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
    let config = Config::read(&directory.config())?;
    let charter = terms::read_charter(directory)?;
    let logs: Vec<LogIdentity> = keys::verifiers(&keys::log_configs(directory, &config.party)?)?
        .into_iter()
        .map(|(log, verifier)| LogIdentity { id: log.id(), name: log.name().to_owned(), verifier })
        .collect();
    let mut report = Report::default();
    logs_of(directory, &logs, &mut report, &mut progress);
    if let Err(error) = view_of(directory, &terms::facts(&charter), &mut report) {
        report.faults.push(format!("view.db: {error}"));
    }
    if let Err(error) = local_of(directory, &mut report) {
        report.faults.push(format!("local.db: {error}"));
    }
    Ok(report)
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
    report.checked.push(format!(
        "log.db, keys.db: {} entries, {} opened, {} erased, {} tiles, {} arrivals",
        found.entries, found.opened, found.erased, found.tiles, found.arrivals
    ));
}

/// The view is compared with a fold from nothing. Only what its tables say counts: a view that
/// is behind is brought up in a copy.
fn view_of(
    directory: &Directory,
    facts: &comity_gate::Facts,
    report: &mut Report,
) -> Result<(), NodeError> {
    file(&directory.view(), "view.db", 0x436d_5677, report)?;
    let log = crate::writer::reader(directory.root())?;
    let mut again = View::in_memory()?;
    fold::catch_up(&log, &mut again, facts)?;
    let kept = View::open_to_compare(&directory.view())?;
    let differences = compare(&kept, &again)?;
    for difference in &differences {
        let key = difference.key.as_deref().unwrap_or("none");
        report.faults.push(format!(
            "view.db: {} row {} (key {key}): not what the logs fold to; delete view.db, it is folded again",
            difference.table, difference.row
        ));
    }
    let digest = again.digest()?;
    report.view_digest = Some(digest.iter().map(|octet| format!("{octet:02x}")).collect());
    report.checked.push("view.db: every row against a fold of the logs from nothing".to_owned());
    Ok(())
}

fn local_of(directory: &Directory, report: &mut Report) -> Result<(), NodeError> {
    file(&directory.local(), "local.db", local::APPLICATION_ID, report)?;
    let local = Local::open(&directory.local())?;
    report.faults.extend(account::damaged(&local)?);
    report.faults.extend(token::damaged(&local)?);
    report.faults.extend(collection::damaged(&local)?);
    report.checked.push("local.db: the sums of accounts, tokens and collections".to_owned());
    Ok(())
}

/// The pages and indices of a file, by SQLite's own check.
fn file(
    path: &std::path::Path,
    name: &str,
    application_id: i64,
    report: &mut Report,
) -> Result<(), NodeError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(comity_view::ViewError::from)?;
    let ours = connection
        .pragma_query_value(None, "application_id", |row| row.get::<_, i64>(0))
        .is_ok_and(|found| found == application_id);
    if !ours {
        report.faults.push(format!("{name}: header: the application id is not ours"));
    }
    let checked = connection.prepare("PRAGMA integrity_check").and_then(|mut statement| {
        statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()
    });
    match checked {
        Ok(lines) => {
            let faults = lines.into_iter().filter(|line| line != "ok");
            report.faults.extend(faults.map(|line| format!("{name}: {line}")));
        }
        Err(error) => report.faults.push(format!("{name}: {error}")),
    }
    report.checked.push(format!("{name}: pages and indices"));
    Ok(())
}
