//! The node's own certificate: it signs itself, and is trusted by its public key, which clients and
//! peers are told.

use std::net::IpAddr;
use std::path::PathBuf;

use comity_node::Node;
use rcgen::{CertificateParams, DnType, KeyPair, SanType, date_time_ymd};
use zeroize::Zeroizing;

use crate::command::Failure;

/// The files of the certificate and its key. What is missing is made: first the key, which is what
/// others pin; a certificate that was taken away is made anew for the same key. If the process
/// stops in between, the next start goes on from the key.
pub(super) fn own(node: &Node, address: &str) -> Result<(PathBuf, PathBuf), Failure> {
    let directory = node.directory();
    let certificate = directory.keys().join("tls.crt");
    let key = directory.keys().join("tls.key");
    let fault = |error: rcgen::Error| Failure::new(format!("`{}`: {error}", key.display()));
    let write = |path: &PathBuf, text: &str| {
        directory.write_new(path, text.as_bytes()).map_err(|error| Failure::new(error.to_string()))
    };
    if !key.exists() {
        let pair = KeyPair::generate().map_err(fault)?;
        write(&key, &Zeroizing::new(pair.serialize_pem()))?;
    }
    if !certificate.exists() {
        let text = std::fs::read_to_string(&key)
            .map(Zeroizing::new)
            .map_err(|error| Failure::new(format!("cannot read `{}`: {error}", key.display())))?;
        let pair = KeyPair::from_pem(&text).map_err(fault)?;
        let made = parameters(node, address).and_then(|params| params.self_signed(&pair));
        write(&certificate, &made.map_err(fault)?.pem())?;
    }
    Ok((certificate, key))
}

/// The names of the configuration, this machine's to itself, and the address that is served. It
/// does not end: who pins a key is not helped by a date, and would be cut off by one.
fn parameters(node: &Node, address: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut names = node.config().hosts.clone();
    names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let anywhere = host.parse().is_ok_and(|host: IpAddr| host.is_unspecified());
    if !anywhere && !host.is_empty() && !names.iter().any(|known| known == host) {
        names.push(host.to_owned());
    }
    let mut params = CertificateParams::default();
    for name in names {
        params.subject_alt_names.push(match name.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.try_into()?),
        });
    }
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, node.config().party.clone());
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(9999, 12, 31);
    Ok(params)
}
