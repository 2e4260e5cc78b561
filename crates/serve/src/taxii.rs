//! TAXII 2.1, one file an endpoint, each in the order types, handler, tests, citing its section.

pub(crate) mod api_root;
pub(crate) mod collections;
pub(crate) mod discovery;
pub(crate) mod manifest;
pub(crate) mod object;
pub(crate) mod objects;
pub(crate) mod status;
pub(crate) mod versions;
