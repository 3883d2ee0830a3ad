//! The flags of a request that goes through sudo. sudo's rule may name whole command lines (`sm
//! setup-sudo --exact`), and a reason is on no list: so the flags, which change nothing in what
//! the policy is asked, go over standard input, and the command line has one fixed word more.

use crate::cli::{self, Helper, HelperCommand, Parsed};
use crate::request::action::UNDO;
use crate::request::code::{Code, Refusal};
use crate::request::line;
use crate::request::operation::{ForRoot, Operation, RESULT, Request, ResultOf, Shown};
use crate::request::route::Route;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::statfs::{FsType, fstatfs};
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Stdio;
use std::time::Duration;

/// The word in front of a request whose flags are on standard input.
pub const WORD: &str = "--flags-on-stdin";

/// The largest line of flags, in bytes: the longest reason, each character escaped, and the rest.
/// No more than a pipe holds for sure, so that writing it never waits for a reader (`pipe(7)`).
const LARGEST: usize = 4096;

/// How long the line may take to arrive. The helper writes it before it calls sudo; who has root's
/// process wait holds up nobody else, and not for long.
const PATIENCE: Duration = Duration::from_secs(1);

/// The file system of pipes without a name (`linux/magic.h`).
const PIPEFS: FsType = FsType(0x5049_5045);

/// Standard input's other name, by which it can be opened once more.
const STANDARD_INPUT: &str = "/proc/self/fd/0";

/// A request for the privileged side: the words of its command line, and its standard input.
///
/// # Errors
/// If there can be no pipe.
pub fn send(asked: &ForRoot, pretty: bool) -> io::Result<(Vec<OsString>, Stdio)> {
    let (line, flags) = match asked {
        ForRoot::Request(request) => (line_of(request), flags(request, pretty)),
        ForRoot::Result(asked) => (RESULT.to_owned(), flags_of_result(asked, pretty)),
    };
    let words = line.split(' ').map(OsString::from);
    if flags.is_empty() {
        return Ok((words.collect(), Stdio::null()));
    }
    Ok((std::iter::once(WORD.into()).chain(words).collect(), sent(&flags)?))
}

/// What sudo sees of a request.
fn line_of(request: &Request) -> String {
    match &request.operation {
        Operation::Undo { .. } => UNDO.to_owned(),
        operation => operation.to_string(),
    }
}

/// Words as the standard input of a process that reads them with [`read`].
///
/// # Errors
/// If there can be no pipe, or the words are more than one takes at once.
pub fn sent(words: &[impl AsRef<OsStr>]) -> io::Result<Stdio> {
    let line = line::write(words)?;
    if line.len() > LARGEST {
        return Err(io::Error::other(format!("the words are larger than {LARGEST} bytes")));
    }
    let (reader, mut writer) = io::pipe()?;
    writer.write_all(&line)?;
    Ok(reader.into())
}

/// Each flag with its value in one word, so that no value can be taken for a flag.
fn flags(request: &Request, pretty: bool) -> Vec<String> {
    let mut flags = Vec::new();
    // As with a result, the id is on no list.
    if let Operation::Undo { id: Some(id), .. } = &request.operation {
        flags.push(id.as_str().to_owned());
    }
    if let Some(reason) = &request.reason {
        flags.push(format!("--reason={}", reason.as_str()));
    }
    if let Some(seconds) = request.timeout {
        flags.push(format!("--timeout={seconds}"));
    }
    if let Operation::Service { shown, .. } = &request.operation {
        if shown.lines() != Shown::USUAL.lines() {
            flags.push(format!("--lines={}", shown.lines()));
        }
        flags.extend(shown.minutes().map(|minutes| format!("--since={minutes}")));
    }
    if request.no_wait {
        flags.push("--no-wait".to_owned());
    }
    if pretty {
        flags.push("--pretty".to_owned());
    }
    flags
}

/// The id is on no list either, so it goes with the flags.
fn flags_of_result(asked: &ResultOf, pretty: bool) -> Vec<String> {
    let mut flags: Vec<String> = asked.id.iter().map(|id| id.as_str().to_owned()).collect();
    if asked.wait > 0 {
        flags.push(format!("--wait={}", asked.wait));
    }
    if pretty {
        flags.push("--pretty".to_owned());
    }
    flags
}

/// What stands behind [`WORD`], if a command line begins with it.
pub fn behind_word(arguments: &[OsString]) -> Option<&[OsString]> {
    let (first, rest) = arguments.split_first()?;
    (first == WORD).then_some(rest)
}

/// A command line with its flags, and what it turned out to be.
pub struct FullRequest {
    /// All words.
    pub words: Vec<OsString>,
    /// What they are.
    pub parsed: Parsed<Helper>,
}

/// Reads the flags that belong to `words`, which sudo has let through: what it was asked for is
/// what they ask for together.
///
/// # Errors
/// `usage` if standard input has no flags, or more than flags.
pub fn receive(words: &[OsString]) -> Result<FullRequest, Refusal> {
    let parsed = cli::helper(words);
    let asked = match seen(&parsed) {
        Some(Ok(asked)) => asked,
        // Refused for what it is, whatever the flags are.
        Some(Err(_)) => return Ok(FullRequest { words: words.to_vec(), parsed }),
        None => {
            return Err(misplaced(
                "put it in front of `service`, `package`, `task`, `undo` or `result`",
            ));
        }
    };
    let whole = [words, &read()?].concat();
    let parsed = cli::helper(&whole);
    // The same grammar reads them, and would read a name among them, which sudo has not seen.
    let is_other = match seen(&parsed) {
        Some(Ok(whole)) => whole != asked,
        Some(Err(_)) => false,
        None => true,
    };
    if is_other {
        return Err(misplaced("the flags on standard input turn it into another request"));
    }
    if let Parsed::Command(command) = &parsed
        && (command.common.dry_run || command.common.via != Route::Auto)
    {
        return Err(misplaced("--dry-run and --via work only without sudo in front"));
    }
    Ok(FullRequest { words: whole, parsed })
}

