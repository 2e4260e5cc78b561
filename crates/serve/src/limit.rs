//! How often somebody may ask, and how often be wrong. All of it is in memory and bounded; names
//! are kept as hashes under a key of this process, and none is logged.
//!
//! Credentials that were found good before pass by all of it but the rate of their own account: a
//! flood of wrong passwords keeps out nobody who is in.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use comity_node::{Checked, Credentials, HASHES_AT_A_TIME, Node};
use tokio::sync::{MutexGuard, OwnedSemaphorePermit, Semaphore};

use crate::error::Failure;

/// Checks that wait at a time, for one of the places or for the same credentials to be checked.
/// As many as there are connections: the clients of a node that was started again all come at once.
const WAITING_MAX: usize = 1024;

/// How long a check may wait. Two places hash some fifty passwords a second; whoever is behind
/// more than that asks again later.
const WAITING_TIMEOUT: Duration = Duration::from_secs(10);

/// Locks for equal credentials, so that a client with many connections is checked once.
const STRIPES: usize = 64;

/// Failures in a row from one address, and microseconds until it may fail once more.
const ADDRESS: Rate = Rate { burst: 20, every: 3_000_000 };

/// The same for one name from one address.
const NAME_AND_ADDRESS: Rate = Rate { burst: 10, every: 6_000_000 };

/// The same for one name from everywhere. Beyond it only those addresses are heard that have not
/// failed with this name: guessing from many addresses is slowed, and nobody is locked out.
const NAME: Rate = Rate { burst: 50, every: 10_000_000 };

/// Rows of a table of failures, 32 octets each. Where there are more, the one that is closest to
/// being forgotten is.
const ROWS_MAX: usize = 4096;

/// Accounts whose rate is kept; a node has tens.
const ACCOUNTS_MAX: usize = 65_536;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Limits {
    key: RandomState,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    stripes: [tokio::sync::Mutex<()>; STRIPES],
    failures: Mutex<Failures>,
    accounts: RwLock<HashMap<i64, Arc<AtomicI64>>>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            key: RandomState::new(),
            places: Arc::new(Semaphore::new(HASHES_AT_A_TIME)),
            waiting: AtomicUsize::new(0),
            stripes: std::array::from_fn(|_| tokio::sync::Mutex::new(())),
            failures: Mutex::default(),
            accounts: RwLock::default(),
        }
    }
}

impl Limits {
    /// Checks credentials that are not remembered: with few at a time, and only where neither the
    /// address nor the name was wrong too often.
    pub(crate) async fn check(
        &self,
        node: &Arc<Node>,
        credentials: Credentials,
        peer: Option<IpAddr>,
        now: i64,
    ) -> Result<Option<Checked>, Failure> {
        let who = self.who(&credentials, peer);
        self.failures().may(&who, now)?;
        let _waiting = Waiting::enter(&self.waiting)?;
        let turn = self.turn(node, &credentials, &who, now);
        let (_stripe, place) = match tokio::time::timeout(WAITING_TIMEOUT, turn).await {
            Ok(Ok(Turn::Known(checked))) => return Ok(Some(*checked)),
            Ok(Ok(Turn::Place(stripe, place))) => (stripe, place),
            Ok(Err(failure)) => return Err(failure),
            Err(_) => return Err(BUSY),
        };
        let node = node.clone();
        // argon2 and the store: not on the threads that move octets. The place goes along, since
        // the work goes on where the client has gone away.
        let work = move || {
            let checked = node.check(&credentials, now);
            drop((place, credentials));
            checked
        };
        let checked = tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Failure::Internal(error.to_string()))??;
        if checked.is_some() {
            self.failures().give_back(&who);
        }
        Ok(checked)
    }

    async fn turn(
        &self,
        node: &Node,
        credentials: &Credentials,
        who: &Who,
        now: i64,
    ) -> Result<Turn<'_>, Failure> {
        // The same credentials are checked once; those who waited find them remembered.
        let stripe = self.stripe(credentials).lock().await;
        if let Some(checked) = node.remembered(credentials, now) {
            return Ok(Turn::Known(Box::new(checked)));
        }
        let place = self.places.clone().acquire_owned().await.map_err(|_| BUSY)?;
        // Taken before, given back after: a client that goes away was wrong.
        self.failures().take(who, now)?;
        Ok(Turn::Place(stripe, place))
    }

    /// Counts a request of an account, where the configuration limits them.
    pub(crate) fn count(&self, account: i64, per_second: u32, now: i64) -> Result<(), Failure> {
        if per_second == 0 {
            return Ok(());
        }
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        let known = accounts.get(&account).cloned();
        drop(accounts);
        let clock = known.unwrap_or_else(|| {
            let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
            if accounts.len() >= ACCOUNTS_MAX {
                accounts.clear();
            }
            accounts.entry(account).or_default().clone()
        });
        tick(&clock, per_second, now)
    }

    fn who(&self, credentials: &Credentials, peer: Option<IpAddr>) -> Who {
        let from = peer.map(network);
        // All who come through a proxy on this machine have one address: theirs is not known.
        let told = peer.filter(|peer| *peer != HERE_V4 && *peer != HERE_V6).map(network);
        let name = match credentials {
            Credentials::Password { name, .. } => Some(self.key.hash_one(("name", name))),
            Credentials::Bearer(_) => None,
        };
        let pair = name.map(|name| self.key.hash_one(("pair", name, from)));
        Who { address: told.map(|told| self.key.hash_one(("address", told))), name, pair }
    }

    fn stripe(&self, credentials: &Credentials) -> &tokio::sync::Mutex<()> {
        let hash = match credentials {
            Credentials::Password { name, password } => self.key.hash_one((name, password)),
            Credentials::Bearer(secret) => self.key.hash_one(secret),
        };
        let [first, ..] = &self.stripes;
        usize::try_from(hash % STRIPES as u64)
            .ok()
            .and_then(|at| self.stripes.get(at))
            .unwrap_or(first)
    }

    fn failures(&self) -> std::sync::MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const BUSY: Failure = Failure::Busy("too many credentials are checked at once");
