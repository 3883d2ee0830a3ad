//! `sm policy test`: compares a policy with a file of expectations, one per line.

use crate::admin::answer::{Answer, Failure};
use crate::admin::policy::supposed::Account;
use crate::cli::{self, Parsed};
use crate::output::text::{counted, one_line};
use crate::policy::force::InForce;
use crate::request::code::{Code, Refusal};
use crate::request::operation::{Reason, Request};
use serde_json::{Value, json};
use std::ffi::OsString;

/// An expectation that is not met, or a line that is not an expectation.
struct Failed {
    line: usize,
    text: String,
    message: String,
}

/// Compares the policy with every line of the text, which was read from `file`.
///
/// # Errors
/// `command_failed` with exit status 1 and every line that failed.
pub fn test(force: &InForce, file: &str, text: &str) -> Result<Answer, Failure> {
    let (mut count, mut failed) = (0_u64, Vec::new());
    for (number, line) in text.lines().enumerate() {
        let line = line.split_once('#').map_or(line, |(before, _)| before).trim();
        if line.is_empty() {
            continue;
        }
        count += 1;
        if let Err(message) = hold(force, line) {
            failed.push(Failed { line: number + 1, text: one_line(line, 200), message });
        }
    }
    if count == 0 {
        return Err(Failure::found(
            Refusal::new(Code::Usage, format!("{file} expects nothing")).hint(
                "one a line: allow agent service restart myapp, deny agent package install vim",
            ),
        ));
    }
    let rows: Vec<Value> = failed
        .iter()
        .map(|one| json!({"line": one.line, "text": one.text, "error": one.message}))
        .collect();
    if failed.is_empty() {
        return Ok(Answer::text(format!("{file}: {} met", counted(count, "expectation")))
            .with("file", file)
            .with("expectations", count)
            .with("failed", rows));
    }
    let lines: Vec<String> = failed
        .iter()
        .map(|one| format!("{file}:{}: {}: {}", one.line, one.text, one.message))
        .collect();
    let refusal = Refusal::new(
        Code::CommandFailed,
        format!("{} of {} not met", failed.len(), counted(count, "expectation")),
    )
    .hint("for the line of the policy that decides: sm policy explain --user NAME ...");
    Err(Failure::found(refusal)
        .text(lines.join("\n"))
        .with("file", file)
        .with("expectations", count)
        .with("failed", rows))
}

/// Compares the policy with one line.
fn hold(force: &InForce, line: &str) -> Result<(), String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (expects_allowed, whom, rest) = match words.as_slice() {
        ["allow", whom, rest @ ..] if !rest.is_empty() => (true, *whom, rest),
        ["deny", whom, rest @ ..] if !rest.is_empty() => (false, *whom, rest),
        _ => return Err("write `allow` or `deny`, an account, and a request".to_owned()),
    };
    let words: Vec<OsString> = rest.iter().map(OsString::from).collect();
    let request = match cli::request_behind("sm-helper", &words) {
        Parsed::Command(Some(request)) => request,
        Parsed::Command(None) | Parsed::Help(_) => {
            return Err("this is not an operation".to_owned());
        }
        Parsed::Wrong(refusal) => return Err(refusal.error),
    };
    // The expectation is about the right alone, so a reason is always given.
    let reason = request.reason.or_else(|| Some(Reason::any()));
    let judged = force.verdict(&Account::written(whom), Request { reason, ..request });
    match (judged, expects_allowed) {
        (Ok(_), true) => Ok(()),
        (Ok(approved), false) => {
            let lines = approved.lines().iter().map(|line| format!("{}:{}", line.file, line.line));
            Err(format!("it is allowed, by {}", lines.collect::<Vec<_>>().join(" and ")))
        }
        (Err(denial), true) => Err(denial.refusal.error),
        (Err(denial), false) if denial.refusal.code == Code::Denied => Ok(()),
        (Err(denial), false) => Err(denial.refusal.error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_held_against_the_policy() {
        let force = InForce::compiled();
        for (line, expected) in [
            ("allow agent service restart nginx", ""),
            ("allow %ops package install curl", ""),
            ("deny agent package install vim", ""),
            ("deny agent service restart nginx", "it is allowed, by "),
            ("allow agent package install vim", "the policy does not name the package vim"),
            ("permit agent service restart nginx", "write `allow` or `deny`"),
            ("allow agent", "write `allow` or `deny`"),
            ("allow agent list", "this is not an operation"),
            ("allow agent service frob nginx", "invalid value"),
            ("deny agent package install -y", "`-y` is not a name"),
        ] {
            let error = hold(&force, line).err().unwrap_or_default();
            assert!(
                error.starts_with(expected) && error.is_empty() == expected.is_empty(),
                "{line}: {error}"
            );
        }
    }
}
