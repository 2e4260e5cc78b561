//! A file of the store that is written, and what SQLite leaves in it.
//!
//! `secure_delete` writes zeros over what is deleted where it stands. Where rows are moved to
//! another page, since theirs is full or nearly empty, the octets that they were moved from stay
//! between the pointers and the rows of the page, and no later deletion finds them. So every page
//! that was written is looked at while it is still in the journal, before it goes into the file,
//! and what is in the gap is zeroed: the file itself never has any.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, params};

use super::BUSY_WAIT;

/// Pages in the journal before they are moved into the file. 4000 pages are 32 MB: large batches
/// are then written twice, not four times.
const JOURNAL_PAGES: u64 = 4000;

/// Where a reader stood in the way, it is tried again after so many more.
const AGAIN_PAGES: u64 = 400;

/// Pages of a file of an earlier version that are cleared in one transaction: 8 MB.
const PIECE_PAGES: u32 = 1000;

/// Octets of the header of a journal, and of that of each page in it (SQLite, file format, 4.1).
const JOURNAL_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

/// Octets in front of the header of the first page of a file (1.3).
const FILE_HEADER: usize = 100;

/// The first octet of a page of a tree: leaf or not, table or index (1.6). Other pages begin with
/// the number of a page, so with 0 or 1 as long as there are no more than this: 256 GiB of
/// `log.db`, 128 GiB of `keys.db`. Neither grows beyond.
const TREE_PAGES: [u8; 4] = [0x02, 0x05, 0x0a, 0x0d];
pub(super) const PAGES_MAX: u32 = 0x01ff_ffff;

/// A file of the store, opened to write.
pub(crate) struct Written {
    connection: Connection,
    journal: PathBuf,
    page_size: u32,
    /// Octets of the journal at which it is moved into the file.
    move_at: u64,
}

impl Deref for Written {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

/// The last connection of a file moves the journal into it.
impl Drop for Written {
    fn drop(&mut self) {
        // Where it fails, the next start does it.
        if self.clear().is_err() {
            let keep = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
            let _ = self.connection.set_db_config(keep, true);
        }
    }
}

impl Written {
    /// `path` is that of the file.
    pub(crate) fn new(connection: Connection, path: &Path, page_size: u32) -> Written {
        let mut journal = path.as_os_str().to_owned();
        journal.push("-wal");
        let journal = PathBuf::from(journal);
        let mut written = Written { connection, journal, page_size, move_at: 0 };
        written.move_at = written.octets(JOURNAL_PAGES);
        written
    }

    fn octets(&self, pages: u64) -> u64 {
        pages.saturating_mul(u64::from(self.page_size))
    }

    /// Clears all gaps of pages in the journal, and moves it into the file. `false`: a reader is
    /// in the way.
    pub(super) fn settle(&self) -> rusqlite::Result<bool> {
        self.clear()?;
        let busy: bool =
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        Ok(!busy)
    }

    /// After a commit: moves a journal that has become long, and waits for nobody. What fails is
    /// done by the next.
    pub(super) fn committed(&mut self) {
        let length = std::fs::metadata(&self.journal).map_or(0, |found| found.len());
        if length < self.move_at {
            return;
        }
        let _ = self.connection.busy_timeout(Duration::ZERO);
        let done = self.settle().unwrap_or(false);
        let _ = self.connection.busy_timeout(BUSY_WAIT);
        let more =
            if done { self.octets(JOURNAL_PAGES) } else { length + self.octets(AGAIN_PAGES) };
        self.move_at = more;
    }

    /// Clears the gaps of all pages: of a file that was written without that. It is done in
    /// pieces, so that the journal does not become as long as the file. Whoever is stopped within
    /// it begins again.
    pub(crate) fn clear_all(&mut self) -> rusqlite::Result<()> {
        let pages = self.page_count()?;
        let mut from = 1;
        while from <= pages {
            let to = pages.min(from.saturating_add(PIECE_PAGES - 1));
            self.clear_pages(from..=to)?;
            self.committed();
            from = to + 1;
        }
        self.settle().map(drop)
    }

    fn page_count(&self) -> rusqlite::Result<u32> {
        self.connection.pragma_query_value(None, "page_count", |row| row.get(0))
    }

    fn clear(&self) -> rusqlite::Result<()> {
        let pages = pages_of(&self.journal, self.page_size)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        self.clear_pages(pages)
    }

    fn clear_pages(&self, pages: impl IntoIterator<Item = u32>) -> rusqlite::Result<()> {
        let mut pages = pages.into_iter().peekable();
        // Of a file that another program made longer no page is touched: in any of them the
        // number of a page may look like the beginning of a tree.
        if pages.peek().is_none() || self.page_count()? > PAGES_MAX {
            return Ok(());
        }
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let done = pages.try_for_each(|page| self.clear_page(page));
        let done = done.and_then(|()| self.connection.execute_batch("COMMIT"));
        if done.is_err() && !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        done
    }

    fn clear_page(&self, number: u32) -> rusqlite::Result<()> {
        let mut read =
            self.connection.prepare_cached("SELECT data FROM sqlite_dbpage WHERE pgno = ?1")?;
        // A page of the journal may be behind the end of the file by now.
        let page: Option<Vec<u8>> = read.query_row([number], |row| row.get(0)).optional()?;
        let Some(mut page) = page else { return Ok(()) };
        let gap = gap(&page, number == 1).and_then(|gap| page.get_mut(gap));
        let Some(gap) = gap.filter(|gap| gap.iter().any(|octet| *octet != 0)) else {
            return Ok(());
        };
        gap.fill(0);
        let mut write =
            self.connection.prepare_cached("UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1")?;
        write.execute(params![number, page]).map(|_| ())
    }
}

/// The pages that stand in a journal, those of earlier rounds among them.
fn pages_of(journal: &Path, page_size: u32) -> io::Result<BTreeSet<u32>> {
    let file = match File::open(journal) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(error),
    };
    let frame = FRAME_HEADER + u64::from(page_size);
    let frames = file.metadata()?.len().saturating_sub(JOURNAL_HEADER) / frame;
    let mut pages = BTreeSet::new();
    for number in 0..frames {
        let mut page = [0; 4];
        file.read_exact_at(&mut page, JOURNAL_HEADER + number * frame)?;
        pages.insert(u32::from_be_bytes(page));
    }
    pages.remove(&0);
    Ok(pages)
}

/// What is between the pointers and the rows of a page of a tree.
pub(crate) fn gap(page: &[u8], first: bool) -> Option<Range<usize>> {
    let at = if first { FILE_HEADER } else { 0 };
    let header = page.get(at..at + 12)?;
    let [kind, _, _, cells @ .., _, _, _, _, _] = header else { return None };
    let &[cells_high, cells_low, rows_high, rows_low] = cells else { return None };
    if !TREE_PAGES.contains(kind) {
        return None;
    }
    // Inner pages have the number of another one in their header.
    let length = if *kind < 0x0a { 12 } else { 8 };
    let cells = usize::from(u16::from_be_bytes([cells_high, cells_low]));
    let rows = usize::from(u16::from_be_bytes([rows_high, rows_low]));
    let end = if rows == 0 { 65_536 } else { rows };
    let begin = at + length + 2 * cells;
    (begin <= end && end <= page.len()).then_some(begin..end)
}
