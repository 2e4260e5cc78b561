//! The floors: the least that the same work takes on the same machine. Octets into a SQLite file
//! that is flushed as often, rows out of it, and the same pages as static octets over the same
//! HTTP stack, from a process of its own.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as UrlPath, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use comity_serve::{Listening, Scheme, listen};
use rusqlite::{Connection, params};

use crate::Outcome;
use crate::process::Server;

/// The word that makes this executable the static server.
pub(crate) const SERVER_WORD: &str = "static-server";

/// Rows that are read at a time.
const READ_ROWS: i64 = 1000;

/// A SQLite file with one table of bodies, as durable as the log of a node.
pub(crate) struct Raw {
    connection: Connection,
    /// Seconds that inserts took.
    pub(crate) seconds: f64,
}

impl Raw {
    pub(crate) fn create(path: &Path) -> Outcome<Raw> {
        let began = Instant::now();
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE raw (id INTEGER PRIMARY KEY, body BLOB NOT NULL);",
        )?;
        Ok(Raw { connection, seconds: began.elapsed().as_secs_f64() })
    }

    /// One that was filled.
    pub(crate) fn open(path: &Path) -> Outcome<Raw> {
        Ok(Raw { connection: Connection::open(path)?, seconds: 0.0 })
    }

    /// One transaction.
    pub(crate) fn insert(&mut self, bodies: &[Vec<u8>]) -> Outcome<()> {
        let began = Instant::now();
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO raw (body) VALUES (?1)")?;
            for body in bodies {
                insert.execute([body])?;
            }
        }
        transaction.commit()?;
        self.seconds += began.elapsed().as_secs_f64();
        Ok(())
    }

    /// Reads all bodies in order, a page at a time; how many there are in a second.
    pub(crate) fn read(&self) -> Outcome<f64> {
        let began = Instant::now();
        let mut select = self
            .connection
            .prepare("SELECT id, body FROM raw WHERE id > ?1 ORDER BY id LIMIT ?2")?;
        let (mut last, mut count) = (0_i64, 0_usize);
        let mut page: Vec<u8> = Vec::new();
        loop {
            let before = count;
            page.clear();
            let mut rows = select.query(params![last, READ_ROWS])?;
            while let Some(row) = rows.next()? {
                last = row.get(0)?;
                page.extend_from_slice(row.get_ref(1)?.as_blob()?);
                count += 1;
            }
            if before == count {
                return Ok(count as f64 / began.elapsed().as_secs_f64());
            }
        }
    }
}

/// Keeps pages for the static server, in files below a directory.
pub(crate) fn keep(dir: &Path, name: &str, pages: &[Vec<u8>]) -> Outcome<()> {
    let dir = dir.join(name);
    std::fs::create_dir_all(&dir)?;
    for (at, page) in pages.iter().enumerate() {
        std::fs::write(dir.join(format!("{at:06}")), page)?;
    }
    Ok(())
}

/// Starts the static server for a directory of pages.
pub(crate) fn start(dir: &Path) -> Outcome<Server> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(SERVER_WORD).arg(dir);
    Server::start(&mut command, &dir.with_extension("log"))
}

/// The request for a page of the static server.
pub(crate) fn request(name: &str, page: usize) -> Vec<u8> {
    format!("GET /{name}/{page} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").into_bytes()
}

type Kept = Arc<HashMap<String, Vec<Bytes>>>;

/// The static server: until its standard input is closed, so that it ends with whoever began it.
pub(crate) fn serve(dir: Option<OsString>) -> Outcome<()> {
    let kept: Kept = Arc::new(load(&PathBuf::from(dir.ok_or("no directory of pages")?))?);
    let router = Router::new().route("/{name}/{page}", get(page)).with_state(kept);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (closed, stop) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        drop(closed);
    });
    let ready = |listening: &Listening| println!("listening on http://{}", listening.address);
    let stop = async {
        let _ = stop.await;
    };
    runtime.block_on(listen(router, "127.0.0.1:0", &Scheme::Plain, ready, stop))?;
    Ok(())
}

async fn page(
    State(kept): State<Kept>,
    UrlPath((name, page)): UrlPath<(String, usize)>,
) -> impl IntoResponse {
    let pages = kept.get(&name).map(Vec::as_slice).unwrap_or_default();
    let page = pages.get(page % pages.len().max(1)).cloned().unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/taxii+json;version=2.1")], page)
}

fn load(dir: &Path) -> Outcome<HashMap<String, Vec<Bytes>>> {
    let mut found = HashMap::new();
    for folder in std::fs::read_dir(dir)? {
        let folder = folder?;
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder.path())?.flatten().map(|file| file.path()).collect();
        files.sort();
        let pages: Result<Vec<Bytes>, _> =
            files.iter().map(|file| std::fs::read(file).map(Bytes::from)).collect();
        found.insert(folder.file_name().to_string_lossy().into_owned(), pages?);
    }
    Ok(found)
}
