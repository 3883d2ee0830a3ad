//! The proof that a drop-in has the effect that it should have, and no other.

use super::Rule;
use super::account::Who;
use super::exact::{self, besides};
use super::listing::{Entry, may_be};
use super::sudo::{Sudo, member_of};
use crate::admin::{Answer, Failure};
use crate::helper::codes::{Code, Refusal};
use crate::helper::text::one_line;
use nix::unistd::User;
use std::path::Path;

/// Asks sudo whether all this had the effect that it should have, and no other.
pub fn prove(rule: &Rule<'_>, answer: Answer) -> Result<Answer, Failure> {
    let Rule { who, helper, program, .. } = *rule;
    let account = match who {
        Who::User { name, .. } => User::from_name(name).ok().flatten(),
        Who::Group { name, .. } => member_of(name),
    };
    let Some(account) = account else {
        return Ok(answer
            .line("not proved: the group has no member yet to try it with")
            .with("proved", false));
    };
    let sudo = Sudo::find()?;
    let listed = asked(&sudo, &account, helper).map_err(|said| {
        Failure::of(
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
        )
    })?;
    let mut answer = answer.with("proved", true).line(&format!(
        "sudo agrees: {} runs {} without a password",
        account.name,
        helper.display()
    ));
    let mut warnings = Vec::new();
    let as_root = listed.iter().filter(|entry| entry.is_as_root());
    let sm = as_root.flat_map(|entry| &entry.commands).find(|command| may_be(command, program));
    match sm {
        Some(command) => warnings.push(format!(
            "another rule, for `{}`, lets {} run {} as root too, so the policy does not hold it: \
             see sudo -l -U {}",
            one_line(command, 120),
            account.name,
            program.display(),
            account.name
        )),
        None => {
            answer = answer.line(&format!(
                "sudo agrees: {} may not run {}",
                account.name,
                program.display()
            ));
        }
    }
    answer = answer.with("may_run_sm", sm.is_some());
    if rule.exact {
        let drop_ins = [rule.wanted.clone(), own_lines(&account, helper)];
        let more = besides(&listed, helper, &drop_ins).next();
        match more {
            Some(command) => warnings.push(format!(
                "another rule, for `{}`, lets {} run {} with what is not on the list, so sudo does \
                 not hold it to that: see sudo -l -U {}",
                one_line(command, 120),
                account.name,
                helper.display(),
                account.name
            )),
            None => answer = answer.line("sudo agrees: it refuses what is not on the list"),
        }
        answer = answer.with("only_listed", more.is_none());
    }
    Ok(answer.warned(warnings))
}

/// That the account runs the helper; gives all that sudo lists for it.
fn asked(sudo: &Sudo, account: &User, helper: &Path) -> Result<Vec<Entry>, String> {
    // A line that every drop-in has: an exact one does not let the helper's name through alone.
    sudo.allows(&account.name, helper, &["version"])?;
    sudo.try_as(account, helper)?;
    sudo.lists(&account.name)
}

/// The lines of the account's own exact drop-in: a member may have more than its group.
fn own_lines(account: &User, helper: &Path) -> String {
    let who = Who::User { name: account.name.clone(), uid: Some(account.uid.as_raw()) };
    exact::render(&who, helper).unwrap_or_default()
}
