//! Which of several entries that give the same version of the same object a receiving collection
//! serves: the first that arrived, and no other. Where its owner takes it back, or its time is
//! over, the next comes in its place, as something that arrives then.
//!
//! Whether they say the same is asked elsewhere ([`crate::conflict`]); a reader of the collection
//! gets one object under one version either way.

use comity_tlog::ArrivalOf;
use comity_view::query::Version;
use comity_view::{Position, query};

use crate::node::NodeError;
use crate::peer::Peer;
use crate::stores::Stores;
use crate::submit::ObjectVersion;
use crate::writer::decide::{Decided, Planned, entry_ref, position};
use crate::writer::receive::OPENED;

/// An entry that gives the version that is asked for.
pub(super) struct Twin {
    pub(super) position: Position,
    expires: Option<i64>,
}

/// What else gives an object version, as of this group.
pub(super) struct Twins {
    version: Version,
    /// What peers opened in this group.
    fresh: Vec<Twin>,
}

impl Decided {
    /// What peers say of an object version besides; nothing where it is certain that it is new.
    pub(super) fn twins(
        &self,
        inner: &impl Stores,
        version: &ObjectVersion,
    ) -> Result<Option<Twins>, NodeError> {
        let version = given(version);
        if !inner.may_have(version.uuid) {
            return Ok(None);
        }
        let fresh = self.fresh_of(&version).collect();
        Ok(Some(Twins { version, fresh }))
    }

    /// What was opened in this group of a version.
    fn fresh_of<'a>(&'a self, which: &'a Version) -> impl Iterator<Item = Twin> + 'a {
        self.opened().filter_map(|(entry, planned)| {
            let Planned::Share { version, .. } = planned else { return None };
            let same = version.admitted.uuid() == which.uuid
                && version.admitted.object_type() == which.object_type
                && which.is(version.instant, version.unversioned);
            same.then(|| Twin { position: position(*entry), expires: Some(version.expires) })
        })
    }

    fn all_of(&self, inner: &impl Stores, which: &Version) -> Result<Vec<Twin>, NodeError> {
        if !inner.may_have(which.uuid) {
            return Ok(Vec::new());
        }
        let known = query::known(&*inner.view()?, &which.object_type, which.uuid)?;
        let stored = known.into_iter().filter(|one| which.is(one.instant, one.unversioned));
        let stored = stored.map(|one| Twin { position: one.position, expires: one.expires });
        let all = stored.chain(self.fresh_of(which));
        Ok(all.filter(|one| !self.is_taken_back(one.position)).collect())
    }

    /// What a collection of this party's own holds already of the version that an entry gives, if
    /// it holds any.
    pub(super) fn twin_in(
        &self,
        inner: &impl Stores,
        collection: u32,
        entry: Position,
    ) -> Result<Option<Position>, NodeError> {
        let Some(version) = version_at(inner, entry)? else { return Ok(None) };
        for twin in self.all_of(inner, &version)? {
            if twin.position != entry && self.holds(inner, collection, twin.position)? {
                return Ok(Some(twin.position));
            }
        }
        Ok(None)
    }

    /// What a party says itself takes the place of what it adopted of the same version; what it
    /// passed on of that falls, as where somebody removes it.
    pub(super) fn give_way(
        &mut self,
        inner: &impl Stores,
        collection: u32,
        adopted: &[Position],
    ) -> Result<(), NodeError> {
        let mut left = Vec::new();
        for entry in adopted {
            if self.holds(inner, collection, *entry)? {
                self.depart(collection, *entry);
                left.push(*entry);
            }
        }
        self.let_go(inner, &left, inner.now())
    }

    /// An entry of a peer comes into the receiving collections that serve none of its twins.
    pub(super) fn arrive_once(
        &mut self,
        inner: &impl Stores,
        from: &Peer,
        place: Position,
        twins: &Option<Twins>,
    ) -> Result<(), NodeError> {
        let mut arrived = false;
        for collection in [from.everything, from.collection] {
            let served = match twins {
                Some(twins) => self.serves(inner, collection, &twins.version, &twins.fresh)?,
                None => false,
            };
            if !served {
                self.come(collection, ArrivalOf::Old(entry_ref(place)));
                arrived = true;
            }
        }
        if !arrived {
            self.come(OPENED, ArrivalOf::Old(entry_ref(place)));
        }
        Ok(())
    }

