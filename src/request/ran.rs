//! How a process ended and what it printed.

use crate::output::captured::{Captured, Seal};
use nix::errno::Errno;
use std::io;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With this exit status.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// It was not done in time.
    Late,
    /// It never began.
    NotStarted(Errno),
}

/// What a process did.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub ended: Ended,
    /// What it printed, plain and bounded.
    pub stdout: String,
    /// Whether the bound was hit.
    pub stdout_truncated: bool,
    /// What it printed as errors, plain and bounded.
    pub stderr: String,
    /// Whether the bound was hit.
    pub stderr_truncated: bool,
    /// What it printed, as the audit log has it: standard output and standard error.
    pub seals: [Seal; 2],
}

impl Ran {
    /// What became of a command that the kernel did not start.
    pub fn not_started(error: &io::Error) -> Self {
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or(nix::libc::EIO));
        Self { ended: Ended::NotStarted(errno), ..Self::nothing() }
    }

    /// What a command would have done that had nothing to do and so was not run.
    pub fn nothing() -> Self {
        Self {
            ended: Ended::Exited(0),
            stdout: String::new(),
            stdout_truncated: false,
            stderr: String::new(),
            stderr_truncated: false,
            seals: [Captured::new(0).seal(), Captured::new(0).seal()],
        }
    }
}
