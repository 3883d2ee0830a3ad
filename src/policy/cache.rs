//! A cache of a large site policy in its parsed form, so that not every request parses it again.
//!
//! It belongs to root, in a folder that nobody else can read. It is used only for the exact file it
//! was made from, and only by the exact program that made it. If anything else is wrong with it, the
//! policy is parsed again. What grows with the policy is read of it only where a request looks at it.

use crate::policy::COMPILED;
use crate::policy::model::Policy;
use crate::policy::parse::Parsed;
use crate::policy::rows::Rows;
use crate::system::kernel::Mapped;
use crate::system::state;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{Metadata, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const FILE: &str = "/var/lib/sm/policy.cache";

/// Below this size, in bytes, parsing the policy costs less than a look at the cache.
const WORTH_IT: u64 = 65_536;

/// Changes with each change of the form of [`Parsed`], so that an old cache is not taken for a new
/// one.
const FORMAT: u32 = 8;

/// The longest clock tick of a kernel (`CONFIG_HZ=100`, `time(7)`), in nanoseconds.
const TICK: i64 = 10_000_000;

/// A file that has not changed for so long gets another time with its next change: some ticks.
pub const SETTLED: Duration = Duration::from_millis(100);

/// Identifies one state of a file, or one program.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    file: [u64; 3],
    changed: [i64; 4],
    program: String,
}

impl Identity {
    /// The identity of an open file.
    pub fn of(data: &Metadata) -> Self {
        Self {
            file: [data.dev(), data.ino(), data.size()],
            changed: [data.mtime(), data.mtime_nsec(), data.ctime(), data.ctime_nsec()],
            program: format!("{} {FORMAT} {}", env!("CARGO_PKG_VERSION"), COMPILED.hash),
        }
    }

    fn is_worth_it(&self) -> bool {
        is_worth_it(self.file[2])
    }

    /// Whether the file could change again without a change of its times, which are only as fine as
    /// the kernel's clock ticks, or as its file system writes them: some in steps of two seconds.
    fn is_too_young(&self) -> bool {
        let [_, _, seconds, nanoseconds] = self.changed;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let changed = Duration::from_secs(seconds.unsigned_abs())
            + Duration::from_nanos(nanoseconds.unsigned_abs());
        let is_fine = nanoseconds % TICK != 0;
        now.saturating_sub(changed) < if is_fine { SETTLED } else { Duration::from_secs(2) }
    }
}

/// Whether this process caches a policy of so many bytes.
pub fn is_worth_it(size: u64) -> bool {
    size >= WORTH_IT && nix::unistd::geteuid().is_root()
}

/// A policy in its cached form.
#[derive(Debug)]
pub struct Cached {
    /// All but the parts.
    head: Parsed,
    file: Mapped,
    parts: Parts,
}

/// What grows with a policy: where it stands in the cache.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Parts {
    units: Packed,
    packages: Packed,
    words: Packed,
    strings: Range<usize>,
    text: Range<usize>,
}

/// Rows that are packed there.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Packed {
    ends: Range<usize>,
    bytes: Range<usize>,
}

impl Cached {
    /// The policy.
    pub fn policy(&self) -> Policy<'_> {
        let Parts { units, packages, words, strings, text } = &self.parts;
        Policy {
            text: self.part(text),
            units: self.rows(units),
            packages: self.rows(packages),
            words: self.rows(words),
            strings: self.part(strings),
            ..self.head.policy()
        }
    }

    fn rows<T: DeserializeOwned>(&self, packed: &Packed) -> Rows<'_, T> {
        let read = |bytes: &[u8]| postcard::from_bytes(bytes).ok();
        Rows::Packed { ends: self.part(&packed.ends), bytes: self.part(&packed.bytes), read }
    }

    /// Nothing of one that lies elsewhere, by which nothing is granted.
    fn part(&self, at: &Range<usize>) -> &[u8] {
        self.file.bytes().get(at.clone()).unwrap_or_default()
    }
}

/// The cached policy of a file in this state.
pub fn load(identity: &Identity) -> Option<Cached> {
    if !identity.is_worth_it() {
        return None;
    }
    // Nonblocking, so that a fifo in its place cannot hold up the request.
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(FILE).ok()?;
    let data = file.metadata().ok()?;
    if !data.is_file() || data.uid() != 0 || data.mode() & 0o077 != 0 {
        return None;
    }
    read(Mapped::of(&file).ok()?, identity)
}

