//! `sm audit verify`: does every record follow from the one before.

use super::files::LogFile;
use super::journal::IDENTIFIER;
use super::record::{HASH_KEY, Link};
use crate::policy::parse::hex;
use crate::tool;
use crate::trust::trusted;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Where something is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file.
    pub file: String,
    /// Its line, from 1.
    pub line: u64,
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
    /// Records that a power cut tore.
    pub torn: Vec<Place>,
    /// Whether the last of them is the end of the log, which the next record will close.
    #[serde(skip)]
    pub torn_end: bool,
}

/// The fields of a record's line that make the chain.
struct Line<'l> {
    seq: u64,
    prev: &'l [u8],
    hash: &'l [u8],
    /// What the hash is of, but for the closing brace.
    hashed: &'l [u8],
}

impl<'l> Line<'l> {
    /// Finds them by their places, which are the same in every record: a million of them must
    /// not cost much more than hashing them does.
    fn parse(line: &'l [u8]) -> Option<Self> {
        const HASH: usize = 64;
        let rest = line.strip_prefix(b"{\"seq\":")?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let seq = str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
        let line = line.strip_suffix(b"\"}")?;
        let (before, hash) = line.split_at_checked(line.len().checked_sub(HASH)?)?;
        let hashed = before.strip_suffix(HASH_KEY.as_bytes())?;
        let (before, prev) = hashed
            .strip_suffix(b"\"")
            .and_then(|rest| rest.split_at_checked(rest.len().checked_sub(HASH)?))?;
        before.ends_with(b",\"prev\":\"").then_some(Line { seq, prev, hash, hashed })
    }

    fn is_unchanged(&self) -> bool {
        let mut hasher = Sha256::new();
        hasher.update(self.hashed);
        hasher.update(b"}");
        hex(&hasher.finalize()).as_bytes() == self.hash
    }
}

/// Reads all of it, with a sign of life on a terminal.
///
/// # Errors
/// Where a file can not be read.
pub fn verify(files: &[LogFile]) -> io::Result<Found> {
    let mut found = Found::default();
    let mut progress = Progress::new(files.iter().map(|file| file.size).sum());
    let mut torn: Option<Torn> = None;
    for file in files {
        let mut reader = file.open()?;
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
            if let Some(before) = torn.take() {
                // The record after a torn one says so; anything else that is no record was put there.
                let says = format!(",\"torn_bytes\":{},", before.bytes);
                if !contains(record.hashed, says.as_bytes()) {
                    return Ok(broken(found, before.place, "is not a record"));
                }
                found.torn.push(before.place);
                // Its link may have been kept apart from the log: then the chain goes on from it.
                if let Some(last) = &mut found.last
                    && record.seq == last.seq + 2
                    && before.seq.is_none_or(|seq| seq == last.seq + 1)
                {
                    last.seq += 1;
                    last.hash = String::from_utf8_lossy(record.prev).into_owned();
                }
            }
            if !record.is_unchanged() {
                return Ok(broken(found, place(), "was changed: its hash is another"));
            }
            if let Some(last) = &found.last {
                let why = if record.seq != last.seq + 1 {
                    format!("has the number {} where {} should follow", record.seq, last.seq + 1)
                } else if record.prev != last.hash.as_bytes() {
                    "does not follow from the record before it".to_owned()
                } else {
                    String::new()
                };
                if !why.is_empty() {
                    return Ok(broken(found, place(), &why));
                }
            } else {
                found.first = record.seq;
            }
            found.records += 1;
            let hash = String::from_utf8_lossy(record.hash).into_owned();
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
    /// Its number, where that much of it is there.
    seq: Option<u64>,
}

/// The number at the beginning of a record, if it is there to its end.
fn number_of(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(b"{\"seq\":")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    rest.get(digits)?;
    str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

fn broken(found: Found, place: Place, why: &str) -> Found {
    Found { broken: Some((place, why.to_owned())), ..found }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// The last link that the journal holds, from what root's own processes sent it over its native
/// socket: journald attests both fields, whatever the entry says of itself. An ordinary account can
/// use the identifier, and have root's programs print under it, but not over that socket.
pub fn head_in_journal() -> Option<Link> {
    /// How many entries are read back: those of requests that the log did not take have no link.
    const BACK: &str = "--lines=200";
    let program = Path::new("/usr/bin/journalctl");
    // Root does not run what others can change.
    trusted(program).ok()?;
    let mut command = tool::clean(program);
    command
        .args(["--no-pager", "--quiet", "--reverse", BACK, "--output=json"])
        .arg("--output-fields=SM_SEQ,SM_HASH,_EXE")
        .args(["--identifier", IDENTIFIER])
        .args(ATTESTED);
    let output = tool::output(command).ok()?;
    output.stdout.split(|byte| *byte == b'\n').find_map(link_of)
}

/// The matches that no ordinary account's entry has.
const ATTESTED: [&str; 2] = ["_UID=0", "_TRANSPORT=journal"];

/// The link in one entry of `journalctl --output=json`, where this program wrote it.
fn link_of(entry: &[u8]) -> Option<Link> {
    let entry: serde_json::Value = serde_json::from_slice(entry).ok()?;
    let field = |name: &str| entry.get(name).and_then(|value| value.as_str());
    // Where the process was gone before the journal looked, it does not say which program it was.
    if let Some(program) = field("_EXE") {
        let name = program.trim_end_matches(" (deleted)").rsplit('/').next()?;
        if name != "sm" && name != IDENTIFIER {
            return None;
        }
    }
    Some(Link { seq: field("SM_SEQ")?.parse().ok()?, hash: field("SM_HASH")?.to_owned() })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_entry_of_this_program_has_a_link() {
        let link = Some(Link { seq: 7, hash: "ab".to_owned() });
        for (entry, expected) in [
            (r#"{"SM_SEQ":"7","SM_HASH":"ab","_EXE":"/usr/local/bin/sm-helper"}"#, &link),
            (r#"{"SM_SEQ":"7","SM_HASH":"ab","_EXE":"/usr/bin/sm (deleted)"}"#, &link),
            (r#"{"SM_SEQ":"7","SM_HASH":"ab"}"#, &link),
            (r#"{"SM_SEQ":"7","SM_HASH":"ab","_EXE":"/usr/bin/sudo"}"#, &None),
            (r#"{"SM_SEQ":["7","8"],"SM_HASH":"ab"}"#, &None),
            (r#"{"SM_SEQ":"x","SM_HASH":"ab"}"#, &None),
            (r#"{"SM_HASH":"ab"}"#, &None),
            ("", &None),
        ] {
            assert_eq!(&link_of(entry.as_bytes()), expected, "{entry}");
        }
    }
}