const HERE_V4: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const HERE_V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// What one party has of addresses: of IPv6 a /64.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & (u128::MAX << 64))),
    }
}

/// One more request of an account: a clock that runs ahead by the time that each is worth, and
/// by a second at most.
pub(crate) fn tick(clock: &AtomicI64, per_second: u32, now: i64) -> Result<(), Failure> {
    const SECOND: i64 = 1_000_000_000;
    let (worth, now) = (SECOND / i64::from(per_second), now.saturating_mul(1000));
    let counted = clock.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |at| {
        // A clock that was set back must not keep anybody waiting.
        let at = if at > now.saturating_add(2 * SECOND) { now } else { at.max(now) };
        (at - now < SECOND).then_some(at + worth)
    });
    counted.map(drop).map_err(|_| Failure::Slowed { seconds: 1 })
}

/// What waiting for a check comes to.
enum Turn<'a> {
    /// Somebody else had the same credentials checked.
    Known(Box<Checked>),
    /// The check may begin.
    Place(MutexGuard<'a, ()>, OwnedSemaphorePermit),
}

/// A place among those that wait.
struct Waiting<'a>(&'a AtomicUsize);

impl Waiting<'_> {
    fn enter(waiting: &AtomicUsize) -> Result<Waiting<'_>, Failure> {
        let entered = Waiting(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            return Err(BUSY);
        }
        Ok(entered)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Under which hashes a failure counts.
#[derive(Debug, Clone, Copy)]
struct Who {
    address: Option<u64>,
    name: Option<u64>,
    pair: Option<u64>,
}

/// A bucket of tokens: so many at once, and one more so many microseconds later.
#[derive(Debug, Clone, Copy)]
struct Rate {
    burst: i64,
    every: i64,
}

/// When each bucket will be full again: all that a bucket is.
#[derive(Debug, Default)]
struct Table(HashMap<u64, i64>);

#[derive(Debug, Default)]
struct Failures {
    addresses: Table,
    names: Table,
    pairs: Table,
}

impl Failures {
    /// Whether a check is worth beginning.
    fn may(&self, who: &Who, now: i64) -> Result<(), Failure> {
        let mut wait = self.addresses.wait(who.address, ADDRESS, now);
        wait = wait.max(self.pairs.wait(who.pair, NAME_AND_ADDRESS, now));
        if self.pairs.has(who.pair, now) {
            wait = wait.max(self.names.wait(who.name, NAME, now));
        }
        if wait <= 0 {
            return Ok(());
        }
        Err(Failure::Slowed { seconds: u64::try_from(wait / 1_000_000).unwrap_or(0) + 1 })
    }

    /// Counts a check as a failure, until it is none.
    fn take(&mut self, who: &Who, now: i64) -> Result<(), Failure> {
        self.may(who, now)?;
        self.addresses.add(who.address, ADDRESS, now);
        self.pairs.add(who.pair, NAME_AND_ADDRESS, now);
        self.names.add(who.name, NAME, now);
        Ok(())
    }

    fn give_back(&mut self, who: &Who) {
        self.addresses.subtract(who.address, ADDRESS);
        self.pairs.subtract(who.pair, NAME_AND_ADDRESS);
        self.names.subtract(who.name, NAME);
    }
}

impl Table {
    /// Microseconds until there is a token.
    fn wait(&self, key: Option<u64>, rate: Rate, now: i64) -> i64 {
        let full = key.and_then(|key| self.0.get(&key)).copied().unwrap_or(now);
        // A clock that was set back must not keep anybody waiting beyond a whole bucket.
        let ahead = (full - now).min(rate.burst * rate.every);
        ahead - (rate.burst - 1) * rate.every
    }

    /// Whether a token is missing.
    fn has(&self, key: Option<u64>, now: i64) -> bool {
        key.and_then(|key| self.0.get(&key)).is_some_and(|full| *full > now)
    }

