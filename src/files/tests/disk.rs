//! A btrfs of its own for a test, and what is on it as text.

use crate::files::changes::{self, Change, Now};
use crate::files::failed::Failed;
use crate::files::restore::{self, Restored};
use crate::files::stream;
use crate::files::tree::Tree;
use rustix::fs::{CWD, FileType};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A btrfs in a file, mounted; it goes with the value.
pub struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// An empty one with a subvolume `live`.
    pub fn new() -> Self {
        Self::with("256M", &[])
    }

    /// The same, so large, and with these options of `mkfs.btrfs`.
    pub fn with(size: &str, options: &[&str]) -> Self {
        assert!(
            Command::new("mkfs.btrfs").arg("--version").output().is_ok(),
            "mkfs.btrfs is missing; install it with: apt-get install btrfs-progs"
        );
        let name = format!("sm-files-{}", uuid::Uuid::new_v4());
        let disk = Self { folder: std::env::temp_dir().join(name) };
        let (image, top) = (disk.folder.join("image"), disk.top());
        std::fs::create_dir_all(&top).expect("a folder");
        run("truncate", &[OsStr::new("--size"), OsStr::new(size), image.as_ref()]);
        let mut arguments: Vec<&OsStr> = vec![OsStr::new("--quiet")];
        arguments.extend(options.iter().map(OsStr::new));
        arguments.push(image.as_ref());
        run("mkfs.btrfs", &arguments);
        run("mount", &[OsStr::new("-o"), OsStr::new("loop"), image.as_ref(), top.as_ref()]);
        btrfs("create", &[], &[&disk.live()]);
        disk
    }

    /// The top of the file system.
    pub fn top(&self) -> PathBuf {
        self.folder.join("top")
    }

    /// What plays the live system.
    pub fn live(&self) -> PathBuf {
        self.top().join("live")
    }

    /// Takes a snapshot of it that nobody can change.
    pub fn snapshot(&self, name: &str) -> PathBuf {
        let path = self.top().join(name);
        btrfs("snapshot", &["-r"], &[&self.live(), &path]);
        path
    }

    /// Sets the live subvolume to what a snapshot has, and removes the other snapshots.
    pub fn reset(&self, base: &str, others: &[&str]) {
        let mut paths = vec![self.live()];
        paths.extend(others.iter().map(|name| self.top().join(name)));
        let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
        btrfs("delete", &[], &paths);
        btrfs("snapshot", &[], &[&self.top().join(base), &self.live()]);
    }

    /// What the kernel says of two snapshots.
    pub fn send(&self, before: &Path, after: &Path) -> PathBuf {
        let file = self.folder.join("stream");
        let _ = std::fs::remove_file(&file);
        let arguments = [
            OsStr::new("send"),
            OsStr::new("--quiet"),
            OsStr::new("--no-data"),
            OsStr::new("-p"),
            before.as_ref(),
            OsStr::new("-f"),
            file.as_ref(),
            after.as_ref(),
        ];
        run("btrfs", &arguments);
        file
    }

    /// An operation between two snapshots, `before` and `after`.
    pub fn operation(&self, change: impl FnOnce(&Path)) -> Operation {
        let before = self.snapshot("before");
        change(&self.live());
        let after = self.snapshot("after");
        let stream = self.send(&before, &after);
        Operation::new(&self.live(), &before, &after, &stream)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.top()).status();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What an operation did to the live subvolume.
pub struct Operation {
    pub now: Tree,
    pub before: Tree,
    pub after: Tree,
    pub changes: Vec<Change>,
}

impl Operation {
    pub fn new(live: &Path, before: &Path, after: &Path, stream: &Path) -> Self {
        let open = |path| Tree::open(path).expect("a tree");
        let (now, before, after) = (open(live), open(before), open(after));
        let stream = std::io::BufReader::new(File::open(stream).expect("a stream"));
        let touched = stream::touched(stream, &before, &after).expect("a good stream");
        let changes = changes::between(&before, &after, &touched).expect("two trees");
        Self { now, before, after, changes }
    }

    pub fn restore(&self) -> Result<Restored, Failed> {
        restore::restore(&self.now, &self.before, &self.after, &self.changes)
    }

    pub fn standing(&self, path: &str) -> Now {
        let change = changes::find(&self.changes, Path::new(path)).expect("a change");
        change.standing(&self.now, &self.before, &self.after, &self.changes).expect("its standing")
    }

    /// `A`, `M`, `R` or `T` and the path of each change; a directory has a slash.
    pub fn listed(&self) -> Vec<String> {
        let line = |change: &Change| {
            let kind = match change.kind {
                changes::Kind::Added => 'A',
                changes::Kind::Removed => 'R',
                changes::Kind::Altered => 'M',
                changes::Kind::Times => 'T',
            };
            let slash = if change.is_directory { "/" } else { "" };
            format!("{kind} {}{slash}", change.path.display())
        };
        self.changes.iter().map(line).collect()
    }
}

