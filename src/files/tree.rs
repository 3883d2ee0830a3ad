//! A directory tree, a snapshot or the live system, that is reached by descriptors alone.
//!
//! Accounts may own directories on the way to a file, and may replace them at any time. So each
//! parent directory is opened below the root's descriptor, without following any link
//! (`openat2(2)`), and the last name is never followed. What is below a mount point or in another
//! subvolume is an error.

use crate::files::failed::{Cause, Failed};
use crate::system::kernel;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, StatxAttributes, StatxFlags};
use rustix::io::Errno;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

/// So many parent directories stay open: as paths come sorted, the next one is mostly among them.
const OPEN: usize = 16;

/// The inode number that btrfs gives to the empty directory which a snapshot has in the place of
/// a nested subvolume (`BTRFS_EMPTY_SUBVOL_DIR_OBJECTID`).
const EMPTY_SUBVOLUME: u64 = 2;

/// A directory tree; it ends where another file system or subvolume begins.
#[derive(Debug)]
pub struct Tree {
    root: Rc<OwnedFd>,
    device: (u32, u32),
    open: RefCell<VecDeque<(PathBuf, Rc<OwnedFd>)>>,
}

/// What a name stands for: the file's type, its number, and all that `statx(2)` says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its type.
    pub kind: FileType,
    /// Permissions with the setuid, setgid and sticky bits.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// In bytes.
    pub size: u64,
    /// Last access.
    pub atime: Time,
    /// Last change of the content.
    pub mtime: Time,
    /// Last change of the inode. No program can set it.
    pub ctime: Time,
    /// The inode number: the same in a snapshot as in the subvolume.
    pub ino: u64,
    /// How many names the inode has.
    pub nlink: u32,
    /// Which device, major and minor, if it is one.
    pub rdev: (u32, u32),
    /// Whether it has the attribute `i` or `a` (`chattr(1)`).
    pub is_immutable: bool,
}

/// Seconds since 1970, and nanoseconds.
pub type Time = (i64, u32);

/// The extended attributes of a file, by name.
pub type Attributes = BTreeMap<OsString, Vec<u8>>;

impl Entry {
    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == FileType::Directory
    }

    /// Whether it is the same inode, and nothing of it has changed in between.
    ///
    /// All but the time of the last access is compared. Two changes within one tick of the kernel's
    /// clock, 4 ms, that leave all of it the same are not seen.
    pub fn is_untouched(&self, other: &Self) -> bool {
        Self { atime: other.atime, ..self.clone() } == *other
    }
}

