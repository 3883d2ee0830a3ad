//! A file for each account, to which a line is added when one of its requests begins and when it is
//! answered. The newest are kept, up to a number, an age and a size.

use crate::request::id::{RequestId, request_id};
use crate::request::operation::Operation;
use crate::system::state;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

const FOLDER: &str = "/var/lib/sm/results";

/// The most requests of an account.
pub const MOST: usize = 100;

/// How long they are kept.
pub const AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// How large an account's file may become, in bytes.
const ROOM: u64 = 4 << 20;

/// The largest reply that is kept as it is, in bytes: of a larger one, of which a policy's bound on
/// output allows some megabytes, the end of what was printed.
const LARGEST: usize = 512 << 10;

/// How much of each stream is kept of it, in bytes.
const OF_STREAM: usize = 128 << 10;

/// What stands in front of the reply. Nothing before it can hold the same: an id, a number, an
/// operation, whose name has no quotation mark in it, a code.
const REPLY: &str = ",\"reply\":";

/// What is kept of a request.
#[derive(Debug)]
pub enum Found {
    /// Its reply.
    Reply(String),
    /// That it has begun.
    Begun(Begun),
    /// Nothing.
    Nothing,
}

/// A request that has begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Begun {
    id: String,
    /// Seconds since 1970.
    at: u64,
    /// As a reply has it.
    pub operation: Value,
    /// The command line.
    pub argv: Vec<String>,
}

impl Begun {
    /// This request begins now.
    ///
    /// # Errors
    /// None, as an operation always can be written.
    pub fn now(operation: &Operation, argv: &[String]) -> io::Result<Self> {
        let operation = serde_json::to_value(operation)?;
        Ok(Self { id: request_id().to_owned(), at: now(), operation, argv: argv.to_vec() })
    }

    /// How long ago it began, in milliseconds.
    pub fn age_ms(&self) -> f64 {
        now().saturating_sub(self.at) as f64 * 1e3
    }
}

/// A line without its reply.
#[derive(Debug, Deserialize)]
pub struct Kept {
    /// The request's id.
    pub id: String,
    /// Seconds since 1970.
    pub at: u64,
    /// As a reply has it.
    pub operation: Value,
    /// The code of its reply; none if it has only begun.
    #[serde(default)]
    pub code: Option<String>,
}

/// A line that holds a reply.
///
/// # Errors
/// If the reply is no JSON object.
pub fn reply_line(
    id: &str,
    at: u64,
    operation: &Operation,
    code: &str,
    reply: &str,
) -> io::Result<String> {
    let operation = serde_json::to_string(operation)?;
    let reply = if reply.len() > LARGEST { shortened(reply)? } else { reply.to_owned() };
    Ok(format!(
        "{{\"id\":\"{id}\",\"at\":{at},\"operation\":{operation},\"code\":\"{code}\"{REPLY}{reply}}}"
    ))
}

/// The reply with less of what was printed.
fn shortened(reply: &str) -> io::Result<String> {
    let mut reply: Value = serde_json::from_str(reply)?;
    for stream in ["stdout", "stderr"] {
        let Some(text) = reply[stream].as_str().filter(|text| text.len() > OF_STREAM) else {
            continue;
        };
        let from = (text.len() - OF_STREAM..).find(|at| text.is_char_boundary(*at));
        reply[stream] = text[from.unwrap_or(text.len())..].into();
        reply[format!("{stream}_truncated")] = true.into();
    }
    Ok(serde_json::to_string(&reply)?)
}

/// Adds a line to the account's file. It is on disk if `must_last`, before this returns.
///
/// # Errors
/// What the kernel says, or that the file is not root's own.
pub fn append(account: u32, line: &str, must_last: bool) -> io::Result<()> {
    let path = path(account);
    let mut file = opened(&path)?;
    let data = file.metadata()?;
    if data.len() + line.len() as u64 > ROOM || is_old(data.modified()?) {
        shorten(&path)?;
        file = opened(&path)?;
    }
    let before = if is_torn(&mut file)? { "\n" } else { "" };
    file.write_all(format!("{before}{line}\n").as_bytes())?;
    if must_last { file.sync_data() } else { Ok(()) }
}

