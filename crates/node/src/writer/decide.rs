//! What a group of jobs comes to: which objects are new, which are here already, which contradict
//! what is here. It looks at the view and at what the same group decided before.

use std::collections::BTreeMap;

use comity_gate::check::lifecycle::{self, Known};
use comity_gate::{Code, Path, Refusal};
use comity_tlog::{
    ArrivalOf, ArrivalRow, Batch, Committed, EntryRef, PendingArrival, PendingEntry,
    PendingOpening, Sealed,
};
use comity_view::fold::{Consent, Effect, PassedOn, Released, What};
use comity_view::query::{self, KnownVersion, Version};
use comity_view::{Arrival, Folded, ObjectFacts, Position};
use comity_wire::canonical;
use comity_wire::entry::{self, Log};
use comity_wire::id::Uuid;
use comity_wire::time::Instant;

use crate::node::NodeError;
use crate::stores::{Logs as _, Stores};
use crate::submit::{Candidate, Noted, ObjectVersion, Outcome, Verdict, object_in};
use crate::writer::Judged;

/// Stands in the table of codes of the reference page.
pub(crate) static CONFLICT: Code = Code {
    id: "version-conflict",
    meaning: "this version of the object is here with other content",
    source: "S040",
};

/// What a group decided so far.
#[derive(Default)]
pub(crate) struct Decided {
    batch: Batch,
    /// For each entry of the batch, what the view has to know about it.
    pub(super) effects: Vec<Planned>,
    /// Object versions of this group, by object: places in the batch.
    fresh: BTreeMap<(String, Uuid), Vec<usize>>,
    /// For each opening of the batch, the same.
    opened: Vec<(EntryRef, Planned)>,
    /// Departures of this group, so that none is decided twice.
    pub(super) left: Vec<(u32, Position)>,
    /// What this group puts in the place of what left: in which collection, of which version.
    pub(super) succeeded: Vec<(u32, Version, Position)>,
    /// Entries that this group shares, private ones and those of others: places of the copies in
    /// the batch.
    pub(super) copied: BTreeMap<Position, usize>,
}

/// What an entry of the batch does to the view.
#[derive(Debug)]
pub(crate) enum Planned {
    /// `alone`: no other version of the object was known before this group. What else comes with it
    /// the fold sees.
    Share {
        version: Box<ObjectVersion>,
        alone: bool,
    },
    Withdraw(Vec<Position>),
    Receipt(Vec<Position>),
    Attest(Vec<Position>),
    /// A peer consents to the onward release of these entries of its own, to these parties.
    Consent(Vec<Position>, Vec<String>),
    /// An entry of the log `shared` besides the share of an object that is nowhere else; for these
    /// parties.
    Released(Vec<String>, Shared),
    Nothing,
}

/// What an entry of the log `shared` does.
#[derive(Debug)]
pub(crate) enum Shared {
    /// Of a private entry.
    Copy(Position),
    /// Of an entry of another party.
    Onward(PassedOn),
    Grant(Vec<Position>),
    Consent(Position, Vec<String>),
    Withdraw(Vec<Position>),
    Receipt,
}

/// How far a group had come, to go back to when a job fails.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    entries: usize,
    arrivals: usize,
    departures: usize,
    erasures: usize,
    openings: usize,
    scanned: usize,
    left: usize,
    succeeded: usize,
}

/// A version of an object that is here: in the view, or earlier in this group.
pub(super) enum Here {
    Stored(KnownVersion),
    Fresh(usize),
}

impl Here {
    /// The entry of a peer that gives this version, if this is one.
    fn adopted(&self, new: &ObjectVersion) -> Option<Position> {
        let Here::Stored(version) = self else { return None };
        let same = if version.unversioned || new.unversioned {
            version.unversioned == new.unversioned
        } else {
            version.instant == new.instant
        };
        same.then_some(version.position)
    }

    fn is_followed(&self) -> bool {
        match self {
            Here::Stored(version) => version.position.is_followed(),
            Here::Fresh(_) => false,
        }
    }
}

