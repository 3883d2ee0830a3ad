//! Folders and files that only root can change: the audit log, locks, what outlasts a boot.

use crate::system::accounts::Group;
use crate::system::kernel;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::unistd::{Gid, Uid, fchown};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// What must outlast a boot, readable by root alone. Locks are here too: who can open a file
/// can lock it, and hold everybody up.
pub const FOLDER: &str = "/var/lib/sm";

/// Waits for the lock of this name; it is held until the value is dropped or the process ends.
///
/// # Errors
/// If the folder or the file is not root's own.
pub fn lock(name: &str) -> io::Result<File> {
    folder(FOLDER, 0o700, "root")?;
    locked(&format!("{FOLDER}/{name}.lock"))
}

/// Opens root's own file, made if it is missing, and waits for its lock, which is held until
/// the file is closed.
///
/// # Errors
/// If it is not root's own.
pub fn locked(path: &str) -> io::Result<File> {
    let file = open(path, Access::Write, 0o600, "root")?;
    file.lock()?;
    Ok(file)
}

/// Makes the folder if it is missing, and makes sure that only root can change it.
///
/// # Errors
/// If it cannot be made, is a link, or others can change it.
pub fn folder(path: &str, mode: u32, group: &str) -> io::Result<()> {
    // With nothing for the group, nobody whom a default ACL names has anything in between.
    match DirBuilder::new().mode(mode & 0o700).create(path) {
        Ok(()) => {
            let made = open_folder(path)?;
            without_acl(&made)?;
            give(&made, group)?;
            made.set_permissions(Permissions::from_mode(mode))?;
            sync_parent(path)?;
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    only_root_changes(path, &open_folder(path)?)
}

/// Takes off what the folder's default ACL has given to something new in it (`acl(5)`): its mode
/// alone is to say who may what.
fn without_acl(made: &File) -> io::Result<()> {
    kernel::remove_attribute(made, c"system.posix_acl_access")?;
    kernel::remove_attribute(made, c"system.posix_acl_default")
}

/// Makes root the owner, and the group of this name if there is one, else root's.
fn give(file: &File, group: &str) -> io::Result<()> {
    let found = if group == "root" { None } else { Group::from_name(group).ok().flatten() };
    let gid = found.map_or(Gid::from_raw(0), |group| group.gid);
    Ok(fchown(file, Some(Uid::from_raw(0)), Some(gid))?)
}

fn open_folder(path: &str) -> io::Result<File> {
    let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Only at its end.
    Append,
    /// Anywhere.
    Write,
}

/// Opens a file for reading and writing; it is made if it is missing.
///
/// # Errors
/// If it is not a file, or others can change it.
pub fn open(path: &str, access: Access, mode: u32, group: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // Not blocking: a fifo put there must not hold the request.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    options.read(true).mode(mode & 0o700).custom_flags(flags);
    match access {
        Access::Append => options.append(true),
        Access::Write => options.write(true),
    };
    let file = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match options.clone().create_new(true).open(path) {
                Ok(file) => {
                    without_acl(&file)?;
                    give(&file, group)?;
                    file.set_permissions(Permissions::from_mode(mode))?;
                    sync_parent(path)?;
                    file
                }
                // Somebody else made it at the same moment.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.open(path)?,
                Err(error) => return Err(error),
            }
        }
        other => other?,
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other(format!("{path} is not a file")));
    }
    only_root_changes(path, &file)?;
    Ok(file)
}

/// Reads a secret of root's own, at most so many bytes.
///
/// # Errors
/// If it is a link or no file, is longer, or others can read or change it.
pub fn secret(path: &str, most: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // Not blocking: a fifo put there must not hold the request.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = file.map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?;
    let data = file.metadata()?;
    if !data.is_file() || data.len() > most {
        return Err(io::Error::other(format!("{path} is not a file of at most {most} bytes")));
    }
    if data.uid() != 0 || data.mode() & 0o077 != 0 {
        return Err(io::Error::other(format!(
            "{path} can be read by others (owner {}, mode {:04o})",
            data.uid(),
            data.mode() & 0o7777
        )));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(most as usize));
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Takes a file away, if there is one.
///
/// # Errors
/// If it is still there.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a file of root's own, instead of one that has its name: all of it is on disk, or
/// there is none.
///
/// # Errors
/// What the kernel says.
pub fn make(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    remove(path)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let made = file
        .write_all(bytes)
        .and_then(|()| without_acl(&file))
        .and_then(|()| give(&file, "root"))
        .and_then(|()| file.set_permissions(Permissions::from_mode(mode)))
        .and_then(|()| file.sync_all());
    if made.is_err() {
        let _ = remove(path);
    }
    made
}

/// Makes a file as [`make`] does, so that at every instant there is what was there before, or all
/// of the new. Until it is in place it has the name `new`, in the same folder.
///
/// # Errors
/// What the kernel says.
pub fn put(path: &Path, new: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    make(new, bytes, mode)?;
    let placed = fs::rename(new, path).and_then(|()| sync_parent(path));
    if placed.is_err() {
        let _ = remove(new);
    }
    placed
}

/// Puts the name of something new or gone on disk.
///
/// # Errors
/// What the kernel says.
pub fn sync_parent(path: impl AsRef<Path>) -> io::Result<()> {
    File::open(path.as_ref().parent().unwrap_or(Path::new("/")))?.sync_all()
}

/// A number that is another one after each boot (`random(4)`).
pub fn boot() -> u64 {
    static BOOT: OnceLock<u64> = OnceLock::new();
    *BOOT.get_or_init(|| {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let digits: String = id.chars().filter(char::is_ascii_hexdigit).take(16).collect();
        u64::from_str_radix(&digits, 16).unwrap_or(0)
    })
}

/// Locks one byte of the file for its open file description (`fcntl(2)`), and waits for nobody:
/// false if another one has it.
///
/// # Errors
/// What the kernel says.
pub fn lock_byte(file: &File, byte: i64) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_OFD_SETLK(&range(libc::F_WRLCK, byte, 1))) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Gives one byte of the file back.
///
/// # Errors
/// What the kernel says.
pub fn unlock_byte(file: &File, byte: i64) -> io::Result<()> {
    fcntl(file, FcntlArg::F_OFD_SETLK(&range(libc::F_UNLCK, byte, 1)))?;
    Ok(())
}

/// Whether no other open file description has a lock on any of these bytes.
///
/// # Errors
/// What the kernel says.
pub fn is_free(file: &File, first: i64, bytes: i64) -> io::Result<bool> {
    let mut found = range(libc::F_WRLCK, first, bytes);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut found))?;
    Ok(i32::from(found.l_type) == libc::F_UNLCK)
}

fn range(kind: i32, first: i64, bytes: i64) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: first,
        l_len: bytes,
        l_pid: 0,
    }
}

fn only_root_changes(path: &str, file: &File) -> io::Result<()> {
    let data = file.metadata()?;
    if data.uid() != 0 || data.mode() & 0o022 != 0 {
        return Err(io::Error::other(format!(
            "{path} can be changed by others (owner {}, mode {:04o})",
            data.uid(),
            data.mode() & 0o7777
        )));
    }
    Ok(())
}
