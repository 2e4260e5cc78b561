//! TCP that notices when the other machine is gone: one that lost its power or its line says
//! nothing, and a connection on which little is written would stay for a quarter of an hour.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::net::sockopt;

/// How long nothing may come before the kernel asks whether the other side is there; how long
/// between such questions; and how many may stay without an answer. With the next: gone within a
/// minute.
const SILENCE: Duration = Duration::from_secs(30);
const QUESTION_INTERVAL: Duration = Duration::from_secs(10);
const QUESTIONS: u32 = 3;

/// How long what was sent may stay without an acknowledgement, in milliseconds.
const UNACKNOWLEDGED_MILLIS: u32 = 60_000;

/// Has the kernel end a connection whose other side is gone.
pub fn notice_the_end(socket: impl AsFd) -> io::Result<()> {
    sockopt::set_socket_keepalive(&socket, true)?;
    sockopt::set_tcp_keepidle(&socket, SILENCE)?;
    sockopt::set_tcp_keepintvl(&socket, QUESTION_INTERVAL)?;
    sockopt::set_tcp_keepcnt(&socket, QUESTIONS)?;
    sockopt::set_tcp_user_timeout(&socket, UNACKNOWLEDGED_MILLIS)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn the_kernel_is_told_all_of_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        notice_the_end(&stream).unwrap();
        assert!(sockopt::socket_keepalive(&stream).unwrap());
        assert_eq!(sockopt::tcp_keepidle(&stream).unwrap(), SILENCE);
        assert_eq!(sockopt::tcp_keepintvl(&stream).unwrap(), QUESTION_INTERVAL);
        assert_eq!(sockopt::tcp_keepcnt(&stream).unwrap(), QUESTIONS);
        assert_eq!(sockopt::tcp_user_timeout(&stream).unwrap(), UNACKNOWLEDGED_MILLIS);
    }
}
