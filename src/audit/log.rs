//! The file: one append a record, by one process at a time, synced. It is the one sink that a
//! request can not do without.

use super::end::End;
use super::files;
use super::record::{Link, Record};
use super::rotate;
use crate::helper::limits::Unpaid;
use crate::state;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// The folder of the log.
pub const FOLDER: &str = "/var/log/sm";
/// The log.
pub const FILE: &str = "/var/log/sm/audit.jsonl";
/// Who may read it.
const GROUP: &str = "adm";
/// The last link, kept apart: it outlives the log's rotation, deletion and replacement.
const HEAD: &str = "/var/lib/sm/audit.head";

/// Whether a record must be on disk before going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// It must.
    Now,
    /// The kernel may take its time: nothing waits for this record.
    Soon,
}

/// A record that is in the log.
pub struct Appended {
    /// Its line.
    pub line: String,
    /// Its place in the chain.
    pub link: Link,
    /// How many refusals a record should stand for now.
    pub unrecorded: u64,
}

/// Why a record is not in the log.
#[derive(Debug)]
pub enum NotAppended {
    /// It was not paid for.
    Limited(Unpaid),
    /// It can not be written.
    Failed(io::Error),
}

impl From<Unpaid> for NotAppended {
    fn from(unpaid: Unpaid) -> Self {
        Self::Limited(unpaid)
    }
}

impl<E: Into<io::Error>> From<E> for NotAppended {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Appends a record, where `charge` takes what its bytes cost.
///
/// # Errors
/// Where it is not in the log; then nothing of it is.
pub fn append(
    record: &mut Record<'_>,
    sync: Sync,
    charge: impl FnOnce(u64) -> Result<u64, Unpaid>,
) -> Result<Appended, NotAppended> {
    let _lock = state::lock("audit")?;
    let (mut log, mut size) = open()?;
    let End { mut link, torn, open: mut is_open } = End::of(&log, size)?;
    if size >= rotate::LARGEST
        && let Some(last) = &link
        && rotate::rotate(Path::new(FOLDER), &log, last).is_ok()
    {
        (log, size) = open()?;
        is_open = false;
    }
    // A log that was just rotated goes on from what was put aside: the head may be older than that,
    // since it is not synced and a power cut takes it back.
    if link.is_none() {
        link = files::last_rotated()?;
    }
    let head = head();
    // A log that was deleted or cut has less than the head: the chain goes on from the head, so that
    // what is missing shows.
    let last = match (link, head) {
        (Some(link), Some(head)) if link.seq >= head.seq => link,
        (_, Some(head)) => head,
        (link, None) => link.unwrap_or_else(Link::start),
    };
    record.torn_bytes = (torn > 0).then_some(torn);
    let (line, next) = record.line_after(&last)?;
    let unrecorded = charge(line.len() as u64)?;
    // What a power cut tore stays where it is; the next record begins on a line of its own.
    let bytes = if is_open { format!("\n{line}") } else { line.clone() };
    let written = match log.write(bytes.as_bytes()) {
        Ok(count) if count == bytes.len() => Ok(()),
        Ok(_) => Err(io::Error::from(io::ErrorKind::StorageFull)),
        Err(error) => Err(error),
    };
    let synced = written.and_then(|()| if sync == Sync::Now { log.sync_data() } else { Ok(()) });
    // A record that is half there, or that the next one could not follow, is none: who is told that
    // nothing was written must be right.
    if let Err(error) = synced.and_then(|()| set_head(&next)) {
        let _ = log.set_len(size);
        return Err(error.into());
    }
    Ok(Appended { line, link: next, unrecorded })
}

/// Opens the log, made where it is missing; gives its size, too.
fn open() -> io::Result<(File, u64)> {
    state::folder(FOLDER, 0o750, GROUP)?;
    let log = state::open(FILE, state::Access::Append, 0o640, GROUP)?;
    let size = log.metadata()?.len();
    Ok((log, size))
}

/// The link of the last record ever written, as it is kept apart from the log.
pub fn head() -> Option<Link> {
    let mut text = String::new();
    // Not blocking: a fifo put there must not hold the request.
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(HEAD).ok()?;
    file.take(1024).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Whether there is no such link: who may not look does not know.
pub fn has_no_head() -> bool {
    matches!(Path::new(HEAD).try_exists(), Ok(false))
}

/// Notes the last link. In place and not synced: after a power cut the log itself knows better.
fn set_head(link: &Link) -> io::Result<()> {
    let mut text = serde_json::to_string(link)?;
    // Always as long, so that an older, longer one leaves no rest.
    text = format!("{text:<127}\n");
    state::open(HEAD, state::Access::Write, 0o600, "root")?.write_all_at(text.as_bytes(), 0)
}
