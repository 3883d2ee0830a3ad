//! The file in which requests wait, root's alone: all of it is on disk, or what was there before. What
//! cannot be read means that nothing is approved.

use crate::approvals::entry::Entry;
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
    /// The oldest first.
    pub entries: Vec<Entry>,
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
            if self.entries.iter().all(|entry| entry.id != id) {
                return id;
            }
        }
    }

    /// Takes out what means nothing any more.
    fn expire(&mut self, now: u64) -> Vec<Entry> {
        if now.saturating_add(BEHIND) < self.seen {
            self.seen = now;
            return std::mem::take(&mut self.entries);
        }
        self.seen = self.seen.max(now);
        let seen = self.seen;
        self.entries.extract_if(.., |entry| entry.ends() <= seen).collect()
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
    pub expired: Vec<Entry>,
}

/// What there is, read only.
///
/// # Errors
/// If it cannot be read.
pub fn look() -> io::Result<Vec<Entry>> {
    let mut book = read()?;
    book.expire(now());
    Ok(book.entries)
}

/// Changes what there is, alone. It is on disk before this returns.
///
/// # Errors
/// If it cannot be read or written: nothing has changed then.
pub fn change<T>(change: impl FnOnce(&mut Book) -> T) -> io::Result<Found<T>> {
    let _alone = state::lock("approvals")?;
    let mut book = read()?;
    let expired = book.expire(now());
    let found = change(&mut book);
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

/// A moment as people and programs read it: RFC 3339, in UTC.
pub fn moment(seconds: u64) -> String {
    jiff::Timestamp::from_second(seconds as i64).unwrap_or_default().to_string()
}
