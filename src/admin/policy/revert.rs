//! `sm policy revert`: back to the compiled policy (the word is that of systemctl(1)).

use crate::admin::answer::{Answer, Failure};
use crate::admin::policy::edit::{OLD, alone};
use crate::admin::setup_sudo;
use crate::policy::presence;
use crate::policy::site::FILE;
use crate::request::code::{Code, Refusal};
use std::path::Path;
use std::{fs, io};

/// Removes the site policy, and keeps a copy beside it.
///
/// # Errors
/// If the file still exists, or still counts as missing.
pub fn revert(program: &Path) -> Result<Answer, Failure> {
    let _lock = alone(program, "revert")?;
    let failed = |error: io::Error| {
        Refusal::new(Code::CommandFailed, format!("{FILE} cannot be removed: {error}"))
            .hint("every request is decided, or refused, as before")
    };
    let was_noted = presence::is_noted();
    let was_there = match fs::rename(FILE, OLD) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(failed(error).into()),
    };
    // The note goes last: after a crash in between every request is refused, and `revert` can go on.
    presence::forget().map_err(failed)?;
    let text = match (was_there, was_noted) {
        (true, _) => format!("{FILE} was removed; the old one is in {OLD}"),
        (false, true) => format!("{FILE} was already missing, and is no longer expected"),
        (false, false) => "there was no site policy".to_owned(),
    };
    Ok(Answer::text(text)
        .with("changed", was_there || was_noted)
        .line("only the compiled policy applies now: sm policy show")
        .warned(setup_sudo::behind(program)))
}
