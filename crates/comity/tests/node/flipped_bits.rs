//! Single bits flipped in the files of a node, pages zeroed, files cut off: `comity verify` finds
//! each that changes what is stored, and names the file.
//!
//! Exempt, and computed here: octets that hold nothing, which is shown by reading every row of
//! every table anew. In the first hundred octets of `view.db` and `local.db` these four are
//! exempt by name: the number of the SQLite that wrote last, which no reader looks at. Of
//! `view.db`, the notes of how it was left and of how far it is folded are exempt: with others it
//! is folded again, to the same state.

use std::fs;
use std::path::{Path, PathBuf};

use comity_node::Directory;
use comity_node::verify::verify_directory;
use rusqlite::{Connection, OpenFlags};

use super::harness::{Place, comity};
use super::http::objects;
use super::sample::{bundle, envelope, id, long, tool};

const FILES: [&str; 4] = ["log.db", "keys.db", "local.db", "view.db"];

/// Octets taken from all over a file, beside its header and the heads of its pages.
const SAMPLES: u64 = 260;

/// Where the number of SQLite stands.
const WRITTEN_BY: std::ops::Range<u64> = 96..100;

/// A node with something in every table, stopped.
fn whole() -> Place {
    let place = Place::with_desk();
    place.user("ann", "reader");
    place.user("bob", "analyst");
    place.collection("other");
    for (user, right) in [("ann", "r"), ("bob", "none"), ("desk", "rw")] {
        let right = format!("{user}={right}");
        place.run(&["collection", "limit", "DIR", "desk", "--rights", &right]).exits(0);
    }
    for name in ["one", "two", "three"] {
        place.run(&["token", "add", "DIR", "ann", "--name", name]).exits(0);
    }
    place.run(&["token", "revoke", "DIR", "2"]).exits(0);
    let mut bad: Vec<String> = (0..12).map(|number| number.to_string()).collect();
    bad.extend((1..30).map(|number| tool(number, "x")));
    bad.push(long(30, 9000));
    let file = place.file("some.json", bundle(&bad));
    place.run(&["import", "DIR", &file, "--collection", "desk"]).exits(1);
    let served = place.serve();
    let desk = served.ask("desk");
    for number in [31, 32] {
        desk.add("desk", envelope(&[tool(number, "y"), "8".to_owned()])).is(202);
        desk.add("other", envelope(&[tool(number, "y")])).is(202);
    }
    desk.delete(&format!("{}{}/", objects("desk"), id(31))).is(200);
    desk.delete(&format!("{}{}/", objects("desk"), id(3))).is(200);
    desk.get(&objects("desk")).is(200);
    served.stop();
    place
}

/// A copy of the node's files, journals left out.
fn copy(place: &Place, to: &Path) {
    fs::create_dir(to.join("keys")).unwrap();
    for (path, content) in place.files() {
        let below = path.strip_prefix(place.path()).unwrap();
        let journal = path.to_string_lossy().ends_with("-wal");
        assert!(!journal || content.is_empty(), "{path:?} is left");
        fs::write(to.join(below), content).unwrap();
    }
}

/// Puts a file as it shall be, without journals beside it.
fn put(path: &Path, content: &[u8]) {
    for tail in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(tail);
        let _ = fs::remove_file(PathBuf::from(beside));
    }
    fs::write(path, content).unwrap();
}

/// Every row of every table, or the error that SQLite meets.
fn dump(path: &Path, tables: &[String]) -> rusqlite::Result<Vec<String>> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut lines = Vec::new();
    for table in tables {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}"))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let mut line = table.clone();
            for column in 0..columns {
                line.push_str(&format!(" {:?}", row.get_ref(column)?));
            }
            lines.push(line);
        }
    }
    Ok(lines)
}

fn tables(path: &Path) -> Vec<String> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let sql = "SELECT name FROM sqlite_schema
        WHERE type = 'table' AND name NOT IN ('left_by', 'folded')";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Which octets are flipped: the header, the heads of pages, and some from everywhere, more from
/// where there is something.
fn places(content: &[u8]) -> Vec<usize> {
    let page = usize::from(u16::from_be_bytes([content[16], content[17]]));
    let mut places: Vec<usize> = (0..112).collect();
    places.extend((0..content.len() / page).map(|number| number * page + number % 12));
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    while places.len() < usize::try_from(SAMPLES).unwrap() + 112 + content.len() / page {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let at = usize::try_from(state >> 16).unwrap() % content.len();
        if content[at] != 0 || state.is_multiple_of(4) {
            places.push(at);
        }
    }
    places
}

