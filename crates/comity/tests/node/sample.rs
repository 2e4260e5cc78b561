//! STIX objects, named by numbers.

/// When samples were created, and their version where none is given.
pub(crate) const CREATED: &str = "2020-01-01T00:00:00.000Z";

/// The identifier of a sample.
pub(crate) fn id(number: u64) -> String {
    format!("tool--{:08x}-0000-4000-8000-{:012x}", number & 0xffff_ffff, number)
}

/// A tool, the plainest object there is, with a name.
pub(crate) fn tool(number: u64, name: &str) -> String {
    with(number, CREATED, name, "")
}

/// A version of a tool with more members, each with its comma in front.
pub(crate) fn with(number: u64, modified: &str, name: &str, more: &str) -> String {
    let id = id(number);
    format!(
        r#"{{"type":"tool","spec_version":"2.1","id":"{id}","created":"{CREATED}","modified":"{modified}","name":"{name}"{more}}}"#
    )
}

/// A tool with a description of some length.
pub(crate) fn long(number: u64, octets: usize) -> String {
    let text = "lorem ipsum ".repeat(octets / 12 + 1);
    let more = format!(r#","description":"{}""#, &text[..octets]);
    with(number, CREATED, "long", &more)
}

pub(crate) fn envelope(objects: &[String]) -> String {
    format!(r#"{{"objects":[{}]}}"#, objects.join(","))
}

pub(crate) fn bundle(objects: &[String]) -> String {
    let id = "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d";
    format!(r#"{{"type":"bundle","id":"{id}","objects":[{}]}}"#, objects.join(","))
}
