//! The one reply: a JSON object and a newline on standard output, on every way out.

pub mod interrupt;
pub mod listing;
pub mod schema;
pub mod terminal;

use crate::audit::Answer;
use crate::managers::argv::Argv;
use crate::managers::systemd::unit::UnitState;
use crate::managers::transaction::Transaction;
use crate::outcome::Outcome;
use crate::output::text::one_line;
use crate::plan::Plan;
use crate::request::code::{Code, Refusal};
use crate::request::id::{begun, duration_ms, request_id};
use crate::request::operation::Operation;
use crate::request::ran::Ended;
use crate::system::kernel;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, Shutdown, recv, shutdown};
use serde::Serialize;
use serde_json::{Map, Value};
use std::io::{self, ErrorKind, IsTerminal, PipeReader, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The number of the contract.
pub const SCHEMA: u32 = 1;

/// The longest `error` or `hint`, in characters.
const LONGEST_SENTENCE: usize = 1000;

/// The longest reply that is passed on, in bytes: both streams at the largest bound that a
/// policy can set, each byte escaped as `\u0000`, and room for the rest.
pub const LONGEST_REPLY: usize = ((2 * 6) << 20) + (1 << 20);

/// How long root waits for somebody to read its reply, in seconds.
const READER_TIMEOUT: u32 = 60;

static PRETTY: AtomicBool = AtomicBool::new(false);
/// Whether standard output is the pipe to the process that passes the reply on, which wants the
/// exit status in front.
static FRAMED: AtomicBool = AtomicBool::new(false);
/// The reply goes over a connection of the broker's.
static CONNECTED: AtomicBool = AtomicBool::new(false);
static REPLIED: AtomicBool = AtomicBool::new(false);

/// Starts the request's clock, gives it its id, and makes sure of a reply even where this
/// program is wrong: where it is, `record` is called before the reply.
pub fn begin(record: fn(&Refusal)) {
    begun();
    std::panic::set_hook(Box::new(move |panic| {
        // Where, but not with what values: those may be a caller's.
        let place = panic
            .location()
            .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        let refusal = Refusal::new(Code::Internal, format!("this is a defect of sm{place}"))
            .hint("please report it with this reply");
        record(&refusal);
        std::process::exit(i32::from(Reply::refused(&refusal).send()));
    }));
}

/// Indents the reply.
pub fn set_pretty() {
    PRETTY.store(true, Ordering::Relaxed);
}

/// A reply, field by field as the contract lists them.
#[derive(Debug, Serialize)]
pub struct Reply<'r> {
    schema: u32,
    success: bool,
    code: Code,
    request_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'r Operation>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    argv: Option<&'r Argv>,
    #[serde(flatten)]
    ran: Option<RanFields<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The same without what a command printed, which is in no log.
    #[serde(skip)]
    unsaid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'r UnitState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'r [String]>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "plan")]
    transaction: Option<&'r Transaction>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deferred: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(flatten)]
    more: Map<String, Value>,
    duration_ms: f64,
}

/// The fields of a command that was run.
#[derive(Debug, Serialize)]
struct RanFields<'r> {
    returncode: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<i32>,
    stdout: &'r str,
    stderr: &'r str,
    stdout_truncated: bool,
    stderr_truncated: bool,
}

impl<'r> Reply<'r> {
    /// A reply with nothing in it but the verdict.
    pub fn new(verdict: Result<(), &Refusal>) -> Self {
        let refusal = verdict.err();
        Self {
            schema: SCHEMA,
            success: refusal.is_none(),
            code: refusal.map_or(Code::Ok, |refusal| refusal.code),
            request_id: request_id(),
            operation: None,
            dry_run: false,
            argv: None,
            ran: None,
            changed: None,
            error: refusal.map(|refusal| one_line(&refusal.sentence(), LONGEST_SENTENCE)),
            unsaid: refusal.map(|refusal| refusal.error.clone()),
            hint: refusal
                .and_then(|refusal| refusal.hint.as_deref())
                .map(|hint| one_line(hint, LONGEST_SENTENCE)),
            retry_after_s: refusal.and_then(|refusal| refusal.retry_after_s),
            unit: None,
            log: None,
            transaction: None,
            deferred: false,
            warnings: Vec::new(),
            more: Map::new(),
            duration_ms: 0.0,
        }
    }

    /// A refusal.
    pub fn refused(refusal: &Refusal) -> Self {
        Self::new(Err(refusal))
    }

