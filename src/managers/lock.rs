//! The locks of package managers, and who holds them: looked at and never taken, so that what is
//! run can take them.

use crate::output::text::one_line;
use crate::system::proc;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use std::fs::File;
use std::path::Path;

/// A lock.
#[derive(Debug, Clone, Copy)]
pub enum Lock {
    /// One of `fcntl_locking(2)` on this file.
    OnFile(&'static str),
    /// This file, for as long as it is there.
    IsFile(&'static str),
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
}

/// Who holds a lock of `fcntl_locking(2)` on the file.
fn holder_of_lock(path: &str) -> Option<Holder> {
    let file = File::open(path).ok()?;
    let mut lock = libc::flock {
        l_type: libc::F_WRLCK as _,
        l_whence: libc::SEEK_SET as _,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_GETLK(&mut lock)).ok()?;
    let is_free = i32::from(lock.l_type) == libc::F_UNLCK;
    (!is_free).then(|| Holder::Process(called(lock.l_pid)))
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
