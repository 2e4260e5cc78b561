//! What the writer is asked for, and who waits for what.

use std::sync::mpsc::SyncSender;

use comity_tlog::commitment::Commitment;
use comity_tlog::{FollowConfig, GrowError, Grown, Sealed};
use comity_view::Position;
use comity_wire::entry::Author;

use crate::adopt::Adopted;
use crate::grant::Granted;
use crate::node::NodeError;
use crate::peer::Peer;
use crate::quota::Pass;
use crate::receive::Received;
use crate::submit::Verdict;
use crate::withdraw::Removed;
use crate::writer::grant::Target;
use crate::writer::share::{Copied, Draft};
use crate::writer::{Judged, receive};

pub(super) type Reply<T> = SyncSender<Result<T, NodeError>>;

pub(super) enum Job {
    Submit {
        collection: u32,
        candidates: Vec<Judged>,
        pass: Option<Pass>,
        reply: Reply<Vec<Verdict>>,
    },
    Remove {
        collection: u32,
        positions: Vec<Position>,
        author: Author,
        now: i64,
        reply: Reply<Removed>,
    },
    /// Withdraw entries, whichever collections hold them.
    Withdraw {
        positions: Vec<Position>,
        author: Author,
        now: i64,
        reply: Reply<Removed>,
    },
    Share {
        drafts: Vec<Draft>,
        reply: Reply<Vec<Copied>>,
    },
    Grant {
        rule: String,
        targets: Vec<Target>,
        author: Author,
        now: i64,
        reply: Reply<Granted>,
    },
    /// Consent to the onward release of shared entries.
    Consent {
        to: String,
        rule: String,
        targets: Vec<Target>,
        author: Author,
        now: i64,
        reply: Reply<Granted>,
    },
    Append {
        entries: Vec<(u8, Sealed)>,
        reply: Reply<()>,
    },
    /// Take up the logs of a peer.
    Follow {
        peer: Box<Peer>,
        logs: Vec<FollowConfig>,
        reply: Reply<()>,
    },
    /// Add leaves of a peer's log.
    Grow {
        log: u8,
        note: String,
        from: u64,
        leaves: Vec<Commitment>,
        reply: Reply<Result<Grown, GrowError>>,
    },
    /// Bring what peers released into a collection of this party's own.
    Adopt {
        collection: u32,
        positions: Vec<Position>,
        author: Author,
        now: i64,
        reply: Reply<Adopted>,
    },
    /// Keep what a peer opened.
    Receive {
        page: Box<receive::Page>,
        reply: Reply<Received>,
    },
    /// Count what a collection holds, for its quota.
    Count {
        collection: u32,
        reply: Reply<()>,
    },
    Sweep {
        now: i64,
    },
    Stop,
}

/// Which jobs may stand in one group. What is released in a group has no index before the commit,
/// so nothing in it can withdraw it or open it to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Company {
    /// With any others.
    Any,
    /// With those that release nothing.
    Private,
    /// With submissions that release.
    Releasing,
    /// With none but those for which it does not matter.
    Alone,
}

impl Job {
    /// How many objects or entries it is about.
    pub(super) fn size(&self) -> usize {
        match self {
            Job::Submit { candidates, .. } => candidates.len(),
            Job::Remove { positions, .. } | Job::Withdraw { positions, .. } => positions.len(),
            Job::Share { drafts, .. } => drafts.len(),
            Job::Grant { targets, .. } | Job::Consent { targets, .. } => targets.len(),
            Job::Append { entries, .. } => entries.len(),
            Job::Adopt { positions, .. } => positions.len(),
            Job::Receive { page, .. } => page.openings.len(),
            Job::Grow { leaves, .. } => leaves.len(),
            Job::Follow { .. } | Job::Count { .. } | Job::Sweep { .. } | Job::Stop => 0,
        }
    }

    pub(super) fn company(&self) -> Company {
        match self {
            Job::Append { .. } | Job::Count { .. } | Job::Stop => Company::Any,
            Job::Follow { .. } | Job::Grow { .. } => Company::Any,
            // What is taken back may have been passed on.
            Job::Receive { page, .. } if page.takes_back() => Company::Alone,
            Job::Receive { .. } => Company::Any,
            // It looks at what collections hold, and what this group writes to them or takes out of
            // them is not there yet.
            Job::Adopt { .. } => Company::Alone,
            Job::Submit { candidates, .. } => {
                let releases = |one: &Judged| {
                    one.as_ref().is_ok_and(|candidate| candidate.version.release.is_some())
                };
                if candidates.iter().any(releases) { Company::Releasing } else { Company::Private }
            }
            Job::Remove { .. } => Company::Private,
            Job::Withdraw { .. } | Job::Share { .. } | Job::Grant { .. } => Company::Alone,
            Job::Consent { .. } | Job::Sweep { .. } => Company::Alone,
        }
    }

    pub(super) fn take_pass(&mut self) -> Option<Pass> {
        match self {
            Job::Submit { pass, .. } => pass.take(),
            _ => None,
        }
    }
}

impl Company {
    /// What a group is with one more, if it may have it.
    pub(super) fn with(self, other: Company) -> Option<Company> {
        match (self, other) {
            (one, Company::Any) | (Company::Any, one) => Some(one),
            (one, other) if one == other && one != Company::Alone => Some(one),
            _ => None,
        }
    }
}

