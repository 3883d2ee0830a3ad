//! What the process that runs an operation tells its monitor.

use crate::request::ran::Ended;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::unistd::Pid;
use std::fs::OpenOptions;
use std::io::{self, PipeReader, PipeWriter, Write};
use std::os::fd::{AsRawFd, OwnedFd};

/// What both processes hold.
#[derive(Debug)]
pub struct Backchannel {
    /// What is run prints here.
    pub stdout: PipeReader,
    /// And here its errors.
    pub stderr: PipeReader,
    /// The first tells the second here how far it is.
    pub messages: (PipeReader, PipeWriter),
    /// What is run holds ends to read of its own output too.
    pub is_held: bool,
}

/// How much a pipe holds that nobody reads any more, in bytes: more than a package manager
/// usually prints.
const ROOM: i32 = 1 << 20;

/// How far the first process is, a message each: a tag, a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// A command will be started now.
    Beginning,
    /// This process is the command.
    Begun(i32),
    /// It ended with this status, or, below 0, by this signal.
    Ended(i32),
    /// What came of it is written down.
    Recorded,
}

/// How long each message is, in bytes.
pub const LENGTH: usize = 5;

impl Message {
    fn bytes(self) -> [u8; LENGTH] {
        let (tag, number) = match self {
            Self::Beginning => (0, 0),
            Self::Begun(pid) => (1, pid),
            Self::Ended(status) => (2, status),
            Self::Recorded => (3, 0),
        };
        let [a, b, c, d] = i32::to_ne_bytes(number);
        [tag, a, b, c, d]
    }

    /// Reads one; none if it is no message.
    pub fn parse(message: [u8; LENGTH]) -> Option<Self> {
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

impl Backchannel {
    /// Makes the pipes.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            stdout: io::pipe()?.0,
            stderr: io::pipe()?.0,
            messages: io::pipe()?,
            is_held: false,
        })
    }

    /// The two pipes, ends to read and ends to write, for what is run.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn streams(&self) -> io::Result<[(PipeReader, PipeWriter); 2]> {
        let open = |pipe: &PipeReader| {
            // Made again each time: nobody but what is run may hold one, or its end is never seen.
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
        self.tell(Message::Beginning);
        let flag = if self.is_held { FdFlag::empty() } else { FdFlag::FD_CLOEXEC };
        self.flag(flag);
        let started = start();
        self.flag(FdFlag::FD_CLOEXEC);
        if let Ok(pid) = started {
            self.tell(Message::Begun(pid.as_raw()));
        }
        started
    }

    /// Has what is run hold ends to read of its own output: if both processes here are killed,
    /// it continues to the end, and does not die of pipes that nobody holds.
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
            Ended::Exited(status) => self.tell(Message::Ended(status)),
            Ended::Signalled(signal) => self.tell(Message::Ended(-signal)),
            Ended::Late | Ended::NotStarted(_) => {}
        }
    }

    /// Says that what came of it is written down.
    pub fn recorded(&mut self) {
        self.tell(Message::Recorded);
    }

    fn tell(&mut self, what: Message) {
        let _ = self.messages.1.write_all(&what.bytes());
    }
}
