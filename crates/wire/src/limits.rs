//! Every size and depth limit of the formats, with its unit and its reason.

/// Octets of one STIX object. The largest real object known (an ATT&CK `x-mitre-collection`)
/// has 2.8 MB; twice the next power of two would let one object fill a whole TAXII body.
pub const OBJECT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Octets of one TAXII request body, announced as `max_content_length`. Holds two objects of the
/// largest size and a few thousand usual ones (1.5 kB), and bounds what one request may pin.
pub const TAXII_BODY_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Levels of nesting of JSON. STIX content stays under ten; a language-content of an extension
/// of an observable reaches fifteen. Deeper text only costs stack.
pub const JSON_DEPTH_MAX: usize = 64;

/// Digits of the fraction of a second that a timestamp may have. Attoseconds fit a `u64`;
/// nothing in the field writes more than nine.
pub const FRACTION_DIGITS_MAX: usize = 18;

/// Octets of a STIX pattern. The longest of ATT&CK-derived feeds have some 20 kB.
pub const PATTERN_BYTES_MAX: usize = 256 * 1024;

/// Levels of parentheses in a STIX pattern (S068: a parser must be guarded).
pub const PATTERN_DEPTH_MAX: usize = 32;

/// Octets of the header line of an entry. References dominate: about 150 octets each.
pub const HEADER_BYTES_MAX: usize = 64 * 1024;

/// The highest index that an entry is named by, and the most leaves of a log: stores put the number
/// of the log above 48 bits of index, so that a larger one would name an entry of another log.
pub const INDEX_MAX: u64 = (1 << 48) - 1;

/// Parties that one consent to onward release may name. Whoever passes something on names as many
/// in the header of an entry, at most, and has 64 KiB for it. Whoever gets the consent keeps them.
pub const ONWARD_PARTIES_MAX: usize = 1000;

/// Octets of the id of a party, as charters have them.
pub const PARTY_BYTES_MAX: usize = 100;

/// Characters of a leaf as references have it: 33 octets in hexadecimal.
pub const LEAF_CHARS: usize = 66;

/// Octets of a whole envelope: a header line, a newline and one object.
pub const ENVELOPE_BYTES_MAX: usize = HEADER_BYTES_MAX + 1 + OBJECT_BYTES_MAX;

/// Records of one TAXII page, whatever `limit` asks for. The client of stix2 asks for 5000.
pub const PAGE_RECORDS_MAX: usize = 5000;

/// Records of one TAXII page where the request names no limit.
pub const PAGE_RECORDS_DEFAULT: usize = 1000;

/// Values in one `match[...]` filter. Longer lists belong into several requests; a URL of
/// this many ids already has 40 kB.
pub const MATCH_VALUES_MAX: usize = 500;

/// Characters of a title, alias or other short text that an operator gives.
pub const TITLE_CHARS_MAX: usize = 250;

/// Octets of one member of a bundle or envelope other than `objects`. The longest that a standard
/// defines is TAXII's `next`, an opaque text of a server's choice.
pub const BUNDLE_MEMBER_BYTES_MAX: usize = 64 * 1024;

/// Members of a bundle or envelope. The standards define five.
pub const BUNDLE_MEMBERS_MAX: usize = 64;

/// Selectors of all granular markings of one object. Each is looked up by a walk over members, so
/// that without a limit a hostile object would cost the square of its size.
pub const SELECTORS_MAX: usize = 1000;
