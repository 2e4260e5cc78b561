//! From opened entries to what the view folds: at start-up, and to compare the view with a fold
//! from nothing. The gate judges each object again: one gate, two callers.

use std::collections::{BTreeMap, BTreeSet};

use comity_gate::admit;
use comity_tlog::EntryRef;
use comity_view::fold::{Consent, Effect, PassedOn, Released, What};
use comity_view::{Arrival, Folded, ObjectFacts, Position, View};
use comity_wire::entry::{self, Header, Kind, Log, Reference};
use comity_wire::time::{Instant, Micros};

use crate::judge::{self, Judge, Says};
use crate::node::NodeError;
use crate::peer::Peer;
use crate::stores::Logs;
use crate::writer::decide::{Planned, arrival_of, entry_ref, position};

/// Entries folded in one transaction.
const CHUNK_ENTRIES: usize = 5000;

/// By what entries are judged when they are folded.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    pub(crate) judge: Judge,
    /// Whose logs the followed ones are.
    pub(crate) peers: Vec<Peer>,
}

/// An entry that was opened, holding what its effect borrows.
struct Opened {
    entry: EntryRef,
    envelope: Option<Vec<u8>>,
}

/// How far to fold: what there was at one moment. A node that serves goes on meanwhile, and a
/// fold that ran after it might never end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    sizes: BTreeMap<u8, u64>,
    arrivals: u64,
}

impl Bounds {
    /// All that there is now.
    pub(crate) fn now(log: &impl Logs) -> Result<Bounds, NodeError> {
        let mut sizes = BTreeMap::new();
        // Entries are committed with their arrivals, so those that are counted first are there.
        let arrivals = log.last_arrival()?;
        for one in Log::ALL {
            sizes.insert(one.id(), log.size(one.id())?);
        }
        Ok(Bounds { sizes, arrivals })
    }
}

impl Bounds {
    /// The way there in steps: one log after the other, in pieces, then the journal in pieces.
    pub(crate) fn steps(&self, backwards: bool, piece: u64) -> Vec<Bounds> {
        let mut steps = Vec::new();
        let mut sizes: BTreeMap<u8, u64> = self.sizes.keys().map(|log| (*log, 0)).collect();
        let mut order: Vec<(u8, u64)> = self.sizes.iter().map(|(log, to)| (*log, *to)).collect();
        if backwards {
            order.reverse();
        }
        for (log, to) in order {
            for size in pieces(to, piece) {
                sizes.insert(log, size);
                steps.push(Bounds { sizes: sizes.clone(), arrivals: 0 });
            }
        }
        let journal = pieces(self.arrivals, piece);
        steps.extend(journal.map(|arrivals| Bounds { sizes: sizes.clone(), arrivals }));
        steps
    }
}

/// The ends of pieces up to an end.
fn pieces(to: u64, piece: u64) -> impl Iterator<Item = u64> {
    let piece = piece.max(1);
    (1..=to.div_ceil(piece)).map(move |at| (at * piece).min(to))
}

/// Refuses a view that saw more than the logs hold. It is folded after the commit, so committed
/// entries were lost since: a journal of `log.db` that is damaged, which SQLite takes for one that
/// ends there, or an old copy put back. To go on would sign a second history.
pub(crate) fn none_lost(log: &impl Logs, view: &View) -> Result<(), NodeError> {
    let Bounds { sizes, arrivals } = Bounds::now(log)?;
    for one in Log::ALL {
        let (size, seen) = (sizes.get(&one.id()).copied().unwrap_or(0), view.folded(one.id())?);
        if seen > size {
            return Err(lost(&format!("{size} entries of log `{}`", one.name()), seen));
        }
    }
    let seen = u64::try_from(view.folded_arrivals()?).unwrap_or(0);
    if seen > arrivals { Err(lost(&format!("{arrivals} arrivals"), seen)) } else { Ok(()) }
}