fn btrfs(action: &str, options: &[&str], paths: &[&Path]) {
    let mut arguments: Vec<&OsStr> =
        vec!["--quiet".as_ref(), "subvolume".as_ref(), action.as_ref()];
    arguments.extend(options.iter().map(OsStr::new));
    arguments.extend(paths.iter().map(|path| path.as_os_str()));
    run("btrfs", &arguments);
}

pub fn run(program: &str, arguments: &[&OsStr]) {
    let output = Command::new(program).args(arguments).output().expect("it starts");
    assert!(
        output.status.success(),
        "{program} {arguments:?}, which needs root: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// All that is below a directory, itself too: a line of what counts for each path.
pub fn digest(top: &Path) -> BTreeMap<String, String> {
    let mut paths = vec![PathBuf::new()];
    let mut at = 0;
    while let Some(path) = paths.get(at).cloned() {
        at += 1;
        let whole = top.join(&path);
        if whole.symlink_metadata().expect("it is there").is_dir() {
            let entries = std::fs::read_dir(&whole).expect("a directory");
            paths.extend(entries.map(|entry| path.join(entry.expect("a name").file_name())));
        }
    }
    paths.sort();
    let mut inodes: BTreeMap<u64, PathBuf> = BTreeMap::new();
    let mut lines = BTreeMap::new();
    for path in paths {
        let whole = top.join(&path);
        let data = whole.symlink_metadata().expect("it is there");
        let kind = data.file_type();
        let content = if kind.is_file() {
            let mut hasher = DefaultHasher::new();
            std::fs::read(&whole).expect("a file").hash(&mut hasher);
            format!("{} bytes {:x}", data.size(), hasher.finish())
        } else if kind.is_symlink() {
            format!("-> {}", std::fs::read_link(&whole).expect("a link").display())
        } else if kind.is_char_device() || kind.is_block_device() {
            format!("device {}", data.rdev())
        } else {
            String::new()
        };
        let first = inodes.entry(data.ino()).or_insert_with(|| path.clone());
        let line = format!(
            "{:o} {}:{} {}.{} {content} {:?} as {}",
            data.mode(),
            data.uid(),
            data.gid(),
            data.mtime(),
            data.mtime_nsec(),
            attributes(&whole),
            first.display()
        );
        lines.insert(path.display().to_string(), line);
    }
    lines
}

fn attributes(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut list = vec![0; 4096];
    let length = rustix::fs::llistxattr(path, &mut list[..]).expect("a list");
    let names = list[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let mut found: Vec<_> = names
        .map(|name| {
            let mut value = vec![0; 4096];
            let length = rustix::fs::lgetxattr(path, OsStr::from_bytes(name), &mut value[..]);
            value.truncate(length.expect("a value"));
            (String::from_utf8_lossy(name).into_owned(), value)
        })
        .collect();
    found.sort();
    found
}

/// Fails with the lines that differ.
pub fn assert_same(is: &BTreeMap<String, String>, should: &BTreeMap<String, String>, what: &str) {
    let paths: BTreeSet<&String> = is.keys().chain(should.keys()).collect();
    let lines: Vec<String> = paths
        .into_iter()
        .filter(|path| is.get(*path) != should.get(*path))
        .map(|path| {
            format!("/{path}\n  is     {:?}\n  should {:?}", is.get(path), should.get(path))
        })
        .collect();
    assert!(lines.is_empty(), "{what}\n{}", lines.join("\n"));
}

pub fn set_attribute(path: &Path, name: &str, value: &[u8]) -> rustix::io::Result<()> {
    rustix::fs::lsetxattr(path, name, value, rustix::fs::XattrFlags::empty())
}

/// A file capability, `cap_net_bind_service=ep` (`struct vfs_cap_data`).
pub const CAPABILITY: [u8; 20] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// An access control list that lets the account 1234 read (`struct posix_acl_xattr_header`).
pub fn access_list() -> Vec<u8> {
    let mut list = vec![2, 0, 0, 0];
    let none = u32::MAX;
    for (tag, permissions, id) in
        [(1_u16, 6_u16, none), (2, 4, 1234), (4, 4, none), (0x10, 4, none), (0x20, 4, none)]
    {
        list.extend(tag.to_le_bytes());
        list.extend(permissions.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    list
}

pub fn make_node(path: &Path, kind: FileType) -> rustix::io::Result<()> {
    let device = rustix::fs::makedev(1, 3);
    rustix::fs::mknodat(CWD, path, kind, rustix::fs::Mode::from_raw_mode(0o640), device)
}
