//! Refuses for a process that can write no file, neither the record nor the charge.
//!
//! A caller can lower the limit on the size of files (`RLIMIT_FSIZE`, `setrlimit(2)`), and root without
//! `CAP_SYS_RESOURCE` cannot raise it again. The service manager has no limit of a caller's: it starts
//! this program once more, which charges, records and answers. What it is to answer goes through one
//! pipe, the reply comes back through another, and both are opened as this process's descriptors in
//! `/proc`: only root can do that.

use crate::audit::bounds;
use crate::exec::process::{self, Bounds};
use crate::limits::{self, Budget, slots};
use crate::managers::systemd::commands;
use crate::pipeline::answered::{Answered, forget};
use crate::pipeline::call::{Call, refused};
use crate::policy::force::InForce;
use crate::reply::{LONGEST_REPLY, passed, stdout};
use crate::request::caller::{Caller, Whole};
use crate::request::code::{Code, Refusal};
use crate::system::trust::trusted;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long the service manager may take, with what comes before.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a place is looked for.
const PAUSE: Duration = Duration::from_millis(10);

/// The largest description, in bytes: everything in it is bounded.
const LARGEST: u64 = 65_536;

/// A request and why it is refused.
#[derive(Serialize, Deserialize)]
pub struct Described {
    #[serde(with = "Whole")]
    caller: Caller,
    /// The words, as a record holds them.
    asked: Vec<String>,
    code: String,
    error: String,
    hint: Option<String>,
    is_pretty: bool,
}

impl Described {
    /// Refuses it, with its charge and its record.
    pub fn refuse(self) -> Answered {
        if self.is_pretty {
            stdout::set_pretty();
        }
        let code = Code::from_word(&self.code).unwrap_or(Code::Internal);
        let refusal = Refusal { hint: self.hint, ..Refusal::new(code, self.error) };
        Call::asked(self.caller, self.asked).refuse(None, &refusal, false)
    }
}

/// Has the request refused by a process that can write. None where there is no such process: then
/// this one is to do what it can.
pub fn refuse(
    caller: &Caller,
    helper: &Path,
    arguments: &[OsString],
    refusal: &Refusal,
) -> Option<Answered> {
    let deadline = Instant::now() + PATIENCE;
    let limits = InForce::load().unwrap_or_else(|_| InForce::compiled()).limits();
    // Each of them costs the service manager a unit: a flood does not, and neither does a crowd.
    let _place = loop {
        if let Some(exhausted) = limits::find_exhausted(caller, Budget::Refusals, &limits) {
            forget();
            return Some(Answered(refused(None, &exhausted, false).send()));
        }
        match slots::take_for_recording(caller).ok()? {
            Some(place) => break place,
            None if Instant::now() >= deadline => return None,
            None => sleep(PAUSE),
        }
    };
    let described = Described {
        caller: caller.clone(),
        asked: bounds::asked(arguments),
        code: refusal.code.word().to_owned(),
        error: refusal.error.clone(),
        hint: refusal.hint.clone(),
        is_pretty: stdout::is_pretty(),
    };
    let reply = answer_of(&helper.with_file_name("sm"), &described, deadline).ok()?;
    let exit = passed::pass_on(&reply)?;
    forget();
    Some(Answered(exit))
}

/// The reply of the process that the service manager starts.
fn answer_of(program: &Path, described: &Described, deadline: Instant) -> io::Result<Vec<u8>> {
    let (program, _) = trusted(program).map_err(io::Error::other)?;
    let program = program.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
    let (input, mut described_to) = io::pipe()?;
    let (reply, output) = io::pipe()?;
    // Less than a pipe holds (`pipe(7)`), and so is the reply.
    described_to.write_all(&serde_json::to_vec(described)?)?;
    drop(described_to);
    let path = |end: i32| format!("/proc/{}/fd/{end}", std::process::id());
    let argv = commands::start_apart(
        program,
        "refuse",
        &path(input.as_raw_fd()),
        &path(output.as_raw_fd()),
    );
    let bounds = Bounds { deadline, output_bytes: 4096, mask_secrets: true };
    let _ = process::ask(&argv, bounds);
    drop(output);
    let mut bytes = Vec::new();
    reply.take(LONGEST_REPLY as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What another process of root's wants refused: from standard input, to its end.
///
/// # Errors
/// `usage` where it is no such thing.
pub fn receive() -> Result<Described, Refusal> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(LARGEST).read_to_end(&mut bytes);
    read.map_err(serde_json::Error::io)
        .and_then(|_| serde_json::from_slice(&bytes))
        .map_err(|error| Refusal::new(Code::Usage, format!("this describes no request: {error}")))
}
