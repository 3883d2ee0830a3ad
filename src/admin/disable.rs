//! `sm disable` and `sm enable`: every request refused, at once and whatever the policy says; and
//! again decided by it. The policy is not touched.

use crate::admin::answer::{Answer, Failure};
use crate::admin::record::record;
use crate::admin::root::as_root;
use crate::policy::disabled;
use crate::request::code::{Code, Refusal};
use crate::request::operation::Reason;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Refuses every request from now on.
///
/// # Errors
/// If it is not so, and why.
pub fn disable(
    reason: Option<&OsStr>,
    program: &Path,
    arguments: &[OsString],
) -> Result<Answer, Failure> {
    let reason = reason.map(Reason::parse).transpose()?;
    let caller = as_root("disable requests", program, arguments)?;
    let was = disabled::is_disabled();
    let mut note = format!("disabled {:.0} by {}", jiff::Timestamp::now(), caller.user);
    if let Some(reason) = &reason {
        note = format!("{note}: {}", reason.as_str());
    }
    note.push_str(
        "\nEvery request to sm-helper is refused while this file is here; to undo it: sm enable\n",
    );
    // First of all it holds; what is written down comes after.
    let made = disabled::disable(&note);
    if !disabled::is_disabled() {
        let cause = made.err().map(|error| format!(": {error}")).unwrap_or_default();
        return Err(Refusal::new(Code::CommandFailed, format!("requests are not disabled{cause}"))
            .hint("to stop one account: sm setup-sudo --remove --user NAME")
            .into());
    }
    let mut warnings = record(&caller, &["sm", "disable"].map(str::to_owned))
        .unwrap_or_else(|refusal| vec![refusal.error]);
    if let Err(error) = made {
        warnings.push(format!("one of two notes of it could not be written: {error}"));
    }
    let text = "every request is refused from now on, also after a boot; operations under way are finished";
    Ok(Answer::text(text)
        .with("disabled", true)
        .with("changed", !was)
        .line("to undo it: sm enable")
        .warned(warnings))
}

/// Has the policy decide again.
///
/// # Errors
/// If requests are still refused, and why.
pub fn enable(program: &Path, arguments: &[OsString]) -> Result<Answer, Failure> {
    let caller = as_root("enable requests", program, arguments)?;
    let was = disabled::is_disabled();
    if !was {
        return Ok(Answer::text("requests were not disabled")
            .with("disabled", false)
            .with("changed", false));
    }
    let warnings = record(&caller, &["sm", "enable"].map(str::to_owned))?;
    disabled::enable().map_err(|error| {
        Refusal::new(Code::CommandFailed, format!("requests are still disabled: {error}"))
    })?;
    Ok(Answer::text("requests are decided by the policy again: sm policy show")
        .with("disabled", false)
        .with("changed", true)
        .warned(warnings))
}