    /// What came of a plan.
    pub fn outcome(plan: &'r Plan, outcome: &'r Outcome) -> Self {
        let ran = outcome.ran.as_ref().map(|ran| RanFields {
            returncode: match ran.ended {
                Ended::Exited(status) => Some(status),
                _ => None,
            },
            signal: match ran.ended {
                Ended::Signalled(signal) => Some(signal),
                _ => None,
            },
            stdout: &ran.stdout,
            stderr: &ran.stderr,
            stdout_truncated: ran.stdout_truncated,
            stderr_truncated: ran.stderr_truncated,
        });
        let reply = Self {
            ran,
            changed: outcome.changed,
            unit: outcome.unit.as_ref(),
            log: outcome.log.as_deref(),
            transaction: outcome.plan.as_ref(),
            deferred: outcome.deferred,
            ..Self::new(outcome.verdict.as_ref().copied()).plan(plan)
        };
        reply.warnings(outcome.warnings.iter().cloned())
    }

    /// What would be done.
    pub fn dry_run(plan: &'r Plan) -> Self {
        Self { dry_run: true, ..Self::new(Ok(())).plan(plan) }
    }

    /// Whether it is of a dry run.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// What its record says of it.
    pub fn recorded(&self) -> Answer<'_> {
        Answer { code: self.code, error: self.unsaid.as_deref(), dry_run: self.dry_run }
    }

    /// With what was asked.
    #[must_use]
    pub fn operation(mut self, operation: Option<&'r Operation>) -> Self {
        self.operation = operation;
        self
    }

    /// With whether it was a dry run.
    #[must_use]
    pub fn dry(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// With what was asked, what is run, and what is worth a warning.
    #[must_use]
    pub fn plan(mut self, plan: &'r Plan) -> Self {
        self.operation = Some(&plan.request().operation);
        self.argv = Some(plan.main());
        self.warnings = plan.approved().warnings().to_vec();
        self
    }

    /// With more that is worth a warning.
    #[must_use]
    pub fn warnings(mut self, warnings: impl IntoIterator<Item = String>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    /// With a field that only some commands have.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Serialize) -> Self {
        self.more.insert(field.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }

    /// Writes the reply, unless there was one already, and gives the exit status that belongs to it.
    pub fn send(mut self) -> u8 {
        let exit = self.code.exit();
        if REPLIED.swap(true, Ordering::SeqCst) {
            return exit;
        }
        self.duration_ms = duration_ms();
        let text = if PRETTY.load(Ordering::Relaxed) {
            serde_json::to_string_pretty(&self)
        } else {
            serde_json::to_string(&self)
        };
        let mut bytes = text.unwrap_or_default().into_bytes();
        bytes.push(b'\n');
        if FRAMED.load(Ordering::Relaxed) {
            bytes.insert(0, exit);
        }
        write(&bytes);
        exit
    }
}

/// Whether a reply was written, or is being written.
pub fn is_sent() -> bool {
    REPLIED.load(Ordering::SeqCst)
}

/// Writes the whole reply to standard output; says so where that can not be done.
fn write(bytes: &[u8]) {
    // A caller who does not read must not hold a root process for ever. By now the operation is
    // done and recorded.
    if nix::unistd::geteuid().is_root() {
        kernel::end_after(READER_TIMEOUT);
    }
    let written = match io::stdout().is_terminal() {
        true => write_all(&terminal::shown(bytes)),
        false => write_all(bytes),
    };
    if CONNECTED.load(Ordering::Relaxed) {
        leave_nothing_unread();
    }
    if let Err(error) = written {
        let _ = writeln!(io::stderr(), "sm-helper: the reply could not be written: {error}");
    }
    kernel::end_after(0);
}

/// Standard output is a connection of the broker's.
pub fn over_connection() {
    CONNECTED.store(true, Ordering::Relaxed);
}

/// Takes what came and was not asked for: a connection that is closed with something unread is an
/// error at the other end (`ECONNRESET`), where it takes the place of the reply. Nothing comes once
/// this end is shut, so it is no more than the kernel had room for.
fn leave_nothing_unread() {
    const PARTS: usize = 64;
    let connection = io::stdout().as_fd().as_raw_fd();
    let mut part = vec![0; 65_536];
    if shutdown(connection, Shutdown::Read).is_ok() {
        let mut take = || recv(connection, &mut part, MsgFlags::MSG_DONTWAIT).unwrap_or(0);
        let _ = (0..PARTS).all(|_| take() > 0);
    }
}

/// Writes it unless nobody reads it when this process is asked to end.
fn write_all(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    // What does not wait is not waited for, and where the caller has left no descriptor to wait
    // with, the reply is worth more than a quick end.
    let flags = fcntl(stdout.as_fd(), FcntlArg::F_GETFL).unwrap_or_default();
    let is_waiting = !OFlag::from_bits_retain(flags).contains(OFlag::O_NONBLOCK);
    let Some(end) = is_waiting.then(kernel::end_pipe).and_then(Result::ok) else {
        return stdout.write_all(bytes).and_then(|()| stdout.flush());
    };
    // What a pipe that is ready takes without waiting (`pipe(7)`, "PIPE_BUF").
    for part in bytes.chunks(4096) {
        loop {
            let mut fds = [
                PollFd::new(stdout.as_fd(), PollFlags::POLLOUT),
                PollFd::new(end.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut fds, PollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                // What can not be polled takes what it takes.
                Err(_) => break,
                Ok(_) => {}
            }
            match fds.map(|fd| fd.any().unwrap_or(true)) {
                [true, _] => break,
                [false, true] => return Err(ErrorKind::Interrupted.into()),
                [false, false] => {}
            }
        }
        stdout.write_all(part)?;
        stdout.flush()?;
    }
    Ok(())
}

/// From here on standard output is `pipe`, and what reads it passes the reply on.
///
/// # Errors
/// What the kernel says.
pub fn send_through(pipe: OwnedFd) -> io::Result<()> {
    kernel::replace(1, pipe)?;
    FRAMED.store(true, Ordering::Relaxed);
    Ok(())
}

/// The reader gets the end of the pipe, though this process goes on.
pub fn hang_up() {
    if let Ok(null) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
        let _ = kernel::replace(1, null);
    }
}

/// What came of waiting for a reply to pass on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// It was passed on, and this is its exit status.
    On(u8),
    /// This process was asked to end by this signal before it was there.
    Interrupted(i32),
    /// There was no whole reply. Nothing was written.
    Nothing,
}

