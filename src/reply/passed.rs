//! The reply of another process, passed on.

use crate::reply::stdout;
use crate::request::code::Code;
use crate::system::kernel;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, ErrorKind, PipeReader, Read};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// What came of waiting for a reply to pass on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// It was passed on, and this is its exit status.
    On(u8),
    /// This process was asked to end by this signal before it was there.
    Interrupted(i32),
    /// There was no whole reply. Nothing was written.
    Nothing,
}

/// Passes on the reply of a process that wrote it with [`stdout::send_through`], waiting `patience` for
/// all of it, or until this process is asked to end.
pub fn pass_on_framed(pipe: PipeReader, patience: Duration) -> Passed {
    match whole(pipe, Instant::now() + patience) {
        Ok(bytes) => match bytes.split_first() {
            Some((exit, reply)) if pass_on_bytes(reply) => Passed::On(*exit),
            _ => Passed::Nothing,
        },
        Err(_) => kernel::end_signal().map_or(Passed::Nothing, Passed::Interrupted),
    }
}

/// Passes on a reply that another `sm-helper` wrote. Says whether there was a whole one.
pub fn pass_on(reply: &[u8]) -> Option<u8> {
    let exit = code_of(reply)?.exit();
    pass_on_bytes(reply).then_some(exit)
}

/// The code of a reply that another `sm-helper` wrote.
pub fn code_of(reply: &[u8]) -> Option<Code> {
    #[derive(serde::Deserialize)]
    struct Head {
        code: String,
    }
    let head: Head = serde_json::from_slice(reply).ok()?;
    Code::from_word(&head.code)
}

/// All that comes through the pipe until `deadline`.
fn whole(mut pipe: PipeReader, deadline: Instant) -> io::Result<Vec<u8>> {
    let end = kernel::end_pipe()?;
    let mut bytes = Vec::new();
    let mut part = vec![0; 65_536];
    loop {
        let left = deadline.checked_duration_since(Instant::now()).ok_or(ErrorKind::TimedOut)?;
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut fds = [&pipe, &end].map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN));
        match poll(&mut fds, timeout) {
            Err(Errno::EINTR) | Ok(0) => continue,
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        let [has_more, is_asked] = fds.map(|fd| fd.any().unwrap_or(false));
        match has_more.then(|| pipe.read(&mut part)).transpose()? {
            Some(0) => return Ok(bytes),
            Some(count) => bytes.extend_from_slice(&part[..count]),
            None if is_asked => return Err(ErrorKind::Interrupted.into()),
            None => {}
        }
    }
}

fn pass_on_bytes(reply: &[u8]) -> bool {
    let is_object = reply.starts_with(b"{") && reply.ends_with(b"}\n");
    if !is_object || serde_json::from_slice::<serde::de::IgnoredAny>(reply).is_err() {
        return false;
    }
    if !stdout::has_reply() {
        stdout::write(reply);
    }
    true
}