impl Decided {
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            entries: self.batch.entries.len(),
            arrivals: self.batch.arrivals.len(),
            departures: self.batch.departures.len(),
            erasures: self.batch.erasures.len(),
            openings: self.batch.openings.len(),
            scanned: self.batch.scanned.len(),
            left: self.left.len(),
            succeeded: self.succeeded.len(),
        }
    }

    pub(crate) fn back_to(&mut self, mark: Mark) {
        self.batch.entries.truncate(mark.entries);
        self.batch.arrivals.truncate(mark.arrivals);
        self.batch.departures.truncate(mark.departures);
        self.batch.erasures.truncate(mark.erasures);
        self.batch.openings.truncate(mark.openings);
        self.batch.scanned.truncate(mark.scanned);
        self.opened.truncate(mark.openings);
        self.effects.truncate(mark.entries);
        self.left.truncate(mark.left);
        self.succeeded.truncate(mark.succeeded);
        for places in self.fresh.values_mut() {
            places.retain(|place| *place < mark.entries);
        }
        self.copied.retain(|_, place| *place < mark.entries);
    }

    /// The batch, leaving in its place what the fold still needs.
    pub(crate) fn batch(&mut self) -> Batch {
        let batch = std::mem::take(&mut self.batch);
        self.batch.arrivals.clone_from(&batch.arrivals);
        self.batch.departures.clone_from(&batch.departures);
        batch
    }

    pub(crate) fn append(&mut self, entries: Vec<(u8, Sealed)>) {
        for (log, sealed) in entries {
            self.entry(log, sealed, Planned::Nothing);
        }
    }

    pub(super) fn entry(&mut self, log: u8, sealed: Sealed, planned: Planned) -> usize {
        self.batch.entries.push(PendingEntry { log, sealed, idem: None });
        self.effects.push(planned);
        self.batch.entries.len() - 1
    }

    /// Keeps what a peer opened.
    pub(super) fn push_opening(&mut self, opening: PendingOpening, says: Planned) {
        self.opened.push((opening.entry, says));
        self.batch.openings.push(opening);
    }

    /// What peers opened in this group.
    pub(super) fn opened(&self) -> impl Iterator<Item = &(EntryRef, Planned)> {
        self.opened.iter()
    }

    /// Whether this group keeps the opening of an entry.
    pub(super) fn opens(&self, entry: EntryRef) -> bool {
        self.opened.iter().any(|(other, _)| *other == entry)
    }

    /// Whether this group erases an entry.
    pub(super) fn is_taken_back(&self, position: Position) -> bool {
        self.batch.erasures.contains(&entry_ref(position))
    }

    /// Everything that a peer has for this party below an index was asked for.
    pub(crate) fn scanned(&mut self, log: u8, to: u64) {
        self.batch.scanned.push((log, to));
    }

    pub(super) fn depart(&mut self, collection: u32, position: Position) {
        self.batch.departures.push((collection, entry_ref(position)));
        self.left.push((collection, position));
    }

    pub(super) fn erase(&mut self, position: Position) {
        self.batch.erasures.push(entry_ref(position));
    }

    /// Decides each object of a submission.
    pub(crate) fn submit(
        &mut self,
        inner: &mut impl Stores,
        collection: u32,
        candidates: Vec<Judged>,
    ) -> Result<Vec<Verdict>, NodeError> {
        candidates
            .into_iter()
            .map(|judged| match judged {
                Ok(candidate) => self.object(inner, collection, candidate),
                Err(refusal) => Ok(refused(None, None, refusal)),
            })
            .collect()
    }

    fn object(
        &mut self,
        inner: &mut impl Stores,
        collection: u32,
        candidate: Candidate,
    ) -> Result<Verdict, NodeError> {
        let Candidate { version: new, sealed } = candidate;
        let all = self.known(inner, new.admitted.object_type(), new.admitted.uuid())?;
        // What a peer says of the object is his, whatever it says; this is about what we say.
        let (followed, known): (Vec<Here>, Vec<Here>) =
            all.into_iter().partition(Here::is_followed);
        let adopted: Vec<Position> = followed.iter().filter_map(|one| one.adopted(&new)).collect();
        let known = self.without_expired(inner, known)?;
        let same = known.iter().find(|version| {
            let (instant, unversioned) = self.version_of(version);
            unversioned || new.unversioned || instant == new.instant
        });
        let Some(same) = same else {
            inner.add_known(new.admitted.uuid());
            let alone = known.is_empty() && followed.is_empty();
            let verdict = self.new_version(collection, new, sealed, &known, alone);
            if !matches!(verdict.outcome, Outcome::Refused(_)) {
                self.give_way(inner, collection, &adopted)?;
            }
            return Ok(verdict);
        };
        let id = new.admitted.id().to_owned();
        let equal = self.is_equal(inner, same, &sealed)?;
        let version = match same {
            _ if !new.unversioned => new.text.clone(),
            // An observable keeps the version that it got when it came in first.
            Here::Stored(version) => stored_version(inner, version)?,
            Here::Fresh(place) => match self.effects.get(*place) {
                Some(Planned::Share { version: other, .. }) => other.text.clone(),
                _ => new.text.clone(),
            },
        };
        if !equal && !new.unversioned {
            let refusal = Refusal::new(&CONFLICT, Path::root())
                .found("other content under the same id and version")
                .required("a new value of `modified` for new content");
            return Ok(refused(Some(id), Some(version), refusal));
        }
        let entry = match same {
            Here::Stored(version) => ArrivalOf::Old(entry_ref(version.position)),
            Here::Fresh(place) => ArrivalOf::New(*place),
        };
        if !self.is_in(inner, collection, same)? {
            self.give_way(inner, collection, &adopted)?;
            self.arrive(collection, entry);
        }
        let outcome = match (same, &new.attested) {
            _ if !equal => Outcome::Kept,
            (Here::Stored(known), Some(by)) if known.held_back => {
                self.attest(inner, known.position, by, &new.created)?;
                Outcome::Attested
            }
            _ => Outcome::Known,
        };
        let missing =
            if equal { self.release_known(inner, same, &new, &sealed)? } else { Vec::new() };
        let outcome = if missing.is_empty() { outcome } else { Outcome::Narrower(missing) };
        Ok(Verdict { id: Some(id), version: Some(version), outcome })
    }

    /// Whether what is here has the content of what came.
    fn is_equal(&self, inner: &impl Stores, here: &Here, came: &Sealed) -> Result<bool, NodeError> {
        let came = object_in(came);
        Ok(match here {
            Here::Stored(version) => {
                let stored = inner.logs().open_entry(entry_ref(version.position))?;
                let stored = stored.as_deref().and_then(|envelope| entry::split(envelope).ok());
                stored.is_some_and(|(_, object)| canonical::equal(object, &came))
            }
            Here::Fresh(place) => self
                .batch
                .entries
                .get(*place)
                .is_some_and(|other| canonical::equal(&object_in(&other.sealed), &came)),
        })
    }

    /// Whether a collection holds what is here, as of this group.
    fn is_in(&self, inner: &impl Stores, collection: u32, here: &Here) -> Result<bool, NodeError> {
        let Here::Stored(known) = here else {
            return Ok(false);
        };
        let view = inner.view()?;
        Ok(query::position_of(&view, collection, known.position)?.is_some()
            && !self.left.contains(&(collection, known.position)))
    }

    fn new_version(
        &mut self,
        collection: u32,
        new: ObjectVersion,
        sealed: Sealed,
        known: &[Here],
        alone: bool,
    ) -> Verdict {
        let known: Vec<Known> =
            known.iter().filter_map(|version| self.lifecycle_of(version)).collect();
        let id = new.admitted.id().to_owned();
        let text = new.text.clone();
        let mut flags: Vec<&'static str> =
            new.admitted.flags().iter().map(|flag| flag.code.id).collect();
        match lifecycle::lifecycle(&new.admitted, &known) {
            Ok(more) => flags.extend(more.iter().map(|flag| flag.code.id)),
            Err(refusal) => return refused(Some(id), Some(text), refusal),
        }
        let hold = new.admitted.hold().filter(|_| new.held_back);
        let noted = Noted { flags, held_back: hold.map(|hold| hold.code) };
        let object = (new.admitted.object_type().to_owned(), new.admitted.uuid());
        let log = if new.release.is_some() { Log::Shared } else { Log::Private };
        let planned = Planned::Share { version: Box::new(new), alone };
        let place = self.entry(log.id(), sealed, planned);
        self.fresh.entry(object).or_default().push(place);
        self.come(collection, ArrivalOf::New(place));
        Verdict { id: Some(id), version: Some(text), outcome: Outcome::Stored(noted) }
    }

    fn arrive(&mut self, collection: u32, entry: ArrivalOf) {
        let there = PendingArrival { collection, entry };
        if !self.batch.arrivals.contains(&there) {
            self.come(collection, entry);
        }
    }

    pub(super) fn come(&mut self, collection: u32, entry: ArrivalOf) {
        self.batch.arrivals.push(PendingArrival { collection, entry });
    }

    /// Whether an entry came into this collection earlier in this group.
    pub(super) fn arrives_in(&self, collection: u32, position: Position) -> bool {
        let entry = ArrivalOf::Old(entry_ref(position));
        self.batch.arrivals.contains(&PendingArrival { collection, entry })
    }

    /// Whether an entry came into a collection earlier in this group.
    pub(super) fn arrives(&self, position: Position) -> bool {
        let entry = ArrivalOf::Old(entry_ref(position));
        self.batch.arrivals.iter().any(|arrival| arrival.entry == entry)
    }

    fn known(
        &self,
        inner: &impl Stores,
        object_type: &str,
        uuid: Uuid,
    ) -> Result<Vec<Here>, NodeError> {
        if !inner.may_have(uuid) {
            return Ok(Vec::new());
        }
        let stored = query::known(&*inner.view()?, object_type, uuid)?;
        let mut known: Vec<Here> = stored
            .into_iter()
            // Withdrawn earlier in this group: it is not here any more.
            .filter(|version| !self.batch.erasures.contains(&entry_ref(version.position)))
            .map(Here::Stored)
            .collect();
        if !self.fresh.is_empty() {
            let fresh = self.fresh.get(&(object_type.to_owned(), uuid));
            known.extend(fresh.into_iter().flatten().copied().map(Here::Fresh));
        }
        Ok(known)
    }

    /// What has expired is not here any more, even where no sweep came by yet: it is withdrawn
    /// now, or a client would be told of a success that nobody can read.
    fn without_expired(
        &mut self,
        inner: &impl Stores,
        known: Vec<Here>,
    ) -> Result<Vec<Here>, NodeError> {
        let now = inner.now();
        let has_expired = |here: &Here| match here {
            // What this group shares is withdrawn with the next: its copy has no place yet.
            Here::Stored(version) if self.copied.contains_key(&version.position) => false,
            Here::Stored(version) => version.expires.is_some_and(|expires| expires <= now),
            Here::Fresh(_) => false,
        };
        let (expired, alive): (Vec<Here>, Vec<Here>) = known.into_iter().partition(has_expired);
        let positions: Vec<Position> = expired
            .iter()
            .filter_map(|here| match here {
                Here::Stored(version) => Some(version.position),
                Here::Fresh(_) => None,
            })
            .collect();
        if !positions.is_empty() {
            self.expire(inner, &positions, now)?;
        }
        Ok(alive)
    }

    fn version_of(&self, here: &Here) -> (Instant, bool) {
        match here {
            Here::Stored(version) => (version.instant, version.unversioned),
            Here::Fresh(place) => match self.effects.get(*place) {
                Some(Planned::Share { version, .. }) => (version.instant, version.unversioned),
                _ => (Instant::from_micros(i64::MIN), false),
            },
        }
    }

    fn lifecycle_of(&self, here: &Here) -> Option<Known> {
        match here {
            Here::Stored(version) => Some(Known {
                version: version.instant,
                created: version.created,
                created_by: version.created_by,
                revoked: version.revoked,
            }),
            Here::Fresh(place) => match self.effects.get(*place) {
                Some(Planned::Share { version: other, .. }) => Some(Known {
                    version: other.instant,
                    created: other.admitted.created(),
                    created_by: other.admitted.created_by().map(|id| id.uuid),
                    revoked: other.admitted.revoked(),
                }),
                _ => None,
            },
        }
    }

    /// What the view has to fold, now that everything has its place.
    pub(crate) fn folded<'a>(&'a self, committed: &Committed) -> (Vec<Folded<'a>>, Vec<Arrival>) {
        let mut entries: Vec<Folded<'a>> = self
            .effects
            .iter()
            .zip(&committed.entries)
            .filter(|(_, sequenced)| !sequenced.duplicate)
            .map(|(planned, sequenced)| Folded {
                position: position(sequenced.entry),
                effect: planned.effect(),
            })
            .collect();
        let received = self.opened.iter().zip(&committed.received).filter(|(_, kept)| **kept);
        entries.extend(received.map(|((entry, planned), _)| Folded {
            position: position(*entry),
            effect: planned.effect(),
        }));
        entries.sort_by_key(|entry| entry.position);
        let mut arrivals = Vec::with_capacity(self.batch.arrivals.len());
        for (pending, arrived) in self.batch.arrivals.iter().zip(&committed.arrivals) {
            let entry = match pending.entry {
                ArrivalOf::Old(entry) => Some(entry),
                ArrivalOf::New(place) => committed.entries.get(place).map(|one| one.entry),
            };
            let (Some(entry), Some(arrived)) = (entry, arrived) else {
                continue;
            };
            arrivals.push(arrival(
                arrived.seq,
                pending.collection,
                entry,
                arrived.date_added,
                false,
            ));
        }
        for ((collection, entry), arrived) in
            self.batch.departures.iter().zip(&committed.departures)
        {
            arrivals.push(arrival(arrived.seq, *collection, *entry, arrived.date_added, true));
        }
        arrivals.sort_by_key(|arrival| arrival.seq);
        (entries, arrivals)
    }
}