fn lost(there: &str, seen: u64) -> NodeError {
    NodeError::Start(format!(
        "log.db has {there}, and view.db saw {seen}: entries were lost, by a damaged log.db-wal or \
         an old copy put back; put the newest copy back, or delete view.db to go on without them"
    ))
}

/// Folds all that the view lacks.
pub(crate) fn catch_up(log: &impl Logs, view: &mut View, ground: &Ground) -> Result<(), NodeError> {
    catch_up_to(log, view, ground, &Bounds::now(log)?)
}

/// Folds what the view lacks up to some bounds: entries first, then arrivals, which name them.
pub(crate) fn catch_up_to(
    log: &impl Logs,
    view: &mut View,
    ground: &Ground,
    bounds: &Bounds,
) -> Result<(), NodeError> {
    for (id, size) in &bounds.sizes {
        loop {
            let from = EntryRef { log: *id, index: view.folded(*id)? };
            let chunk = read(log, from, *size)?;
            if chunk.is_empty() {
                break;
            }
            fold(log, view, &chunk, ground)?;
        }
    }
    loop {
        let from = u64::try_from(view.folded_arrivals()?).unwrap_or(0) + 1;
        let mut arrivals = Vec::new();
        log.arrivals(from, |row| {
            if row.seq > bounds.arrivals {
                return false;
            }
            arrivals.push(arrival_of(&row));
            arrivals.len() < CHUNK_ENTRIES
        })?;
        if arrivals.is_empty() {
            return Ok(());
        }
        // Entries of peers are opened in any order: each is folded where the journal names it.
        let named = arrivals.iter().filter(|arrival| !arrival.gone);
        let named: BTreeSet<Position> =
            named.map(|arrival| arrival.position).filter(|one| one.is_followed()).collect();
        let opened = open(log, &named)?;
        fold_with(log, view, &opened, &arrivals, ground)?;
    }
}

fn open(log: &impl Logs, positions: &BTreeSet<Position>) -> Result<Vec<Opened>, NodeError> {
    let entries: Vec<EntryRef> = positions.iter().map(|one| entry_ref(*one)).collect();
    let mut opened = Vec::with_capacity(entries.len());
    log.open_many(&entries, |at, envelope| {
        if let Some(entry) = entries.get(at) {
            opened.push(Opened { entry: *entry, envelope: Some(envelope.to_vec()) });
        }
    })?;
    Ok(opened)
}

fn read(log: &impl Logs, from: EntryRef, size: u64) -> Result<Vec<Opened>, NodeError> {
    let mut chunk = Vec::new();
    if from.index >= size {
        return Ok(chunk);
    }
    log.entries(from, |entry, envelope| {
        if entry.index >= size {
            return false;
        }
        chunk.push(Opened { entry, envelope: envelope.map(<[u8]>::to_vec) });
        chunk.len() < CHUNK_ENTRIES
    })?;
    Ok(chunk)
}

fn fold(
    log: &impl Logs,
    view: &mut View,
    chunk: &[Opened],
    ground: &Ground,
) -> Result<(), NodeError> {
    fold_with(log, view, chunk, &[], ground)
}

fn fold_with(
    log: &impl Logs,
    view: &mut View,
    chunk: &[Opened],
    arrivals: &[Arrival],
    ground: &Ground,
) -> Result<(), NodeError> {
    // What the effects borrow lives as long as the chunk is folded.
    let judged = chunk.iter().map(|opened| judged(log, opened, ground));
    let judged = judged.collect::<Result<Vec<Judged>, NodeError>>()?;
    let entries: Vec<Folded<'_>> = chunk
        .iter()
        .zip(&judged)
        .map(|(opened, judged)| Folded {
            position: position(opened.entry),
            effect: judged.effect(),
        })
        .collect();
    view.fold(&entries, arrivals)?;
    Ok(())
}

/// What an entry turned out to be.
enum Judged {
    Share(Box<(Header, comity_gate::Admitted)>),
    /// What is for others, and says nothing that is nowhere else.
    Released(Box<Header>, Other),
    Withdraw(Vec<Position>),
    Attest(Vec<Position>),
    /// An entry of a peer.
    Followed(Planned),
    /// Erased, void, or of a kind without rows.
    Nothing,
}