impl Tree {
    /// Opens the root: a path that only root can change.
    ///
    /// # Errors
    /// What the kernel says, or that it is no directory.
    pub fn open(root: &Path) -> Result<Self, Failed> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let open = || {
            let root = rustix::fs::open(root, flags, Mode::empty())?;
            Self::at(Rc::new(root))
        };
        open().map_err(|cause| cause.at(root.strip_prefix("/").unwrap_or(root)))
    }

    /// The tree below a directory that is open.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn at(root: Rc<OwnedFd>) -> Result<Self, Cause> {
        let data = rustix::fs::statx(&root, "", AtFlags::EMPTY_PATH, StatxFlags::INO)?;
        let device = (data.stx_dev_major, data.stx_dev_minor);
        Ok(Self { root, device, open: RefCell::default() })
    }

    /// The root's descriptor.
    pub fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Closes all parent directories that are still open: others, or we, have moved directories.
    pub fn forget(&self) {
        self.open.borrow_mut().clear();
    }

    /// What is at a path, the last link not followed. It is none if nothing is there, also if a
    /// part of the path is a link or no directory.
    ///
    /// # Errors
    /// What the kernel says; another file system is mounted on it or above it.
    pub fn entry(&self, path: &Path) -> Result<Option<Entry>, Failed> {
        self.look(path).map_err(|cause| cause.at(path))
    }

    fn look(&self, path: &Path) -> Result<Option<Entry>, Cause> {
        let (parent, name) = match self.parent(path) {
            Ok(found) => found,
            Err(cause) if cause.is_absent() => return Ok(None),
            Err(cause) => return Err(cause),
        };
        match self.entry_in(&parent, name) {
            Err(cause) if cause.is_absent() => Ok(None),
            other => other.map(Some),
        }
    }

    /// What has that name in a directory of this tree.
    ///
    /// # Errors
    /// What the kernel says, also that nothing has; another file system is mounted on it.
    pub fn entry_in(&self, parent: &OwnedFd, name: &OsStr) -> Result<Entry, Cause> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        let data = rustix::fs::statx(parent, name, flags, StatxFlags::BASIC_STATS)?;
        let is_mounted = data.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) && name != ".";
        if is_mounted || (data.stx_dev_major, data.stx_dev_minor) != self.device {
            return Err(Cause::AnotherFileSystem);
        }
        let fixed = StatxAttributes::IMMUTABLE | StatxAttributes::APPEND;
        let mode = u32::from(data.stx_mode);
        Ok(Entry {
            kind: FileType::from_raw_mode(mode),
            mode: mode & 0o7777,
            uid: data.stx_uid,
            gid: data.stx_gid,
            size: data.stx_size,
            atime: (data.stx_atime.tv_sec, data.stx_atime.tv_nsec),
            mtime: (data.stx_mtime.tv_sec, data.stx_mtime.tv_nsec),
            ctime: (data.stx_ctime.tv_sec, data.stx_ctime.tv_nsec),
            ino: data.stx_ino,
            nlink: data.stx_nlink,
            rdev: (data.stx_rdev_major, data.stx_rdev_minor),
            is_immutable: data.stx_attributes.intersects(fixed),
        })
    }

    /// Opens the directory that a path is in, and gives the last name of the path: `.` for the root
    /// itself.
    ///
    /// # Errors
    /// What the kernel says, also if a part of it is a link or no directory; another file system.
    pub fn parent<'p>(&self, path: &'p Path) -> Result<(Rc<OwnedFd>, &'p OsStr), Cause> {
        if path.as_os_str().is_empty() {
            return Ok((Rc::clone(&self.root), OsStr::new(".")));
        }
        if !path.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(Cause::Path);
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Cause::Path);
        };
        Ok((self.directory(parent)?, name))
    }

    /// Opens a directory.
    ///
    /// # Errors
    /// As [`Tree::parent`].
    pub fn directory(&self, path: &Path) -> Result<Rc<OwnedFd>, Cause> {
        if path.as_os_str().is_empty() {
            return Ok(Rc::clone(&self.root));
        }
        let mut open = self.open.borrow_mut();
        if let Some((_, fd)) = open.iter().rev().find(|(known, _)| known == path) {
            return Ok(Rc::clone(fd));
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        let fd = Rc::new(self.open_below(&self.root, path.as_os_str(), flags)?);
        if open.len() == OPEN {
            open.pop_front();
        }
        open.push_back((path.to_owned(), Rc::clone(&fd)));
        Ok(fd)
    }

    /// Opens what is below a directory of this tree, and ends nowhere else.
    fn open_below(&self, top: &OwnedFd, path: &OsStr, flags: OFlags) -> Result<OwnedFd, Cause> {
        let resolve = ResolveFlags::BENEATH
            | ResolveFlags::NO_SYMLINKS
            | ResolveFlags::NO_MAGICLINKS
            | ResolveFlags::NO_XDEV;
        let fd = match rustix::fs::openat2(top, path, flags, Mode::empty(), resolve) {
            Err(Errno::XDEV) => return Err(Cause::AnotherFileSystem),
            other => other?,
        };
        // NO_XDEV is about mounts. Another subvolume is a device of its own without one.
        let data = rustix::fs::statx(&fd, "", AtFlags::EMPTY_PATH, StatxFlags::INO)?;
        if (data.stx_dev_major, data.stx_dev_minor) != self.device {
            return Err(Cause::AnotherFileSystem);
        }
        Ok(fd)
    }

    /// Opens a regular file or directory that [`Tree::entry`] has found, to read it.
    ///
    /// # Errors
    /// What the kernel says, or that another file has taken its place.
    pub fn read(&self, path: &Path, entry: &Entry) -> Result<File, Failed> {
        self.open_same(path, entry).map_err(|cause| cause.at(path))
    }

    fn open_same(&self, path: &Path, entry: &Entry) -> Result<File, Cause> {
        let (parent, name) = self.parent(path)?;
        // Not to wait for the other end of a fifo that has taken its place.
        let flags = OFlags::RDONLY
            | OFlags::NOFOLLOW
            | OFlags::NONBLOCK
            | OFlags::NOATIME
            | OFlags::NOCTTY
            | OFlags::CLOEXEC;
        let file = File::from(self.open_below(&parent, name, flags)?);
        let found = rustix::fs::fstat(&file)?;
        if found.st_ino != entry.ino || FileType::from_raw_mode(found.st_mode) != entry.kind {
            return Err(Cause::Replaced);
        }
        Ok(file)
    }

    /// The names in a directory, sorted. Nested subvolumes of a snapshot are left out, since no
    /// snapshot has them.
    ///
    /// # Errors
    /// What the kernel says, also that it is no directory.
    pub fn names(&self, path: &Path) -> Result<Vec<OsString>, Failed> {
        let list = || {
            let fd = self.directory(path)?;
            names_in(&fd)
        };
        list().map_err(|cause: Cause| cause.at(path))
    }

    /// All paths below a directory, the directory itself left out; none if it is no directory.
    ///
    /// # Errors
    /// As [`Tree::names`].
    pub fn below(&self, path: &Path) -> Result<Vec<PathBuf>, Failed> {
        let mut found = Vec::new();
        let mut left = vec![path.to_owned()];
        while let Some(directory) = left.pop() {
            if !self.entry(&directory)?.is_some_and(|entry| entry.is_directory()) {
                continue;
            }
            for name in self.names(&directory)? {
                let path = directory.join(name);
                left.push(path.clone());
                found.push(path);
            }
        }
        Ok(found)
    }

    /// What a symbolic link says.
    ///
    /// # Errors
    /// What the kernel says, also that it is no link.
    pub fn target(&self, path: &Path) -> Result<OsString, Failed> {
        let read = || {
            let (parent, name) = self.parent(path)?;
            Ok(rustix::fs::readlinkat(&parent, name, Vec::new())?)
        };
        let target = read().map_err(|cause: Cause| cause.at(path))?;
        Ok(OsString::from_vec(target.into_bytes()))
    }

    /// All extended attributes, access control lists and file capabilities among them.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn attributes(&self, path: &Path) -> Result<Attributes, Failed> {
        let read = || {
            let (parent, name) = self.parent(path)?;
            attributes_in(&parent, name)
        };
        read().map_err(|cause| cause.at(path))
    }

    /// All names of a file of this tree that has several: the tree's root must be a subvolume's.
    ///
    /// # Errors
    /// What the kernel says, or that it has more names than can be found.
    pub fn links(&self, path: &Path, entry: &Entry) -> Result<BTreeSet<PathBuf>, Failed> {
        let names = kernel::btrfs_paths(self.root.as_fd(), entry.ino)
            .map_err(|error| Cause::System(error).at(path))?;
        let mut found: BTreeSet<PathBuf> =
            names.into_iter().map(|name| PathBuf::from(OsString::from_vec(name))).collect();
        if found.len() < entry.nlink as usize {
            // The kernel's answer has an end. Names so many are mostly in one directory, as git's.
            let directories: BTreeSet<PathBuf> =
                found.iter().filter_map(|path| path.parent()).map(Path::to_owned).collect();
            for directory in directories {
                found.extend(self.siblings(&directory, entry.ino)?);
            }
        }
        if found.len() < entry.nlink as usize {
            return Err(Cause::TooMany.at(path));
        }
        Ok(found)
    }

    /// The names that an inode has in a directory.
    fn siblings(&self, directory: &Path, ino: u64) -> Result<Vec<PathBuf>, Failed> {
        let list = || {
            let fd = self.directory(directory)?;
            let mut found = Vec::new();
            for entry in Dir::read_from(&fd)? {
                let entry = entry?;
                if entry.ino() == ino {
                    found.push(directory.join(OsStr::from_bytes(entry.file_name().to_bytes())));
                }
            }
            Ok(found)
        };
        list().map_err(|cause: Cause| cause.at(directory))
    }
}

