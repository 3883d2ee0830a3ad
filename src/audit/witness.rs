//! What the journal says of the chain. Each record is there, too, sent by root's own processes over
//! its native socket: journald attests both fields, whatever the entry says of itself. An ordinary
//! account can use the identifier, and have root's programs print under it, but not over that
//! socket.

use crate::audit::journal::IDENTIFIER;
use crate::audit::record::{Event, Link};
use crate::system::tool;
use crate::system::trust::trusted;
use jiff::Timestamp;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// How many entries are read back: those of requests that the log did not take have no link.
const BACK: &str = "--lines=200";

/// The matches that no ordinary account's entry has.
const ATTESTED: [&str; 2] = ["_UID=0", "_TRANSPORT=journal"];

/// What the journal holds.
#[derive(Debug)]
pub enum Witness {
    /// Links, the newest first.
    Links(Vec<Seen>),
    /// None.
    None {
        /// How far it goes back; none if it keeps nothing, or may not be read.
        since: Option<Timestamp>,
    },
}

/// A record that the journal holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its place in the chain.
    pub link: Link,
    /// Whether it is an intent, which is always synced.
    pub is_intent: bool,
}

impl Witness {
    /// Asks the journal.
    pub fn ask() -> Self {
        let links = links().unwrap_or_default();
        if links.is_empty() { Self::None { since: oldest() } } else { Self::Links(links) }
    }

    /// The newest link that it holds.
    pub fn end(&self) -> Option<&Link> {
        match self {
            Self::Links(links) => links.first().map(|seen| &seen.link),
            Self::None { .. } => None,
        }
    }

    /// Whether it holds an intent with a number above this.
    pub fn has_intent_after(&self, seq: u64) -> bool {
        match self {
            Self::Links(links) => links.iter().any(|seen| seen.is_intent && seen.link.seq > seq),
            Self::None { .. } => false,
        }
    }
}

/// `journalctl`, unless others can change it: root does not run that.
fn journalctl() -> Option<Command> {
    let program = Path::new("/usr/bin/journalctl");
    trusted(program).ok()?;
    let mut command = tool::clean(program);
    command.args(["--no-pager", "--quiet", "--output=json"]);
    Some(command)
}

fn links() -> Option<Vec<Seen>> {
    let mut command = journalctl()?;
    command
        .args(["--reverse", BACK, "--output-fields=SM_SEQ,SM_HASH,SM_EVENT,_EXE"])
        .args(["--identifier", IDENTIFIER])
        .args(ATTESTED);
    let output = tool::output(command).ok()?;
    Some(output.stdout.split(|byte| *byte == b'\n').filter_map(seen).collect())
}

/// The link in one entry of `journalctl --output=json`, if this program wrote it.
fn seen(entry: &[u8]) -> Option<Seen> {
    let entry: Value = serde_json::from_slice(entry).ok()?;
    let field = |name: &str| entry.get(name).and_then(Value::as_str);
    // If the process was gone before the journal looked, it does not say which program it was.
    if let Some(program) = field("_EXE") {
        let name = program.trim_end_matches(" (deleted)").rsplit('/').next()?;
        if name != "sm" && name != IDENTIFIER {
            return None;
        }
    }
    let link = Link { seq: field("SM_SEQ")?.parse().ok()?, hash: field("SM_HASH")?.to_owned() };
    Some(Seen { link, is_intent: field("SM_EVENT") == Some(Event::Intent.word()) })
}

/// When the oldest entry of the system's journal was made, as far as root may see it.
fn oldest() -> Option<Timestamp> {
    if !nix::unistd::geteuid().is_root() {
        return None;
    }
    let mut command = journalctl()?;
    command.args(["--system", "--output-fields=_UID"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut line = String::new();
    // The first line is enough: all of them can be gigabytes.
    let read = child.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
    let _ = child.kill();
    let _ = child.wait();
    read?.ok()?;
    let entry: Value = serde_json::from_str(&line).ok()?;
    let micros = entry.get("__REALTIME_TIMESTAMP")?.as_str()?.parse().ok()?;
    Timestamp::from_microsecond(micros).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_entry_of_this_program_has_a_link() {
        let link =
            |is_intent| Some(Seen { link: Link { seq: 7, hash: "ab".to_owned() }, is_intent });
        for (entry, expected) in [
            (r#"{"SM_SEQ":"7","SM_HASH":"ab","_EXE":"/usr/local/bin/sm-helper"}"#, link(false)),
            (r#"{"SM_SEQ":"7","SM_HASH":"ab","_EXE":"/usr/bin/sm (deleted)"}"#, link(false)),
            (r#"{"SM_SEQ":"7","SM_HASH":"ab","SM_EVENT":"intent"}"#, link(true)),
            (r#"{"SM_SEQ":"7","SM_HASH":"ab","_EXE":"/usr/bin/sudo"}"#, None),
            (r#"{"SM_SEQ":["7","8"],"SM_HASH":"ab"}"#, None),
            (r#"{"SM_SEQ":"x","SM_HASH":"ab"}"#, None),
            (r#"{"SM_HASH":"ab"}"#, None),
            ("", None),
        ] {
            assert_eq!(seen(entry.as_bytes()), expected, "{entry}");
        }
    }
}