/// What sudo sees of the words, or why they are bad ones; none if they are a question that anybody may
/// ask. Of whose result is asked for, or what is undone, it sees nothing, since every account has its own alone.
fn seen(parsed: &Parsed<Helper>) -> Option<Result<String, Refusal>> {
    match parsed {
        Parsed::Command(Helper { command: HelperCommand::Undo { .. }, .. }) => {
            Some(Ok(UNDO.to_owned()))
        }
        Parsed::Command(command) => match (command.request(), command.result()) {
            (Some(request), _) => Some(request.map(|request| line_of(&request))),
            (None, Some(result)) => Some(result.map(|_| RESULT.to_owned())),
            (None, None) => None,
        },
        Parsed::Wrong(refusal) => Some(Err(refusal.clone())),
        Parsed::Help(_) => None,
    }
}

fn misplaced(cause: &str) -> Refusal {
    refused(format!("{WORD} cannot be used here: {cause}"))
}

fn refused(error: String) -> Refusal {
    Refusal::new(Code::Usage, error).hint(
        "omit sudo, which sm-helper calls by itself: sm-helper service restart nginx --reason TEXT",
    )
}

/// Reads what was written into the pipe that is standard input.
///
/// # Errors
/// `usage` if it is no pipe, or there is something else in it.
pub fn read() -> Result<Vec<OsString>, Refusal> {
    let pipe = own_end().map_err(|error| {
        refused(format!("{WORD} needs a pipe as standard input, and there is none: {error}"))
    })?;
    let source = line::Source {
        descriptor: pipe.as_fd(),
        take: |part: &mut [u8]| nix::unistd::read(&pipe, part),
        largest: LARGEST,
        patience: PATIENCE,
        what: "line of flags",
    };
    line::read(&source).map_err(|what| refused(format!("{WORD}: {what}")))
}

/// The pipe, opened once more: reads of it never wait, and what the caller does to its own
/// descriptor changes nothing here. Other files could keep a reader as long as they like.
///
/// Root may open what the caller may not, so only what the caller can read itself is: an
/// `O_PATH` descriptor is had without any right to the file, the other end of a pipe without that
/// to read from it, and a pipe with a name may be somebody else's.
fn own_end() -> io::Result<File> {
    let given = io::stdin();
    let flags = OFlag::from_bits_retain(fcntl(&given, FcntlArg::F_GETFL)?);
    if flags.contains(OFlag::O_PATH) || flags & OFlag::O_ACCMODE == OFlag::O_WRONLY {
        return Err(io::Error::other("it is not open for reading"));
    }
    if fstatfs(&given)?.filesystem_type() != PIPEFS {
        return Err(io::Error::other("it is something else"));
    }
    OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(STANDARD_INPUT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Complete, its name is the longest there can be.
    const LONG: &str = concat!(
        "service logs aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    );

    fn parsed(words: &[OsString]) -> (Request, bool) {
        match cli::helper(words) {
            Parsed::Command(command) => {
                let request = command.request().expect("a request").expect("a good one");
                (request, command.common.pretty)
            }
            _ => panic!("{words:?} is no command"),
        }
    }

    fn again(request: &Request, pretty: bool) -> (Request, bool) {
        let line = request.operation.to_string();
        let words = line.split(' ').map(OsString::from);
        parsed(&words.chain(flags(request, pretty).into_iter().map(Into::into)).collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn a_request_in_two_parts_is_the_request(
            line in prop::sample::select(vec![
                LONG, "service logs nginx", "service restart a@b:c.socket", "package upgrade",
                "package plan install g++", "package plan upgrade", "package remove docker.io",
            ]),
            reason in prop::option::of("[!-~é𝔘]{1,500}"),
            timeout in prop::option::of(1..=86_400_u32),
            lines in prop::option::of(1..=1000_u32),
            since in prop::option::of(1..=10_080_u32),
            pretty: bool,
            no_wait: bool,
        ) {
            let mut words: Vec<OsString> = line.split(' ').map(Into::into).collect();
            words.extend(reason.map(|reason| format!("--reason={reason}").into()));
            words.extend(timeout.map(|seconds| format!("--timeout={seconds}").into()));
            if line.contains("logs") {
                words.extend(lines.map(|lines| format!("--lines={lines}").into()));
                words.extend(since.map(|since| format!("--since={since}").into()));
            }
            if pretty {
                words.push("--pretty".into());
            }
            if no_wait {
                words.push("--no-wait".into());
            }
            let (first, _) = parsed(&words);
            let (second, is_pretty) = again(&first, pretty);
            prop_assert_eq!(&first.operation, &second.operation);
            prop_assert_eq!(&first.reason, &second.reason);
            prop_assert_eq!((first.timeout, pretty), (second.timeout, is_pretty));
            prop_assert_eq!((first.no_wait, no_wait), (second.no_wait, no_wait));
            let sent = line::write(&flags(&first, pretty)).expect("a line");
            prop_assert!(sent.len() <= LARGEST, "{} bytes", sent.len());
        }
    }

    #[test]
    fn the_longest_reason_fits() {
        for character in ["\"", "\\", "𝔘", "é"] {
            let words = ["service".into(), "restart".into(), "nginx".into()];
            let reason = OsString::from(format!("--reason={}", character.repeat(500)));
            let (request, _) = parsed(&[&words[..], &[reason]].concat());
            let sent = line::write(&flags(&request, true)).expect("a line");
            assert!(sent.len() <= LARGEST, "{} bytes of {character}", sent.len());
        }
    }
}
