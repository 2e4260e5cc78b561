//! The life of a submission: parse, gate, append, fold, receipt. READ THIS FIRST.
//!
//! Steps (1) and (2) run on the caller's thread, many at a time; (3) and (4) on the writer's, for
//! all submissions that wait (`crate::writer`); (5) on the folder's, behind the commit, while the
//! writer has the next group.
//!
//! 1. Each object is judged by the gate. One that is refused takes no other with it.
//! 2. Each admitted one becomes an envelope, a header line and the producer's own bytes, is
//!    committed to and sealed.
//! 3. What the node holds already is not appended again: equal content is a success, other
//!    content under the same id and version is a conflict that names it.
//! 4. The rest is appended, with its arrival in the collection: durable, or not at all.
//! 5. The view folds it, and only then does the caller get its answer, so that he reads what he
//!    wrote.
//!
//! Where the collection has a release rule, an admitted object is for others: it goes to the log
//! `shared`, with the audience that the rule comes to (`crate::share`).
//!
//! If the process stops after (4), start-up folds the entries; the client, who got no answer,
//! posts again and is told that all of it is there.

use comity_gate::{Admitted, Code, Refusal, admit};
use comity_tlog::Sealed;
use comity_wire::entry::{self, Audience, Author, Handling, Header, Kind, Log};
use comity_wire::id::Id;
use comity_wire::taxii::{Status, StatusDetail};
use comity_wire::time::{Instant, Micros};

use crate::collection::Collection;
use crate::local::LocalError;
use crate::node::{Node, NodeError};
use crate::password::Checked;
use crate::quota::Amount;
use crate::refusals::{self, Refused};
use crate::share::Leaving;
use crate::status;
use crate::writer::Judged;

/// Microseconds of a day.
pub(crate) const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// Entries of `successes` that a status lists one by one; beyond, the count says enough and the
/// list would be larger than most envelopes.
const SUCCESSES_LISTED_MAX: usize = 5000;

/// Objects that one thread judges in less time than a second one takes to start.
const JUDGED_BY_ONE_MAX: usize = 100;

/// What a submission says about all of its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// Somebody with the right to release attests that no record about a natural person is in it.
    pub attested: bool,
}

/// What became of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Its identifier, where it has a usable one.
    pub id: Option<String>,
    /// Its version; for an observable the time of its entry.
    pub version: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Appended; with what is noted about it.
    Stored(Noted),
    /// The node holds this version with equal content; the collection holds it now, too.
    Known,
    /// The same, and it waited for the attestation that this submission brings.
    Attested,
    /// The node holds this version, and not all parties to which the collection releases have it:
    /// these are the others. What is shared is never shared wider by sending it again.
    Narrower(Vec<String>),
    /// The node holds an observable of this id with other content, and keeps that.
    Kept,
    /// Not taken.
    Refused(Refusal),
}

/// What is noted about an object that was appended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Noted {
    /// The codes of its flags.
    pub flags: Vec<&'static str>,
    /// Why it waits for an attestation, if it does.
    pub held_back: Option<&'static Code>,
}

impl Outcome {
    /// Whether the object is not in the collection now.
    pub fn is_refused(&self) -> bool {
        matches!(self, Outcome::Refused(_))
    }

    /// What the sender should know, where there is something.
    pub fn message(&self) -> Option<String> {
        match self {
            Outcome::Stored(noted) => noted.message(),
            Outcome::Known | Outcome::Attested => None,
            Outcome::Narrower(missing) => Some(format!(
                "shared already, and not with {}; a releaser widens it: comity grant",
                missing.join(", ")
            )),
            Outcome::Kept => {
                Some("an observable of this id is here with other content; it is kept".to_owned())
            }
            Outcome::Refused(refusal) => Some(refusal.to_string()),
        }
    }
}

