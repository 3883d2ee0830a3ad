//! One line of JSON with words of a command line in it: how they travel to the privileged side,
//! over the broker's socket and through sudo's standard input.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::{Deserialize, Serialize};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

/// The number of the format.
const SCHEMA: u32 = 1;

/// The line as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// Always 1.
    schema: u32,
    /// The words: `["service", "restart", "nginx"]`.
    arguments: Vec<String>,
}

/// The words as a line, its line break included.
///
/// # Errors
/// If JSON cannot hold them, of which no case is known.
pub fn write(words: &[impl AsRef<OsStr>]) -> io::Result<Vec<u8>> {
    // JSON has no bytes that are no text. A word with such bytes is refused there, and recorded, as
    // it is on a command line: in their place goes a character that no command line can have.
    let text = |word: &OsStr| match word.to_str() {
        Some(word) => word.to_owned(),
        None => word.to_string_lossy().replace(char::REPLACEMENT_CHARACTER, "\0"),
    };
    let arguments = words.iter().map(|word| text(word.as_ref())).collect();
    let mut line = serde_json::to_vec(&Line { schema: SCHEMA, arguments })?;
    line.push(b'\n');
    Ok(line)
}

/// What is read from.
pub struct Source<'f, T> {
    /// What becomes readable when there is more.
    pub descriptor: BorrowedFd<'f>,
    /// Takes what there is, and never waits for it.
    pub take: T,
    /// The most bytes that a line may have, its line break included.
    pub largest: usize,
    /// How long it may take to arrive.
    pub patience: Duration,
    /// What the line is to whoever writes it: `request`.
    pub what: &'static str,
}

/// Reads one line, and not more than `largest` bytes for it.
///
/// # Errors
/// What is wrong, if there is none, or it is too large, too late or of another format.
pub fn read<T>(source: &Source<'_, T>) -> Result<Vec<OsString>, String>
where
    T: Fn(&mut [u8]) -> nix::Result<usize>,
{
    let (what, largest) = (source.what, source.largest);
    let deadline = Instant::now() + source.patience;
    let mut text = Vec::new();
    let mut part = [0; 8192];
    let line = loop {
        if let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            text.truncate(end);
            break text;
        }
        if text.len() >= largest {
            return Err(format!("the {what} is larger than {largest} bytes"));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout =
            PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(source.descriptor, PollFlags::POLLIN)];
        if left.is_zero() || poll(&mut fds, timeout) == Ok(0) {
            return Err(format!("no {what} arrived in {} s", source.patience.as_secs()));
        }
        let room = part.len().min(largest - text.len());
        match (source.take)(&mut part[..room]) {
            // Who has nothing more to say may leave the line break out.
            Ok(0) if !text.is_empty() => break text,
            Ok(0) => return Err(format!("the connection was closed without a {what}")),
            Ok(count) => text.extend_from_slice(&part[..count]),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(error) => return Err(format!("the connection was lost: {}", error.desc())),
        }
    };
    let line: Line =
        serde_json::from_slice(&line).map_err(|error| format!("this is not a {what}: {error}"))?;
    if line.schema != SCHEMA {
        return Err(format!("schema must be {SCHEMA}, the only one there is"));
    }
    Ok(line.arguments.into_iter().map(OsString::from).collect())
}