/// The names in an open directory, sorted.
///
/// # Errors
/// What the kernel says.
pub fn names_in(directory: &OwnedFd) -> Result<Vec<OsString>, Cause> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." && entry.ino() != EMPTY_SUBVOLUME {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// A path for the calls on extended attributes, which take no descriptor of a directory: the link
/// in `/proc` is the descriptor itself (`proc_pid_fd(5)`), and the name behind it is not followed.
pub fn by_descriptor(parent: &OwnedFd, name: &OsStr) -> PathBuf {
    Path::new(&format!("/proc/self/fd/{}", parent.as_raw_fd())).join(name)
}

/// The extended attributes of what has that name in an open directory.
///
/// # Errors
/// What the kernel says.
pub fn attributes_in(parent: &OwnedFd, name: &OsStr) -> Result<Attributes, Cause> {
    let path = by_descriptor(parent, name);
    let list = sized(|buffer| rustix::fs::llistxattr(&path, buffer))?;
    let mut found = Attributes::new();
    for name in list.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let name = OsStr::from_bytes(name);
        match sized(|buffer| rustix::fs::lgetxattr(&path, name, buffer)) {
            Ok(value) => found.insert(name.to_owned(), value),
            // Removed meanwhile.
            Err(Errno::NODATA) => continue,
            Err(error) => return Err(error.into()),
        };
    }
    Ok(found)
}

/// Reads into a small buffer, and if that is too small into one as large as the kernel lets the
/// answer be (`XATTR_SIZE_MAX` and `XATTR_LIST_MAX`, `xattr(7)`).
fn sized(read: impl Fn(&mut [u8]) -> Result<usize, Errno>) -> Result<Vec<u8>, Errno> {
    for size in [256, 64 * 1024] {
        let mut buffer = vec![0; size];
        match read(&mut buffer) {
            Err(Errno::RANGE) => continue,
            Err(Errno::OPNOTSUPP) => return Ok(Vec::new()),
            length => buffer.truncate(length?),
        }
        return Ok(buffer);
    }
    Err(Errno::TOOBIG)
}
