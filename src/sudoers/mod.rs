//! `sm setup-sudo`: lets an account or a group run the helper as root, and nothing else.

mod account;
mod dropin;
pub mod install;
mod rule;
mod sudo;

use crate::admin::{Answer, Failure};
use crate::cli::SetupSudo;
use crate::helper::codes::{Code, Refusal};
use crate::helper::text::shell_word;
use account::Who;
use dropin::{DropIn, Found};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::Path;
use sudo::{Sudo, Visudo};

/// Does it. `program` is the file that runs, `arguments` are those of the command line.
///
/// # Errors
/// What is wrong, and that nothing was changed.
pub fn run(command: &SetupSudo, program: &Path, arguments: &[OsString]) -> Result<Answer, Failure> {
    let is_root = nix::unistd::geteuid().is_root();
    let who = Who::find(command.user.as_deref(), command.group.as_deref(), !command.remove)?;
    if command.print {
        let helper = rule::helper_beside(program)?;
        let text = rule::render(&who, &helper);
        let path = DropIn::named(&who.file_name());
        return Ok(Answer::text(text.trim_end())
            .with("path", path.path().to_string_lossy())
            .with("text", text.as_str()));
    }
    if !is_root {
        let what = "this changes sudo's configuration and needs root";
        return Err(without_root(what, program, arguments));
    }
    // What the caller's shell had set, its file mask and limits among it, must not shape root's files.
    crate::helper::inherited::undo()?;
    let drop_in = DropIn::named(&who.file_name());
    if command.remove {
        return remove(&who, &drop_in);
    }
    let (program, installed) =
        if command.install { install::install()? } else { (program.to_owned(), false) };
    let helper = rule::helper_beside(&program)?;
    let visudo = Visudo::find()?;
    Sudo::find()?;
    sudo::reads_drop_ins(dropin::FOLDER)?;
    let wanted = rule::render(&who, &helper);
    let found = drop_in.look(&wanted).map_err(|error| unreadable(&drop_in, &error))?;
    if command.check {
        return check(&who, &drop_in, &wanted, found, &helper, &program);
    }
    let answer = if found == Found::InPlace {
        drop_in.tidy()?;
        visudo.check(None)?;
        let what = if installed {
            "the drop-in was in place already"
        } else {
            "nothing to do: it was in place already"
        };
        Answer::text(format!("{what} ({})", drop_in.path().display())).with("changed", installed)
    } else {
        // What is broken already is not ours to mend, and would be blamed on the new rule; save
        // where it is our own file, which is replaced.
        if found == Found::Missing {
            visudo.check(None)?;
        }
        drop_in.put(&wanted, &visudo)?;
        Answer::text(format!("{} may now run {} as root", who.described(), helper.display()))
            .with("changed", true)
    };
    let answer = answer
        .with("path", drop_in.path().to_string_lossy())
        .with("helper", helper.to_string_lossy())
        .with("user", user_name(&who))
        .with("group", group_name(&who));
    prove(&who, &helper, &program, answer)
}

/// Asks sudo whether all this had the effect that it should have, and no other.
fn prove(who: &Who, helper: &Path, program: &Path, answer: Answer) -> Result<Answer, Failure> {
    let account = match who {
        Who::User { name, .. } => nix::unistd::User::from_name(name).ok().flatten(),
        Who::Group { name, .. } => sudo::member_of(name),
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
    let may_run_sm =
        sudo.allows(&account.name, program).is_ok() || sudo.lists(&account.name, program);
    answer = answer.with("may_run_sm", may_run_sm);
    if may_run_sm {
        let warning = format!(
            "another rule lets {} run {} as root too, so the policy does not hold it: see sudo -l -U {}",
            account.name,
            program.display(),
            account.name
        );
        answer = answer.line(&format!("warning: {warning}")).with("warnings", [warning]);
    } else {
        answer = answer.line(&format!(
            "sudo agrees: {} may not run {}",
            account.name,
            program.display()
        ));
    }
    Ok(answer)
}

fn asked(sudo: &Sudo, account: &nix::unistd::User, helper: &Path) -> Result<(), String> {
    sudo.allows(&account.name, helper)?;
    sudo.proves(account, helper)
}

fn check(
    who: &Who,
    drop_in: &DropIn,
    wanted: &str,
    found: Found,
    helper: &Path,
    program: &Path,
) -> Result<Answer, Failure> {
    let path = drop_in.path().display();
    let wrong = |state: &str, what: String, difference: String| {
        let refusal = Refusal::new(Code::CommandFailed, what)
            .hint(format!("to put it in place: sm setup-sudo {}", who.flags()));
        Failure::found(refusal).with("state", state).with("difference", difference)
    };
    match found {
        Found::Missing => {
            Err(wrong("missing", format!("{path} is not there"), difference("", wanted)))
        }
        Found::Stale(text) => {
            let difference = difference(&text, wanted);
            Err(wrong("stale", format!("{path} is not as it should be:\n{difference}"), difference))
        }
        Found::Exposed(is) => {
            let should = "root:root 0440";
            Err(wrong(
                "exposed",
                format!("{path} is {is}, and should be {should}"),
                difference(&is, should),
            ))
        }
        Found::InPlace => {
            let answer = Answer::text(format!("{path} is in place")).with("state", "in_place");
            prove(who, helper, program, answer).map_err(Failure::into_found)
        }
    }
}

fn remove(who: &Who, drop_in: &DropIn) -> Result<Answer, Failure> {
    let was_there = drop_in.remove()?;
    let path = drop_in.path().display();
    let text = if was_there {
        format!("{path} is gone: {} may not run the helper any more", who.described())
    } else {
        format!("nothing to do: {path} was not there")
    };
    Ok(Answer::text(text).with("changed", was_there).with("path", drop_in.path().to_string_lossy()))
}

/// What only root can do: goes on as root where somebody at a terminal can say the password.
/// Comes back only with what to do instead.
pub fn without_root(what: &str, program: &Path, arguments: &[OsString]) -> Failure {
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        return Failure::of(sudo::become_root(program, arguments));
    }
    let mut line = format!("sudo {}", program.display());
    for word in arguments {
        let _ = write!(line, " {}", shell_word(&word.to_string_lossy()));
    }
    Failure::of(Refusal::new(Code::NotPrivileged, what).hint(format!("run: {line}")))
}

fn unreadable(drop_in: &DropIn, error: &std::io::Error) -> Refusal {
    Refusal::new(Code::CommandFailed, format!("{}: {error}", drop_in.path().display()))
}

fn user_name(who: &Who) -> Option<&str> {
    match who {
        Who::User { name, .. } => Some(name),
        Who::Group { .. } => None,
    }
}

fn group_name(who: &Who) -> Option<&str> {
    match who {
        Who::Group { name, .. } => Some(name),
        Who::User { .. } => None,
    }
}

/// The lines that are and should not be, and those that should be and are not.
fn difference(is: &str, should: &str) -> String {
    let lacks = |text: &str, line: &str| !text.lines().any(|other| other == line);
    let mut lines: Vec<String> = Vec::new();
    lines.extend(is.lines().filter(|line| lacks(should, line)).map(|line| format!("- {line}")));
    lines.extend(should.lines().filter(|line| lacks(is, line)).map(|line| format!("+ {line}")));
    lines.join("\n")
}
