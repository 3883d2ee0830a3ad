//! The way from an ordinary account to root: the broker's socket, or `sudo -n` on this program's
//! own path.

pub mod flags;
pub mod refused;

use crate::broker::protocol::{self, NoBroker};
use crate::broker::socket::GROUP;
use crate::escalate::refused::{Sudo, account, not_privileged};
use crate::output::text::shell_word;
use crate::plan::planned;
use crate::policy::disabled;
use crate::policy::force::InForce;
use crate::reply::{self, interrupt, passed};
use crate::request::caller::Caller;
use crate::request::code::{Code, Refusal};
use crate::request::operation::{ForRoot, Operation};
use crate::request::route::Route;
use crate::request::who::Who;
use crate::sudo::ask::AS_ROOT;
use crate::system::pipes::{self, Kept, Until};
use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Where sudo may be, the usual place first.
const SUDO: [&str; 3] = ["/usr/bin/sudo", "/usr/local/bin/sudo", "/run/wrappers/bin/sudo"];

/// How much of what sudo says is kept.
const SAID: usize = 4096;

/// What root is asked.
#[derive(Debug)]
pub struct CommandLine<'a> {
    /// The words as they were given.
    pub arguments: &'a [OsString],
    /// What they turned out to be; also what is sure to be refused goes to root.
    pub asked: Result<ForRoot, Refusal>,
    /// Whether the reply is to be indented.
    pub pretty: bool,
}

impl CommandLine<'_> {
    /// What is to be done, if that is known.
    pub fn operation(&self) -> Option<&Operation> {
        match &self.asked {
            Ok(ForRoot::Request(request)) => Some(&request.operation),
            Ok(ForRoot::Result(_)) | Err(_) => None,
        }
    }

    /// Why root would refuse it too, if it would: the same verdict, which needs no privilege.
    fn verdict(&self) -> Option<Refusal> {
        let judged = |asked: &ForRoot| {
            disabled::check()?;
            match asked {
                ForRoot::Request(request) => {
                    planned(&InForce::load()?, &Caller::find(), request.clone()).map(drop)
                }
                ForRoot::Result(_) => Ok(()),
            }
        };
        self.asked.as_ref().map_err(Refusal::clone).and_then(judged).err()
    }
}

/// How long a request may be, in bytes, that a socket takes without anybody who reads: the few times
/// of it that it is when it is written are less than the usual buffer (`net.core.wmem_default`,
/// `socket(7)`).
const AT_ONCE: usize = 8192;

/// How long a broker that takes no request is asked again.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a restart of the socket may take.
const RESTART: Duration = Duration::from_secs(1);

/// How long to wait before that.
const PAUSE: Duration = Duration::from_millis(50);

/// Has root answer the request, over the socket if there is one that lets this account
/// connect, else through sudo. The reply goes through this process, so that there is one on every
/// way out. Gives the exit status of the reply that was passed on.
///
/// # Errors
/// `not_privileged` with what was tried and why it failed; if sudo has refused what the policy
/// refuses too, the policy's refusal.
pub fn escalate(way: Route, helper: &Path, asked: &CommandLine<'_>) -> Result<u8, Refusal> {
    // From when there is something to wait for: until then a signal is noted.
    let mut operation = Some(asked.operation().cloned());
    let mut waits = || {
        if let Some(operation) = operation.take() {
            interrupt::answer_when_asked_to_end(operation);
        }
    };
    let no_socket = match way {
        Route::Sudo => None,
        Route::Auto | Route::Socket => match over_socket(way, asked.arguments, &mut waits)? {
            Ok(exit) => return Ok(exit),
            Err(reason) => Some(reason),
        },
    };
    match (way, no_socket) {
        (Route::Socket, Some(reason)) => Err(not_privileged(reason)
            .hint("omit --via, or ask an administrator: sm setup-broker --user NAME")),
        (_, reason) => through_sudo(helper, asked, &mut waits).map_err(|refusal| match reason {
            Some(reason) if refusal.code == Code::NotPrivileged => {
                Refusal { error: format!("{}; and {reason}", refusal.error), ..refusal }
            }
            _ => refusal,
        }),
    }
}

