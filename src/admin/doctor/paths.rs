//! What can be said of a path, and what makes it root's alone.

use crate::admin::doctor::finding::Finding;
use crate::output::text::shell_word;
use crate::request::code::Refusal;
use crate::system::tool;
use crate::system::trust::{trusted, trusted_with};
use nix::unistd::Uid;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// That nobody but root can change what the path leads to; none if that is so.
pub fn weak(path: &Path) -> Option<Finding> {
    weak_with(path, None)
}

/// The same, where parts of it may also belong to this account (`trusted_with`).
pub fn weak_with(path: &Path, also: Option<Uid>) -> Option<Finding> {
    let refusal = trusted_with(path, also).err()?;
    Some(Finding::problem(refusal.to_string()).maybe_fix(fix_with(path, also)))
}

/// Why root cannot rely on a path that need not be there: what is missing is as much somebody's
/// as the folder that they could make it in.
pub fn refused(path: &Path) -> Option<Refusal> {
    refused_after(path, 0)
}

fn refused_after(path: &Path, links: u32) -> Option<Refusal> {
    // As many as the kernel follows (path_resolution(7)).
    const MOST_LINKS: u32 = 40;
    if path.exists() || links > MOST_LINKS {
        return trusted(path).err().map(Refusal::from);
    }
    let folder = path.parent()?;
    let target = || fs::read_link(path).ok();
    refused_after(folder, links).or_else(|| refused_after(&folder.join(target()?), links + 1))
}

/// The command that makes every part of a path root's alone; none if only root can change them, or
/// if one is everybody's and stays so, as /tmp is.
pub fn fix(path: &Path) -> Option<String> {
    fix_with(path, None)
}

fn fix_with(path: &Path, also: Option<Uid>) -> Option<String> {
    let real = fs::canonicalize(path).unwrap_or_default();
    let mut parts: Vec<&Path> = path.ancestors().collect();
    parts.extend(real.ancestors());
    parts.sort();
    parts.dedup();
    let mut commands = Vec::new();
    for part in parts.into_iter().filter(|part| part.is_absolute()) {
        let Ok(data) = fs::symlink_metadata(part) else { continue };
        let name = shell_word(&part.to_string_lossy());
        if data.uid() != 0 && Some(data.uid()) != also.map(Uid::as_raw) {
            commands.push(format!("chown --no-dereference root:root {name}"));
        }
        if is_everybodys(&data) {
            return None;
        }
        if !data.is_symlink() && data.mode() & 0o022 != 0 {
            commands.push(format!("chmod go-w {name}"));
        }
    }
    (!commands.is_empty()).then(|| commands.join(" && "))
}

/// The same of a tool of the system; none also if something else is why it could not be asked.
pub fn tool_fix(name: &str) -> Option<String> {
    fix(&tool::find(name)?)
}

/// The same, or this command if the path is in a folder that stays another's.
pub fn fix_or(path: &Path, other: String) -> String {
    fix(path).filter(|_| !is_theirs(path)).unwrap_or(other)
}

/// Whether the path lies in a folder of somebody else's, or in one that is everybody's: it stays
/// theirs, and root should use another.
pub fn is_theirs(path: &Path) -> bool {
    let real = fs::canonicalize(path).unwrap_or_default();
    let mut folders = path.ancestors().skip(1).chain(real.ancestors().skip(1));
    let is_theirs = |data: Metadata| data.uid() != 0 || is_everybodys(&data);
    folders.any(|folder| fs::symlink_metadata(folder).is_ok_and(is_theirs))
}

/// A folder that is meant for everybody: it has the sticky bit (`inode(7)`), as /tmp has.
fn is_everybodys(data: &Metadata) -> bool {
    data.is_dir() && data.mode() & 0o1000 != 0
}

/// A path as one types it.
pub fn word(path: &Path) -> String {
    shell_word(&path.to_string_lossy())
}
