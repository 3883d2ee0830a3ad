//! The host's own tools, as the administrator's commands run them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where a tool of the system is.
pub fn find(name: &str) -> Option<PathBuf> {
    find_in(&["/usr/sbin", "/usr/bin", "/sbin", "/bin"], name)
}

/// The first of these folders' files of this name.
pub fn find_in(folders: &[&str], name: &str) -> Option<PathBuf> {
    folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists())
}

/// A command with nothing of ours in its surroundings, which speaks English.
pub fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs([("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C.UTF-8")])
        .current_dir("/")
        .stdin(Stdio::null());
    command
}
