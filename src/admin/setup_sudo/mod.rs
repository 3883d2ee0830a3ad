//! `sm setup-sudo`: lets an account or a group run the helper as root, and nothing else.

pub mod approvers;
pub mod attempt;
pub mod behind;
pub mod check;
pub mod dropin;
pub mod exact;
pub mod expected;
pub mod install;
pub mod mark;
pub mod permitted;
pub mod prove;
pub mod ready;
pub mod remove;
pub mod rights;
pub mod rule;

use crate::admin::answer::{Answer, Failure};
use crate::admin::root::without_root;
pub use crate::admin::setup_sudo::behind::behind;
use crate::admin::setup_sudo::dropin::{DropIn, Found};
use crate::admin::setup_sudo::expected::Rule;
use crate::admin::setup_sudo::prove::prove;
use crate::admin::setup_sudo::ready::Ready;
use crate::cli::SetupSudo;
use crate::request::code::{Code, Refusal};
use crate::sudo::account::Who;
use crate::system::step::step;
use std::ffi::OsString;
use std::path::Path;

/// From how many lines on a drop-in makes sudo slow enough to be told of.
const MANY: usize = 2000;

/// Does it. `program` is the file that runs, `arguments` are those of the command line.
///
/// # Errors
/// What is wrong, and that nothing was changed.
pub fn run(command: &SetupSudo, program: &Path, arguments: &[OsString]) -> Result<Answer, Failure> {
    let is_root = nix::unistd::geteuid().is_root();
    let what = match command.check {
        true => "only root can read sudo's configuration, so this needs root",
        false => "this changes sudo's configuration and needs root",
    };
    if command.all {
        if !is_root {
            return Err(without_root(what, program, arguments));
        }
        crate::exec::sanitize::inherited()?;
        return remove::all(program);
    }
    if command.approvers {
        return approvers::alone(command, program, arguments, what);
    }
    let who = Who::find(command.user.as_deref(), command.group.as_deref(), !command.remove)?;
    let drop_in = DropIn::named(&who.file_name());
    if command.print {
        let helper = rule::of_both(program)?;
        let text = wanted(&who, &helper, command.exact)?;
        let answer = Answer::text(text.trim_end())
            .with("path", drop_in.path().to_string_lossy())
            .with("text", text.as_str())
            .with("exact", command.exact);
        return Ok(match approvers::text(&helper).ok().flatten() {
            Some(more) => answer.line(more.trim_end()).with("approvers", more),
            None => answer,
        });
    }
    if !is_root {
        return Err(without_root(what, program, arguments));
    }
    // What the caller's shell had set, its file mask and limits among it, must not shape root's files.
    crate::exec::sanitize::inherited()?;
    if command.remove {
        return remove::one(&who, &drop_in);
    }
    let Ready { program, installed, helper, visudo } = Ready::make(command, program)?;
    let before = drop_in.text().map_err(|error| unreadable(&drop_in, &error))?;
    let was_exact = before.as_deref().is_some_and(exact::is_exact);
    // Who only looks need not know which of the two it is.
    let exact = command.exact || ((command.check || command.keep_exact) && was_exact);
    let wanted = wanted(&who, &helper, exact)?;
    let found = drop_in.look(&wanted).map_err(|error| unreadable(&drop_in, &error))?;
    let rule = Rule { who: &who, helper: &helper, program: &program, drop_in, exact, wanted };
    if command.check {
        return approvers::check(&helper, check::check(&rule, found, &visudo)?);
    }
    let warning;
    let answer = if found == Found::InPlace {
        rule.drop_in.tidy()?;
        warning = visudo.check_all()?;
        let what = if installed {
            "the drop-in was already in place"
        } else {
            "nothing to do: already in place"
        };
        let path = rule.drop_in.path().display();
        Answer::text(format!("{what} ({path})")).with("changed", installed)
    } else {
        // What is broken already is not ours to fix, and would be blamed on the new rule; save
        // if it is our own file, which is replaced.
        if found == Found::Missing {
            visudo.check_all()?;
        }
        warning = step("write the drop-in", || rule.drop_in.put(&rule.wanted, &visudo))?;
        let mut answer = Answer::text(granted(&rule)).with("changed", true);
        let others = before.as_deref().map(rule::others).unwrap_or_default();
        if !others.is_empty() {
            answer = answer.line(&rule::gone_with_it(&others)).with("dropped", &others);
        }
        if before.is_some() && was_exact != exact {
            answer = answer.line(&replaced(&rule));
        }
        answer
    };
    let answer = answer
        .with("path", rule.drop_in.path().to_string_lossy())
        .with("helper", helper.to_string_lossy())
        .with("user", user_name(&who))
        .with("group", group_name(&who))
        .with("exact", exact);
    let answer = step("prove it", || prove(&rule, answer, warning))?;
    approvers::put(&helper, &visudo, answer)
}

fn wanted(who: &Who, helper: &Path, exact: bool) -> Result<String, Refusal> {
    if exact { exact::render(who, helper) } else { Ok(rule::render(who, helper)) }
}

fn granted(rule: &Rule<'_>) -> String {
    let (who, helper) = (rule.who.described(), rule.helper.display());
    if rule.exact {
        let count = exact::rules(&rule.wanted).len();
        let cost = match count {
            0..=MANY => "",
            _ => "; every call of sudo on this host reads them: see docs/setup-sudo.md",
        };
        format!(
            "{who} may now run {helper} as root, with {count} command lines{cost}\n\
             what sm grant gives is not among them: over sudo it needs the plain drop-in, without --exact"
        )
    } else {
        format!("{who} may now run {helper} as root")
    }
}

/// What it means that one kind of drop-in replaces the other.
fn replaced(rule: &Rule<'_>) -> String {
    if rule.exact {
        "replaced the plain drop-in: sudo itself now refuses what is not on the list".to_owned()
    } else {
        format!(
            "replaced an exact drop-in: sudo now allows every request, and only the helper \
             refuses; back again: {} --exact",
            rule.command()
        )
    }
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