/// The faults that name the file, of a directory with one of its files damaged. Where a key and
/// a body do not fit, nobody can say which of them is as it was.
fn faults(directory: &Path, file: &str) -> Vec<String> {
    match verify_directory(&Directory::new(directory), |_, _| {}) {
        Ok(report) => {
            let mut faults = report.faults;
            let all = faults.clone();
            let pair = |fault: &String| {
                file == "keys.db" && fault.starts_with("log.db: entry ") && fault.contains("body")
            };
            faults.retain(|fault| fault.starts_with(file) || pair(fault));
            let named = all.is_empty() || !faults.is_empty();
            assert!(named, "faults that do not name {file}: {all:#?}");
            faults
        }
        Err(error) => vec![format!("{file}: {error}")],
    }
}

fn flip_all(file: &'static str) {
    let place = whole();
    let directory = tempfile::tempdir().unwrap();
    copy(&place, directory.path());
    let sound = faults(directory.path(), file);
    assert!(sound.is_empty(), "{sound:?}");
    let path = directory.path().join(file);
    let original = fs::read(place.path().join(file)).unwrap();
    let tables = tables(&path);
    let before = dump(&path, &tables).unwrap();
    let (mut found, mut nothing, mut missed) = (0, 0, Vec::new());
    for (count, at) in places(&original).into_iter().enumerate() {
        let mut damaged = original.clone();
        damaged[at] ^= 1 << (count % 8);
        put(&path, &damaged);
        if !faults(directory.path(), file).is_empty() {
            found += 1;
            continue;
        }
        put(&path, &damaged);
        let same = dump(&path, &tables).is_ok_and(|after| after == before);
        let ours = ["local.db", "view.db"].contains(&file);
        let exempt = at >= 100 || ours && WRITTEN_BY.contains(&(at as u64));
        if same && exempt {
            nothing += 1;
        } else {
            missed.push(format!("octet {at}, bit {}", count % 8));
        }
    }
    assert!(missed.is_empty(), "{file}: not found: {missed:#?}");
    println!("{file}: {found} flips found, {nothing} in octets that hold nothing");
    assert!(found > 150, "{file}: {found} found, {nothing} not");
}

#[test]
fn a_flipped_bit_of_the_logs_is_found() {
    flip_all("log.db");
}

#[test]
fn a_flipped_bit_of_the_keys_is_found() {
    flip_all("keys.db");
}

#[test]
fn a_flipped_bit_of_local_state_is_found() {
    flip_all("local.db");
}

#[test]
fn a_flipped_bit_of_the_view_is_found() {
    flip_all("view.db");
}

/// Rows that were changed, and the finding that names each.
const ROWS: &[(&str, &str, &str)] = &[
    ("local.db", "UPDATE account SET role = 'operator' WHERE name = 'ann'", "account row "),
    ("local.db", "UPDATE token SET revoked = 0", "token row 2"),
    ("local.db", "UPDATE collection SET tlp = 'CLEAR' WHERE id = 2", "collection row 2"),
    ("local.db", "UPDATE collection_right SET can_read = 1", "collection_right row 1"),
    ("local.db", "UPDATE status SET account = account + 1", "status row "),
    ("local.db", "UPDATE refusal SET code = 'other' WHERE id = 3", "refusal row 3"),
    ("local.db", "CREATE TABLE more (x)", "sqlite_schema"),
    ("view.db", "UPDATE held SET place = 0", "held row 1"),
    ("view.db", "DELETE FROM version", "version row 1"),
    ("log.db", "UPDATE entry SET body = substr(body, 2) WHERE body IS NOT NULL", "entry acts/0"),
    ("keys.db", "DELETE FROM key", "a body, and keys.db has no key for it"),
];

#[test]
fn the_command_names_file_table_and_row() {
    let place = whole();
    for (file, statement, expected) in ROWS {
        let directory = tempfile::tempdir().unwrap();
        copy(&place, directory.path());
        let connection = Connection::open(directory.path().join(file)).unwrap();
        connection.execute_batch(statement).unwrap();
        drop(connection);
        let ran = comity(&["verify", directory.path().to_str().unwrap()]).exits(1);
        let named = |line: &str| line.starts_with("FAULT ") && line.contains(expected);
        assert!(ran.out.lines().any(named), "{statement}: {ran:#?}");
        assert!(ran.out.ends_with("NOT SOUND\n"), "{ran:#?}");
    }
    for file in FILES {
        let directory = tempfile::tempdir().unwrap();
        copy(&place, directory.path());
        fs::write(directory.path().join(file), b"not a database").unwrap();
        let ran = comity(&["verify", directory.path().to_str().unwrap()]).exits(1);
        assert!(ran.out.contains(&format!("FAULT    {file}: ")), "{ran:#?}");
    }
}

