//! Keeps an operation and its record together, whichever of the processes around it is killed.
//!
//! Two processes share an operation. One runs it, records what came of it and answers; the other
//! is its monitor. What the operation prints goes through pipes that both hold, so that a package
//! manager does not die of a pipe that nobody reads, and what the first leaves behind becomes
//! the second's child (`PR_SET_CHILD_SUBREAPER`, `prctl(2)`), which waits for it and writes the
//! record.

use crate::audit::{self, Recorded};
use crate::exec::backchannel::{Backchannel, LENGTH, Message};
use crate::outcome::Outcome;
use crate::request::code::{Code, Refusal};
use crate::request::ran::{Ended, Ran};
use crate::system::kernel;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::HashMap;
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, OwnedFd};

/// What the first process has progress before it ended.
#[derive(Debug, Default, PartialEq, Eq)]
struct Progress {
    beginning: bool,
    main: Option<Pid>,
    ended: Option<Ended>,
    recorded: bool,
}

impl Progress {
    /// Reads what there is.
    fn all(mut messages: PipeReader) -> Self {
        let mut progress = Self::default();
        let mut message = [0; LENGTH];
        if kernel::nonblocking(messages.as_fd()).is_err() {
            return progress;
        }
        while messages.read_exact(&mut message).is_ok() {
            match Message::parse(message) {
                // Another one: the one before has ended and come to nothing.
                Some(Message::Beginning) => {
                    (progress.beginning, progress.main, progress.ended) = (true, None, None)
                }
                Some(Message::Begun(pid)) => progress.main = Some(Pid::from_raw(pid)),
                Some(Message::Ended(signal @ ..=-1)) => {
                    progress.ended = Some(Ended::Signalled(-signal))
                }
                Some(Message::Ended(status)) => progress.ended = Some(Ended::Exited(status)),
                Some(Message::Recorded) => progress.recorded = true,
                None => {}
            }
        }
        progress
    }
}

/// The children that were waited for, and how they ended.
#[derive(Debug, Default)]
struct Reaped(HashMap<Pid, Ended>);

impl Reaped {
    /// Waits for any child. Gives none if nothing has ended.
    fn next(&mut self, how: WaitPidFlag) -> nix::Result<Option<Pid>> {
        match waitpid(None, Some(how)) {
            Ok(WaitStatus::Exited(pid, status)) => {
                self.0.insert(pid, Ended::Exited(status));
                Ok(Some(pid))
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) => {
                self.0.insert(pid, Ended::Signalled(signal as i32));
                Ok(Some(pid))
            }
            Ok(_) | Err(Errno::EINTR) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Waits for the process that runs the operation. If that is gone without a record, waits for
/// what it has begun, does what is to be done `afterwards`, and writes the record. Gives what came of it then.
pub fn watch(
    backchannel: Backchannel,
    worker: Pid,
    recorded: &Recorded,
    afterwards: &dyn Fn(Outcome) -> Outcome,
) -> Option<Outcome> {
    let Backchannel { stdout, stderr, messages: (messages, to_tell), .. } = backchannel;
    drop(to_tell);
    // What a package's scripts have left behind becomes a child of this process.
    let mut reaped = Reaped::default();
    while let Ok(child) = reaped.next(WaitPidFlag::empty()) {
        if child == Some(worker) {
            break;
        }
    }
    let progress = Progress::all(messages);
    if progress.recorded {
        return None;
    }
    let outcome = match (progress.ended, progress.beginning) {
        (Some(ended), _) => finished(ended),
        (None, false) => Outcome::of(Err(Refusal::new(
            Code::Internal,
            "the process that runs the operation was killed before it began",
        ))),
        (None, true) => match drained([stdout, stderr], progress.main, &mut reaped) {
            Some(ended) => finished(ended),
            None => Outcome::of(Err(Refusal::new(
                Code::Internal,
                "the process that runs the operation was killed as it began: the operation may have been done",
            ))),
        },
    };
    let outcome = afterwards(outcome);
    // There is nobody left to tell that this failed too.
    let _ = audit::result_unless_there(recorded, &outcome);
    Some(outcome)
}

/// What came of a command whose output nobody reads any more.
fn finished(ended: Ended) -> Outcome {
    let verdict = match ended {
        Ended::Exited(0) => Ok(()),
        _ => Err(Refusal::new(
            Code::CommandFailed,
            "the operation failed, after the process that ran it was killed",
        )),
    };
    Outcome { ran: Some(Ran { ended, ..Ran::nothing() }), ..Outcome::of(verdict) }
}

/// Reads what it prints, to no purpose but its own, until it ends. If it was killed before it
/// could say which process that is, until nobody prints any more.
fn drained(streams: [PipeReader; 2], main: Option<Pid>, reaped: &mut Reaped) -> Option<Ended> {
    let end: Option<OwnedFd> = main.and_then(|main| kernel::pidfd(main).ok());
    let mut pipes = Vec::from(streams);
    pipes.retain(|pipe| kernel::nonblocking(pipe.as_fd()).is_ok());
    loop {
        // All that have ended, so that no end is waited for that was seen before.
        let more = loop {
            match reaped.next(WaitPidFlag::WNOHANG) {
                Ok(Some(_)) => {}
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        let ended = main.and_then(|main| reaped.0.get(&main)).copied();
        if ended.is_some() || !more || (main.is_none() && pipes.is_empty()) {
            return ended;
        }
        let ends = end.iter().map(AsFd::as_fd).chain(pipes.iter().map(AsFd::as_fd));
        let mut fds: Vec<PollFd<'_>> = ends.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        // Looked at every second all the same: if there is no descriptor for its end.
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
    use std::io::Write;

    #[test]
    fn what_was_told_is_known() {
        let mut backchannel = Backchannel::new().expect("pipes");
        backchannel.begin(|| Ok(Pid::from_raw(41))).expect("begun");
        backchannel.ended(Ended::Exited(100));
        backchannel.begin(|| Ok(Pid::from_raw(42))).expect("begun");
        backchannel.ended(Ended::Signalled(9));
        let progress = Progress::all(backchannel.messages.0);
        let main = Some(Pid::from_raw(42));
        let ended = Some(Ended::Signalled(9));
        assert_eq!(progress, Progress { beginning: true, main, ended, recorded: false });
    }

    #[test]
    fn the_end_of_what_is_run_is_seen_and_more_can_be_run() {
        let backchannel = Backchannel::new().expect("pipes");
        for text in ["one", "two"] {
            let [(mut stdout, mut writer), stderr] = backchannel.streams().expect("streams");
            writer.write_all(text.as_bytes()).expect("room");
            drop((writer, stderr));
            let mut read = String::new();
            stdout.read_to_string(&mut read).expect("text");
            assert_eq!(read, text);
        }
    }
}
