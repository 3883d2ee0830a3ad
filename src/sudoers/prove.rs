//! The proof that a drop-in has the effect that it should have, and no other.

use super::Rule;
use super::account::Who;
use super::sudo::{Sudo, member_of};
use crate::admin::{Answer, Failure};
use crate::helper::codes::{Code, Refusal};
use std::path::Path;

/// What is on no list and never will be.
const UNLISTED: &str = "--not-on-the-list";

/// Asks sudo whether all this had the effect that it should have, and no other.
pub fn prove(rule: &Rule<'_>, answer: Answer) -> Result<Answer, Failure> {
    let Rule { who, helper, program, .. } = *rule;
    let account = match who {
        Who::User { name, .. } => nix::unistd::User::from_name(name).ok().flatten(),
        Who::Group { name, .. } => member_of(name),
    };
    let Some(account) = account else {
        return Ok(answer
            .line("not proved: the group has no member yet to try it with")
            .with("proved", false));
    };
    let sudo = Sudo::find()?;
    if let Err(said) = asked(&sudo, &account, helper) {
        return Err(Failure::of(
            Refusal::new(
                Code::CommandFailed,
                format!(
                    "the rule is in place, but sudo does not let {} run {}: {said}",
                    account.name,
                    helper.display()
                ),
            )
            .hint(format!(
                "look for another rule that comes after it: sudo -l -U {}",
                account.name
            )),
        ));
    }
    let mut answer = answer.with("proved", true).line(&format!(
        "sudo agrees: {} runs {} without a password",
        account.name,
        helper.display()
    ));
    let mut warnings = Vec::new();
    let may_run_sm =
        sudo.allows(&account.name, program, &[]).is_ok() || sudo.lists(&account.name, program);
    if may_run_sm {
        warnings.push(format!(
            "another rule lets {} run {} as root too, so the policy does not hold it: see sudo -l -U {}",
            account.name,
            program.display(),
            account.name
        ));
    } else {
        answer = answer.line(&format!(
            "sudo agrees: {} may not run {}",
            account.name,
            program.display()
        ));
    }
    answer = answer.with("may_run_sm", may_run_sm);
    if rule.exact {
        let only_listed = sudo.allows(&account.name, helper, &[UNLISTED]).is_err();
        if only_listed {
            answer = answer.line("sudo agrees: it refuses what is not on the list");
        } else {
            warnings.push(format!(
                "another rule lets {} run {} with anything behind it, so sudo does not hold it to \
                 the list: see sudo -l -U {}",
                account.name,
                helper.display(),
                account.name
            ));
        }
        answer = answer.with("only_listed", only_listed);
    }
    Ok(answer.warned(warnings))
}

fn asked(sudo: &Sudo, account: &nix::unistd::User, helper: &Path) -> Result<(), String> {
    // A line that every drop-in has: an exact one does not let the helper's name through alone.
    sudo.allows(&account.name, helper, &["version"])?;
    sudo.proves(account, helper)
}
