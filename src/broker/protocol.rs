//! What goes over the socket: one line of JSON each way. The request is the words of the helper's
//! command line, so that there is one grammar; the reply is the helper's.

use crate::broker::socket::{GROUP, SOCKET};
use crate::broker::unit::is_set_up;
use crate::request::code::{Code, Refusal};
use crate::request::line;
use crate::system::accounts;
use crate::system::proc::is_unmapped;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect as connect_to, getsockopt, recv,
    socket, sockopt,
};
use std::cell::Cell;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// The largest request, in bytes, its line break included.
const LARGEST: usize = 65_536;

/// How long a request may take to arrive.
const PATIENCE: Duration = Duration::from_secs(5);

/// A request as it arrived.
#[derive(Debug)]
pub struct Request {
    /// The words, or `usage` if it is no request, too large or too late.
    pub words: Result<Vec<OsString>, Refusal>,
    /// It was there at once: nothing was waited for.
    pub at_once: bool,
}

/// Reads one request, and nothing after it. Descriptors that are sent along are not taken: the
/// kernel closes what nobody asks for (`unix(7)`, `MSG_CTRUNC`).
pub fn receive(connection: BorrowedFd<'_>) -> Request {
    let mut fds = [PollFd::new(connection, PollFlags::POLLIN)];
    let is_there = poll(&mut fds, PollTimeout::ZERO) == Ok(1);
    let parts = Cell::new(0_u32);
    let source = line::Source {
        descriptor: connection,
        take: |part: &mut [u8]| {
            parts.set(parts.get() + 1);
            recv(connection.as_raw_fd(), part, MsgFlags::MSG_DONTWAIT)
        },
        largest: LARGEST,
        patience: PATIENCE,
        what: "request",
    };
    let words = line::read(&source).map_err(|what| {
        Refusal::new(Code::Usage, what)
            .hint(r#"send one line: {"schema":1,"arguments":["service","status","nginx"]}"#)
    });
    Request { words, at_once: is_there && parts.get() == 1 }
}

/// Why there is no connection to the broker, in words.
#[derive(Debug, thiserror::Error)]
pub enum NoBroker {
    /// None that this account may connect to, at this moment.
    #[error("{0}")]
    Unreachable(String),
    /// Somebody else, who must not be told anything.
    #[error("the process that listens at {SOCKET} is not root's")]
    NotRoot,
}

/// Connects to the broker.
///
/// `waits` is called where it has to wait in the socket's queue first.
///
/// # Errors
/// If there is none that this account may connect to.
pub fn connect(waits: &mut dyn FnMut()) -> Result<UnixStream, NoBroker> {
    let message = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => format!("there is no broker at {SOCKET}"),
        io::ErrorKind::PermissionDenied => {
            format!("this account may not connect to {SOCKET}: it is not in the group sm")
        }
        io::ErrorKind::ConnectionRefused => format!("nothing listens at {SOCKET}"),
        _ => format!("{SOCKET}: {error}"),
    };
    let stream = connected(waits).map_err(|errno| NoBroker::Unreachable(message(errno.into())))?;
    // Its folder is root's own; who is not root does not listen there.
    match getsockopt(&stream, sockopt::PeerCredentials) {
        Ok(peer) if peer.uid() == 0 || is_root_elsewhere(peer.uid()) => Ok(stream),
        _ => Err(NoBroker::NotRoot),
    }
}

fn connected(waits: &mut dyn FnMut()) -> nix::Result<UnixStream> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    let (address, stream) = (UnixAddr::new(SOCKET)?, UnixStream::from(socket));
    let blocking = |stream: &UnixStream| stream.set_nonblocking(false).map_err(|_| Errno::EINVAL);
    match connect_to(stream.as_raw_fd(), &address) {
        // The queue is full (`unix(7)`).
        Err(Errno::EAGAIN) => {
            waits();
            blocking(&stream)?;
            connect_to(stream.as_raw_fd(), &address)?;
        }
        other => {
            other?;
            blocking(&stream)?;
        }
    }
    Ok(stream)
}

/// Whether there should be a broker that this process may connect to.
pub fn is_for_us() -> bool {
    let group = accounts::Group::from_name(GROUP).ok().flatten();
    let groups = nix::unistd::getgroups().unwrap_or_default();
    is_set_up() && group.is_some_and(|group| groups.contains(&group.gid))
}

/// Whether this is how the kernel shows the host's root in a user namespace that has none.
fn is_root_elsewhere(uid: u32) -> bool {
    is_unmapped(uid)
        && std::fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| {
            !map.lines()
                .any(|line| line.split_whitespace().collect::<Vec<_>>() == ["0", "0", "4294967295"])
        })
}

/// Sends the request.
///
/// # Errors
/// What the kernel says.
pub fn send(stream: &mut UnixStream, arguments: &[OsString]) -> io::Result<()> {
    stream.write_all(&line::write(arguments)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    fn received(bytes: &[u8], shut: bool) -> Result<Vec<OsString>, Refusal> {
        let (mut client, server) = UnixStream::pair().expect("a pair");
        client.set_nonblocking(true).expect("nonblocking");
        let _ = client.write_all(bytes);
        if shut {
            client.shutdown(std::net::Shutdown::Write).expect("shut");
        }
        receive(server.as_fd()).words
    }

    #[test]
    fn one_line_is_one_request() {
        let words =
            received(b"{\"schema\":1,\"arguments\":[\"list\",\"--pretty\"]}\nmore\n", false);
        assert_eq!(words, Ok(vec!["list".into(), "--pretty".into()]));
        let words = received(b"{\"schema\":1,\"arguments\":[]}", true);
        assert_eq!(words, Ok(vec![]));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let large = vec![b'x'; LARGEST + 1];
        let deep = b"[".repeat(60_000);
        for (bytes, message) in [
            (&b"\n"[..], "not a request"),
            (b"", "closed without"),
            (b"{\"schema\":2,\"arguments\":[]}\n", "schema must be 1"),
            (b"{\"schema\":1,\"arguments\":[1]}\n", "not a request"),
            (b"{\"schema\":1,\"arguments\":[],\"uid\":0}\n", "unknown field"),
            (b"{\"schema\":1}\n", "missing field"),
            (b"\xff\xfe\n", "not a request"),
            (&deep, "not a request"),
            (&large, "larger than 65536"),
        ] {
            let refusal = received(bytes, true).expect_err("a refusal");
            assert_eq!(refusal.code, Code::Usage);
            assert!(refusal.error.contains(message), "{} for {message}", refusal.error);
        }
    }
}
