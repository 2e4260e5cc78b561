//! The supervisor's socket: systemd is told when the node serves, that it lives, and that it
//! stops (sd_notify(3)). Without `NOTIFY_SOCKET` there is nobody to tell.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Where to tell.
#[derive(Debug, Clone)]
pub(crate) struct Supervisor {
    socket: Option<std::sync::Arc<(UnixDatagram, SocketAddr)>>,
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// The supervisor that the environment names.
    #[allow(clippy::disallowed_methods, reason = "the environment is read in this crate alone")]
    pub(crate) fn from_environment() -> Supervisor {
        let place = std::env::var("NOTIFY_SOCKET").ok();
        let timeout = std::env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok());
        Supervisor {
            socket: place.and_then(|place| open(&place)).map(std::sync::Arc::new),
            // Twice as often as is asked for: one beat may come late.
            watchdog: timeout
                .filter(|timeout| *timeout > 1)
                .map(|timeout: u64| Duration::from_micros(timeout / 2)),
        }
    }

    pub(crate) fn ready(&self) {
        self.tell("READY=1");
    }

    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// Says again and again that the process lives, where the supervisor wants to hear it. It
    /// runs among the requests, so that it falls silent when those do not get their turn.
    pub(crate) async fn live(self) {
        let Some(every) = self.watchdog else { return };
        loop {
            self.tell("WATCHDOG=1");
            tokio::time::sleep(every).await;
        }
    }

    fn tell(&self, what: &str) {
        if let Some(socket) = &self.socket {
            let (socket, place) = &**socket;
            // A supervisor that does not listen is no reason to stop.
            let _ = socket.send_to_addr(what.as_bytes(), place);
        }
    }
}

/// A path, or with `@` in front a name that is in no file system.
fn open(place: &str) -> Option<(UnixDatagram, SocketAddr)> {
    let address = match place.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name).ok()?,
        None => SocketAddr::from_pathname(place).ok()?,
    };
    Some((UnixDatagram::unbound().ok()?, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_socket_hear() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("notify");
        let name = format!("comity-test-{}", std::process::id());
        let abstracted = SocketAddr::from_abstract_name(&name).unwrap();
        let heard = [
            (UnixDatagram::bind(&path).unwrap(), path.to_str().unwrap().to_owned()),
            (UnixDatagram::bind_addr(&abstracted).unwrap(), format!("@{name}")),
        ];
        for (socket, place) in heard {
            let socket_of = open(&place).map(std::sync::Arc::new);
            let supervisor = Supervisor { socket: socket_of, watchdog: None };
            supervisor.ready();
            let mut octets = [0; 32];
            let read = socket.recv(&mut octets).unwrap();
            assert_eq!(&octets[..read], b"READY=1");
        }
    }
}
