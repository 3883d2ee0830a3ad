//! The host's `age` and `age-keygen`, run as nobody who has anything: a program that turns what it reads
//! into what it prints. It has no file of the log and no key but what it is handed, and can write nowhere.

use crate::exec::confinement;
use crate::exec::program::{Executable, Ids, Program, Step};
use crate::output::text::one_line;
use crate::system::accounts::User;
use crate::system::confine::calls::Strings;
use crate::system::kernel;
use crate::system::trust::trusted;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Gid, Pid, Uid, geteuid};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// The folders in which the host's own programs are.
const FOLDERS: [&str; 2] = ["/usr/bin", "/usr/local/bin"];

/// How long is waited for it, all in all, and besides for each MiB that it reads.
const PATIENCE: Duration = Duration::from_secs(20);
const FOR_EACH_MIB: Duration = Duration::from_millis(500);

/// How much is kept of what it says is wrong, in bytes.
const SAID: usize = 2048;

/// The ids that systemd gives to services which need an account for a while, and no other: `DynamicUser=`
/// of `systemd.exec(5)`. Here each run takes one that nobody has, so that no other process without rights
/// can look into it, as any of the account `nobody` could.
const SPARE: std::ops::RangeInclusive<u32> = 61_184..=65_519;
const TAKEN: &str = "/run/systemd/dynamic-uid";

/// A program of the package `age` that nobody but root can change.
#[derive(Debug)]
pub struct Tool {
    name: &'static str,
    path: CString,
}

impl Tool {
    /// `age`
    ///
    /// # Errors
    /// Why it cannot be run.
    pub fn age() -> Result<Self, String> {
        Self::find("age")
    }

    /// `age-keygen`
    ///
    /// # Errors
    /// Why it cannot be run.
    pub fn keygen() -> Result<Self, String> {
        Self::find("age-keygen")
    }

    fn find(name: &'static str) -> Result<Self, String> {
        let mut paths = FOLDERS.iter().map(|folder| Path::new(folder).join(name));
        let path = paths.find(|path| path.symlink_metadata().is_ok());
        let path =
            path.ok_or_else(|| format!("this host has no {name}: install the package age"))?;
        // What is there stays: nobody but root can change it, or the way to it.
        let (path, _) = trusted(&path).map_err(|error| error.to_string())?;
        let path = CString::new(path.as_os_str().as_bytes())
            .map_err(|_| format!("{name} has no usable path"))?;
        Ok(Self { name, path })
    }

