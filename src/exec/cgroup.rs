//! Out of the caller's cgroups: who owns one can kill, freeze and starve what is in it
//! (`cgroups(7)`, `cgroup.kill`, `cgroup.freeze`, `memory.max`), and who has a login session can
//! have its scope ended with all that is in it (`loginctl terminate-session`).

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const TOP: &str = "/sys/fs/cgroup";

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
        let own = hierarchy.join("sm-helper");
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