/// Who waits for what.
pub(super) enum Answer {
    Submit(Reply<Vec<Verdict>>, Vec<Verdict>),
    Remove(Reply<Removed>, Removed),
    Receive(Reply<Received>, Received),
    Adopt(Reply<Adopted>, Adopted),
    Share(Reply<Vec<Copied>>, Vec<Copied>),
    Grant(Reply<Granted>, Granted),
    Append(Reply<()>),
}

/// What was decided, on its way to whoever waits for it.
pub(super) fn answer<T: Default>(
    wrap: impl FnOnce(Reply<T>, T) -> Answer,
    reply: Reply<T>,
    decided: Result<T, NodeError>,
) -> Result<Option<Answer>, Box<(Answer, NodeError)>> {
    match decided {
        Ok(done) => Ok(Some(wrap(reply, done))),
        Err(error) => Err(Box::new((wrap(reply, T::default()), error))),
    }
}

impl Answer {
    // A caller that went away is no reason to stop.
    pub(super) fn succeed(self) {
        match self {
            Answer::Submit(reply, verdicts) => drop(reply.send(Ok(verdicts))),
            Answer::Remove(reply, removed) => drop(reply.send(Ok(removed))),
            Answer::Receive(reply, received) => drop(reply.send(Ok(received))),
            Answer::Adopt(reply, adopted) => drop(reply.send(Ok(adopted))),
            Answer::Share(reply, copied) => drop(reply.send(Ok(copied))),
            Answer::Grant(reply, granted) => drop(reply.send(Ok(granted))),
            Answer::Append(reply) => drop(reply.send(Ok(()))),
        }
    }

    pub(super) fn fail(self, error: NodeError) {
        match self {
            Answer::Submit(reply, _) => drop(reply.send(Err(error))),
            Answer::Remove(reply, _) => drop(reply.send(Err(error))),
            Answer::Receive(reply, _) => drop(reply.send(Err(error))),
            Answer::Adopt(reply, _) => drop(reply.send(Err(error))),
            Answer::Share(reply, _) => drop(reply.send(Err(error))),
            Answer::Grant(reply, _) => drop(reply.send(Err(error))),
            Answer::Append(reply) => drop(reply.send(Err(error))),
        }
    }
}

pub(super) fn fail_group(group: Vec<Job>, error: &NodeError) {
    let full = matches!(error, NodeError::Full);
    let told = || {
        if full { NodeError::Full } else { NodeError::Storage(error.to_string()) }
    };
    for job in group {
        match job {
            Job::Submit { reply, .. } => drop(reply.send(Err(told()))),
            Job::Remove { reply, .. } | Job::Withdraw { reply, .. } => {
                drop(reply.send(Err(told())));
            }
            Job::Share { reply, .. } => drop(reply.send(Err(told()))),
            Job::Grant { reply, .. } | Job::Consent { reply, .. } => {
                drop(reply.send(Err(told())));
            }
            Job::Receive { reply, .. } => drop(reply.send(Err(told()))),
            Job::Adopt { reply, .. } => drop(reply.send(Err(told()))),
            Job::Grow { reply, .. } => drop(reply.send(Err(told()))),
            Job::Append { reply, .. } | Job::Count { reply, .. } | Job::Follow { reply, .. } => {
                drop(reply.send(Err(told())));
            }
            Job::Sweep { .. } | Job::Stop => {}
        }
    }
}

pub(super) fn fail_all(answers: Vec<Answer>, error: impl Fn() -> NodeError) {
    answers.into_iter().for_each(|answer| answer.fail(error()));
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use comity_wire::entry::Author;

    use super::Company::{self, Alone, Any, Private, Releasing};
    use super::Job;

    #[test]
    fn what_is_adopted_is_in_no_group_with_what_is_written_or_removed() {
        let author = || Author { role: "analyst".to_owned(), pseudonym: "analyst".to_owned() };
        let (collection, now) = (2, 0);
        let (reply, _answer) = sync_channel(1);
        let submit = Job::Submit { collection, candidates: Vec::new(), pass: None, reply };
        let (reply, _answer) = sync_channel(1);
        let positions = Vec::new();
        let remove = Job::Remove { collection, positions, author: author(), now, reply };
        let (reply, _answer) = sync_channel(1);
        let positions = Vec::new();
        let adopt = Job::Adopt { collection, positions, author: author(), now, reply };
        for other in [&submit, &remove, &adopt] {
            assert_eq!(adopt.company().with(other.company()), None);
            assert_eq!(other.company().with(adopt.company()), None);
        }
    }

    #[test]
    fn what_is_released_is_in_no_group_with_what_withdraws_or_opens_it() {
        for (group, other, wanted) in [
            (Any, Any, Some(Any)),
            (Any, Alone, Some(Alone)),
            (Private, Any, Some(Private)),
            (Private, Private, Some(Private)),
            (Releasing, Releasing, Some(Releasing)),
            (Alone, Any, Some(Alone)),
            (Alone, Alone, None),
            (Private, Releasing, None),
            (Private, Alone, None),
            (Releasing, Alone, None),
        ] {
            assert_eq!(Company::with(group, other), wanted, "{group:?} {other:?}");
            assert_eq!(Company::with(other, group), wanted, "{other:?} {group:?}");
        }
    }
}
