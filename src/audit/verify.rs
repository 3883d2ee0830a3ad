//! `sm audit verify`: does every record follow from the one before.

use crate::audit::files::{Decrypt, LogFile};
use crate::audit::line::Line;
use crate::audit::record::Link;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};

/// Where something is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file.
    pub file: String,
    /// Its line, from 1.
    pub line: u64,
}

/// A file that was not read, since it is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// The file.
    pub file: String,
    /// The number of its first record; none if nothing before it says so.
    pub first: Option<u64>,
    /// The number of its last record, as its name says.
    pub last: u64,
}

impl Unread {
    /// This file, after the record with this number.
    pub fn of(file: &LogFile, before: Option<u64>) -> Option<Self> {
        let last = file.encrypted_until()?;
        let first = before.map(|before| before + 1).filter(|first| *first <= last);
        Some(Self { file: file.path.display().to_string(), first, last })
    }
}

/// What was found in the files.
#[derive(Debug, Default, Serialize)]
pub struct Found {
    /// How many records.
    pub records: u64,
    /// The number of the first.
    pub first: u64,
    /// The last one.
    pub last: Option<Link>,
    /// The first record that does not fit, and why.
    pub broken: Option<(Place, String)>,
    /// The files that were not read.
    pub unread: Vec<Unread>,
    /// Records that a power cut tore.
    pub torn: Vec<Place>,
    /// Records that a power cut took before they were synced: where it is said, and how many.
    pub lost: Vec<(Place, u64)>,
    /// The hashes of those records that were asked for, as far as they are there.
    #[serde(skip)]
    pub hashes: BTreeMap<u64, String>,
    /// Whether the last of them is the end of the log, which the next record will close.
    #[serde(skip)]
    pub torn_end: bool,
}

/// Reads all of it, with a sign of life on a terminal. `wanted` are the numbers of records whose
/// hashes are asked for. Encrypted files are read with `decrypt`; without it, what follows them has
/// the number that should follow, and of its link with them nothing is known.
///
/// # Errors
/// If a file cannot be read.
pub fn verify(
    files: &[LogFile],
    wanted: &[u64],
    decrypt: Option<&Decrypt<'_>>,
) -> io::Result<Found> {
    let mut found = Found::default();
    let mut progress = Progress::new(files.iter().map(|file| file.size).sum());
    let mut torn: Option<Torn> = None;
    let mut is_link_unknown = false;
    for file in files {
        let Some(mut reader) = file.open_with(decrypt)? else {
            let unread = Unread::of(file, found.last.as_ref().map(|last| last.seq));
            if let Some(unread) = unread {
                // What is said of it would be in there.
                found.torn.extend(torn.take().map(|torn| torn.place));
                found.last = Some(Link { seq: unread.last, hash: String::new() });
                found.unread.push(unread);
                is_link_unknown = true;
            }
            continue;
        };
        let mut line = Vec::new();
        let mut number = 0;
        loop {
            line.clear();
            if reader.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            number += 1;
            progress.add(line.len() as u64);
            let place = || Place { file: file.path.display().to_string(), line: number };
            let whole = line.strip_suffix(b"\n");
            let text = whole.unwrap_or(&line);
            let Some(record) = Line::parse(text) else {
                let next = Torn {
                    place: place(),
                    bytes: text.len() as u64,
                    ended: whole.is_some(),
                    seq: number_of(text),
                };
                if let Some(before) = torn.replace(next) {
                    return Ok(broken(found, before.place, "is not a record"));
                }
                continue;
            };
            // What was never synced is gone with a power cut: the chain continues from the link that
            // was kept apart, and the record says how many are missing before it.
            let lost = record.lost();
            let gap = record.seq.checked_sub(found.last.as_ref().map_or(0, |last| last.seq) + 1);
            let is_said = lost.is_some() && (lost == gap || found.last.is_none());
            if let Some(before) = torn.take() {
                // The record after a torn one says so; anything else that is no record was put there.
                let says = format!(",\"torn_bytes\":{},", before.bytes);
                if !contains(record.hashed, says.as_bytes()) {
                    return Ok(broken(found, before.place, "is not a record"));
                }
                found.torn.push(before.place);
                // Its link may have been kept apart from the log: then the chain continues from it.
                if let Some(last) = &mut found.last
                    && !is_said
                    && record.seq == last.seq + 2
                    && before.seq.is_none_or(|seq| seq == last.seq + 1)
                {
                    last.seq += 1;
                    last.hash = String::from_utf8_lossy(record.prev).into_owned();
                    if wanted.contains(&last.seq) {
                        found.hashes.insert(last.seq, last.hash.clone());
                    }
                }
            }
            if !record.is_unchanged() {
                return Ok(broken(found, place(), "was changed: its hash does not match"));
            }
            if let Some(count) = lost {
                if !is_said || count >= record.seq {
                    let reason = format!("says that {count} records were lost before it");
                    return Ok(broken(found, place(), &reason));
                }
                found.lost.push((place(), count));
                if found.last.is_none() {
                    found.first = record.seq - count;
                }
            } else if let Some(last) = &found.last {
                let reason = if record.seq != last.seq + 1 {
                    format!("has the number {} where {} should follow", record.seq, last.seq + 1)
                } else if record.prev != last.hash.as_bytes() && !is_link_unknown {
                    "does not follow from the record before it".to_owned()
                } else {
                    String::new()
                };
                if !reason.is_empty() {
                    return Ok(broken(found, place(), &reason));
                }
            }
            if found.first == 0 {
                found.first = record.seq;
            }
            is_link_unknown = false;
            found.records += 1;
            let hash = String::from_utf8_lossy(record.hash).into_owned();
            if wanted.contains(&record.seq) {
                found.hashes.insert(record.seq, hash.clone());
            }
            found.last = Some(Link { seq: record.seq, hash });
        }
    }
    // At the very end it is what the next record will close.
    match torn {
        Some(Torn { place, ended: true, .. }) => Ok(broken(found, place, "is not a record")),
        last => {
            found.torn_end = last.is_some();
            found.torn.extend(last.map(|torn| torn.place));
            Ok(found)
        }
    }
}

/// A line that is no record.
struct Torn {
    place: Place,
    bytes: u64,
    /// Whether it has its line break: a torn record gets it with the next one.
    ended: bool,
    /// Its number, if that much of it is there.
    seq: Option<u64>,
}

/// The number at the beginning of a record, if it is there to the end.
fn number_of(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(b"{\"seq\":")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    rest.get(digits)?;
    str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

fn broken(found: Found, place: Place, reason: &str) -> Found {
    Found { broken: Some((place, reason.to_owned())), ..found }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// How far it is, for somebody who waits.
struct Progress {
    all: u64,
    done: u64,
    shown: u64,
    wanted: bool,
}

impl Progress {
    fn new(all: u64) -> Self {
        const WORTH_IT: u64 = 16 << 20;
        Self { all, done: 0, shown: 0, wanted: all > WORTH_IT && io::stderr().is_terminal() }
    }

    fn add(&mut self, bytes: u64) {
        self.done += bytes;
        let percent = (self.done * 100 / self.all.max(1)).min(100);
        if self.wanted && percent != self.shown {
            self.shown = percent;
            let end = if percent == 100 { "\r                   \r" } else { "" };
            let _ = write!(io::stderr(), "\rverifying {percent:3} %{end}");
        }
    }
}