/// The file, locked; made if it is missing.
fn opened(path: &str) -> io::Result<File> {
    loop {
        let open = || state::open(path, state::Access::Append, 0o600, "root");
        let file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                state::folder(state::FOLDER, 0o700, "root")?;
                state::folder(FOLDER, 0o700, "root")?;
                open()?
            }
            other => other?,
        };
        file.lock()?;
        if is_at(&file, path) {
            return Ok(file);
        }
    }
}

/// Whether this is still the file of that name: another process may have put a shorter one there, or
/// taken it away, while its lock was waited for.
fn is_at(file: &File, path: &str) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(own), Ok(there)) => (own.dev(), own.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Whether the last line has no end: there was no room for it.
fn is_torn(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Leaves the newest lines, half of the room at most, and nothing of accounts that have not asked for
/// longer than anything is kept. The file's lock is held by who calls.
fn shorten(path: &str) -> io::Result<()> {
    let text = read(path)?;
    let mut size = 0;
    let mut lines: Vec<&str> = newest(&text)
        .take_while(|line| {
            size += line.len() as u64 + 1;
            size <= ROOM / 2
        })
        .collect();
    lines.reverse();
    let mut left = lines.join("\n");
    if !left.is_empty() {
        left.push('\n');
    }
    state::put(Path::new(path), Path::new(&format!("{path}.new")), left.as_bytes(), 0o600)?;
    for entry in fs::read_dir(FOLDER)?.flatten() {
        if let Some(other) = entry.path().to_str() {
            remove_if_old(other)?;
        }
    }
    Ok(())
}

/// Takes a file away that nobody has written for longer than anything is kept. One that is in use is
/// left.
fn remove_if_old(path: &str) -> io::Result<()> {
    let is_one = |file: &File| Ok::<_, io::Error>(is_old(file.metadata()?.modified()?));
    let Ok(file) = File::open(path) else { return Ok(()) };
    if is_one(&file)? && file.try_lock().is_ok() && is_at(&file, path) && is_one(&file)? {
        state::remove(Path::new(path))?;
    }
    Ok(())
}

/// The lines that are kept, the newest first: of so many requests, none of them too old, and of those
/// that have not ended, however many have been made since.
fn newest(text: &str) -> impl Iterator<Item = &str> {
    let (mut kept, mut dropped) = (HashSet::new(), HashSet::new());
    text.lines().rev().filter(move |line| {
        let Ok(Kept { id, at, code, .. }) = parsed(line) else { return false };
        if is_old(SystemTime::UNIX_EPOCH + Duration::from_secs(at)) || dropped.contains(&id) {
            return false;
        }
        // Its reply, if there is one, is behind its beginning.
        let has_ended = code.is_some();
        if has_ended && kept.len() >= MOST && !kept.contains(&id) {
            dropped.insert(id);
            return false;
        }
        kept.insert(id);
        true
    })
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// Whether it was longer ago than anything is kept. What seems to come is not old: the clock was put
/// back.
fn is_old(at: SystemTime) -> bool {
    SystemTime::now().duration_since(at).is_ok_and(|age| age > AGE)
}

/// What is kept of the account's request of this id.
///
/// # Errors
/// If it cannot be read.
pub fn find(account: u32, id: &RequestId) -> io::Result<Found> {
    let text = read(&path(account))?;
    let mine = format!("{{\"id\":\"{}\"", id.as_str());
    let Some(line) = newest(&text).find(|line| line.starts_with(&mine)) else {
        return Ok(Found::Nothing);
    };
    Ok(match line.split_once(REPLY) {
        Some((_, reply)) => Found::Reply(reply.strip_suffix('}').unwrap_or(reply).to_owned()),
        None => Found::Begun(serde_json::from_str(line)?),
    })
}

/// The account's requests, the newest first.
///
/// # Errors
/// If they cannot be read.
pub fn recent(account: u32) -> io::Result<Vec<Kept>> {
    let text = read(&path(account))?;
    let mut seen = HashSet::new();
    let kept = newest(&text).filter_map(|line| parsed(line).ok());
    Ok(kept.filter(|kept| seen.insert(kept.id.clone())).collect())
}

fn parsed(line: &str) -> serde_json::Result<Kept> {
    match line.split_once(REPLY) {
        // The reply may be long, and is looked at by nobody here.
        Some((head, _)) => serde_json::from_str(&format!("{head}}}")),
        None => serde_json::from_str(line),
    }
}

/// The whole file; nothing if there is none.
fn read(path: &str) -> io::Result<String> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

fn path(account: u32) -> String {
    format!("{FOLDER}/{account}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::action::ServiceAction;
    use crate::request::name::UnitName;
    use crate::request::operation::Shown;
    use proptest::prelude::*;

    fn operation() -> Operation {
        let unit = UnitName::parse(b"nginx").expect("a name");
        Operation::Service { action: ServiceAction::Restart, unit, shown: Shown::USUAL }
    }

    fn line(id: &str, at: u64, reply: &str) -> String {
        reply_line(id, at, &operation(), "ok", reply).expect("a line")
    }

    fn ids(text: &str) -> Vec<String> {
        newest(text).map(|line| parsed(line).expect("a line").id).collect()
    }

    #[test]
    fn the_newest_of_so_many_requests_are_kept() {
        let lines = (0..MOST + 20).map(|number| line(&number.to_string(), now(), "{}"));
        let text = lines.collect::<Vec<_>>().join("\n");
        let expected: Vec<String> =
            (20..MOST + 20).rev().map(|number| number.to_string()).collect();
        assert_eq!(ids(&text), expected);
    }

    #[test]
    fn one_that_has_not_ended_is_kept_however_many_come_after() {
        let begun = |id: &str| {
            format!("{{\"id\":\"{id}\",\"at\":{},\"operation\":{{}},\"argv\":[]}}", now())
        };
        let mut lines = vec![begun("ended"), line("ended", now(), "{}"), begun("runs")];
        lines.extend((0..MOST).map(|number| line(&number.to_string(), now(), "{}")));
        let ids = ids(&lines.join("\n"));
        assert_eq!((ids.len(), ids.last().map(String::as_str)), (MOST + 1, Some("runs")));
    }

    #[test]
    fn what_is_too_old_or_torn_is_nothing() {
        let old = now() - AGE.as_secs() - 10;
        let text = format!(
            "{}\n{{\"id\":\"torn\",\"at\n\n{}\nnonsense\n{}",
            line("old", old, "{}"),
            line("one", now() - 60, "{}"),
            // The clock was put back.
            line("two", now() + 60, "{}"),
        );
        assert_eq!(ids(&text), ["two", "one"]);
    }

    #[test]
    fn of_a_large_reply_the_end_of_what_was_printed_is_left() {
        let text = format!("{}the end", "é".repeat(LARGEST));
        let reply =
            serde_json::json!({"stdout": text, "stderr": "short", "stdout_truncated": false});
        let kept = line("one", now(), &reply.to_string());
        assert!(kept.len() < LARGEST);
        let reply: Value = serde_json::from_str(&kept).expect("a line");
        let reply = &reply["reply"];
        assert!(reply["stdout"].as_str().is_some_and(|text| text.ends_with("the end")));
        assert_eq!((&reply["stdout_truncated"], &reply["stderr"]), (&true.into(), &"short".into()));
    }

    proptest! {
        #[test]
        fn whatever_a_reply_holds_it_is_found_as_it_was(text: String, other: String) {
            let reply = serde_json::json!({"stdout": text, REPLY: other}).to_string();
            let kept = line("one", now(), &reply);
            let (_, found) = kept.split_once(REPLY).expect("a reply");
            prop_assert_eq!(found.strip_suffix('}'), Some(reply.as_str()));
            prop_assert_eq!(parsed(&kept).expect("a line").id, "one");
        }

        #[test]
        fn whatever_is_in_the_file_nothing_breaks(text: String) {
            prop_assert!(newest(&text).count() <= text.lines().count());
        }
    }
}
