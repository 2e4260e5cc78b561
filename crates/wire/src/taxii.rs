//! TAXII 2.1 resources, as they stand on the wire, and the filters of a request.
//!
//! Lists that are empty are left out, never sent (T019); what a resource does not have is left
//! out too, never `null`.

pub mod filter;

use serde::{Deserialize, Serialize};

/// The media type of every TAXII body.
pub const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";

/// The media type of the objects that collections hold.
pub const STIX_MEDIA_TYPE: &str = "application/stix+json;version=2.1";

/// §4.1.1
#[derive(Debug, Serialize)]
pub struct Discovery {
    /// What the server is called.
    pub title: String,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The root to use when there is no reason for another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// The roots.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_roots: Vec<String>,
}

/// §4.2.1
#[derive(Debug, Serialize)]
pub struct ApiRoot {
    /// What the root is called.
    pub title: String,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// TAXII versions, as media types.
    pub versions: Vec<String>,
    /// Octets of a request body.
    pub max_content_length: usize,
}

/// §5.2.1
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Collection {
    /// A UUID.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A name that may stand in a path instead of the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Whether the client that asks may read it.
    pub can_read: bool,
    /// Whether the client that asks may write it.
    pub can_write: bool,
    /// The media types of its objects.
    pub media_types: Vec<String>,
}

/// §5.1.1
#[derive(Debug, Serialize)]
pub struct Collections {
    /// Those the client may see.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<Collection>,
}

/// §5.3.1: a record of a manifest.
#[derive(Debug, Serialize)]
pub struct ManifestRecord<'a> {
    /// The object's identifier.
    pub id: &'a str,
    /// When it entered the collection.
    pub date_added: String,
    /// Which version of it.
    pub version: &'a str,
    /// Its media type.
    pub media_type: &'a str,
}

/// §5.8.1
#[derive(Debug, Serialize)]
pub struct Versions {
    /// Whether there are more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// Where to go on (erratum: the table of the standard forgot it).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The versions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
}

/// §4.3.1
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// A UUID.
    pub id: String,
    /// Always `complete`: a POST is answered when its objects are on disk.
    pub status: String,
    /// When the POST was received.
    pub request_timestamp: String,
    /// Objects in the envelope.
    pub total_count: u64,
    /// Objects that the collection holds now.
    pub success_count: u64,
    /// Those, one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub successes: Vec<StatusDetail>,
    /// Objects that were refused.
    pub failure_count: u64,
    /// Those, one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<StatusDetail>,
    /// Always 0.
    pub pending_count: u64,
}

/// §4.3.1: one object of a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusDetail {
    /// The object's identifier.
    pub id: String,
    /// Which version of it.
    pub version: String,
    /// What the sender should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// §3.6.1
#[derive(Debug, Serialize)]
pub struct Error {
    /// What went wrong, in a few words.
    pub title: String,
    /// What was found, what is required, what mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Names this occurrence in the node's own records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_id: Option<String>,
    /// A stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The status code, as a string.
    pub http_status: String,
}