/// An entry of the log `shared` besides the share of an object that stands in no other entry.
enum Other {
    Copy(Position),
    Onward(PassedOn),
    Grant,
    Consent(Vec<String>),
    Withdraw,
    Receipt,
}

fn judged(log: &impl Logs, opened: &Opened, ground: &Ground) -> Result<Judged, NodeError> {
    let Some(envelope) = opened.envelope.as_deref() else {
        return Ok(Judged::Nothing);
    };
    if opened.entry.is_followed() {
        return Ok(judge_followed(opened.entry.log, envelope, ground));
    }
    let Ok((line, payload)) = entry::split(envelope) else {
        return Ok(Judged::Nothing);
    };
    let Ok(header) = Header::parse(line) else {
        return Ok(Judged::Nothing);
    };
    let stands_here = Log::from_id(opened.entry.log).is_some_and(|log| log.name() == header.log);
    let shared = opened.entry.log == Log::Shared.id();
    Ok(match header.kind {
        _ if !stands_here => Judged::Nothing,
        Kind::Share if shared => {
            let of = copied(log, &header)?;
            judge_shared(header, payload, of, ground)
        }
        Kind::Grant if shared => match judge::consent(&header, payload) {
            Ok(Says::Consent(_, parties)) => {
                Judged::Released(Box::new(header), Other::Consent(parties))
            }
            Ok(_) => Judged::Released(Box::new(header), Other::Grant),
            Err(_) => Judged::Nothing,
        },
        Kind::Withdraw if shared => Judged::Released(Box::new(header), Other::Withdraw),
        Kind::Receipt if shared => Judged::Released(Box::new(header), Other::Receipt),
        Kind::Share => match admit(payload, &ground.judge.facts) {
            Ok(admitted) => Judged::Share(Box::new((header, admitted))),
            Err(_) => Judged::Nothing,
        },
        Kind::Withdraw => Judged::Withdraw(own_targets(&header)),
        Kind::Record if header.attested.is_some() => Judged::Attest(own_targets(&header)),
        Kind::Record => Judged::Withdraw(purged_targets(&header, &ground.peers)),
        _ => Judged::Nothing,
    })
}

/// An entry of a peer means what it meant when it was opened; one of a peer that is not followed
/// any more means nothing.
fn judge_followed(number: u8, envelope: &[u8], ground: &Ground) -> Judged {
    let of = ground.peers.iter().find_map(|peer| Some((peer, peer.log_of(number)?)));
    let Some((peer, log)) = of else { return Judged::Nothing };
    let Ok((_, says)) = ground.judge.judge(peer, log, envelope) else { return Judged::Nothing };
    let all = |log: u8, indices: Vec<u64>| {
        indices.into_iter().map(|index| Position { log, index }).collect()
    };
    Judged::Followed(match says {
        Says::Share(version) => Planned::Share { version, alone: false },
        Says::Withdraw(targets) => Planned::Withdraw(all(number, targets)),
        Says::Receipt(withdrawals) => Planned::Receipt(all(Log::Shared.id(), withdrawals)),
        Says::Consent(of, parties) => Planned::Consent(all(number, of), parties),
        Says::Other => Planned::Nothing,
    })
}

/// The private entry that a share is a copy of. It is the one that the share names by its leaf:
/// where the log `private` was lost and another one stands in its place, or none, the share is all
/// that there is of its object.
pub(crate) fn copied(log: &impl Logs, header: &Header) -> Result<Option<Position>, NodeError> {
    let named = header
        .refs
        .iter()
        .find(|one| one.origin == header.origin && Log::from_name(&one.log) == Some(Log::Private));
    let Some(named) = named else { return Ok(None) };
    let of = EntryRef { log: Log::Private.id(), index: named.index };
    let Some(leaf) = log.commitment(of)? else { return Ok(None) };
    let leaf: String = leaf.leaf().iter().map(|octet| format!("{octet:02x}")).collect();
    Ok((leaf == named.leaf).then(|| position(of)))
}