impl Noted {
    fn message(&self) -> Option<String> {
        let mut parts = Vec::new();
        if let Some(code) = self.held_back {
            parts.push(format!(
                "{}: {}; held in the private log until a releaser attests (comity import --attest)",
                code.id, code.meaning
            ));
        }
        if !self.flags.is_empty() {
            parts.push(format!("flags: {}", self.flags.join(", ")));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// An object on its way to the writer.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) version: ObjectVersion,
    pub(crate) sealed: Sealed,
}

/// What decisions and the view need to know of an object, its octets apart.
#[derive(Debug)]
pub(crate) struct ObjectVersion {
    pub(crate) admitted: Admitted,
    /// The version as a client will see it.
    pub(crate) text: String,
    pub(crate) instant: Instant,
    pub(crate) unversioned: bool,
    pub(crate) held_back: bool,
    pub(crate) expires: i64,
    /// When the submission came in, and who attests it, if somebody does.
    pub(crate) created: String,
    pub(crate) attested: Option<Author>,
    /// Whom it is released to, where it is released.
    pub(crate) release: Option<Audience>,
}

/// The object in a sealed entry, as its producer wrote it.
pub(crate) fn object_in(sealed: &Sealed) -> Vec<u8> {
    let envelope = sealed.open().unwrap_or_default();
    entry::split(&envelope).map_or_else(|_| Vec::new(), |(_, payload)| payload.to_vec())
}

impl Node {
    /// Takes objects into a collection. What is told as stored is durable and readable when this
    /// returns. One verdict an object, in their order.
    pub fn submit(
        &self,
        by: &Checked,
        collection: &Collection,
        objects: &[&[u8]],
        terms: Terms,
        now: i64,
    ) -> Result<Vec<Verdict>, NodeError> {
        self.require_space()?;
        self.require_own(collection)?;
        let pass = self.require_quota(by, collection, Amount::of(objects), now)?;
        let judge = |bytes: &&[u8]| self.judge(by, collection, bytes, terms, now);
        let judged = on_two_threads(objects, judge);
        let verdicts = self.writer().submit(collection.number, judged, pass)?.wait(); // (3) to (5)
        self.count(&verdicts);
        verdicts
    }

    /// What peers release arrives by itself; nobody writes beside it.
    pub(crate) fn require_own(&self, collection: &Collection) -> Result<(), NodeError> {
        if !self.is_receiving(collection) {
            return Ok(());
        }
        Err(NodeError::Local(LocalError::Refused(format!(
            "`{}` takes what peers release, and nothing else; write to a collection of your own, \
             and adopt into it what you want to have there",
            collection.title
        ))))
    }

    pub(crate) fn count(&self, verdicts: &Result<Vec<Verdict>, NodeError>) {
        match verdicts {
            Ok(verdicts) => self.metrics.verdicts(verdicts),
            Err(error) => self.metrics.turned_away(error),
        }
    }

    /// Judges one object, and makes it ready to be appended.
    pub(crate) fn judge(
        &self,
        by: &Checked,
        collection: &Collection,
        bytes: &[u8],
        terms: Terms,
        now: i64,
    ) -> Judged {
        let admitted = admit(bytes, self.facts())?; //                                          (1)
        self.candidate(by, collection, bytes, admitted, terms, now) //                          (2)
    }

    /// [`Node::submit`] as TAXII does it: the verdicts become a status resource, refusals go to
    /// the ledger.
    pub fn post(
        &self,
        by: &Checked,
        collection: &Collection,
        objects: &[&[u8]],
        received: i64,
    ) -> Result<Status, NodeError> {
        let verdicts = self.submit(by, collection, objects, Terms::default(), received)?;
        self.ledger(by, "taxii", 0, &verdicts, received)?;
        let status = resource(self.new_uuid(), received, &verdicts, objects);
        status::put(self.local(), by.account.id, received, &status)?;
        Ok(status)
    }

    /// Writes refusals to the ledger. `before` is how many objects of the input came before.
    pub(crate) fn ledger(
        &self,
        by: &Checked,
        way: &str,
        before: usize,
        verdicts: &[Verdict],
        now: i64,
    ) -> Result<(), NodeError> {
        let refused: Vec<Refused<'_>> = verdicts
            .iter()
            .enumerate()
            .filter_map(|(at, verdict)| match &verdict.outcome {
                Outcome::Refused(refusal) => {
                    Some(Refused { number: (before + at + 1) as u64, refusal })
                }
                _ => None,
            })
            .collect();
        Ok(refusals::put(self.local(), now, &by.account.pseudonym, way, &refused)?)
    }

    fn candidate(
        &self,
        by: &Checked,
        collection: &Collection,
        bytes: &[u8],
        admitted: Admitted,
        terms: Terms,
        now: i64,
    ) -> Result<Candidate, Refusal> {
        let (headers, author) = (self.headers(), by.author());
        let making = Making { headers, author, collection, attested: terms.attested, now };
        let leaving = || self.leaving(collection, bytes, now);
        making.candidate(bytes, admitted, leaving, |envelope| self.surroundings.seal(envelope))
    }
}

/// What a submission says of the objects in it.
pub(crate) struct Making<'a> {
    pub(crate) headers: &'a Headers,
    pub(crate) author: Author,
    pub(crate) collection: &'a Collection,
    pub(crate) attested: bool,
    pub(crate) now: i64,
}

impl Making<'_> {
    /// Makes an object that was admitted ready to be appended. `leaving` says whom it is for, where
    /// it is for anybody.
    pub(crate) fn candidate(
        self,
        bytes: &[u8],
        admitted: Admitted,
        leaving: impl FnOnce() -> Result<Option<Leaving>, Refusal>,
        seal: impl FnOnce(Vec<u8>) -> Result<Sealed, NodeError>,
    ) -> Result<Candidate, Refusal> {
        let Making { headers, author, collection, attested, now } = self;
        let created = Micros(now).to_string();
        let (version, instant, unversioned) = match admitted.version() {
            Some(version) => (version.text.clone(), version.instant, false),
            None => (created.clone(), Instant::from_micros(now), true),
        };
        let days = admitted.expiry_days_max().unwrap_or(u32::MAX).min(collection.expires_days);
        let expires = now.saturating_add(i64::from(days).saturating_mul(DAY_MICROS));
        let held_back = admitted.hold().is_some() && !attested;
        let attested = attested.then(|| author.clone());
        // What waits for an attestation is private, whatever the collection releases.
        let leaving = if held_back { None } else { leaving()? };
        let log = if leaving.is_some() { Log::Shared } else { Log::Private };
        let (tlp, pap, release) = match leaving {
            Some(Leaving { tlp, pap, audience }) => (tlp.label().to_owned(), pap, Some(audience)),
            None => (collection.tlp.clone(), None, None),
        };
        let pap = pap.map(|pap| pap.label().to_owned());
        let mut header = Header {
            created: created.clone(),
            expires: Some(Micros(expires).to_string()),
            purpose: collection.purpose.clone(),
            grade: collection.grade.clone(),
            handling: Handling { tlp, pap },
            attested: attested.clone(),
            ..headers.header(log, Kind::Share, author)
        };
        if let Some(audience) = &release {
            header.audience = audience.clone();
        }
        let too_large = || comity_gate::too_large(bytes.len() as u64);
        let envelope = entry::encode(&header, bytes).map_err(|_| too_large())?;
        let sealed = seal(envelope).map_err(|_| too_large())?;
        let version = ObjectVersion {
            admitted,
            text: version,
            instant,
            unversioned,
            held_back,
            expires,
            created,
            attested,
            release,
        };
        Ok(Candidate { version, sealed })
    }
}

