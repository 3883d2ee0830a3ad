//! Standard output, on which there is one reply.

use crate::reply::brief::brief;
use crate::reply::terminal;
use crate::system::{self, kernel};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, Shutdown, recv, shutdown};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// How long root waits for somebody to read its reply, in seconds.
const READER_TIMEOUT: u32 = 60;

static PRETTY: AtomicBool = AtomicBool::new(false);
/// The reply is to be without what is said twice.
static BRIEF: AtomicBool = AtomicBool::new(false);
/// Whether standard output is the pipe to the process that passes the reply on, which wants the
/// exit status in front.
static FRAMED: AtomicBool = AtomicBool::new(false);
/// The reply goes over a connection of the broker's.
static CONNECTED: AtomicBool = AtomicBool::new(false);
static REPLIED: AtomicBool = AtomicBool::new(false);

/// Indents the reply.
pub fn set_pretty() {
    PRETTY.store(true, Ordering::Relaxed);
}

/// Leaves out of the reply what is said twice in it.
pub fn set_brief() {
    BRIEF.store(true, Ordering::Relaxed);
}

/// Whether the reply is to be indented.
pub fn is_pretty() -> bool {
    PRETTY.load(Ordering::Relaxed)
}

/// Whether the exit status has to stand in front of the reply.
pub fn is_framed() -> bool {
    FRAMED.load(Ordering::Relaxed)
}

/// Whether there was a reply already. From here on there is one: whoever is told no writes it.
pub fn has_reply() -> bool {
    REPLIED.swap(true, Ordering::SeqCst)
}

/// Whether a reply was written, or is being written.
pub fn is_sent() -> bool {
    REPLIED.load(Ordering::SeqCst)
}

/// Writes the whole reply to standard output; says so if that cannot be done.
pub fn write(bytes: &[u8]) {
    // A caller who does not read must not hold a root process for ever. By now the operation is
    // done and recorded.
    if nix::unistd::geteuid().is_root() {
        kernel::end_after(READER_TIMEOUT);
    }
    // Whoever passes it on does it then.
    let is_brief = BRIEF.load(Ordering::Relaxed) && !is_framed();
    let shorter = is_brief.then(|| shortened(bytes)).flatten();
    let bytes = shorter.as_deref().unwrap_or(bytes);
    let written = match io::stdout().is_terminal() {
        true => write_all(&terminal::shown(bytes, system::terminal::width(&io::stdout()))),
        false => write_all(bytes),
    };
    if CONNECTED.load(Ordering::Relaxed) {
        leave_nothing_unread();
    }
    if let Err(error) = written {
        let _ = writeln!(io::stderr(), "sm-helper: the reply could not be written: {error}");
    }
    kernel::end_after(0);
}

/// The reply without what is said twice; none if it is no reply.
fn shortened(reply: &[u8]) -> Option<Vec<u8>> {
    let reply = brief(serde_json::from_slice(reply).ok()?);
    let text = if is_pretty() {
        serde_json::to_string_pretty(&reply)
    } else {
        serde_json::to_string(&reply)
    };
    Some((text.ok()? + "\n").into_bytes())
}

/// Standard output is a connection of the broker's.
pub fn over_connection() {
    CONNECTED.store(true, Ordering::Relaxed);
}

/// Takes what came and was not asked for: a connection that is closed with something unread is an
/// error at the other end (`ECONNRESET`), where it takes the place of the reply. Nothing comes once
/// this end is shut, so it is no more than the kernel had room for.
fn leave_nothing_unread() {
    const PARTS: usize = 64;
    let connection = io::stdout().as_fd().as_raw_fd();
    let mut part = vec![0; 65_536];
    if shutdown(connection, Shutdown::Read).is_ok() {
        let mut take = || recv(connection, &mut part, MsgFlags::MSG_DONTWAIT).unwrap_or(0);
        let _ = (0..PARTS).all(|_| take() > 0);
    }
}

/// Writes it unless nobody reads it when this process is asked to end.
fn write_all(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    // What does not wait is not waited for, and if the caller has left no descriptor to wait
    // with, the reply is worth more than a quick end.
    let flags = fcntl(stdout.as_fd(), FcntlArg::F_GETFL).unwrap_or_default();
    let is_waiting = !OFlag::from_bits_retain(flags).contains(OFlag::O_NONBLOCK);
    let Some(end) = is_waiting.then(kernel::end_pipe).and_then(Result::ok) else {
        return stdout.write_all(bytes).and_then(|()| stdout.flush());
    };
    // What a pipe that is ready takes without waiting (`pipe(7)`, "PIPE_BUF").
    for part in bytes.chunks(4096) {
        loop {
            let mut fds = [
                PollFd::new(stdout.as_fd(), PollFlags::POLLOUT),
                PollFd::new(end.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut fds, PollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                // What cannot be polled takes what it takes.
                Err(_) => break,
                Ok(_) => {}
            }
            match fds.map(|fd| fd.any().unwrap_or(true)) {
                [true, _] => break,
                [false, true] => return Err(ErrorKind::Interrupted.into()),
                [false, false] => {}
            }
        }
        stdout.write_all(part)?;
        stdout.flush()?;
    }
    Ok(())
}

/// From here on standard output is `pipe`, and what reads it passes the reply on.
///
/// # Errors
/// What the kernel says.
pub fn send_through(pipe: OwnedFd) -> io::Result<()> {
    kernel::replace(1, pipe)?;
    FRAMED.store(true, Ordering::Relaxed);
    Ok(())
}

/// The reader gets the end of the pipe, though this process continues.
pub fn hang_up() {
    if let Ok(null) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
        let _ = kernel::replace(1, null);
    }
}
