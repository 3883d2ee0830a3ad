//! A program that is executed through the descriptor by which it was looked at, as an account.

use crate::exec::cgroup::Own;
use crate::system::kernel::{self, Forked};
use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::unistd::{Gid, Pid, Uid, execveat, fchdir, setsid};
use std::cell::Cell;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, PipeWriter, Read, Write};
use std::os::fd::{AsFd, OwnedFd};

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
    /// The kernel did not execute it.
    Execute,
}

impl Step {
    const ALL: [Self; 4] = [Self::Leave, Self::Account, Self::Directory, Self::Execute];
}

/// A program that is ready to be started.
#[derive(Debug)]
pub struct Program {
    /// What is executed.
    pub file: File,
    /// Its `argv`, the name by which it is called first.
    pub words: Vec<CString>,
    /// Its environment, and no other.
    pub environment: Vec<CString>,
    /// Where it is started.
    pub directory: File,
    /// As whom; root where there is none.
    pub account: Option<Ids>,
    /// The cgroup that it is alone in, with all that it starts.
    pub cgroup: Option<Own>,
    /// What kept it from being started.
    pub failed: Cell<Option<Step>>,
}

impl Program {
    /// Starts it in a session and a cgroup of its own, with default signals, no terminal, nothing
    /// to read and nothing open but where it prints.
    ///
    /// # Errors
    /// What the kernel says; [`Program::failed`] has of what.
    pub fn start(&self, stdout: impl AsFd, stderr: impl AsFd) -> io::Result<Pid> {
        let (mut reader, mut writer) = io::pipe()?;
        let stdin = OwnedFd::from(File::open("/dev/null")?);
        let entry = self.cgroup.as_ref().map(Own::entry).transpose()?;
        match kernel::fork()? {
            Forked::Child => {
                let streams = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
                let Err((step, error)) = self.execute(streams, entry);
                tell(&mut writer, step, error);
                std::process::exit(127)
            }
            Forked::Parent(pid) => {
                drop(writer);
                let mut message = [0; 5];
                // The kernel has closed it where the program was executed.
                if reader.read_exact(&mut message).is_err() {
                    return Ok(pid);
                }
                let _ = nix::sys::wait::waitpid(pid, None);
                let [step, errno @ ..] = message;
                self.failed.set(Step::ALL.get(usize::from(step)).copied());
                Err(io::Error::from_raw_os_error(i32::from_ne_bytes(errno)))
            }
        }
    }

    /// Becomes it. Only what kept it from that comes back.
    fn execute(
        &self,
        streams: [std::os::fd::BorrowedFd<'_>; 3],
        entry: Option<File>,
    ) -> Result<std::convert::Infallible, (Step, Errno)> {
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
        if let Some(Ids { uid, gid, groups }) = &self.account {
            let became = kernel::become_account(*uid, *gid, groups);
            became.map_err(|error| (Step::Account, raw(error)))?;
        }
        // As the account, which may have no right to be there.
        fchdir(&self.directory).map_err(|error| (Step::Directory, error))?;
        let flags = AtFlags::AT_EMPTY_PATH;
        execveat(&self.file, c"", &self.words, &self.environment, flags)
            .map_err(|error| (Step::Execute, error))
    }
}

fn tell(writer: &mut PipeWriter, step: Step, error: Errno) {
    let place = Step::ALL.iter().position(|each| *each == step).unwrap_or_default();
    let [a, b, c, d] = (error as i32).to_ne_bytes();
    let _ = writer.write_all(&[place as u8, a, b, c, d]);
}
