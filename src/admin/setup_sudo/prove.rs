//! The proof that a drop-in has the effect that it should have, and no other.

use crate::admin::answer::{Answer, Failure};
use crate::admin::setup_sudo::approvers;
use crate::admin::setup_sudo::attempt::{Hindered, hindered};
use crate::admin::setup_sudo::exact::{self, besides};
use crate::admin::setup_sudo::expected::Rule;
use crate::output::text::{one_line, shell_word};
use crate::request::code::{Code, Refusal};
use crate::sudo::account::Who;
use crate::sudo::ask::Sudo;
use crate::sudo::listing::{Entry, may_be};
use crate::sudo::members::account_of;
use crate::sudo::obstacles::Obstacle;
use crate::sudo::remedy::Remedy;
use crate::system::accounts::User;
use std::path::Path;

/// Asks sudo whether all this had the effect that it should have, and no other. `warning` is what
/// there is to say of the configuration as a whole.
///
/// # Errors
/// What is in the way of requests, and where that is written.
pub fn prove(rule: &Rule<'_>, answer: Answer, warning: Option<String>) -> Result<Answer, Failure> {
    let Rule { who, helper, program, .. } = *rule;
    let mut warnings: Vec<String> = warning.into_iter().collect();
    let Some(account) = account_of(who) else {
        return Ok(answer
            .line("not proved: the group has no member yet to test with")
            .with("proved", false)
            .warned(warnings));
    };
    let sudo = Sudo::find()?;
    let listed = asked(&sudo, &account, helper)?;
    let mut answer = answer.with("proved", true).line(&format!(
        "sudo agrees: {} runs {} without a password",
        account.name,
        helper.display()
    ));
    let listed = match listed {
        Ok(listed) => listed,
        Err(message) => {
            warnings.push(format!("sudo does not list what else it may run: {message}"));
            return Ok(answer.warned(warnings));
        }
    };
    let as_root = listed.iter().filter(|entry| entry.is_as_root());
    let sm = as_root
        .flat_map(|entry| &entry.commands)
        .find(|command| may_be(command, program) && !approvers::is_line(command, program));
    match sm {
        Some(command) => warnings.push(format!(
            "another rule, for `{}`, also allows {} to run {} as root, so the policy does not limit it: \
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
                "another rule, for `{}`, allows {} to run {} with what is not on the list, so sudo does not enforce the list: see sudo -l -U {}",
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

/// That the account's requests work; gives all that sudo lists for it, or why it lists nothing.
fn asked(
    sudo: &Sudo,
    account: &User,
    helper: &Path,
) -> Result<Result<Vec<Entry>, String>, Failure> {
    let listed = sudo.lists(&account.name);
    let entries = listed.as_deref().unwrap_or_default();
    let Some(Hindered { reason, obstacles }) = hindered(sudo, account, helper, entries) else {
        return Ok(listed);
    };
    let name = &account.name;
    let what = reason.described(name, helper);
    let described: Vec<String> = obstacles.iter().map(Obstacle::described).collect();
    let error = [vec![format!("the rule is in place, but {what}")], described.clone()].concat();
    let all = format!("sudo -l -U {} lists all of its rules", shell_word(name));
    let hint = match obstacles.first() {
        // No rule can do anything about it.
        Some(Obstacle { remedy: remedy @ Remedy::Mount { .. }, .. }) => remedy.hint(),
        Some(first) => format!("{}; {all}", first.remedy.hint()),
        None => format!("look for a rule after it, or for the cause that sudo names: {all}"),
    };
    let refusal = Refusal::new(Code::CommandFailed, error.join("; ")).hint(hint);
    Err(Failure::of(refusal).with("in_the_way", described))
}

/// The lines of the account's own exact drop-in: a member may have more than its group.
fn own_lines(account: &User, helper: &Path) -> String {
    let who = Who::User { name: account.name.clone(), uid: Some(account.uid.as_raw()) };
    exact::render(&who, helper).unwrap_or_default()
}
