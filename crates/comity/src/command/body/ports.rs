//! Ports on this machine for the nodes of a body.

use std::net::{Ipv4Addr, TcpListener};

use super::layout::Member;
use crate::command::Failure;
use crate::surroundings;

/// Ports that are looked through for free ones: below those that the system gives to connections
/// that go out, which could take one while its node is started again.
const FREE_FROM: u16 = 12_000;
const FREE_COUNT: u16 = 18_000;

/// Gives each node two ports: from `first` on, or free ones.
pub(super) fn give(members: &mut [Member], first: Option<u16>) -> Result<(), Failure> {
    let none = || Failure::new("not enough ports; give --listen-from a lower PORT");
    let mut next: Box<dyn Iterator<Item = u16>> = match first {
        Some(first) => Box::new(first..=u16::MAX),
        None => Box::new(free_ones()),
    };
    for member in members {
        member.listen = next.next().ok_or_else(none)?;
        member.peers = next.next().ok_or_else(none)?;
    }
    Ok(())
}

/// Says which port is taken, before anything is started.
pub(super) fn check(members: &[Member]) -> Result<(), Failure> {
    for member in members {
        for port in [member.listen, member.peers] {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
                Failure::new(format!(
                    "port {port} for the node of `{}` cannot be had: {error}; stop what has it, or \
                     give --listen-from another PORT",
                    member.party
                ))
            })?;
        }
    }
    Ok(())
}

/// Free ports, from a random one on.
fn free_ones() -> impl Iterator<Item = u16> {
    let mut octets = [0; 2];
    surroundings::random(&mut octets);
    let begin = u16::from_le_bytes(octets) % FREE_COUNT;
    (0..FREE_COUNT)
        .map(move |step| FREE_FROM + (begin + step) % FREE_COUNT)
        .filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
}