    fn add(&mut self, key: Option<u64>, rate: Rate, now: i64) {
        let Some(key) = key else { return };
        if self.0.len() >= ROWS_MAX && !self.0.contains_key(&key) {
            self.0.retain(|_, full| *full > now);
            if self.0.len() >= ROWS_MAX
                && let Some(first) = self.0.iter().min_by_key(|(_, full)| **full)
            {
                let first = *first.0;
                self.0.remove(&first);
            }
        }
        let full = self.0.entry(key).or_insert(now);
        *full = (*full).clamp(now, now + rate.burst * rate.every) + rate.every;
    }

    fn subtract(&mut self, key: Option<u64>, rate: Rate) {
        if let Some(full) = key.and_then(|key| self.0.get_mut(&key)) {
            *full -= rate.every;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn who(limits: &Limits, name: &str, peer: &str) -> Who {
        let password = String::new();
        let credentials = Credentials::Password { name: name.to_owned(), password };
        limits.who(&credentials, Some(peer.parse().unwrap()))
    }

    /// How many failures in a row are heard.
    fn heard(failures: &mut Failures, who: &Who, now: i64) -> i64 {
        (0..1000).take_while(|_| failures.take(who, now).is_ok()).count().try_into().unwrap()
    }

    #[test]
    fn an_address_that_is_wrong_too_often_waits_and_others_do_not() {
        let (limits, mut failures) = (Limits::default(), Failures::default());
        let attacker = who(&limits, "analyst", "192.0.2.1");
        assert_eq!(heard(&mut failures, &attacker, 0), NAME_AND_ADDRESS.burst);
        assert!(failures.take(&who(&limits, "analyst", "192.0.2.2"), 0).is_ok());
        let other_names = ADDRESS.burst - NAME_AND_ADDRESS.burst;
        assert_eq!(heard(&mut failures, &who(&limits, "reader", "192.0.2.1"), 0), other_names);
        assert_eq!(heard(&mut failures, &who(&limits, "another", "192.0.2.1"), 0), 0);
        assert_eq!(heard(&mut failures, &attacker, NAME_AND_ADDRESS.every), 1);
        assert_eq!(heard(&mut failures, &attacker, 3600 * SECOND), NAME_AND_ADDRESS.burst);
    }

    #[test]
    fn addresses_of_one_network_are_one_and_a_proxy_here_is_none() {
        let (limits, mut failures) = (Limits::default(), Failures::default());
        heard(&mut failures, &who(&limits, "analyst", "2001:db8::1"), 0);
        assert_eq!(heard(&mut failures, &who(&limits, "analyst", "2001:db8::2"), 0), 0);
        assert!(heard(&mut failures, &who(&limits, "analyst", "2001:db8:0:1::2"), 0) > 0);
        for name in ["a", "b", "c", "d"] {
            let told = heard(&mut failures, &who(&limits, name, "127.0.0.1"), 0);
            assert_eq!(told, NAME_AND_ADDRESS.burst, "{name}");
        }
    }

    #[test]
    fn a_name_that_is_guessed_from_everywhere_still_hears_a_new_address() {
        let (limits, mut failures) = (Limits::default(), Failures::default());
        let guesser = |number: i64| who(&limits, "analyst", &format!("192.0.2.{number}"));
        let tried: i64 = (0..100).map(|one| heard(&mut failures, &guesser(one), 0)).sum();
        // Each once, and the rate of the name together.
        assert!(tried <= NAME.burst + 100, "{tried}");
        assert_eq!(heard(&mut failures, &guesser(200), 0), 1);
        assert_eq!(heard(&mut failures, &guesser(0), NAME_AND_ADDRESS.every), 0);
    }

    #[test]
    fn what_was_right_is_given_back() {
        let (limits, mut failures) = (Limits::default(), Failures::default());
        let user = who(&limits, "analyst", "192.0.2.1");
        for _ in 0..1000 {
            failures.take(&user, 0).unwrap();
            failures.give_back(&user);
        }
    }

    #[test]
    fn the_tables_are_bounded() {
        let (limits, mut failures) = (Limits::default(), Failures::default());
        let first = who(&limits, "analyst", "192.0.2.1");
        heard(&mut failures, &first, 0);
        for number in 0..20_000_u32 {
            let peer = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).to_string();
            let _ = failures.take(&who(&limits, &format!("u{number}"), &peer), 1);
        }
        assert!(failures.addresses.0.len() <= ROWS_MAX && failures.names.0.len() <= ROWS_MAX);
        assert!(failures.pairs.0.len() <= ROWS_MAX);
        assert!(failures.take(&first, 1).is_err(), "the worst row is the last to be forgotten");
    }

    #[test]
    fn an_account_may_ask_so_often_in_a_second() {
        let limits = Limits::default();
        let limits = &limits;
        let asked =
            |account, now| (0..5000).filter(move |_| limits.count(account, 100, now).is_ok());
        let now = 1_767_225_600 * SECOND;
        assert_eq!(asked(1, now).count(), 100);
        assert_eq!(asked(1, now).count(), 0);
        assert_eq!(asked(2, now).count(), 100, "another account");
        assert_eq!(asked(1, now + SECOND / 2).count(), 50);
        assert_eq!(asked(1, now - 3600 * SECOND).count(), 100, "the clock was set back");
        assert!((0..5000).all(|_| limits.count(3, 0, now).is_ok()), "0 is no limit");
    }
}