    /// Whether a collection holds an entry of a peer that gives a version, as of this group.
    fn serves(
        &self,
        inner: &impl Stores,
        collection: u32,
        version: &Version,
        fresh: &[Twin],
    ) -> Result<bool, NodeError> {
        let now = inner.now();
        let stays = |entry: Position| {
            !self.left.contains(&(collection, entry)) && !self.is_taken_back(entry)
        };
        if query::holds_version(&*inner.view()?, collection, version, now, stays)? {
            return Ok(true);
        }
        let succeeds = |(into, other, entry): &(u32, Version, Position)| {
            *into == collection && other.is_of(version) && stays(*entry)
        };
        if self.succeeded.iter().any(succeeds) {
            return Ok(true);
        }
        let lives = |one: &&Twin| one.expires.is_none_or(|expires| expires > now);
        let stands = |one: &Twin| stays(one.position) && self.arrives_in(collection, one.position);
        Ok(fresh.iter().filter(lives).any(stands))
    }

    /// Whether a collection holds an entry, as of this group.
    pub(super) fn holds(
        &self,
        inner: &impl Stores,
        collection: u32,
        entry: Position,
    ) -> Result<bool, NodeError> {
        if self.left.contains(&(collection, entry)) {
            return Ok(false);
        }
        let held = query::position_of(&*inner.view()?, collection, entry)?.is_some();
        Ok(held || self.arrives_in(collection, entry))
    }

    /// The receiving collections that an entry of a peer leaves, with what it left there: to be
    /// given to [`Decided::succeed`] once all that goes has gone. `held` is where it was before.
    pub(super) fn vacated(
        &self,
        inner: &impl Stores,
        entry: Position,
        held: &[u32],
    ) -> Result<Vec<Vacated>, NodeError> {
        let fresh = self.opened().find(|(other, _)| *other == entry_ref(entry));
        let version = match fresh {
            Some((_, Planned::Share { version, .. })) => Some(given(version)),
            Some(_) => None,
            None => version_at(inner, entry)?,
        };
        let Some(version) = version else { return Ok(Vec::new()) };
        let receiving = inner.peers().iter().flat_map(|peer| [peer.everything, peer.collection]);
        let mut receiving: Vec<u32> = receiving.collect();
        receiving.sort_unstable();
        receiving.dedup();
        receiving.retain(|one| held.contains(one) || self.arrives_in(*one, entry));
        let vacated = |collection| Vacated { collection, version: version.clone() };
        Ok(receiving.into_iter().map(vacated).collect())
    }

    /// The next that arrived comes in the place of what left.
    pub(super) fn succeed(
        &mut self,
        inner: &impl Stores,
        left: &[Vacated],
    ) -> Result<(), NodeError> {
        for vacated in left {
            let twins = self.all_of(inner, &vacated.version)?;
            if self.serves(inner, vacated.collection, &vacated.version, &twins)? {
                continue;
            }
            let now = inner.now();
            let mut next: Option<(i64, Position)> = None;
            for twin in twins {
                let arrives = inner.peers().iter().any(|peer| {
                    peer.shared == twin.position.log
                        && [peer.everything, peer.collection].contains(&vacated.collection)
                });
                if !arrives || twin.expires.is_some_and(|expires| expires <= now) {
                    continue;
                }
                // What comes with this group has no time yet: it is the last.
                let first = query::first_arrival(&*inner.view()?, twin.position)?;
                let candidate = (first.unwrap_or(i64::MAX), twin.position);
                next = Some(next.map_or(candidate, |next| next.min(candidate)));
            }
            if let Some((_, entry)) = next {
                self.come(vacated.collection, ArrivalOf::Old(entry_ref(entry)));
                self.succeeded.push((vacated.collection, vacated.version.clone(), entry));
            }
        }
        Ok(())
    }
}

/// A collection that served an object version, and does not any more.
pub(super) struct Vacated {
    collection: u32,
    version: Version,
}

fn given(version: &ObjectVersion) -> Version {
    Version {
        object_type: version.admitted.object_type().to_owned(),
        uuid: version.admitted.uuid(),
        instant: version.instant,
        unversioned: version.unversioned,
    }
}

fn version_at(inner: &impl Stores, entry: Position) -> Result<Option<Version>, NodeError> {
    let view = inner.view()?;
    let Some((object_type, uuid)) = query::object_of(&*view, entry)? else { return Ok(None) };
    let known = query::known(&view, &object_type, uuid)?;
    let known = known.into_iter().find(|one| one.position == entry);
    Ok(known.map(|one| {
        let (instant, unversioned) = (one.instant, one.unversioned);
        Version { object_type, uuid, instant, unversioned }
    }))
}