/// Damages a file in some ways: each is found, or changed nothing that any table holds.
fn damage_each(
    place: &Place,
    file: &'static str,
    damages: impl Iterator<Item = (String, Vec<u8>)>,
) {
    let directory = tempfile::tempdir().unwrap();
    copy(place, directory.path());
    let path = directory.path().join(file);
    let tables = tables(&path);
    let before = dump(&path, &tables).unwrap();
    let (mut found, mut nothing) = (0, 0);
    for (what, damaged) in damages {
        put(&path, &damaged);
        if faults(directory.path(), file).is_empty() {
            put(&path, &damaged);
            let same = dump(&path, &tables).is_ok_and(|after| after == before);
            assert!(same, "{file}: {what}: not found");
            nothing += 1;
        } else {
            found += 1;
        }
    }
    println!("{file}: {found} damages found, {nothing} of pages that hold nothing");
    assert!(found > 2, "{file}: {found} found, {nothing} not");
}

#[test]
fn a_page_of_zeros_is_found() {
    let place = whole();
    for file in FILES {
        let original = fs::read(place.path().join(file)).unwrap();
        let page = usize::from(u16::from_be_bytes([original[16], original[17]]));
        damage_each(
            &place,
            file,
            (0..original.len() / page).map(|number| {
                let mut damaged = original.clone();
                damaged[number * page..(number + 1) * page].fill(0);
                (format!("page {} is zeros", number + 1), damaged)
            }),
        );
    }
}

#[test]
fn a_file_that_is_cut_off_is_found_and_does_not_serve() {
    let place = whole();
    for file in FILES {
        let original = fs::read(place.path().join(file)).unwrap();
        let page = usize::from(u16::from_be_bytes([original[16], original[17]]));
        let lengths =
            [1, page / 2, page, original.len() / 2, original.len() - page, original.len() - 9];
        damage_each(
            &place,
            file,
            lengths
                .into_iter()
                .map(|length| (format!("cut off at {length}"), original[..length].to_vec())),
        );
        // What cannot be rebuilt stops the start; the view is rebuilt.
        let directory = tempfile::tempdir().unwrap();
        copy(&place, directory.path());
        put(&directory.path().join(file), &original[..original.len() / 2]);
        let shown = directory.path().to_str().unwrap();
        let ran = comity(&["collection", "list", shown]);
        if file == "view.db" {
            ran.exits(0);
            comity(&["verify", shown]).exits(0);
        } else {
            ran.fails_with(&[file]);
        }
    }
}

/// A journal that is damaged looks to SQLite like one that ends there: what was committed last is
/// gone, and nothing in the file says so. The view, which saw it, does.
#[test]
fn a_damaged_journal_of_the_log_is_found_and_nothing_is_signed_on_it() {
    let place = Place::with_desk();
    let served = place.serve();
    let desk = served.ask("desk");
    for number in 0..4 {
        desk.add("desk", envelope(&[tool(number, "kept")])).is(202);
    }
    served.kill();
    let journal = place.path().join("log.db-wal");
    let original = fs::read(&journal).unwrap();
    assert!(original.len() > 3 * 8192, "{}", original.len());
    for at in [original.len() / 2, original.len() - 5000] {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("keys")).unwrap();
        for (path, content) in place.files() {
            let below = path.strip_prefix(place.path()).unwrap();
            if !path.to_string_lossy().ends_with("-shm") {
                fs::write(directory.path().join(below), content).unwrap();
            }
        }
        let mut damaged = original.clone();
        damaged[at] ^= 4;
        fs::write(directory.path().join("log.db-wal"), &damaged).unwrap();
        let shown = directory.path().to_str().unwrap();
        let ran = comity(&["verify", shown]).exits(1);
        assert!(ran.out.contains("FAULT    view.db: "), "{ran:#?}");
        comity(&["collection", "list", shown]).fails_with(&["does not sign", "`private`"]);
    }
}
