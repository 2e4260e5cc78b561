//! The codes of the floor. A code says which rule spoke; whether it refuses, holds or flags is
//! said in its meaning, and the same in `docs/reference/person-floor.md`.

use crate::refusal::Code;

macro_rules! codes {
    ($($name:ident $id:literal $meaning:literal $source:literal)*) => {
        $(pub(super) static $name: Code = Code {
            id: $id,
            meaning: $meaning,
            source: concat!("person floor: ", $source),
        };)*

        /// All of them.
        pub(super) const ALL: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    IDENTITY_CLASS "floor-identity-class"
        "an identity is an organization, a system or a class; no person, and nothing left open"
        "identity"
    IDENTITY_CONTACT "floor-identity-contact"
        "an identity of class `class` is a sector or category and has no contact" "identity"
    ACTOR_INDIVIDUAL "floor-threat-actor-individual"
        "a threat actor with the resources of an individual is a person" "threat-actor"
    ACTOR_MOTIVATION "floor-threat-actor-motivation"
        "only a person has personal motivations" "threat-actor"
    ACTOR_TYPE "floor-threat-actor-type"
        "this type of threat actor describes people or what they think" "threat-actor"
    ACTOR_LEVEL "floor-threat-actor-level"
        "held: the resource level does not show that this threat actor is more than one person"
        "threat-actor"
    PERSON_TYPE "floor-person-type"
        "there is no type of object for a natural person, their papers or their accounts"
        "custom types"
    PERSON_FIELD "floor-person-field"
        "no property may hold what only a natural person has" "custom types"
    SENSITIVE_FIELD "floor-sensitive-field"
        "no property of any type may be named for this" "custom types"
    MAILBOX "floor-mailbox"
        "a mailbox stands for the person who reads it" "email-addr"
    ACCOUNT "floor-account"
        "an account stands for the person who uses it" "user-account"
    PHONE "floor-phone"
        "a phone number stands for the person who answers it" "custom types"
    DOCUMENT "floor-document"
        "a number of identity papers stands for the person who holds them" "custom types"
    MESSAGE_PART "floor-message-part"
        "of an e-mail message only subject, attachments and the path that it took are kept"
        "email-message"
    PATTERN_MAILBOX "floor-pattern-mailbox"
        "a mailbox may stand in a pattern only if it is the attacker's, compared exactly, and the \
         charter admits it for network defence" "indicator, observed-data"
    PATTERN_ACCOUNT "floor-pattern-account"
        "an account may stand in a pattern only if it is the attacker's, compared exactly, and the \
         charter admits it for network defence" "indicator, observed-data"
    PAYLOAD "floor-payload"
        "an artifact carries no text, office, image, sound, mail or table content" "artifact"
    PAYLOAD_UNKNOWN "floor-payload-unknown"
        "held: the content type does not show that this payload is a sample" "artifact"
    CREATOR_USER "floor-creator-user"
        "who ran or made something is not recorded" "x509-certificate, file, process"
    CERTIFICATE_SUBJECT "floor-certificate-subject"
        "a certificate whose subject is a person or a mailbox" "x509-certificate, file, process"
    PROFILE_URL "floor-profile-url"
        "the address of a profile or an account stands for the person behind it" "url, domain-name"
    LOCATION_PRECISE "floor-location-precise"
        "a place is a region, a country or an area; coordinates need a precision of 1 km or coarser"
        "location"
    REFERENCE "floor-reference"
        "a reference to an object of a type that is refused" "relationship, sighting"
    FINDING "floor-belongs-in-finding"
        "to attribute an act to an identity, or to say that it is impersonated, is a finding"
        "relationship, sighting"
    ADDRESS_IDENTITY "floor-address-identity"
        "an address is never joined to an identity" "ipv4-addr, ipv6-addr, mac-addr"
    PURPOSE "floor-purpose"
        "addresses are admitted only where network defence is a purpose of the body"
        "ipv4-addr, ipv6-addr, mac-addr"
    QUERY "floor-query"
        "no search has a natural person as its key" "queries"
    TEXT_MAILBOX "floor-text-mailbox"
        "held, and flagged where it is the mailbox of a role: text with a mailbox in it" "note"
    TEXT_PHONE "floor-text-phone"
        "held or flagged: text with what looks like a phone number" "note"
    TEXT_DOCUMENT "floor-text-document"
        "held or flagged: text with what looks like a number of identity papers" "note"
    TEXT_ACCOUNT "floor-text-account"
        "flagged: text or data that names an account" "note"
    HOME_PATH "floor-home-path"
        "flagged: a path through somebody's home directory" "x509-certificate, file, process"
    USER_SID "floor-user-sid"
        "flagged: the security identifier of a user" "x509-certificate, file, process"
    AUTHOR "floor-author"
        "flagged: an author who is neither a party nor a role" "note, opinion, report"
    REFERENCE_AMONG "floor-reference-among"
        "flagged: a list of references, one of them to a type that may be refused" "bundles"
    DANGLING "floor-dangling-reference"
        "flagged: a reference to an object of the same bundle that was refused" "bundles"
    IDENTITY_ROLE "floor-identity-role"
        "flagged: an identity stands here neither as author nor as victim, target or sector"
        "relationship, sighting"
    NAME_UNREADABLE "floor-name-unreadable"
        "flagged: a property name that this floor cannot read" "custom types"
}
