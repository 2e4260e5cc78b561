//! The node's own certificates, which sign themselves and are trusted by their public keys: one for
//! clients, who are told its pin, and one for peers, whose charter has it.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use comity_node::{Directory, Node};
use comity_serve::pinned::Identity;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType, date_time_ymd};
use zeroize::Zeroizing;

use crate::command::Failure;

/// The files of the certificate for clients and of its key; what is missing is made.
pub(super) fn own(node: &Node, address: &str) -> Result<(PathBuf, PathBuf), Failure> {
    let directory = node.directory();
    let certificate = directory.keys().join("tls.crt");
    let key = directory.keys().join("tls.key");
    made(directory, &certificate, &key, || parameters(node, address))?;
    Ok((certificate, key))
}

/// The key that the node shows to peers; what is missing is made. A key that was lost and made
/// anew has another pin, and no peer knows it.
pub(crate) fn transport(directory: &Directory) -> Result<Identity, Failure> {
    let (key, certificate) = directory.transport();
    made(directory, &certificate, &key, || {
        // It names nobody: whoever asks this port is told no party, and peers look at the key.
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        without_end(&mut params);
        Ok(params)
    })?;
    Identity::read(&certificate, &key).map_err(|error| Failure::new(error.to_string()))
}

/// Makes what is missing: first the key, which is what others pin; a certificate that was taken
/// away is made anew for the same key. If the process stops in between, the next start goes on
/// from the key.
fn made(
    directory: &Directory,
    certificate: &Path,
    key: &Path,
    parameters: impl FnOnce() -> Result<CertificateParams, rcgen::Error>,
) -> Result<(), Failure> {
    let fault = |error: rcgen::Error| Failure::new(format!("`{}`: {error}", key.display()));
    let write = |path: &Path, text: &str| {
        directory.write_new(path, text.as_bytes()).map_err(|error| Failure::new(error.to_string()))
    };
    if !key.exists() {
        let pair = KeyPair::generate().map_err(fault)?;
        write(key, &Zeroizing::new(pair.serialize_pem()))?;
    }
    if !certificate.exists() {
        let text = std::fs::read_to_string(key)
            .map(Zeroizing::new)
            .map_err(|error| Failure::new(format!("cannot read `{}`: {error}", key.display())))?;
        let pair = KeyPair::from_pem(&text).map_err(fault)?;
        let made = parameters().and_then(|params| params.self_signed(&pair));
        write(certificate, &made.map_err(fault)?.pem())?;
    }
    Ok(())
}

/// It does not end: who pins a key is not helped by a date, and would be cut off by one.
fn without_end(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(9999, 12, 31);
}

/// The names of the configuration, this machine's to itself, and the address that is served.
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
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, node.config().party.clone());
    without_end(&mut params);
    Ok(params)
}
