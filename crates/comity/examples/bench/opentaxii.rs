//! OpenTAXII beside it, as its documents say to run it: SQLite, gunicorn with two workers, and a
//! token, so that no password is hashed for each request. One run: it takes a minute.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::client::Service;
use crate::corpus::Corpus;
use crate::figure::Figures;
use crate::process::{Running, tail};
use crate::write::ENVELOPE;
use crate::{Outcome, load, read};

/// Objects that are posted by one client; half as many more by four.
pub(crate) const OBJECTS: usize = 25_000;

const API_ROOT: &str = "00000000-0000-4000-8000-000000000001";

/// How often it is asked whether it listens, and how long in between.
const LOOKS: usize = 300;
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) fn told() -> &'static str {
    "OpenTAXII on SQLite"
}

pub(crate) fn measure(venv: &Path, corpus: &Corpus, dir: &Path) -> Outcome<Figures> {
    // Absolute, since the commands run in another directory.
    let venv = venv.canonicalize()?;
    let place = Place { venv: &venv, dir, config: dir.join("opentaxii.yml") };
    let service = place.make()?;
    let mut running = place.serve(service.address)?;
    let figures = ask(&service, corpus);
    let log = tail(&dir.join("server.log"));
    let figures = figures.map_err(|error| format!("OpenTAXII: {error}\n{log}"))?;
    running.stop()?;
    Ok(figures)
}

fn ask(service: &Service, corpus: &Corpus) -> Outcome<Figures> {
    let runtime = load::runtime()?;
    let mut figures = Figures::default();
    let walks = [
        ("read all, limit 1000", "objects/s", "objects", 1000),
        ("read all, limit 100", "objects/s", "objects", 100),
        ("manifest, limit 1000", "records/s", "manifest", 1000),
    ];
    let envelopes = corpus.envelopes(0, OBJECTS, ENVELOPE);
    let seconds = runtime.block_on(load::post(service, 1, envelopes))?;
    figures.add("POST, 1 client", "objects/s", vec![OBJECTS as f64 / seconds], Vec::new());
    for (name, unit, what, limit) in walks {
        let mut count = 0;
        let look = |body: &[u8]| {
            count += load::count(body)?;
            Ok(())
        };
        let walked = runtime.block_on(load::walk(service, what, limit, look))?;
        figures.add(name, unit, vec![count as f64 / walked.seconds], Vec::new());
    }
    let ids = (0..OBJECTS).step_by(7).map(|number| corpus.object(number).1);
    let by_id = Arc::new(ids.map(|id| service.get(&format!("objects/{id}/"))).collect::<Vec<_>>());
    let rate = runtime.block_on(load::ask_again(service.address, &by_id))?;
    figures.add_rates("one object by id", &[rate], &[]);
    let newest = runtime.block_on(read::newest(service))?;
    let poll = service.get(&format!("objects/?added_after={}", load::escaped(&newest)));
    let rate = runtime.block_on(load::ask_again(service.address, &Arc::new(vec![poll])))?;
    figures.add_rates("poll, nothing new", &[rate], &[]);
    let more = OBJECTS / 2;
    let envelopes = corpus.envelopes(OBJECTS, more, ENVELOPE);
    let seconds = runtime.block_on(load::post(service, 4, envelopes))?;
    figures.add("POST, 4 clients", "objects/s", vec![more as f64 / seconds], Vec::new());
    Ok(figures)
}

struct Place<'a> {
    venv: &'a Path,
    dir: &'a Path,
    config: std::path::PathBuf,
}

impl Place<'_> {
    /// An API root, a collection and an account.
    fn make(&self) -> Outcome<Service> {
        let database = self.dir.join("data.db");
        fs::write(&self.config, config(&database.display().to_string()))?;
        let root = API_ROOT;
        self.run("opentaxii-add-api-root", &["--default", "--public", "--id", root, "-t", "b"])?;
        self.run("opentaxii-add-collection", &["-r", root, "-t", "bench"])?;
        let account = ["--username", "bench", "--password", "EXERCISE", "--admin"];
        let told = self.run("opentaxii-create-account", &account)?;
        let bearer = told.split_whitespace().last().unwrap_or_default().to_owned();
        // The command that makes a collection does not say its id.
        let made: String = rusqlite::Connection::open(&database)?.query_row(
            "SELECT id FROM opentaxii_collection",
            [],
            |row| row.get(0),
        )?;
        let collection = dashed(&made);
        Ok(Service {
            // A free port: it takes none by itself.
            address: TcpListener::bind("127.0.0.1:0")?.local_addr()?,
            collection: format!("/taxii2/{root}/collections/{collection}/"),
            bearer,
        })
    }

    fn serve(&self, address: SocketAddr) -> Outcome<Running> {
        let log = fs::File::create(self.dir.join("server.log"))?;
        let mut command = self.command("gunicorn");
        command.args(["opentaxii.http:app", "--workers=2", "--timeout=300"]);
        command.arg("--config=python:opentaxii.http").arg(format!("--bind={address}"));
        command.stdout(Stdio::null()).stderr(log);
        let running = Running::start(&mut command)?;
        for _ in 0..LOOKS {
            if TcpStream::connect(address).is_ok() {
                return Ok(running);
            }
            std::thread::sleep(PAUSE);
        }
        Err(format!("OpenTAXII does not listen\n{}", tail(&self.dir.join("server.log"))).into())
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Outcome<String> {
        let output = self.command(program).args(arguments).output()?;
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let err = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{program}: {out}{err}").into());
        }
        Ok(out)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.venv.join("bin").join(program));
        command.env("OPENTAXII_CONFIG", &self.config).current_dir(self.dir).stdin(Stdio::null());
        command
    }
}

/// A UUID with the dashes that the database leaves out.
fn dashed(digits: &str) -> String {
    let mut out = String::new();
    for (at, digit) in digits.chars().filter(char::is_ascii_hexdigit).enumerate() {
        if [8, 12, 16, 20].contains(&at) {
            out.push('-');
        }
        out.push(digit);
    }
    out
}

/// SQLite for everything, discovery open, bodies as large as the envelopes are.
fn config(database: &str) -> String {
    let store = |class: &str, more: &str| {
        format!(
            "class: {class}\n    parameters:\n      db_connection: sqlite:///{database}\n      \
             create_tables: yes\n{more}"
        )
    };
    let secret = "      secret: EXERCISE-EXERCISE-EXERCISE-EXERCISE\n      token_ttl_secs: 36000\n";
    let auth = store("opentaxii.auth.sqldb.SQLDatabaseAPI", secret);
    let first = store("opentaxii.persistence.sqldb.SQLDatabaseAPI", "");
    let second = store("opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI", "");
    format!(
        "domain: localhost\nsupport_basic_auth: yes\nauth_api:\n    {auth}taxii1:\n  \
         persistence_api:\n    {first}taxii2:\n  persistence_api:\n    {second}  \
         title: Benchmark\n  public_discovery: true\n  max_content_length: 209715200\n\
         logging:\n  opentaxii: warning\n  root: warning\n"
    )
}
