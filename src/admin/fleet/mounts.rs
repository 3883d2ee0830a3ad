//! How the places are mounted on a host that the program and its rule are to go to: what keeps
//! them from getting there, or from working there, is found before anything is sent.

use crate::output::text::one_line;
use crate::request::code::{Code, Refusal};

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
            // Where there are none at all, none are counted.
            has_no_inode: inodes.is_some_and(|all| all > 0) && free_inodes == Some(0),
            options: words.next().unwrap_or_default().split(',').collect(),
            mount: words.next().unwrap_or_default(),
        }
    }

    fn has(&self, option: &str) -> bool {
        !self.mount.is_empty() && self.options.contains(&option)
    }
}

/// What keeps a place from being used so, if anything; `fact` is what the host says of it.
pub fn obstacle(place: &str, fact: &str, wanted: Use) -> Option<Refusal> {
    let is = Place::of(fact);
    let mount = one_line(is.mount, 200);
    let refusal = |code, what: String, hint: String| Some(Refusal::new(code, what).hint(hint));
    match wanted {
        Use::Run if is.has("noexec") => refusal(
            Code::Unsupported,
            format!("{mount} is mounted noexec there, and nothing in {place} can be run"),
            format!(
                "mount it without noexec there: mount -o remount,exec {mount}, and in /etc/fstab; or install sm's \
                 package, which has its programs in /usr/bin"
            ),
        ),
        Use::Write(_) if is.has("ro") => refusal(
            Code::Unsupported,
            format!("{mount} is mounted read-only there, and {place} is to be written to"),
            format!(
                "mount it writable there: mount -o remount,rw {mount}; where the kernel made it so after an error, \
                 journalctl -k says why; where it belongs to an image, put sm and its drop-in into that"
            ),
        ),
        Use::Write(bytes) if is.has_no_inode || is.free.is_some_and(|free| free < bytes) => {
            refusal(
                Code::CommandFailed,
                if is.has_no_inode {
                    format!("{mount} is full there: it has room for no further file in {place}")
                } else {
                    format!(
                        "{mount} is full there: {} kB are free, and {place} needs {} kB",
                        is.free.unwrap_or_default() / 1000,
                        bytes.div_ceil(1000)
                    )
                },
                format!("make room there: df -h {mount}; df -i {mount}"),
            )
        }
        Use::Run | Use::Write(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("4096 1000 500 0 rw /".to_owned(), Use::Write(1), "no further file"),
            // btrfs has no number of inodes.
            ("4096 1000 0 0 rw /".to_owned(), Use::Write(1), ""),
            // Nothing is known: the host's own program will say.
            (String::new(), Use::Write(1), ""),
            (String::new(), Use::Run, ""),
            ("? ?".to_owned(), Use::Write(1), ""),
        ] {
            let error = obstacle("/usr/local/bin", &fact, wanted).map(|refusal| refusal.error);
            let error = error.unwrap_or_default();
            assert!(error.contains(says) && says.is_empty() == error.is_empty(), "{fact}: {error}");
        }
    }
}
