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
        // Under NOEXEC sudo has what starts a program fail with -1, which is no error's number.
        let errno = match error.raw_os_error() {
            Some(-1) => Errno::EACCES,
            Some(number) => Errno::from_raw(number),
            None => Errno::EIO,
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kept_a_program_from_starting_has_a_name() {
        for (number, errno) in [(-1, Errno::EACCES), (2, Errno::ENOENT), (8, Errno::ENOEXEC)] {
            let ran = Ran::not_started(&io::Error::from_raw_os_error(number));
            assert!(matches!(ran.ended, Ended::NotStarted(it) if it == errno), "{number}");
        }
    }
}
