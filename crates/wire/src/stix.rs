//! STIX 2.1.