/// Does the same to all, in their order. A lone client waits for this; of many, each has a thread
/// of its own already, and loses nothing.
fn on_two_threads<T: Sync, R: Send>(all: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if all.len() <= JUDGED_BY_ONE_MAX {
        return all.iter().map(each).collect();
    }
    let (first, second) = all.split_at(all.len() / 2);
    std::thread::scope(|scope| {
        let second = scope.spawn(|| second.iter().map(&each).collect::<Vec<R>>());
        let mut done: Vec<R> = first.iter().map(&each).collect();
        match second.join() {
            Ok(rest) => done.extend(rest),
            Err(bug) => std::panic::resume_unwind(bug),
        }
        done
    })
}

/// What all headers of a node have in common; the writer has its own copy.
#[derive(Debug, Clone)]
pub(crate) struct Headers {
    pub(crate) body: String,
    pub(crate) party: String,
    pub(crate) charter: String,
    pub(crate) purpose: String,
    pub(crate) tlp: String,
}

impl Headers {
    pub(crate) fn header(&self, log: Log, kind: Kind, author: Author) -> Header {
        Header {
            v: entry::VERSION,
            body: self.body.clone(),
            origin: self.party.clone(),
            log: log.name().to_owned(),
            kind,
            author,
            idem: None,
            created: String::new(),
            expires: None,
            purpose: self.purpose.clone(),
            grade: None,
            handling: Handling { tlp: self.tlp.clone(), pap: None },
            // Nobody: what is for others goes through a release.
            audience: Audience { rule: "none".to_owned(), parties: Vec::new() },
            charter: self.charter.clone(),
            seen: None,
            refs: Vec::new(),
            inner: None,
            attested: None,
        }
    }
}