impl Planned {
    pub(crate) fn effect(&self) -> Effect<'_> {
        match self {
            Planned::Share { version, alone } => match &version.release {
                None => Effect::Share(version.facts(*alone)),
                Some(audience) => Effect::Released(Released {
                    audience: &audience.parties,
                    what: What::Object(version.facts(*alone)),
                }),
            },
            Planned::Withdraw(targets) => Effect::Withdraw(targets.clone()),
            Planned::Receipt(withdrawals) => Effect::Receipt(withdrawals.clone()),
            Planned::Attest(targets) => Effect::Attest(targets.clone()),
            Planned::Consent(of, parties) => Effect::Consent(Consent { of: of.clone(), parties }),
            Planned::Released(audience, shared) => {
                let what = match shared {
                    Shared::Copy(of) => What::Copy(*of),
                    Shared::Onward(of) => What::Onward(of),
                    Shared::Grant(targets) => What::Grant(targets.clone()),
                    Shared::Consent(of, parties) => {
                        What::Consent(Consent { of: vec![*of], parties })
                    }
                    Shared::Withdraw(targets) => What::Withdraw(targets.clone()),
                    Shared::Receipt => What::Receipt,
                };
                Effect::Released(Released { audience, what })
            }
            Planned::Nothing => Effect::Nothing,
        }
    }
}

