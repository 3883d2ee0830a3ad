//! Whether two files are the same in everything that counts.

use crate::files::failed::{Cause, Failed};
use crate::files::tree::{Entry, Tree};
use rustix::fs::FileType;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The largest file that is compared, in bytes: a larger one that was touched counts as another one.
const LARGEST: u64 = 4 << 30;

/// A file in one of the trees: what is there, and where.
#[derive(Clone, Copy, Debug)]
pub struct Found<'t> {
    /// The tree.
    pub tree: &'t Tree,
    /// What is at the path.
    pub entry: &'t Entry,
}

/// Whether two files at the same path of two trees are of one type and have the same owner, group,
/// mode, device number, link target, extended attributes and content; and the same time of the last
/// change, unless they are directories.
///
/// # Errors
/// What the kernel says, or that a file was replaced while it was read.
pub fn is_same(path: &Path, one: Found<'_>, other: Found<'_>) -> Result<bool, Failed> {
    let alike = |entry: &Entry| {
        let size = (entry.kind == FileType::RegularFile).then_some(entry.size);
        let mtime = (!entry.is_directory()).then_some(entry.mtime);
        (entry.kind, entry.mode, entry.uid, entry.gid, entry.rdev, size, mtime)
    };
    if alike(one.entry) != alike(other.entry)
        || one.tree.attributes(path)? != other.tree.attributes(path)?
    {
        return Ok(false);
    }
    match one.entry.kind {
        FileType::Symlink => Ok(one.tree.target(path)? == other.tree.target(path)?),
        // A file of holes can be as large as its owner likes.
        FileType::RegularFile if one.entry.size > LARGEST => Ok(false),
        FileType::RegularFile => {
            let first = one.tree.read(path, one.entry)?;
            let second = other.tree.read(path, other.entry)?;
            is_same_content(first, second).map_err(|error| Cause::System(error).at(path))
        }
        _ => Ok(true),
    }
}

fn is_same_content(mut one: File, mut other: File) -> io::Result<bool> {
    const PIECE: usize = 64 * 1024;
    let (mut first, mut second) = (Vec::with_capacity(PIECE), Vec::with_capacity(PIECE));
    loop {
        first.clear();
        second.clear();
        one.by_ref().take(PIECE as u64).read_to_end(&mut first)?;
        other.by_ref().take(PIECE as u64).read_to_end(&mut second)?;
        if first != second {
            return Ok(false);
        }
        if first.is_empty() {
            return Ok(true);
        }
    }
}
