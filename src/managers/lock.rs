//! The locks of package managers, and who holds them: looked at where a package manager is run, so that it can
//! take them, and taken where this program does its work.

use crate::output::text::one_line;
use crate::system::proc;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A lock.
#[derive(Debug, Clone, Copy)]
pub enum Lock {
    /// One of `fcntl_locking(2)` on this file.
    OnFile(&'static str),
    /// This file, for as long as it is there.
    IsFile(&'static str),
}

/// A lock that this process holds, until it is dropped.
#[derive(Debug)]
pub enum Taken {
    /// By this open file.
    OnFile(#[expect(dead_code, reason = "it is held as long as it is open")] File),
    /// By this file being there, which is open: by that others see that somebody holds it.
    IsFile(&'static str, #[expect(dead_code, reason = "it is open as long as it is held")] File),
}

/// What is in a lock that is a file, if it is of this program: one that was left behind by it is taken away by it.
const OWN: &str = "sm undo\n";

impl Drop for Taken {
    fn drop(&mut self) {
        if let Self::IsFile(path, _) = self {
            // Who finds it is told what to do.
            let _ = fs::remove_file(path);
        }
    }
}

/// Who holds a lock.
#[derive(Debug)]
pub enum Holder {
    /// This process.
    Process(String),
    /// Nobody: what held it is gone, and has left this file behind.
    Nobody(&'static str),
}

impl Lock {
    /// Who holds it now.
    pub fn holder(self) -> Option<Holder> {
        match self {
            Self::OnFile(path) => holder_of_lock(path),
            Self::IsFile(path) => holder_of_file(path),
        }
    }

    /// Takes it, without waiting; none if somebody else has it, or it cannot be had.
    pub fn take(self) -> Option<Taken> {
        match self {
            Self::OnFile(path) => {
                let mut options = OpenOptions::new();
                options.write(true).create(true).truncate(false).mode(0o640);
                let file = options.custom_flags(libc::O_NOFOLLOW).open(path).ok()?;
                fcntl(&file, FcntlArg::F_OFD_SETLK(&whole())).ok()?;
                Some(Taken::OnFile(file))
            }
            Self::IsFile(path) => {
                let mut options = OpenOptions::new();
                let mut made = options.write(true).create_new(true).mode(0o600).open(path).ok()?;
                // It says whose it is, for the case that this process is killed.
                made.write_all(OWN.as_bytes()).ok()?;
                Some(Taken::IsFile(path, made))
            }
        }
    }

    /// Takes away what this program has left behind of it.
    pub fn forget(self) {
        if let Self::IsFile(path) = self
            && matches!(self.holder(), Some(Holder::Nobody(_)))
            && fs::read_to_string(path).is_ok_and(|text| text == OWN)
        {
            let _ = fs::remove_file(path);
        }
    }
}

/// Who holds a lock of `fcntl_locking(2)` on the file.
fn holder_of_lock(path: &str) -> Option<Holder> {
    let file = File::open(path).ok()?;
    let mut lock = whole();
    fcntl(&file, FcntlArg::F_GETLK(&mut lock)).ok()?;
    let is_free = i32::from(lock.l_type) == libc::F_UNLCK;
    (!is_free).then(|| Holder::Process(called(lock.l_pid)))
}

/// A lock on the whole of a file.
fn whole() -> libc::flock {
    libc::flock {
        l_type: libc::F_WRLCK as _,
        l_whence: libc::SEEK_SET as _,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

/// Who has the file open, if there is one.
fn holder_of_file(lock: &'static str) -> Option<Holder> {
    let path = Path::new(lock);
    if !path.exists() {
        return None;
    }
    let holds = |pid: &i32| {
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|entry| entry.path().read_link().ok()).any(|target| target == path)
    };
    Some(proc::all().find(holds).map_or(Holder::Nobody(lock), |pid| Holder::Process(called(pid))))
}

/// `apt-get (process 4711)`
fn called(pid: i32) -> String {
    match std::fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) if pid > 0 => format!("{} (process {pid})", one_line(&name, 32)),
        // The kernel gives no number that means something here (pid_namespaces(7)).
        _ => "a process that is not visible from here".to_owned(),
    }
}
