//! How the places are mounted that the program and its rule are in or go to, on this host or on one
//! of a fleet: what keeps them from getting there, or from working there.

use crate::output::text::one_line;
use crate::request::code::{Code, Refusal};
use nix::sys::statvfs::{FsFlags, statvfs};
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Where the program goes.
pub const PROGRAMS: &str = "/usr/local/bin";
/// Where the rule goes.
pub const RULES: &str = "/etc/sudoers.d";
/// Where what is done is written down, and what is known.
pub const RECORDS: [&str; 2] = ["/var/log/sm", "/var/lib/sm"];

/// What a rule, or the first records, take at most.
pub const SMALL: u64 = 64 << 10;

/// What a place is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A program of it is run.
    Run,
    /// So many bytes are written to it.
    Write(u64),
}

/// A place, as the host describes it: how much room root has there, and its mount.
#[derive(Debug, Default)]
struct Place<'f> {
    free: Option<u64>,
    has_no_inode: bool,
    options: Vec<&'f str>,
    mount: &'f str,
}

impl<'f> Place<'f> {
    /// Out of a fact: block size, free blocks, inodes, free inodes, options, where it is mounted.
    fn of(fact: &'f str) -> Self {
        let mut words = fact.split_whitespace();
        let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
        let (size, blocks, inodes, free_inodes) = (number(), number(), number(), number());
        Self {
            free: size.zip(blocks).map(|(size, blocks)| size.saturating_mul(blocks)),
            // If there are none at all, none are counted.
            has_no_inode: inodes.is_some_and(|all| all > 0) && free_inodes == Some(0),
            options: words.next().unwrap_or_default().split(',').collect(),
            mount: words.next().unwrap_or_default(),
        }
    }

    fn has(&self, option: &str) -> bool {
        !self.mount.is_empty() && self.options.contains(&option)
    }
}

/// What keeps a place from being used, and what to do about it.
#[derive(Debug)]
pub struct Hindrance {
    code: Code,
    /// In one sentence.
    pub what: String,
    /// What to do, with the command in it.
    pub hint: String,
    /// What to do, as one command line.
    pub command: String,
}

impl Hindrance {
    /// As a refusal.
    pub fn refusal(&self) -> Refusal {
        Refusal::new(self.code, &self.what).hint(self.hint.clone())
    }
}

/// What keeps a place from being used so, if anything; `fact` is what the host says of it.
pub fn obstacle(place: &str, fact: &str, wanted: Use) -> Option<Hindrance> {
    let is = Place::of(fact);
    let mount = one_line(is.mount, 200);
    let hindrance = |code, what: String, command: String, hint: String| {
        Some(Hindrance { code, what, hint, command })
    };
    match wanted {
        Use::Run if is.has("noexec") => hindrance(
            Code::Unsupported,
            format!("{mount} is mounted noexec there, so nothing in {place} can be run"),
            format!("mount -o remount,exec {mount}"),
            format!(
                "mount it without noexec there: mount -o remount,exec {mount}, and in /etc/fstab; or install sm's \
                 package, which has its programs in /usr/bin"
            ),
        ),
        Use::Write(_) if is.has("ro") => hindrance(
            Code::Unsupported,
            format!("{mount} is mounted read-only there, but {place} has to be written to"),
            format!("mount -o remount,rw {mount}"),
            format!(
                "mount it writable there: mount -o remount,rw {mount}; if the kernel did that after an error, journalctl -k says why; if it belongs to an image, put sm and its drop-in into the image"
            ),
        ),
        Use::Write(bytes) if is.has_no_inode || is.free.is_some_and(|free| free < bytes) => {
            hindrance(
                Code::CommandFailed,
                if is.has_no_inode {
                    format!("{mount} is full there: there is no room for another file in {place}")
                } else {
                    format!(
                        "{mount} is full there: {} kB are free, and {place} needs {} kB",
                        is.free.unwrap_or_default() / 1000,
                        bytes.div_ceil(1000)
                    )
                },
                format!("df -h {mount}; df -i {mount}"),
                format!("make room there: df -h {mount}; df -i {mount}"),
            )
        }
        Use::Run | Use::Write(_) => None,
    }
}

