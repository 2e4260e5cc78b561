//! The two files, as SQLite sees them. The writer, the readers and the verifier share this page.

use std::path::{Path, PathBuf};

/// A file: what its header says and what tables it has.
pub(crate) struct Schema {
    /// Its name in the directory.
    pub(crate) file: &'static str,
    /// `PRAGMA application_id`: four letters, so that `file` and a reader tell it apart.
    pub(crate) application_id: u32,
    /// `PRAGMA user_version`: the version of this page.
    pub(crate) user_version: u32,
    /// Octets of a page.
    pub(crate) page_size: u32,
    /// The tables, each as the text that SQLite keeps of it.
    pub(crate) tables: &'static [(&'static str, &'static str)],
    /// What takes a file from version 1 to 2, from 2 to 3, and so on. A step that was released
    /// never changes, and what it makes stands in `tables` behind what was there.
    pub(crate) steps: &'static [&'static str],
}

impl Schema {
    pub(crate) fn path(&self, dir: &Path) -> PathBuf {
        dir.join(self.file)
    }
}

/// Pages of 8 kB hold five usual bodies (1.5 kB) with little waste, and a commit of one entry
/// still writes only a handful of them.
pub(crate) const LOG: Schema = Schema {
    file: "log.db",
    application_id: 0x436d_746c, // "Cmtl"
    user_version: 4,
    page_size: 8192,
    tables: &[
        (
            "entry",
            "CREATE TABLE entry (key INTEGER PRIMARY KEY, commitment BLOB NOT NULL, body BLOB) \
             STRICT",
        ),
        (
            "tile",
            "CREATE TABLE tile (log INTEGER NOT NULL, level INTEGER NOT NULL, n INTEGER NOT NULL, \
             hashes BLOB NOT NULL, PRIMARY KEY (log, level, n)) STRICT, WITHOUT ROWID",
        ),
        (
            "head",
            "CREATE TABLE head (log INTEGER PRIMARY KEY, size INTEGER NOT NULL, \
             root BLOB NOT NULL, note TEXT NOT NULL, range BLOB NOT NULL) STRICT",
        ),
        (
            "dedup",
            "CREATE TABLE dedup (mac BLOB PRIMARY KEY, key INTEGER NOT NULL, sum BLOB NOT NULL) \
             STRICT, WITHOUT ROWID",
        ),
        (
            "arrival",
            "CREATE TABLE arrival (seq INTEGER PRIMARY KEY, collection INTEGER NOT NULL, \
             log INTEGER NOT NULL, idx INTEGER NOT NULL, date_added INTEGER NOT NULL, \
             gone INTEGER NOT NULL, sum BLOB NOT NULL) STRICT",
        ),
        (
            "clock",
            "CREATE TABLE clock (collection INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT",
        ),
        ("erasing", "CREATE TABLE erasing (key INTEGER PRIMARY KEY) STRICT"),
        ("library", LIBRARY),
        ("follow", FOLLOW),
    ],
    // 1 to 2 was before there were files to keep; with the last one gaps are cleared.
    steps: &["", FOLLOW, ""],
};

/// Rows of 64 octets; small pages keep the commit small.
pub(crate) const KEYS: Schema = Schema {
    file: "keys.db",
    application_id: 0x436d_746b, // "Cmtk"
    user_version: 3,
    page_size: 4096,
    tables: &[
        (
            "key",
            "CREATE TABLE key (key INTEGER PRIMARY KEY, salt BLOB NOT NULL, dek BLOB NOT NULL) \
             STRICT",
        ),
        (
            "local",
            "CREATE TABLE local (name TEXT PRIMARY KEY, secret BLOB NOT NULL, sum BLOB NOT NULL) \
             STRICT, WITHOUT ROWID",
        ),
        ("library", LIBRARY),
        ("mark", MARKS),
    ],
    // With the last one gaps are cleared.
    steps: &[MARKS, ""],
};

/// How far logs of others are followed: `staged` leaves and their compact range, at or above the
/// head, and the index up to which openings were asked for.
const FOLLOW: &str = "CREATE TABLE follow (log INTEGER PRIMARY KEY, staged INTEGER NOT NULL, \
    range BLOB NOT NULL, scanned INTEGER NOT NULL) STRICT";

/// How far each log had come when it was last about to grow: it is written with the keys.
const MARKS: &str = "CREATE TABLE mark (log INTEGER PRIMARY KEY, origin TEXT NOT NULL, \
    size INTEGER NOT NULL, root BLOB NOT NULL, sum BLOB NOT NULL) STRICT";

/// One row: the version of the SQLite that last opened the file to write. Page 1 says the same, so
/// that a flipped bit there is found.
const LIBRARY: &str =
    "CREATE TABLE library (id INTEGER PRIMARY KEY, version INTEGER NOT NULL) STRICT";

/// The name of the file whose lock the writer holds.
pub(crate) const LOCK: &str = "log.lock";

/// The name of the file that says how far each log has come.
pub(crate) const MARK: &str = "head.mark";
