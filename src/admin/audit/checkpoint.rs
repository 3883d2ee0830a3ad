//! `sm audit checkpoint` and `sm audit key`: the log signed on demand, and the key for it.

use crate::admin::answer::{Answer, Failure};
use crate::admin::record::origin;
use crate::admin::root::as_root;
use crate::audit::key::{self, Public, SealWith};
use crate::audit::log;
use crate::audit::sign::{self, Signed};
use crate::request::code::{Code, Refusal};
use std::ffi::OsString;
use std::io;
use std::path::Path;

/// Signs the log until here.
///
/// # Errors
/// `command_failed` if there is no key, or the log does not take the record.
pub fn checkpoint(program: &Path, arguments: &[OsString]) -> Result<Answer, Failure> {
    let caller = as_root("sign the audit log", program, arguments)?;
    let signed = sign::checkpoint(&origin(&caller)).map_err(|error| unsigned(&error))?;
    let Signed { link, line, key, warnings } = signed;
    let until = link.seq;
    Ok(Answer::text(format!("the log is signed until record {until}"))
        .with("seq", until)
        .with("hash", link.hash)
        .with("key", key.to_string())
        .with("line", line)
        .warned(warnings))
}

/// Prints the public half of this host's key, which is made if there never was one; with `rotate`, puts
/// another one in its place first.
///
/// # Errors
/// `command_failed` if there is none.
pub fn key(
    rotate: bool,
    seal: Option<&str>,
    program: &Path,
    arguments: &[OsString],
) -> Result<Answer, Failure> {
    let caller = as_root("read the key of the audit log", program, arguments)?;
    if !rotate {
        let key = log::lock().and_then(|_lock| match key::public()? {
            Some(key) => Ok(key),
            None => key::current(None).map(|key| key.public()),
        });
        return Ok(printed(&key.map_err(|error| unsigned(&error))?));
    }
    let seal = seal.map(|with| if with == "tpm2" { SealWith::Tpm } else { SealWith::Host });
    let rotated = sign::rotate_key(&origin(&caller), seal);
    let (signed, lost) = rotated.map_err(|error| {
        let what = format!("the key was not rotated, or has signed nothing yet: {error}");
        Refusal::new(Code::CommandFailed, what).hint("run this again when that is repaired")
    })?;
    let mut warnings = signed.warnings;
    if let Some(error) = lost {
        warnings.push(format!(
            "the old key did not sign the new one, since it cannot be read ({error}): who verifies needs both"
        ));
    }
    Ok(printed(&signed.key).with("signed_until", signed.link.seq).warned(warnings))
}

fn printed(key: &Public) -> Answer {
    let pem = key.pem();
    Answer::text(pem.trim_end()).with("key", key.to_string()).with("pem", &pem)
}

fn unsigned(error: &io::Error) -> Refusal {
    let what = format!("there is no checkpoint: {error}");
    Refusal::new(Code::CommandFailed, what)
        .hint("requests go on without, and sm doctor says what is wrong; only if the key is lost, sm audit key --rotate makes a new one")
}
