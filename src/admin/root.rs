//! What needs root.

use crate::admin::answer::Failure;
use crate::exec::sanitize;
use crate::output::text::shell_word;
use crate::request::caller::Caller;
use crate::request::code::{Code, Refusal};
use crate::sudo::ask;
use crate::system::kernel;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::Path;

/// As root, with nothing of the caller's shell: who that is.
///
/// # Errors
/// What to do instead.
pub fn as_root(what: &str, program: &Path, arguments: &[OsString]) -> Result<Caller, Failure> {
    if !nix::unistd::geteuid().is_root() {
        return Err(without_root(&format!("only root can {what}"), program, arguments));
    }
    // Root's locks are waited for by every request.
    kernel::ignore_stops();
    let caller = Caller::find();
    sanitize::inherited()?;
    Ok(caller)
}

/// What only root can do: continues as root if somebody at a terminal can say the password.
/// Comes back only with what to do instead.
pub fn without_root(what: &str, program: &Path, arguments: &[OsString]) -> Failure {
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        return Failure::of(ask::become_root(program, arguments));
    }
    let mut line = format!("sudo {}", program.display());
    for word in arguments {
        let _ = write!(line, " {}", shell_word(&word.to_string_lossy()));
    }
    Failure::of(Refusal::new(Code::NotPrivileged, what).hint(format!("run: {line}")))
}
