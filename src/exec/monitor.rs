//! Keeps an operation and its record together, whichever of the processes around it is killed.
//!
//! Two processes share an operation. One runs it, records what came of it and answers; the other
//! stands by. What the operation prints goes through pipes that both hold, so that a package
//! manager does not die of a pipe that nobody reads, and what the first leaves behind becomes
//! the second's child (`PR_SET_CHILD_SUBREAPER`, `prctl(2)`), which waits for it and writes the
//! record.

use crate::audit::{self, Recorded};
use crate::exec::outcome::Outcome;
use crate::exec::process::{Ended, Ran};
use crate::request::code::{Code, Refusal};
use crate::system::kernel;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// What both processes hold.
#[derive(Debug)]
pub struct Lifeline {
    stdout: PipeReader,
    stderr: PipeReader,
    /// The first tells the second here how far it is.
    news: (PipeReader, PipeWriter),
    /// What is run holds ends to read of its own output too.
    is_held: bool,
}

/// How much a pipe holds that nobody reads any more, in bytes: more than a package manager
/// usually prints.
const ROOM: i32 = 1 << 20;

/// How far the first process is, a message each: a tag, a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// A command will be started now.
    Beginning,
    /// This process is the command.
    Begun(i32),
    /// It ended with this status, or, below 0, by this signal.
    Ended(i32),
    /// What came of it is written down.
    Recorded,
}

const MESSAGE: usize = 5;

impl News {
    fn bytes(self) -> [u8; MESSAGE] {
        let (tag, number) = match self {
            Self::Beginning => (0, 0),
            Self::Begun(pid) => (1, pid),
            Self::Ended(status) => (2, status),
            Self::Recorded => (3, 0),
        };
        let [a, b, c, d] = i32::to_ne_bytes(number);
        [tag, a, b, c, d]
    }

    fn parse(message: [u8; MESSAGE]) -> Option<Self> {
        let [tag, a, b, c, d] = message;
        let number = i32::from_ne_bytes([a, b, c, d]);
        match tag {
            0 => Some(Self::Beginning),
            1 => Some(Self::Begun(number)),
            2 => Some(Self::Ended(number)),
            3 => Some(Self::Recorded),
            _ => None,
        }
    }
}

impl Lifeline {
    /// Makes the pipes.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn new() -> io::Result<Self> {
        Ok(Self { stdout: io::pipe()?.0, stderr: io::pipe()?.0, news: io::pipe()?, is_held: false })
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

    /// Starts a command by `start`.
    ///
    /// # Errors
    /// What `start` says.
    pub fn begin(&mut self, start: impl FnOnce() -> io::Result<Pid>) -> io::Result<Pid> {
        self.tell(News::Beginning);
        let flag = if self.is_held { FdFlag::empty() } else { FdFlag::FD_CLOEXEC };
        self.flag(flag);
        let started = start();
        self.flag(FdFlag::FD_CLOEXEC);
        if let Ok(pid) = started {
            self.tell(News::Begun(pid.as_raw()));
        }
        started
    }

    /// Has what is run hold ends to read of its own output: where both processes here are killed,
    /// it goes on to its end, and does not die of pipes that nobody holds.
    pub fn hold(&mut self) {
        for pipe in [&self.stdout, &self.stderr] {
            let _ = fcntl(pipe, FcntlArg::F_SETPIPE_SZ(ROOM));
        }
        self.is_held = true;
    }

    fn flag(&self, flag: FdFlag) {
        for pipe in [&self.stdout, &self.stderr] {
            let _ = fcntl(pipe, FcntlArg::F_SETFD(flag));
        }
    }

    /// Says how the command ended, before it is waited for: afterwards nobody could find out.
    pub fn ended(&mut self, how: Ended) {
        match how {
            Ended::Exited(status) => self.tell(News::Ended(status)),
            Ended::Signalled(signal) => self.tell(News::Ended(-signal)),
            Ended::Late | Ended::NotStarted(_) => {}
        }
    }

    /// Says that what came of it is written down.
    pub fn recorded(&mut self) {
        self.tell(News::Recorded);
    }

