//! The file: one append a record, by one process at a time, synced. It is the one sink that a
//! request cannot do without.

use crate::audit::end::End;
use crate::audit::files::{self, FILE, FOLDER};
use crate::audit::head::{self, Head};
use crate::audit::last::Last;
use crate::audit::record::{Event, Link, Record};
use crate::audit::rotate;
use crate::limits::store::Exceeded;
use crate::system::state;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Who may read it.
const GROUP: &str = "adm";
/// Whether a record must be on disk before going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// It must.
    Now,
    /// The kernel may take its time: nothing waits for this record.
    Soon,
}

/// A record that is in the log.
#[derive(Debug)]
pub struct Appended {
    /// Its line.
    pub line: String,
    /// Its place in the chain.
    pub link: Link,
    /// How many refusals a record should stand for now.
    pub unrecorded: u64,
    /// How many records there are since the last checkpoint; more than any if this is the first one of
    /// a file that rotation has begun.
    pub unsigned: u64,
}

/// The log's lock, held.
pub struct Locked(#[expect(dead_code, reason = "it is held as long as this is")] File);

/// Waits for the log's lock.
///
/// # Errors
/// If the folder or the file is not root's own.
pub fn lock() -> io::Result<Locked> {
    state::lock("audit").map(Locked)
}

/// Why a record is not in the log.
#[derive(Debug)]
pub enum NotAppended {
    /// It was not paid for.
    Limited(Exceeded),
    /// It cannot be written.
    Failed(io::Error),
}

impl From<Exceeded> for NotAppended {
    fn from(exceeded: Exceeded) -> Self {
        Self::Limited(exceeded)
    }
}

impl<E: Into<io::Error>> From<E> for NotAppended {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Appends a record, if `charge` takes what its bytes cost. `total` is what all files of the log may
/// take, in bytes.
///
/// # Errors
/// If it is not in the log; then nothing of it is.
pub fn append(
    record: &mut Record<'_>,
    sync: Sync,
    total: u64,
    charge: impl FnOnce(u64) -> Result<u64, Exceeded>,
) -> Result<Appended, NotAppended> {
    append_locked(&lock()?, record, sync, total, charge)
}

/// As [`append`], with the lock at hand.
///
/// # Errors
/// As [`append`].
pub fn append_locked(
    _: &Locked,
    record: &mut Record<'_>,
    sync: Sync,
    total: u64,
    charge: impl FnOnce(u64) -> Result<u64, Exceeded>,
) -> Result<Appended, NotAppended> {
    let (mut log, mut size) = open()?;
    let End { mut link, torn, open: mut is_open } = End::of(&log, size)?;
    if size >= rotate::largest(total)
        && let Some(last) = &link
        && rotate::rotate(Path::new(FOLDER), &log, last, total).is_ok()
    {
        (log, size) = open()?;
        is_open = false;
    }
    // A log that was just rotated continues from what was put aside: the head may be older than that,
    // since it is not synced and a power cut takes it back.
    if link.is_none() {
        link = files::last_rotated()?;
    }
    let head = head::open()?;
    let boot = state::boot();
    let kept = head::read(&head);
    let signed = kept.as_ref().map_or(0, |head| head.signed);
    let last = Last::find(link, kept, boot);
    record.torn_bytes = (torn > 0).then_some(torn);
    record.lost_records = (last.lost > 0).then_some(last.lost);
    let (line, next) = record.line_after(&last.link)?;
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
    let until = if sync == Sync::Now { next.seq } else { last.synced };
    let is_checkpoint = record.event == Event::Checkpoint;
    let new_signed = if is_checkpoint { next.seq } else { signed };
    let new = Head { link: next.clone(), synced: until, boot, signed: new_signed };
    if let Err(error) = synced.and_then(|()| head::write(&head, &new)) {
        let _ = log.set_len(size);
        return Err(error.into());
    }
    // The first file of all has nothing before it that could be signed.
    let is_first_of_file = size == 0 && last.link.seq > 0;
    let unsigned = match is_first_of_file && !is_checkpoint {
        true => u64::MAX,
        false => next.seq.saturating_sub(new_signed),
    };
    Ok(Appended { line, link: next, unrecorded, unsigned })
}

/// Opens the log, made if it is missing; gives its size, too.
fn open() -> io::Result<(File, u64)> {
    state::folder(FOLDER, 0o750, GROUP)?;
    let log = state::open(FILE, state::Access::Append, 0o640, GROUP)?;
    let size = log.metadata()?.len();
    Ok((log, size))
}
