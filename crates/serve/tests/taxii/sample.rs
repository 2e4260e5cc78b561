//! STIX objects for the tests, named by small numbers.

/// The time that samples are created at, and their version where none is given.
pub(crate) const CREATED: &str = "2020-01-01T00:00:00.000Z";

/// The identifier of a sample.
pub(crate) fn id(object_type: &str, number: u32) -> String {
    format!("{object_type}--{number:08x}-0000-4000-8000-000000000000")
}

/// A tool. It is the plainest object that STIX has.
pub(crate) fn tool(number: u32) -> String {
    tool_at(number, CREATED)
}

/// A version of a tool.
pub(crate) fn tool_at(number: u32, modified: &str) -> String {
    with(number, modified, "")
}

/// A version of a tool with more members, each with its comma in front.
pub(crate) fn with(number: u32, modified: &str, more: &str) -> String {
    let id = id("tool", number);
    format!(
        r#"{{"type":"tool","spec_version":"2.1","id":"{id}","created":"{CREATED}","modified":"{modified}","name":"tool {number}"{more}}}"#
    )
}

/// A campaign, for a second type.
pub(crate) fn campaign(number: u32) -> String {
    tool(number).replace(r#""type":"tool""#, r#""type":"campaign""#).replace("tool--", "campaign--")
}

/// An observable: it has no version, and no `spec_version` unless it says so.
pub(crate) fn observable(number: u32) -> String {
    let id = id("ipv4-addr", number);
    format!(r#"{{"type":"ipv4-addr","id":"{id}","value":"198.51.100.{number}"}}"#)
}

/// An object of the size of a long report.
pub(crate) fn large(number: u32, octets: usize) -> String {
    let filler = "lorem ipsum ".repeat(octets / 12 + 1);
    with(number, CREATED, &format!(r#","description":"{}""#, &filler[..octets]))
}

/// Three versions of one tool, oldest first.
pub(crate) const TIMES: [&str; 3] =
    ["2021-01-01T00:00:00.000Z", "2022-02-02T00:00:00.123456Z", "2023-03-03T00:00:00Z"];

pub(crate) fn versions(number: u32) -> Vec<String> {
    TIMES.iter().map(|time| tool_at(number, time)).collect()
}