/// An own share for others is judged as others judge it. What it passes on stays another party's,
/// whether that is followed or not.
fn judge_shared(
    header: Header,
    payload: &[u8],
    copied: Option<Position>,
    ground: &Ground,
) -> Judged {
    let Ok(admitted) = ground.judge.shareable(&header, payload) else { return Judged::Nothing };
    match (judge::passed_on(&header), copied) {
        (Some(of), _) => Judged::Released(Box::new(header), Other::Onward(of)),
        (None, Some(of)) => Judged::Released(Box::new(header), Other::Copy(of)),
        (None, None) => Judged::Share(Box::new((header, admitted))),
    }
}

impl Judged {
    fn effect(&self) -> Effect<'_> {
        match self {
            Judged::Released(header, other) => {
                let audience = header.audience.parties.as_slice();
                let what = match other {
                    Other::Copy(of) => What::Copy(*of),
                    Other::Onward(of) => What::Onward(of),
                    Other::Grant => What::Grant(shared_targets(header)),
                    Other::Consent(parties) => {
                        What::Consent(Consent { of: shared_targets(header), parties })
                    }
                    Other::Withdraw => What::Withdraw(own_targets(header)),
                    Other::Receipt => What::Receipt,
                };
                Effect::Released(Released { audience, what })
            }
            Judged::Share(share) => {
                let (header, admitted) = share.as_ref();
                let micros = |text: &str| Micros::parse(text).map(|micros| micros.0);
                let (version, instant, unversioned) = match admitted.version() {
                    Some(version) => (version.text.as_str(), version.instant, false),
                    None => {
                        let created = micros(&header.created).unwrap_or(0);
                        (header.created.as_str(), Instant::from_micros(created), true)
                    }
                };
                let object = ObjectFacts {
                    id: admitted.id(),
                    object_type: admitted.object_type(),
                    uuid: admitted.uuid(),
                    version,
                    instant,
                    unversioned,
                    created: admitted.created(),
                    created_by: admitted.created_by().map(|id| id.uuid),
                    revoked: admitted.revoked(),
                    held_back: admitted.hold().is_some() && header.attested.is_none(),
                    expires: header.expires.as_deref().and_then(|text| micros(text).ok()),
                    alone: false,
                };
                if header.log != Log::Shared.name() {
                    return Effect::Share(object);
                }
                let audience = header.audience.parties.as_slice();
                Effect::Released(Released { audience, what: What::Object(object) })
            }
            Judged::Withdraw(targets) => Effect::Withdraw(targets.clone()),
            Judged::Attest(targets) => Effect::Attest(targets.clone()),
            Judged::Followed(planned) => planned.effect(),
            Judged::Nothing => Effect::Nothing,
        }
    }
}

/// The entries of the log `shared` that a header names.
fn shared_targets(header: &Header) -> Vec<Position> {
    let shared = Log::Shared.id();
    own_targets(header).into_iter().filter(|target| target.log == shared).collect()
}

/// The entries that a header names, as far as they are of the same party: nobody withdraws or
/// attests another's.
fn own_targets(header: &Header) -> Vec<Position> {
    let own = header.refs.iter().filter(|reference| reference.origin == header.origin);
    own.filter_map(|reference| {
        let log = Log::from_name(&reference.log)?.id();
        Some(Position { log, index: reference.index })
    })
    .collect()
}

/// The entries of peers that a record of ours says are purged here.
fn purged_targets(header: &Header, peers: &[Peer]) -> Vec<Position> {
    header.refs.iter().filter_map(|reference| position_of(reference, peers)).collect()
}

/// Where an entry of a peer stands here; nothing where the peer is not followed.
pub(crate) fn position_of(reference: &Reference, peers: &[Peer]) -> Option<Position> {
    let peer = peers.iter().find(|peer| peer.party == reference.origin)?;
    let log = peer.log(Log::from_name(&reference.log)?)?;
    Some(Position { log, index: reference.index })
}
