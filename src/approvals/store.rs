//! The file in which requests wait and rights for a time stand, root's alone: all of it is on disk, or
//! what was there before. What cannot be read means that nothing is approved.

use crate::approvals::entry::Entry;
use crate::approvals::grant::Grant;
use crate::system::state;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;
use std::time::SystemTime;
use uuid::Uuid;

/// Where they wait.
pub const FILE: &str = "/var/lib/sm/approvals.json";

/// The largest file that is read: more is not written.
const LARGEST: u64 = 16 << 20;

/// How far the clock may be behind what was written last, in seconds: it is put right in small steps.
/// If it is further back, nobody knows what has expired.
const BEHIND: u64 = 60;

/// The letters of an id: none that looks like another one.
const LETTERS: &[u8] = b"23456789abcdefghjkmnpqrstuvwxyz";
const ID_LENGTH: usize = 6;

/// All of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Book {
    /// The latest moment at which it was written, in seconds since 1970.
    seen: u64,
    /// What waits for an approval or was answered, the oldest first.
    pub entries: Vec<Entry>,
    /// The rights that were given for a time.
    #[serde(default)]
    pub grants: Vec<Grant>,
}

/// What means nothing any more.
#[derive(Debug, Default)]
pub struct Expired {
    /// Requests that nobody can approve, approvals that nobody can use.
    pub entries: Vec<Entry>,
    /// Rights.
    pub grants: Vec<Grant>,
}

impl Book {
    /// The moment at which it was opened.
    pub fn now(&self) -> u64 {
        self.seen
    }

    /// An id that no other has.
    pub fn new_id(&self) -> String {
        loop {
            let random = *Uuid::new_v4().as_bytes();
            let letters = random.iter().take(ID_LENGTH);
            let id: String = letters.map(|byte| letter(*byte)).collect();
            let is_new = self.entries.iter().all(|entry| entry.id != id);
            if is_new && self.grants.iter().all(|grant| grant.id != id) {
                return id;
            }
        }
    }

    /// Takes out what means nothing any more.
    fn expire(&mut self, now: u64) -> Expired {
        let Self { seen, entries, grants } = self;
        if now.saturating_add(BEHIND) < *seen {
            *seen = now;
            return Expired { entries: std::mem::take(entries), grants: std::mem::take(grants) };
        }
        *seen = now.max(*seen);
        Expired {
            entries: entries.extract_if(.., |entry| entry.ends() <= *seen).collect(),
            grants: grants.extract_if(.., |grant| grant.until <= *seen).collect(),
        }
    }
}

fn letter(byte: u8) -> char {
    LETTERS[usize::from(byte) % LETTERS.len()].into()
}

/// What comes of a question that may find that time has run out for other requests.
#[derive(Debug)]
pub struct Found<T> {
    /// The answer.
    pub found: T,
    /// What nobody can approve or use any more, and has to be recorded.
    pub expired: Expired,
}

/// What there is, read only.
///
/// # Errors
/// If it cannot be read.
pub fn look() -> io::Result<Book> {
    let mut book = read()?;
    book.expire(now());
    Ok(book)
}

/// Changes what there is, alone. What is other than before is on disk before this returns; nothing is
/// written if nothing is.
///
/// # Errors
/// If it cannot be read or written: nothing has changed then.
pub fn change<T>(change: impl FnOnce(&mut Book) -> T) -> io::Result<Found<T>> {
    let _alone = state::lock("approvals")?;
    let mut book = read()?;
    let before = serde_json::to_vec(&(&book.entries, &book.grants))?;
    let expired = book.expire(now());
    let found = change(&mut book);
    if before == serde_json::to_vec(&(&book.entries, &book.grants))? {
        return Ok(Found { found, expired });
    }
    let text = serde_json::to_vec(&book)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other("it would become too large"));
    }
    state::put(Path::new(FILE), Path::new(&format!("{FILE}.new")), &text, 0o600)?;
    Ok(Found { found, expired })
}

fn read() -> io::Result<Book> {
    if !Path::new(FILE).try_exists()? {
        return Ok(Book::default());
    }
    let file = state::open(FILE, state::Access::Write, 0o600, "root")?;
    if file.metadata()?.len() > LARGEST {
        return Err(io::Error::other(format!("{FILE} is too large")));
    }
    let text = io::read_to_string(file)?;
    Ok(serde_json::from_str(&text)?)
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
