//! An object that passed the gate. Only this crate can make one.

use comity_wire::id::{Id, Uuid};
use comity_wire::time::Instant;

use crate::Findings;
use crate::check::head::Head;
use crate::refusal::{Code, Path};

/// An object that passed the gate, with what the rest of the flow needs to know about it. It is
/// a stamp on the bytes that were judged; it does not hold them.
#[derive(Debug)]
pub struct Admitted {
    head: Head,
    findings: Findings,
}

/// Something worth a mark that is no reason to refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// The stable code.
    pub code: &'static Code,
    /// Where it was found.
    pub path: Path,
}

/// Why an object stays in the private log until a releaser attests that no record about a
/// natural person is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The stable code.
    pub code: &'static Code,
    /// Where it was found.
    pub path: Path,
}

/// What tells the versions of one object apart: `modified`, else `created` (T095).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The text as the producer wrote it.
    pub text: String,
    /// The instant that it names.
    pub instant: Instant,
}

impl Admitted {
    pub(crate) fn new(head: Head, findings: Findings) -> Admitted {
        Admitted { head, findings }
    }

    /// The identifier as written.
    pub fn id(&self) -> &str {
        &self.head.id
    }

    /// The type of the object.
    pub fn object_type(&self) -> &str {
        &self.head.object_type
    }

    /// The octets of the identifier's UUID.
    pub fn uuid(&self) -> Uuid {
        self.head.uuid
    }

    /// `modified`, else `created`; none for a cyber-observable.
    pub fn version(&self) -> Option<&Version> {
        self.head.version.as_ref()
    }

    /// When the object was created, by its own word.
    pub fn created(&self) -> Option<Instant> {
        self.head.created
    }

    /// The identity that created it, by its own word.
    pub fn created_by(&self) -> Option<Id<'_>> {
        self.head.created_by.as_deref().and_then(Id::parse)
    }

    /// Whether this version revokes the object.
    pub fn revoked(&self) -> bool {
        self.head.revoked
    }

    /// What was noted without being a reason to refuse.
    pub fn flags(&self) -> &[Flag] {
        &self.findings.flags
    }

    /// Adds a mark, unless its code is there already.
    pub(crate) fn flag(&mut self, flag: Flag) {
        let flags = &mut self.findings.flags;
        if !flags.iter().any(|known| std::ptr::eq(known.code, flag.code)) {
            flags.push(flag);
        }
    }

    /// Why the object has to wait for an attestation, if it has to.
    pub fn hold(&self) -> Option<&Hold> {
        self.findings.hold.as_ref()
    }

    /// The longest life that the floor leaves to an entry about this object, in days.
    pub fn expiry_days_max(&self) -> Option<u32> {
        self.findings.expiry_days_max
    }
}
