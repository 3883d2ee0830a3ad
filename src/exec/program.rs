//! A program that is started clean: with nothing of this process but what is said here.

use crate::exec::cgroup::Own;
use crate::exec::confinement;
use crate::system::confine::calls::{self, Strings, open_place};
use crate::system::confine::{Confined, Lacking, Ready};
use crate::system::kernel;
use nix::errno::Errno;
use nix::sys::stat::fstat;
use nix::sys::wait::waitpid;
use nix::unistd::{Gid, Pid, Uid, fchdir, setsid};
use std::cell::Cell;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// An account's ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    /// Its user id.
    pub uid: Uid,
    /// Its group.
    pub gid: Gid,
    /// All its groups.
    pub groups: Vec<Gid>,
}

/// What kept a program from being started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It could not leave what root's process is in.
    Leave,
    /// It could not become the account.
    Account,
    /// It could not go to its directory.
    Directory,
    /// It could not be confined, and must be.
    Confine,
    /// The kernel did not execute it.
    Execute,
}

/// A file or folder that was looked at, and its path, by which it is found where the file system looks
/// otherwise.
#[derive(Debug)]
pub struct Place {
    /// It itself.
    pub file: File,
    /// Where it is, links resolved.
    pub path: CString,
}

/// What is executed.
#[derive(Debug)]
pub enum Executable {
    /// What is there then.
    Named(CString),
    /// What was looked at.
    Open(Place),
}

/// A program that is ready to be started.
#[derive(Debug)]
pub struct Program {
    /// What is executed.
    pub executable: Executable,
    /// Its `argv`, the name by which it is called first.
    pub words: Strings,
    /// Its environment, and no other.
    pub environment: Strings,
    /// Where it is started; where this process is, if there is none.
    pub directory: Option<Place>,
    /// As whom; root where there is none.
    pub account: Option<Ids>,
    /// The cgroup that it is alone in, with all that it starts.
    pub cgroup: Option<Own>,
    /// What it is confined by.
    pub confined: Option<Confined>,
    /// What kept it from being started.
    pub failed: Cell<Option<Step>>,
}

type Failed = (Step, Errno);

impl Program {
    /// Starts it in a session of its own, with default signals, no terminal and nothing open but what it
    /// reads and where it prints.
    ///
    /// # Errors
    /// What the kernel says; [`Program::failed`] has of what.
    pub fn start(&self, streams: [BorrowedFd<'_>; 3]) -> io::Result<Pid> {
        let entry = self.cgroup.as_ref().map(Own::entry).transpose()?;
        let ready = self.confined.as_ref().map(Confined::ready);
        let mut lacking = Lacking::default();
        let mut failed: Option<Failed> = None;
        let pid = calls::start(&mut || {
            failed = Some(self.execute(streams, entry.as_ref(), ready.as_ref(), &mut lacking));
        })?;
        let pid = Pid::from_raw(pid);
        confinement::note(lacking);
        match failed {
            None => Ok(pid),
            Some((step, error)) => {
                let _ = waitpid(pid, None);
                self.failed.set(Some(step));
                Err(error.into())
            }
        }
    }

    /// Becomes it. What comes back is what kept it from that.
    fn execute(
        &self,
        streams: [BorrowedFd<'_>; 3],
        entry: Option<&File>,
        confined: Option<&Ready<'_>>,
        lacking: &mut Lacking,
    ) -> Failed {
        match self.prepare(streams, entry, confined, lacking) {
            Err(failed) => failed,
            Ok(executable) => {
                let error = match (&self.executable, executable) {
                    (Executable::Named(path), _) => {
                        calls::execute(path, &self.words, &self.environment)
                    }
                    (Executable::Open(place), here) => {
                        let file = here.as_ref().map_or(place.file.as_fd(), AsFd::as_fd);
                        calls::execute_open(file, &self.words, &self.environment)
                    }
                };
                (Step::Execute, error)
            }
        }
    }

    /// All but the last step. Gives what is executed, if that was opened again.
    fn prepare(
        &self,
        streams: [BorrowedFd<'_>; 3],
        entry: Option<&File>,
        confined: Option<&Ready<'_>>,
        lacking: &mut Lacking,
    ) -> Result<Option<OwnedFd>, Failed> {
        let raw = |error: io::Error| Errno::from_raw(error.raw_os_error().unwrap_or(5));
        let leave = |error| (Step::Leave, error);
        // Its process id is its session's and its group's.
        setsid().map_err(leave)?;
        if let Some(mut entry) = entry {
            entry.write_all(b"0").map_err(raw).map_err(leave)?;
        }
        for (number, stream) in streams.into_iter().enumerate() {
            kernel::replace(number as i32, stream).map_err(raw).map_err(leave)?;
        }
        kernel::default_signals();
        if let Some(confined) = confined {
            confined.mount(lacking);
        }
        let is_elsewhere = confined.is_some_and(Ready::has_mounts);
        let executable = match &self.executable {
            Executable::Open(place) if is_elsewhere => {
                Some(place.here().map_err(|error| (Step::Execute, error))?)
            }
            _ => None,
        };
        let directory = match &self.directory {
            Some(place) if is_elsewhere => {
                Some(place.here().map_err(|error| (Step::Directory, error))?)
            }
            _ => None,
        };
        if let Some(Ids { uid, gid, groups }) = &self.account {
            let became = kernel::become_account(*uid, *gid, groups);
            became.map_err(|error| (Step::Account, raw(error)))?;
        }
        let here = directory.as_ref().map(AsFd::as_fd);
        if let Some(directory) = here.or(self.directory.as_ref().map(|place| place.file.as_fd())) {
            // As the account, which may have no right to be there.
            fchdir(directory).map_err(|error| (Step::Directory, error))?;
        }
        if let Some(confined) = confined {
            confined.restrict(lacking);
            if !lacking.is_none() && confinement::is_required() {
                return Err((Step::Confine, Errno::EOPNOTSUPP));
            }
        }
        Ok(executable)
    }
}

impl Place {
    /// The same where this process is now, which may have mounts of its own: by the descriptor of another
    /// mount, what is read-only there could be written.
    fn here(&self) -> Result<OwnedFd, Errno> {
        let here = open_place(&self.path)?;
        let (now, then) = (fstat(&here)?, fstat(&self.file)?);
        match (now.st_dev, now.st_ino) == (then.st_dev, then.st_ino) {
            true => Ok(here),
            false => Err(Errno::ESTALE),
        }
    }
}