    fn tell(&mut self, what: News) {
        let _ = self.news.1.write_all(&what.bytes());
    }
}

/// What the first process has told before it ended.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    beginning: bool,
    main: Option<Pid>,
    ended: Option<Ended>,
    recorded: bool,
}

impl Told {
    /// Reads what there is.
    fn all(mut news: PipeReader) -> Self {
        let mut told = Self::default();
        let mut message = [0; MESSAGE];
        if kernel::nonblocking(news.as_fd()).is_err() {
            return told;
        }
        while news.read_exact(&mut message).is_ok() {
            match News::parse(message) {
                // Another one: the one before has ended and come to nothing.
                Some(News::Beginning) => {
                    (told.beginning, told.main, told.ended) = (true, None, None)
                }
                Some(News::Begun(pid)) => told.main = Some(Pid::from_raw(pid)),
                Some(News::Ended(signal @ ..=-1)) => told.ended = Some(Ended::Signalled(-signal)),
                Some(News::Ended(status)) => told.ended = Some(Ended::Exited(status)),
                Some(News::Recorded) => told.recorded = true,
                None => {}
            }
        }
        told
    }
}

/// The children that were waited for, and how they ended.
#[derive(Debug, Default)]
struct Buried(HashMap<Pid, Ended>);

impl Buried {
    /// Waits for any child. Gives none where nothing has ended.
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

/// Waits for the process that runs the operation. Where that is gone without a record, waits for
/// what it has begun, and writes the record.
pub fn stand_by(lifeline: Lifeline, runs_it: Pid, recorded: &Recorded) {
    let Lifeline { stdout, stderr, news: (news, to_tell), .. } = lifeline;
    drop(to_tell);
    // What a package's scripts have left behind becomes a child of this process.
    let mut buried = Buried::default();
    while let Ok(child) = buried.next(WaitPidFlag::empty()) {
        if child == Some(runs_it) {
            break;
        }
    }
    let told = Told::all(news);
    if told.recorded {
        return;
    }
    let outcome = match (told.ended, told.beginning) {
        (Some(ended), _) => finished(ended),
        (None, false) => Outcome::of(Err(Refusal::new(
            Code::Internal,
            "the process that was to run the operation was killed before it began",
        ))),
        (None, true) => match drained([stdout, stderr], told.main, &mut buried) {
            Some(ended) => finished(ended),
            None => Outcome::of(Err(Refusal::new(
                Code::Internal,
                "the process that was to run the operation was killed at the very moment it began: it may have been done",
            ))),
        },
    };
    // There is nobody left to tell that this failed too.
    let _ = audit::result_unless_there(recorded, &outcome);
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

/// Reads what it prints, to no purpose but its own, until it ends. Where it was killed before it
/// could say which process that is, until nobody prints any more.
fn drained(streams: [PipeReader; 2], main: Option<Pid>, buried: &mut Buried) -> Option<Ended> {
    let end: Option<OwnedFd> = main.and_then(|main| kernel::pidfd(main).ok());
    let mut pipes = Vec::from(streams);
    pipes.retain(|pipe| kernel::nonblocking(pipe.as_fd()).is_ok());
    loop {
        // All that have ended, so that no end is waited for that was seen before.
        let more = loop {
            match buried.next(WaitPidFlag::WNOHANG) {
                Ok(Some(_)) => {}
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        let ended = main.and_then(|main| buried.0.get(&main)).copied();
        if ended.is_some() || !more || (main.is_none() && pipes.is_empty()) {
            return ended;
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
    fn what_was_told_is_known() {
        let mut lifeline = Lifeline::new().expect("pipes");
        lifeline.begin(|| Ok(Pid::from_raw(41))).expect("begun");
        lifeline.ended(Ended::Exited(100));
        lifeline.begin(|| Ok(Pid::from_raw(42))).expect("begun");
        lifeline.ended(Ended::Signalled(9));
        let told = Told::all(lifeline.news.0);
        let main = Some(Pid::from_raw(42));
        let ended = Some(Ended::Signalled(9));
        assert_eq!(told, Told { beginning: true, main, ended, recorded: false });
    }

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