/// Sends the request to the broker and passes its reply on; else why nothing has begun there.
///
/// # Errors
/// If something may have begun.
fn over_socket(
    way: Route,
    arguments: &[OsString],
    waits: &mut dyn FnMut(),
) -> Result<Result<u8, String>, Refusal> {
    let began = Instant::now();
    let deadline = began + PATIENCE;
    loop {
        let mut stream = match protocol::connect(waits) {
            Ok(stream) => stream,
            // Its socket is removed, made, given to the group and listened at, one after another.
            Err(NoBroker::Unreachable(_)) if began.elapsed() < RESTART && protocol::is_for_us() => {
                waits();
                sleep(PAUSE);
                continue;
            }
            Err(reason) => return Ok(Err(reason.to_string())),
        };
        let mut reply = Vec::new();
        // A broker that has heard enough of a request that is too large answers before its end.
        // What the socket is sure to take at once is on its way before the rest is made.
        if arguments.iter().map(|word| word.len()).sum::<usize>() > AT_ONCE {
            waits();
        }
        let sent = protocol::send(&mut stream, arguments);
        waits();
        let read = stream.take(reply::LONGEST_REPLY as u64).read_to_end(&mut reply);
        // The group of this process let it connect, and the account is not in it: nothing was read.
        let is_not_admitted = way == Route::Auto
            && passed::code_of(&reply) == Some(Code::Denied)
            && Caller::find().in_group(GROUP) != Some(true);
        if is_not_admitted {
            return Ok(Err(format!("this account is not in the group {GROUP}")));
        }
        if let Some(exit) = passed::pass_on(&reply) {
            return Ok(Ok(exit));
        }
        // Who closes a connection with something in it that was not read, resets it (`unix(7)`):
        // a restart of the socket, or more connections than it takes.
        let was_not_read = reply.is_empty()
            && [sent.err(), read.err()].into_iter().flatten().any(|error| {
                matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
            });
        if !was_not_read {
            return Err(Refusal::new(
                Code::Internal,
                "the broker ended without a reply; an operation it had begun may continue",
            )
            .hint("the audit log says whether it was begun"));
        }
        if Instant::now() >= deadline {
            let seconds = PATIENCE.as_secs();
            return Ok(Err(format!("the broker accepted no request within {seconds} s")));
        }
        sleep(PAUSE);
    }
}

/// Runs `sudo -n -u root -- <helper> <words>`. The words are those of a permitted command line, letter by
/// letter, since that may be all that sudo's rule lets through; what cannot be one goes as it is.
fn through_sudo(
    helper: &Path,
    asked: &CommandLine<'_>,
    waits: &mut dyn FnMut(),
) -> Result<u8, Refusal> {
    let Some(sudo) = SUDO.iter().map(PathBuf::from).find(|path| path.exists()) else {
        let account = shell_word(&account());
        return Err(not_privileged("there is no sudo on this host".to_owned()).hint(format!(
            "an administrator can allow requests without it: sm setup-broker --user {account}"
        )));
    };
    let (words, stdin) = match &asked.asked {
        Ok(what) => flags::send(what, asked.pretty).map_err(|error| {
            not_privileged(format!("the request cannot be passed to sudo: {error}"))
        })?,
        Err(_) => (asked.arguments.to_vec(), Stdio::null()),
    };
    let mut child = Command::new(&sudo)
        .args(AS_ROOT)
        .arg(helper)
        .args(&words)
        // sudo's words are read by a program: in English, whatever the caller's language.
        .env_clear()
        .envs([("PATH", "/usr/bin:/bin"), ("LC_ALL", "C.UTF-8")])
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_privileged(format!("{} could not be run: {error}", sudo.display())))?;
    waits();
    let kept = Kept { stdout: reply::LONGEST_REPLY, stderr: SAID };
    let printed = pipes::read(&mut child, kept, Until::OutputClosed).map_err(|error| {
        Refusal::new(Code::Internal, format!("sudo's output could not be read: {error}"))
            .hint("the audit log says whether it was begun")
    })?;
    match (passed::pass_on(&printed.stdout), printed.status.code()) {
        (Some(exit), _) => Ok(exit),
        // sudo's own refusals (`sudo(8)`, "Exit value").
        (None, Some(1)) => Err(asked
            .verdict()
            .unwrap_or_else(|| Sudo { sudo: &sudo, helper }.refused(&words, &printed.stderr))),
        (None, _) => Err(Refusal::new(
            Code::Internal,
            "the privileged process ended without a reply; an operation it had begun may continue",
        )
        .hint("the audit log says whether it was begun")),
    }
}
