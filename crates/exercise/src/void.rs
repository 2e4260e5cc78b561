//! Entries that are void by what they say, one of each kind.

use comity_node::bare::RECEIVED;
use comity_tlog::EntryRef;
use comity_wire::entry::{self, Audience, Header, Kind, Log, Reference};
use comity_wire::time::Micros;

use crate::act::author;
use crate::body::{PARTIES, WITHOUT_RIGHT};
use crate::truth::Object;
use crate::world::World;

/// Who made an object that is void: none of the parties, so that none posts it again.
const NOBODY: usize = usize::MAX;

/// The marking TLP:RED of TLP 2.0.
const RED: &str = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";

impl World {
    /// An entry for one of the logs of a hostile party, which nobody has to keep.
    pub(crate) fn void_entry(&mut self, who: usize, log: Log) -> Option<Vec<u8>> {
        let (kind, marker) = (self.random.below(14), self.truth.objects.len() as u64);
        let other = (who + 1 + self.random.place(PARTIES.len() - 1)) % PARTIES.len();
        let index = self.random.below(20);
        let transplanted = self.transplanted(who);
        let node = self.machines.get(who)?.node.as_ref()?;
        let header = node.header(log, Kind::Share, author());
        let all = Audience {
            rule: "tier:member".to_owned(),
            parties: PARTIES.iter().map(|party| (*party).to_owned()).collect(),
        };
        let header = Header { audience: all, ..header };
        // No act releases it: whoever has it has what is void.
        let object = Object { marker, id: marker, by: NOBODY };
        self.truth.objects.push(object);
        let json = object.json();
        let of = |origin: &str, log: Log| {
            let (origin, log, leaf) = (origin.to_owned(), log.name().to_owned(), "01".repeat(33));
            vec![Reference { origin, log, index, leaf }]
        };
        let own = PARTIES.get(who)?;
        let other = PARTIES.get(other)?;
        let third = PARTIES.iter().find(|party| *party != own && *party != other)?;
        if log == Log::Acts {
            let kind = if kind < 5 { Kind::Share } else { Kind::Access };
            return entry::encode(&Header { kind, ..header }, &json).ok();
        }
        let (header, payload) = match kind {
            0 => (Header { origin: (*other).to_owned(), ..header }, json),
            1 => (Header { log: Log::Acts.name().to_owned(), ..header }, json),
            2 => (Header { body: "00".repeat(32), ..header }, json),
            3 => {
                let (rule, parties) =
                    ("party:nobody".to_owned(), vec!["nobody.example".to_owned()]);
                (Header { audience: Audience { rule, parties }, ..header }, json)
            }
            4 => (header, marked(&json)),
            5 => {
                let refs = of(other, Log::Shared);
                (Header { kind: Kind::Withdraw, refs, ..header }, b"{}".to_vec())
            }
            6 => {
                // A receipt for what another took back: for its owner it would be a claim, so that
                // it is for all but him.
                let mut header =
                    Header { kind: Kind::Receipt, refs: of(other, Log::Shared), ..header };
                header.audience.parties.retain(|party| party != other);
                (header, b"{}".to_vec())
            }
            7 => return Some(json),
            8 => (Header { kind: Kind::Motion, ..header }, json),
            9 => (header, individual(&json)),
            10 | 11 => {
                let [observer, outside] = WITHOUT_RIGHT;
                let created = Micros(if kind == 10 { observer } else { outside }).to_string();
                (Header { created, ..header }, json)
            }
            // Something of another, and no word of his that it may be passed on.
            12 => (Header { refs: of(other, Log::Shared), ..header }, json),
            _ => match transplanted {
                Some(envelope) => return Some(envelope),
                None => {
                    let mut refs = of(own, Log::Shared);
                    refs.extend(of(third, Log::Shared));
                    (Header { kind: Kind::Withdraw, refs, ..header }, b"{}".to_vec())
                }
            },
        };
        entry::encode(&header, &payload).ok()
    }

    /// What another party wrote, octet for octet.
    fn transplanted(&mut self, who: usize) -> Option<Vec<u8>> {
        let machine = self.machines.get(who)?;
        let held = machine.node.as_ref()?.held(RECEIVED).ok()?;
        let of = self.random.pick(&held).copied()?;
        let entry = EntryRef { log: of.log, index: of.index };
        self.machines.get(who)?.disk.open_entry(entry).ok()?
    }
}

/// The same object with a marking that its label is wider than.
fn marked(json: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(json);
    let marking = format!("\"object_marking_refs\":[\"{RED}\"],\"name\":");
    text.replacen("\"name\":", &marking, 1).into_bytes()
}

/// An identity of the class that the person floor refuses.
fn individual(json: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(json);
    let text = text.replacen("\"type\":\"tool\"", "\"type\":\"identity\"", 1);
    let text = text.replacen("\"tool--", "\"identity--", 1);
    text.replacen("\"name\":", "\"identity_class\":\"individual\",\"name\":", 1).into_bytes()
}