impl ObjectVersion {
    fn facts(&self, alone: bool) -> ObjectFacts<'_> {
        ObjectFacts {
            id: self.admitted.id(),
            object_type: self.admitted.object_type(),
            uuid: self.admitted.uuid(),
            version: &self.text,
            instant: self.instant,
            unversioned: self.unversioned,
            created: self.admitted.created(),
            created_by: self.admitted.created_by().map(|id| id.uuid),
            revoked: self.admitted.revoked(),
            held_back: self.held_back,
            expires: Some(self.expires),
            alone,
        }
    }
}

fn stored_version(inner: &impl Stores, version: &KnownVersion) -> Result<String, NodeError> {
    Ok(query::version_text(&*inner.view()?, version.position)?.unwrap_or_default())
}

fn refused(id: Option<String>, version: Option<String>, refusal: Refusal) -> Verdict {
    Verdict { id, version, outcome: Outcome::Refused(refusal) }
}

/// Whether a batch asks for nothing.
pub(crate) fn is_empty(batch: &Batch) -> bool {
    batch.entries.is_empty()
        && batch.arrivals.is_empty()
        && batch.departures.is_empty()
        && batch.erasures.is_empty()
        && batch.openings.is_empty()
        && batch.scanned.is_empty()
}

pub(crate) fn entry_ref(position: Position) -> EntryRef {
    EntryRef { log: position.log, index: position.index }
}

pub(crate) fn position(entry: EntryRef) -> Position {
    Position { log: entry.log, index: entry.index }
}

/// A line of the journal, as the view takes it.
pub(crate) fn arrival_of(row: &ArrivalRow) -> Arrival {
    arrival(row.seq, row.collection, row.entry, row.date_added, row.gone)
}

fn arrival(seq: u64, collection: u32, entry: EntryRef, date_added: i64, gone: bool) -> Arrival {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    Arrival { seq, collection, position: position(entry), date_added, gone }
}