fn read(file: Mapped, identity: &Identity) -> Option<Cached> {
    let bytes = file.bytes();
    // The head stands at the end, since it says where the parts are.
    let (rest, length) = bytes.split_last_chunk()?;
    let at = rest.len().checked_sub(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let (kept, head) = postcard::take_from_bytes::<Identity>(rest.get(at..)?).ok()?;
    if kept != *identity {
        return None;
    }
    let (head, parts): (Parsed, Parts) = postcard::from_bytes(head).ok()?;
    Some(Cached { head, file, parts })
}

/// Caches the policy. If that fails, the next request parses it again.
pub fn save(identity: &Identity, parsed: &Parsed) {
    if identity.is_worth_it() && !identity.is_too_young() {
        let _ = write(identity, parsed);
    }
}

fn write(identity: &Identity, parsed: &Parsed) -> io::Result<()> {
    let _lock = state::lock("policy-cache")?;
    let bytes = form(identity, parsed).ok_or(io::ErrorKind::InvalidData)?;
    // After a power cut, half a cache with a good identity would be trusted.
    let new = format!("{FILE}.new");
    state::make(Path::new(&new), &bytes, 0o600)?;
    std::fs::rename(&new, FILE)
}

/// The content of the cache: the parts, the head, and how long that is.
fn form(identity: &Identity, parsed: &Parsed) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut part = |content: &[u8]| {
        let at = bytes.len();
        bytes.extend_from_slice(content);
        at..bytes.len()
    };
    let policy = parsed.policy();
    let mut rows = |packed: Option<[Vec<u8>; 2]>| {
        packed.map(|[ends, bytes]| Packed { ends: part(&ends), bytes: part(&bytes) })
    };
    let (units, packages) = (rows(pack(policy.units))?, rows(pack(policy.packages))?);
    let words = rows(pack(policy.words))?;
    let (strings, text) = (part(policy.strings), part(policy.text));
    let parts = Parts { units, packages, words, strings, text };
    let at = bytes.len();
    bytes = postcard::to_extend(identity, bytes).ok()?;
    bytes = postcard::to_extend(&(parsed, parts), bytes).ok()?;
    let length = bytes.len() - at;
    bytes.extend((length as u64).to_le_bytes());
    Some(bytes)
}

/// Where each row ends, and the rows. None if they are more than four bytes can count.
fn pack<T: Copy + Serialize>(rows: Rows<'_, T>) -> Option<[Vec<u8>; 2]> {
    let (mut ends, mut bytes) = (Vec::with_capacity(rows.len() * 4), Vec::new());
    for row in rows.iter() {
        bytes = postcard::to_extend(&row, bytes).ok()?;
        ends.extend(u32::try_from(bytes.len()).ok()?.to_le_bytes());
    }
    Some([ends, bytes])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Row = (u32, Option<bool>, i64);

    fn packed<'p>([ends, bytes]: &'p [Vec<u8>; 2]) -> Rows<'p, Row> {
        Rows::Packed { ends, bytes, read: |bytes| postcard::from_bytes(bytes).ok() }
    }

    proptest! {
        #[test]
        fn packed_rows_are_the_rows(rows: Vec<Row>, number: usize) {
            let parts = pack(Rows::Plain(&rows)).expect("few");
            let packed = packed(&parts);
            prop_assert_eq!(packed.len(), rows.len());
            prop_assert_eq!(packed.iter().collect::<Vec<_>>(), rows.clone());
            prop_assert_eq!(packed.get(number), rows.get(number).copied());
        }

        #[test]
        fn a_row_is_found_in_its_range_alone(mut rows: Vec<(u8, i64)>, wanted: u8, from in 0..40_usize, to in 0..40_usize) {
            rows.sort_unstable();
            rows.dedup_by_key(|row| row.0);
            let rows: Vec<Row> = rows.into_iter().map(|(key, more)| (key.into(), None, more)).collect();
            let parts = pack(Rows::Plain(&rows)).expect("few");
            let wanted = u32::from(wanted);
            let expected = rows.iter().take(to).skip(from).find(|row| row.0 == wanted).copied();
            for rows in [Rows::Plain(&rows), packed(&parts)] {
                prop_assert_eq!(rows.find(from..to, |row| row.0.cmp(&wanted)), expected);
            }
        }

        // Whatever a disk makes of them, it ends, and there is no more than there was.
        #[test]
        fn what_is_damaged_ends(ends: Vec<u8>, bytes: Vec<u8>, number in 0..99_usize) {
            let parts = [ends, bytes];
            let rows = packed(&parts);
            let _ = rows.get(number);
            prop_assert!(rows.iter().count() <= rows.len());
            let _ = rows.find(0..rows.len(), |row| row.0.cmp(&7));
        }
    }
}