    /// Starts it with what it reads, whose size in bytes says how long it is waited for.
    ///
    /// # Errors
    /// What kept it from being started.
    pub fn start(self, arguments: &[&str], input: &File, size: u64) -> io::Result<Running> {
        let text = |text: &str| CString::new(text).map_err(|_| io::Error::from(Errno::EINVAL));
        let words = std::iter::once(&self.name).chain(arguments).map(|word| text(word));
        let environment =
            ["PATH=/usr/bin:/bin", "HOME=/nonexistent", "LC_ALL=C.UTF-8"].into_iter().map(text);
        let name = self.name;
        let program = Program {
            executable: Executable::Named(self.path),
            words: Strings::new(words.collect::<io::Result<_>>()?),
            environment: Strings::new(environment.collect::<io::Result<_>>()?),
            directory: None,
            account: if geteuid().is_root() { Some(spare_account()?) } else { None },
            cgroup: None,
            confined: Some(confinement::of_a_pipe()),
            failed: Cell::new(None),
        };
        let (stdout, its_stdout) = io::pipe()?;
        let (stderr, its_stderr) = io::pipe()?;
        let streams: [BorrowedFd<'_>; 3] = [input.as_fd(), its_stdout.as_fd(), its_stderr.as_fd()];
        let pid = program.start(streams).map_err(|error| {
            let what = match program.failed.get() {
                Some(Step::Account) => "cannot become another account",
                Some(Step::Confine) => "cannot be confined as the policy requires",
                Some(Step::Execute) => "cannot be executed",
                _ => "cannot be started",
            };
            io::Error::new(error.kind(), format!("{name} {what}: {error}"))
        })?;
        kernel::nonblocking(stderr.as_fd())?;
        let most = PATIENCE + FOR_EACH_MIB * u32::try_from(size >> 20).unwrap_or(u32::MAX);
        let stderr = Some(stderr);
        Ok(Running { name, pid: Some(pid), stdout, stderr, said: Vec::new(), left: most })
    }
}

/// Ids that no account and no process has.
fn spare_account() -> io::Result<Ids> {
    let entries = fs::read_dir("/proc")?.flatten();
    let used: BTreeSet<u32> =
        entries.filter_map(|entry| Some(entry.metadata().ok()?.uid())).collect();
    let is_free = |uid: &u32| {
        !used.contains(uid)
            && fs::symlink_metadata(format!("{TAKEN}/{uid}")).is_err()
            && User::from_uid(Uid::from_raw(*uid)) == Ok(None)
    };
    // systemd chooses by a hash, so from the end is as good as from anywhere.
    let uid = SPARE.rev().find(is_free);
    let uid = uid.ok_or_else(|| io::Error::other("no user id is free"))?;
    Ok(Ids { uid: Uid::from_raw(uid), gid: Gid::from_raw(uid), groups: Vec::new() })
}

/// It runs. What is read of it is what it prints; the end comes only if it ended with success, and else an
/// error that says why. It is killed if it is not done in time, or with this value.
#[derive(Debug)]
pub struct Running {
    name: &'static str,
    pid: Option<Pid>,
    stdout: PipeReader,
    stderr: Option<PipeReader>,
    said: Vec<u8>,
    left: Duration,
}

impl Running {
    /// Keeps the beginning of what it says is wrong.
    fn listen(&mut self) {
        let Some(stderr) = &mut self.stderr else { return };
        let mut bytes = [0; 4096];
        loop {
            match stderr.read(&mut bytes) {
                Ok(count @ 1..) => {
                    let room = SAID.saturating_sub(self.said.len()).min(count);
                    self.said.extend_from_slice(&bytes[..room]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => break,
            }
        }
        self.stderr = None;
    }

    /// Waits until it has printed something or closed its output; or, then, until it has ended.
    fn wait(&mut self, end: Option<&OwnedFd>) -> io::Result<()> {
        loop {
            let began = Instant::now();
            let stream = end.map_or(self.stdout.as_fd(), AsFd::as_fd);
            let mut fds = vec![PollFd::new(stream, PollFlags::POLLIN)];
            let stderr = self.stderr.as_ref();
            fds.extend(stderr.map(|stderr| PollFd::new(stderr.as_fd(), PollFlags::POLLIN)));
            // Rounded up, or the last fraction of a millisecond is spent spinning.
            let left = self.left + Duration::from_millis(1);
            match poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            let is_ready = fds[0].any().unwrap_or(false);
            self.left = self.left.saturating_sub(began.elapsed());
            self.listen();
            if is_ready {
                return Ok(());
            }
            if self.left.is_zero() {
                let what = format!("{} was not done in time, and was killed", self.name);
                return Err(io::Error::new(io::ErrorKind::TimedOut, what));
            }
        }
    }

    /// Its end, which is an error unless it was a success.
    fn ended(&mut self) -> io::Result<()> {
        let Some(pid) = self.pid else { return Ok(()) };
        let end = kernel::pidfd(pid)?;
        self.wait(Some(&end))?;
        let status = waitpid(pid, None)?;
        self.pid = None;
        self.listen();
        let how = match status {
            WaitStatus::Exited(_, 0) => return Ok(()),
            WaitStatus::Exited(_, status) => format!("exit status {status}"),
            WaitStatus::Signaled(_, signal, _) => format!("it was killed by {signal}"),
            other => format!("{other:?}"),
        };
        Err(io::Error::other(match self.complaint() {
            Some(said) => format!("{}: {said}", self.name),
            None => format!("{} failed without a word: {how}", self.name),
        }))
    }

    /// The first thing that it says is wrong, without what it says of itself.
    fn complaint(&self) -> Option<String> {
        let said = String::from_utf8_lossy(&self.said);
        let mut lines = said.lines().map(|line| line.strip_prefix("age: ").unwrap_or(line));
        let line = lines.find(|line| !line.trim().is_empty())?;
        Some(one_line(line.strip_prefix("error: ").unwrap_or(line), 300))
    }
}

impl Read for Running {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.pid.is_none() {
            return Ok(0);
        }
        self.wait(None)?;
        let count = self.stdout.read(bytes)?;
        if count == 0 && !bytes.is_empty() {
            self.ended()?;
        }
        Ok(count)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(pid) = self.pid.take() {
            // Its process id is its group's, and is not given away before it is waited for.
            let _ = killpg(pid, Signal::SIGKILL);
            let _ = waitpid(pid, None);
        }
    }
}