/// Passes on the reply of a process that wrote it with [`send_through`], waiting `patience` for
/// all of it, or until this process is asked to end.
pub fn pass_on_framed(pipe: PipeReader, patience: Duration) -> Passed {
    match whole(pipe, Instant::now() + patience) {
        Ok(bytes) => match bytes.split_first() {
            Some((exit, reply)) if pass_on_bytes(reply) => Passed::On(*exit),
            _ => Passed::Nothing,
        },
        Err(_) => kernel::end_signal().map_or(Passed::Nothing, Passed::Interrupted),
    }
}

/// Passes on a reply that another `sm-helper` wrote. Says whether there was a whole one.
pub fn pass_on(reply: &[u8]) -> Option<u8> {
    let exit = code_of(reply)?.exit();
    pass_on_bytes(reply).then_some(exit)
}

/// The code of a reply that another `sm-helper` wrote.
pub fn code_of(reply: &[u8]) -> Option<Code> {
    #[derive(serde::Deserialize)]
    struct Head {
        code: String,
    }
    let head: Head = serde_json::from_slice(reply).ok()?;
    Code::from_word(&head.code)
}

/// All that comes through the pipe until `deadline`.
fn whole(mut pipe: PipeReader, deadline: Instant) -> io::Result<Vec<u8>> {
    let end = kernel::end_pipe()?;
    let mut bytes = Vec::new();
    let mut part = vec![0; 65_536];
    loop {
        let left = deadline.checked_duration_since(Instant::now()).ok_or(ErrorKind::TimedOut)?;
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut fds = [&pipe, &end].map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN));
        match poll(&mut fds, timeout) {
            Err(Errno::EINTR) | Ok(0) => continue,
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        let [has_more, is_asked] = fds.map(|fd| fd.any().unwrap_or(false));
        match has_more.then(|| pipe.read(&mut part)).transpose()? {
            Some(0) => return Ok(bytes),
            Some(count) => bytes.extend_from_slice(&part[..count]),
            None if is_asked => return Err(ErrorKind::Interrupted.into()),
            None => {}
        }
    }
}

fn pass_on_bytes(reply: &[u8]) -> bool {
    let is_object = reply.starts_with(b"{") && reply.ends_with(b"}\n");
    if !is_object || serde_json::from_slice::<serde::de::IgnoredAny>(reply).is_err() {
        return false;
    }
    if !REPLIED.swap(true, Ordering::SeqCst) {
        write(reply);
    }
    true
}