fn resource(id: String, received: i64, verdicts: &[Verdict], objects: &[&[u8]]) -> Status {
    let (mut successes, mut failures) = (Vec::new(), Vec::new());
    for ((at, verdict), bytes) in verdicts.iter().enumerate().zip(objects) {
        let refused = verdict.outcome.is_refused();
        let detail = detail(at, verdict, bytes);
        if refused {
            failures.push(detail);
        } else {
            successes.push(detail);
        }
    }
    let (success_count, failure_count) = (successes.len() as u64, failures.len() as u64);
    if successes.len() > SUCCESSES_LISTED_MAX {
        successes.clear();
    }
    Status {
        id,
        status: "complete".to_owned(),
        request_timestamp: Micros(received).to_string(),
        total_count: verdicts.len() as u64,
        success_count,
        successes,
        failure_count,
        failures,
        pending_count: 0,
    }
}

/// The line of an object. The ids that the person floor refuses may be lookup keys for a mailbox
/// or an account, so a status, which is stored, says the type and the position instead.
fn detail(at: usize, verdict: &Verdict, object: &[u8]) -> StatusDetail {
    let message = verdict.outcome.message();
    let floor = matches!(&verdict.outcome,
        Outcome::Refused(refusal) if refusal.code.id.starts_with("floor-"));
    let (id, version) = match (&verdict.id, &verdict.version) {
        (Some(id), Some(version)) => (id.clone(), version.clone()),
        _ => name_of(object).unwrap_or_else(|| (format!("unknown--{NIL}"), "unknown".to_owned())),
    };
    let id = match Id::parse(&id) {
        Some(parsed) if floor && parsed.uuid.version() == 5 => {
            format!("{}--{NIL}", parsed.object_type)
        }
        _ => id,
    };
    let message = message.map(|message| {
        if verdict.outcome.is_refused() { format!("object {}: {message}", at + 1) } else { message }
    });
    StatusDetail { id, version, message }
}

/// Stands where an id is missing or not to be kept.
const NIL: &str = "00000000-0000-4000-8000-000000000000";

/// The id and version of an object that the gate refused, as far as they can be read.
fn name_of(bytes: &[u8]) -> Option<(String, String)> {
    let value = comity_wire::json::parse(bytes).ok()?;
    let object = value.as_object()?;
    let id = object.str("id").filter(|id| Id::parse(id).is_some())?;
    let version = object.str("modified").or(object.str("created"));
    let version = version.filter(|text| Instant::parse(text).is_ok()).unwrap_or("unknown");
    Some((id.to_owned(), version.to_owned()))
}
