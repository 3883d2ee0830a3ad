//! A unit's `check`: the command of the policy that must succeed before the unit is touched.

use crate::exec::process::{Bounds, ask};
use crate::managers::argv::Argv;
use crate::managers::message;
use crate::outcome::Outcome;
use crate::output::text::one_line;
use crate::request::code::{Code, Refusal};
use crate::request::ran::{Ended, Ran};
use crate::system::trust::trusted;
use std::path::Path;

/// Runs the check as root, who will also run what it checks. Only root may be able to change its
/// program.
pub fn checked(check: &Argv, bounds: Bounds) -> Result<(), Box<Outcome>> {
    let refused = |refusal, ran| Err(Box::new(Outcome::refused(refusal, ran, None)));
    let hint = "fix what the check complains about, then ask again";
    let failed = |reason: &str| {
        let printed = format!("the check `{}` {reason}, so nothing was done", check.short());
        Refusal::new(Code::CheckFailed, printed).hint(hint)
    };
    let path = Path::new(check.program());
    if path.exists()
        && let Err(refusal) = trusted(path)
    {
        let error = format!("the check's program cannot be trusted: {refusal}");
        let hint = "only root may be able to change a program that root runs";
        return refused(Refusal::new(Code::UntrustedPath, error).hint(hint), None);
    }
    let ran = ask(check, bounds);
    match ran.ended {
        Ended::Exited(0) => Ok(()),
        Ended::NotStarted(error) => {
            let reason = format!("cannot be run ({})", error.desc());
            refused(failed(&reason).hint("install the program that the check runs"), None)
        }
        Ended::Late => refused(failed("was not done in time"), Some(ran)),
        _ => refused(failed("failed").detail(complaint(&ran)), Some(ran)),
    }
}

/// The complaint of a check: such programs print the mistake first, and last only that there is one.
fn complaint(ran: &Ran) -> String {
    const WORDS: [&str; 4] = ["error", "emerg", "fatal", "line "];
    let names_it = |line: &&str| {
        let line = line.to_lowercase();
        WORDS.iter().any(|word| line.contains(word))
    };
    let first = ran.stderr.lines().chain(ran.stdout.lines()).find(names_it);
    first.map_or_else(|| message::of(ran), |line| one_line(line, 300))
}
