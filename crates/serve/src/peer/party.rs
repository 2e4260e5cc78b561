//! What one party has at this door: its connections, the requests under way, its doorbell, how
//! fast it asks. All of it is bounded, and no party has a share in another's.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore};

use super::{PARTY_CONNECTIONS_MAX, PARTY_RELEASES_MAX, PARTY_REQUESTS_MAX};

/// A connection that was let in, as its requests know it.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    /// The pin of the key that it began with.
    pub(super) pin: Arc<str>,
    /// Ends it.
    pub(super) end: Arc<Notify>,
}

/// The parties that came in since the node started; a charter has no more than some tens.
#[derive(Debug, Default)]
pub(super) struct Guests(Mutex<BTreeMap<String, Arc<Guest>>>);

impl Guests {
    pub(super) fn of(&self, party: &str) -> Arc<Guest> {
        let mut guests = lock(&self.0);
        if let Some(guest) = guests.get(party) {
            return guest.clone();
        }
        let guest = Arc::new(Guest::new(party));
        guests.insert(party.to_owned(), guest.clone());
        guest
    }
}

/// One party.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) party: String,
    connections: Mutex<VecDeque<Arc<Notify>>>,
    doorbell: Mutex<Arc<Notify>>,
    pub(super) requests: Arc<Semaphore>,
    pub(super) releases: Arc<Semaphore>,
    /// How fast it asks, as [`crate::limit::tick`] counts.
    pub(super) clock: AtomicI64,
}

impl Guest {
    fn new(party: &str) -> Guest {
        Guest {
            party: party.to_owned(),
            connections: Mutex::default(),
            doorbell: Mutex::default(),
            requests: Arc::new(Semaphore::new(PARTY_REQUESTS_MAX)),
            releases: Arc::new(Semaphore::new(PARTY_RELEASES_MAX)),
            clock: AtomicI64::default(),
        }
    }

    /// One more connection. Where there are too many, the oldest is told to end.
    pub(super) fn enter(self: Arc<Guest>, end: Arc<Notify>) -> Inside {
        let mut connections = lock(&self.connections);
        if connections.len() >= PARTY_CONNECTIONS_MAX
            && let Some(oldest) = connections.pop_front()
        {
            oldest.notify_one();
        }
        connections.push_back(end.clone());
        drop(connections);
        Inside { guest: self, end }
    }

    /// One more doorbell: the one before is told to end. What comes back tells when this one is.
    pub(super) fn ring_here(&self) -> Arc<Notify> {
        let newer = Arc::<Notify>::default();
        let older = std::mem::replace(&mut *lock(&self.doorbell), newer.clone());
        older.notify_one();
        newer
    }
}

/// A connection as long as it lives.
#[derive(Debug)]
pub(super) struct Inside {
    guest: Arc<Guest>,
    end: Arc<Notify>,
}

impl Drop for Inside {
    fn drop(&mut self) {
        lock(&self.guest.connections).retain(|other| !Arc::ptr_eq(other, &self.end));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
