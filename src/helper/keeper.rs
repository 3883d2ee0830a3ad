//! Keeps an operation and its record together, whichever of the processes around it is killed.
//!
//! Two processes share an operation. One runs it, records what came of it and answers; the other
//! stands by. What the operation prints goes through pipes that both hold, so that a package
//! manager does not die of a pipe that nobody reads, and what the first leaves behind becomes
//! the second's child (`PR_SET_CHILD_SUBREAPER`, `prctl(2)`), which waits for it and writes the
//! record.

use super::codes::{Code, Refusal};
use super::exec::Outcome;
use super::process::{Ended, Ran};
use crate::audit::{self, Recorded};
use crate::sys;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::fs::OpenOptions;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// What both processes hold.
#[derive(Debug)]
pub struct Lifeline {
    stdout: PipeReader,
    stderr: PipeReader,
    /// The first tells the second here what it has begun, and that all is written down.
    news: (PipeReader, PipeWriter),
}

/// What is said when the record is written.
const RECORDED: u8 = b'.';

impl Lifeline {
    /// Makes the pipes.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn new() -> io::Result<Self> {
        Ok(Self { stdout: io::pipe()?.0, stderr: io::pipe()?.0, news: io::pipe()? })
    }

    /// The two pipes, ends to read and ends to write, for what is run.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn streams(&self) -> io::Result<[(PipeReader, PipeWriter); 2]> {
        let open = |pipe: &PipeReader| {
            // Made anew each time: nobody but what is run may hold one, or its end is never seen.
            let path = format!("/proc/self/fd/{}", pipe.as_raw_fd());
            let writer = OpenOptions::new().write(true).open(path)?;
            Ok::<_, io::Error>((pipe.try_clone()?, OwnedFd::from(writer).into()))
        };
        Ok([open(&self.stdout)?, open(&self.stderr)?])
    }

    /// Says that this process was begun.
    pub fn begun(&mut self, pid: Pid) {
        let _ = self.news.1.write_all(&pid.as_raw().to_ne_bytes());
    }

    /// Says that what came of it is written down.
    pub fn recorded(&mut self) {
        let _ = self.news.1.write_all(&[RECORDED]);
    }
}

/// Waits for the process that runs the operation. Where that is gone without a record, waits for
/// what it has begun, and writes the record.
pub fn stand_by(mut lifeline: Lifeline, runs_it: Pid, recorded: &Recorded) {
    loop {
        match waitpid(runs_it, None) {
            Err(Errno::EINTR) => {}
            Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) | Err(_) => break,
            Ok(_) => {}
        }
    }
    let mut news = [0; 256];
    let told = match sys::nonblocking(lifeline.news.0.as_fd()) {
        Ok(()) => lifeline.news.0.read(&mut news).unwrap_or(0),
        Err(_) => 0,
    };
    let outcome = match news.get(..told).unwrap_or_default() {
        [.., RECORDED] if told % 4 == 1 => return,
        // The last that was begun; those before it had ended.
        [.., a, b, c, d] => {
            let main = Pid::from_raw(i32::from_ne_bytes([*a, *b, *c, *d]));
            finished(lifeline, main)
        }
        _ => Outcome::of(Err(Refusal::new(
            Code::Internal,
            "the process that was to run the operation was killed before it began",
        ))),
    };
    // There is nobody left to tell that this failed too.
    let _ = audit::result(recorded, &outcome);
}

/// What came of a command whose output nobody reads any more.
fn finished(lifeline: Lifeline, main: Pid) -> Outcome {
    let ended = drained(lifeline, main);
    let verdict = match ended {
        Ended::Exited(0) => Ok(()),
        _ => Err(Refusal::new(
            Code::CommandFailed,
            "the operation failed, after the process that ran it was killed",
        )),
    };
    Outcome { ran: Some(Ran { ended, ..Ran::nothing() }), ..Outcome::of(verdict) }
}

/// Reads what it prints, to no purpose but its own, until it ends.
fn drained(lifeline: Lifeline, main: Pid) -> Ended {
    let end: Option<OwnedFd> = sys::pidfd(main).ok();
    let mut pipes: Vec<PipeReader> = vec![lifeline.stdout, lifeline.stderr];
    pipes.retain(|pipe| sys::nonblocking(pipe.as_fd()).is_ok());
    loop {
        match waitpid(main, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, status)) => return Ended::Exited(status),
            Ok(WaitStatus::Signaled(_, signal, _)) => return Ended::Signalled(signal as i32),
            Ok(_) | Err(Errno::EINTR) => {}
            // It ended before its parent did, and took its status along.
            Err(_) => return Ended::Late,
        }
        let ends = end.iter().map(AsFd::as_fd).chain(pipes.iter().map(AsFd::as_fd));
        let mut fds: Vec<PollFd<'_>> = ends.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        // Looked at every second all the same: where there is no descriptor for its end.
        let _ = poll(&mut fds, PollTimeout::from(1000_u16));
        let mut bytes = [0; 16_384];
        pipes.retain_mut(|pipe| match pipe.read(&mut bytes) {
            Ok(count) => count > 0,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_what_is_run_is_seen_and_more_can_be_run() {
        let lifeline = Lifeline::new().expect("pipes");
        for text in ["one", "two"] {
            let [(mut stdout, mut writer), stderr] = lifeline.streams().expect("streams");
            writer.write_all(text.as_bytes()).expect("room");
            drop((writer, stderr));
            let mut read = String::new();
            stdout.read_to_string(&mut read).expect("text");
            assert_eq!(read, text);
        }
    }
}
