//! What things look like: STIX, TAXII, entries. No I/O, no clock, no state.
//!
//! | format | specification | module |
//! |---|---|---|
//! | JSON text, strictly read | RFC 8259, RFC 7493 (I-JSON) | [`json`] |
//! | canonical JSON | RFC 8785 | [`canonical`] |
//! | STIX identifiers | STIX 2.1 §2.9 | [`id`] |
//! | STIX and TAXII timestamps | STIX 2.1 §3.2, TAXII 2.1 §2 | [`time`] |
//! | STIX objects, patterns, markings | STIX 2.1 | [`stix`] |
//! | TAXII resources | TAXII 2.1 | [`taxii`] |
//! | the entry of a log | `docs/spec/entry.md` | [`entry`] |
//! | a page of openings | `docs/spec/log.md` | [`release`] |
//! | consent to release onward | `docs/spec/entry.md` | [`consent`] |
//! | which heads a mirror holds | `docs/spec/federation.md` | [`mirror`] |
//!
//! Every limit stands in [`limits`], with its unit and its reason.

pub mod canonical;
pub mod consent;
pub mod entry;
pub mod id;
pub mod json;
pub mod limits;
pub mod mirror;
pub mod release;
pub mod stix;
pub mod taxii;
pub mod time;
