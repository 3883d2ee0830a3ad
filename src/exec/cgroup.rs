//! Out of the caller's cgroups: who owns one can kill, freeze and starve what is in it
//! (`cgroups(7)`, `cgroup.kill`, `cgroup.freeze`, `memory.max`), and who has a login session can
//! have its scope ended with all that is in it (`loginctl terminate-session`).

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

const TOP: &str = "/sys/fs/cgroup";

/// The name of ours, in each hierarchy.
const NAME: &str = "sm-helper";

/// How often it is looked at whether a cgroup is empty.
const PAUSE: Duration = Duration::from_millis(20);

/// Whether the cgroup of this process, or one above it, belongs to somebody else than root, as
/// those of a delegated user session do.
pub fn is_of_another() -> bool {
    let Some(top) = unified() else { return false };
    let text = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let Some(own) = text.lines().find_map(|line| line.strip_prefix("0::/")) else { return false };
    let foreign = |folder: &Path| folder.metadata().is_ok_and(|data| data.uid() != 0);
    top.join(own).ancestors().take_while(|folder| folder.starts_with(&top)).any(foreign)
}

/// Moves this process into a cgroup of root's own, in every hierarchy.
///
/// # Errors
/// If it stays in the unified one, or in the only one there is.
pub fn leave() -> io::Result<()> {
    let unified = unified();
    for hierarchy in hierarchies() {
        let own = hierarchy.join(NAME);
        let made = match std::fs::create_dir(&own) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => std::fs::write(own.join("cgroup.procs"), "0"),
        };
        // Those of the first version may want settings before they take a process; nobody but
        // root can have delegated one.
        if unified.as_ref() == Some(&hierarchy) {
            made?;
        }
    }
    Ok(())
}

/// Where the hierarchy of the second version is mounted.
fn unified() -> Option<PathBuf> {
    let places = [PathBuf::from(TOP), Path::new(TOP).join("unified")];
    places.into_iter().find(|place| place.join("cgroup.controllers").exists())
}

/// The top of each hierarchy. Of the second version alone that is the mount point, and what is
/// below it are cgroups; else each is a folder.
fn hierarchies() -> Vec<PathBuf> {
    let top = Path::new(TOP);
    if top.join("cgroup.procs").exists() {
        return vec![top.to_owned()];
    }
    let below = std::fs::read_dir(top).into_iter().flatten().flatten();
    below.map(|entry| entry.path()).filter(|path| path.join("cgroup.procs").exists()).collect()
}

/// A cgroup that a program is alone in, with all that it starts: whatever session those go to, and
/// whoever becomes their parent.
#[derive(Debug)]
pub struct Own {
    folder: PathBuf,
}

impl Own {
    /// Makes one of this name, below ours; those that are left over and empty go.
    ///
    /// # Errors
    /// What the kernel says: there may be no unified hierarchy, or none that root can change.
    pub fn make(name: &str) -> io::Result<Self> {
        let top = unified().ok_or(io::ErrorKind::NotFound)?;
        let ours = top.join(NAME);
        match std::fs::create_dir(&ours) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        for left in std::fs::read_dir(&ours)?.flatten() {
            if left.file_type().is_ok_and(|kind| kind.is_dir()) {
                // The kernel refuses where somebody is in it.
                let _ = std::fs::remove_dir(left.path());
            }
        }
        let folder = ours.join(name);
        std::fs::create_dir(&folder)?;
        Ok(Self { folder })
    }

    /// Where a process writes `0` to be in it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn entry(&self) -> io::Result<File> {
        OpenOptions::new().write(true).open(self.folder.join("cgroup.procs"))
    }

    /// Sends a signal to all in it. With SIGKILL nobody gets away who starts others meanwhile.
    pub fn signal(&self, signal: Signal) {
        let is_killed = signal == Signal::SIGKILL
            && std::fs::write(self.folder.join("cgroup.kill"), "1").is_ok();
        if !is_killed {
            // Before Linux 5.14, and for every other signal.
            for pid in self.members() {
                let _ = kill(pid, signal);
            }
        }
    }

    /// Ends all in it: those that do not end by themselves within this time are killed.
    pub fn end(&self, patience: Duration) {
        self.wait_until_empty(patience);
        let deadline = Instant::now() + patience;
        while !self.is_empty() && Instant::now() < deadline {
            self.signal(Signal::SIGKILL);
            sleep(PAUSE);
        }
    }

    fn wait_until_empty(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        while !self.is_empty() && Instant::now() < deadline {
            sleep(PAUSE);
        }
    }

    /// Whether nobody is in it, or in one below it.
    fn is_empty(&self) -> bool {
        let events = std::fs::read_to_string(self.folder.join("cgroup.events"));
        events.map_or(true, |events| events.lines().any(|line| line == "populated 0"))
    }

    fn members(&self) -> Vec<Pid> {
        let text = std::fs::read_to_string(self.folder.join("cgroup.procs")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).map(Pid::from_raw).collect()
    }
}

impl Drop for Own {
    /// Takes it away. Who is still in it keeps it until the next one is made.
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.folder);
    }
}