/// What keeps a place of this host from being used so, if anything.
pub fn obstacle_here(place: &str, wanted: Use) -> Option<Hindrance> {
    obstacle(place, &fact_of(Path::new(place))?, wanted)
}

/// What `obstacle` reads, of a place of this host; of what is not there yet, of where it would be.
fn fact_of(place: &Path) -> Option<String> {
    let there = place.ancestors().find_map(|path| fs::canonicalize(path).ok())?;
    let data = statvfs(&there).ok()?;
    let flags = data.flags();
    let access = if flags.contains(FsFlags::ST_RDONLY) { "ro" } else { "rw" };
    let runs = if flags.contains(FsFlags::ST_NOEXEC) { ",noexec" } else { "" };
    let mounts = fs::read("/proc/self/mountinfo").ok()?;
    let mount = mount_of(&there, &mounts)?;
    Some(format!(
        "{} {} {} {} {access}{runs} {}",
        data.fragment_size(),
        data.blocks_free(),
        data.files(),
        data.files_free(),
        mount.display()
    ))
}

/// The mount that a path is in: of those that begin the path the longest one, and of several there
/// the last (`proc(5)`: the fifth word, in which blanks are written in octal).
fn mount_of(path: &Path, mounts: &[u8]) -> Option<PathBuf> {
    let points = mounts.split(|byte| *byte == b'\n').filter_map(|line| {
        let word = line.split(|byte| *byte == b' ').nth(4)?;
        Some(PathBuf::from(without_octal(word)))
    });
    points.filter(|point| path.starts_with(point)).max_by_key(|point| point.as_os_str().len())
}

fn without_octal(word: &[u8]) -> OsString {
    let mut plain = Vec::new();
    let mut rest = word;
    while let [first, more @ ..] = rest {
        let octal = more.get(..3).filter(|_| *first == b'\\');
        let byte = octal
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        plain.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &more[3..] } else { more };
    }
    OsString::from_vec(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_of_a_path_is_the_nearest_one() {
        let mounts = b"1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /usr rw - ext4 b rw\n\
                       3 1 8:3 / /us rw - x y z\n4 1 8:4 / /a\\040b rw - x y z\n";
        for (path, mount) in
            [("/usr/local/bin", "/usr"), ("/var/log", "/"), ("/us", "/us"), ("/a b/c", "/a b")]
        {
            assert_eq!(mount_of(Path::new(path), mounts).as_deref(), Some(Path::new(mount)));
        }
        assert_eq!(mount_of(Path::new("/x"), b""), None);
        assert!(fact_of(Path::new("/proc/self/not/there")).is_some());
    }

    #[test]
    fn what_is_in_the_way_is_named_with_its_mount() {
        const FREE: &str = "4096 1000 500 499";
        for (fact, wanted, says) in [
            (
                format!("{FREE} rw,noexec,relatime /usr/local"),
                Use::Run,
                "/usr/local is mounted noexec",
            ),
            (format!("{FREE} rw,noexec /usr/local"), Use::Write(1), ""),
            (format!("{FREE} ro,relatime /usr"), Use::Write(1), "/usr is mounted read-only"),
            (format!("{FREE} ro,relatime /usr"), Use::Run, ""),
            (format!("{FREE} rw,errors=remount-ro /"), Use::Write(4_096_000), ""),
            (format!("{FREE} rw /"), Use::Write(4_096_001), "/ is full there: 4096 kB are free"),
            ("4096 1000 500 0 rw /".to_owned(), Use::Write(1), "no room for another file"),
            // btrfs has no number of inodes.
            ("4096 1000 0 0 rw /".to_owned(), Use::Write(1), ""),
            // Nothing is known: the host's own program will say.
            (String::new(), Use::Write(1), ""),
            (String::new(), Use::Run, ""),
            ("? ?".to_owned(), Use::Write(1), ""),
        ] {
            let error = obstacle("/usr/local/bin", &fact, wanted).map(|found| found.what);
            let error = error.unwrap_or_default();
            assert!(error.contains(says) && says.is_empty() == error.is_empty(), "{fact}: {error}");
        }
    }
}
