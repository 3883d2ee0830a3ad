//! The drop-in of who may approve (`[approvals] approvers`): one for all of them, with a rule for each
//! command of theirs. The rules name no request and have no wildcard: what is approved is on standard
//! input ([`crate::admin::approvals::approver`]), and root judges it.

use crate::admin::answer::{Answer, Failure};
use crate::admin::approvals::approver::COMMANDS;
use crate::admin::root::without_root;
use crate::admin::setup_sudo::dropin::{DropIn, Found};
use crate::admin::setup_sudo::mark::MARK;
use crate::admin::setup_sudo::ready::Ready;
use crate::admin::setup_sudo::rule;
use crate::cli::SetupSudo;
use crate::escalate::flags::WORD;
use crate::output::text::one_line;
use crate::policy::approver::Approver;
use crate::policy::force::InForce;
use crate::request::code::{Code, Refusal};
use crate::sudo::account::Who;
use crate::sudo::ask::Sudo;
use crate::sudo::members::account_of;
use crate::sudo::visudo::Visudo;
use crate::system::trust::trusted;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

/// Its name: that of no account's or group's drop-in, in which `@` is written as a number.
pub const FILE: &str = "sm-@approvers";

/// What puts it in place.
const AGAIN: &str = "sm setup-sudo --approvers";

/// The drop-in as the policy wants it.
#[derive(Debug)]
pub struct Wanted {
    /// Its text; none if nobody is named who is on this host.
    pub text: Option<String>,
    /// Who may approve.
    pub who: Vec<Who>,
    /// Whom the policy names and this host does not have.
    pub missing: Vec<String>,
}

/// What is there, compared with what the policy wants.
#[derive(Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be; also that there is none, where none is wanted.
    InPlace,
    /// It lacks, or is another one: why.
    Wrong(String),
    /// It is there, and nobody is named.
    Unwanted,
}

/// The drop-in.
pub fn drop_in() -> DropIn {
    DropIn::named(FILE)
}

/// The program of the rules: `sm` beside the helper.
///
/// # Errors
/// `untrusted_path` if others can change it, or it is a link.
fn program(helper: &Path) -> Result<PathBuf, Refusal> {
    let path = helper.with_file_name("sm");
    let (real, _) = trusted(&path)?;
    if real == path {
        return Ok(path);
    }
    let error = format!(
        "{} is a link to {}, and must be a file of its own",
        path.display(),
        real.display()
    );
    Err(Refusal::new(Code::UntrustedPath, error).hint("install both programs again"))
}

/// A command as the rules have it, behind the program.
fn lines(program: &Path) -> impl Iterator<Item = String> {
    COMMANDS.into_iter().map(move |command| format!("{} {WORD} {command}", program.display()))
}

/// Whether a command that sudo lists is one of the rules'.
pub fn is_line(command: &str, program: &Path) -> bool {
    lines(program).any(|line| line == command)
}

/// What the policy in force wants.
///
/// # Errors
/// If the program cannot be relied on.
fn wanted(force: &InForce, helper: &Path) -> Result<Wanted, Refusal> {
    let mut wanted = Wanted { text: None, who: Vec::new(), missing: Vec::new() };
    for approver in force.approvers() {
        let (user, group, word) = match &approver {
            Approver::User(name) => (Some(OsStr::new(name)), None, format!("the account {name}")),
            Approver::Group(name) => (None, Some(OsStr::new(name)), format!("the group {name}")),
        };
        match Who::find(user, group, true) {
            Ok(who) => wanted.who.push(who),
            Err(_) => wanted.missing.push(word),
        }
    }
    if !wanted.who.is_empty() {
        let program = program(helper)?;
        let mut text = format!(
            "{MARK} for approvers; do not edit: run `{AGAIN}` again, or with --remove.\n\
             # Who they are: [approvals] approvers in the policy\n"
        );
        for who in &wanted.who {
            for line in lines(&program) {
                let _ =
                    writeln!(text, "{} ALL=(root) NOPASSWD: NOSETENV: {line}", who.in_sudoers());
            }
        }
        wanted.text = Some(text);
    }
    Ok(wanted)
}

impl Wanted {
    /// How it is.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn state(&self) -> io::Result<State> {
        let (drop_in, text) = (drop_in(), self.text.as_deref());
        let path = drop_in.path().display();
        Ok(match (drop_in.look(text.unwrap_or_default())?, text) {
            (Found::InPlace, Some(_)) | (Found::Missing, None) => State::InPlace,
            (Found::Missing, Some(_)) => State::Wrong(format!("{path} does not exist")),
            (Found::Foreign, Some(_)) => State::Wrong(drop_in.foreign().error),
            (Found::Foreign, None) => State::InPlace,
            (Found::Exposed(is), Some(_)) => {
                State::Wrong(format!("{path} is {is}, and should be root:root 0440"))
            }
            (Found::Stale(_), Some(_)) => {
                State::Wrong(format!("{path} is not for those whom the policy names now"))
            }
            (_, None) => State::Unwanted,
        })
    }

    /// What is to be said of whom this host does not have.
    fn warnings(&self) -> Vec<String> {
        let warning = |who: &String| {
            format!(
                "the policy names {} in [approvals] approvers, which is root's or not on this host",
                one_line(who, 100)
            )
        };
        self.missing.iter().map(warning).collect()
    }
}

/// `--approvers`: only the drop-in of those who may approve.
///
/// # Errors
/// What is wrong, and that nothing was changed.
pub fn alone(
    command: &SetupSudo,
    program: &Path,
    arguments: &[OsString],
    what: &str,
) -> Result<Answer, Failure> {
    let path = drop_in().path().to_owned();
    if command.print {
        let text = text(&rule::of_both(program)?)?.unwrap_or_default();
        let answer = Answer::text(text.trim_end()).with("path", path.to_string_lossy());
        return Ok(answer.with("text", text.as_str()));
    }
    if !nix::unistd::geteuid().is_root() {
        return Err(without_root(what, program, arguments));
    }
    crate::exec::sanitize::inherited()?;
    if command.remove {
        return removed();
    }
    let Ready { installed, helper, visudo, .. } = Ready::make(command, program)?;
    let nobody = InForce::load()?.approvers().is_empty();
    let begin = if nobody { "the policy names nobody who may approve" } else { "" };
    let answer =
        Answer::text(begin).with("path", path.to_string_lossy()).with("changed", installed);
    match command.check {
        true => check(&helper, answer),
        false => put(&helper, &visudo, answer),
    }
}

/// Puts it in place, or removes it where the policy names nobody.
///
/// # Errors
/// What is wrong with the policy, the program or the file.
pub fn put(helper: &Path, visudo: &Visudo, answer: Answer) -> Result<Answer, Failure> {
    let force = match InForce::load() {
        Ok(force) => force,
        // Nobody approves anything then, and that is no reason to leave the agent's rule out.
        Err(refusal) => return Ok(answer.warned(vec![unknown(&refusal)])),
    };
    let wanted = wanted(&force, helper)?;
    let drop_in = drop_in();
    let path = drop_in.path().display();
    let mut answer = answer;
    match (wanted.state().map_err(unreadable)?, &wanted.text) {
        (State::InPlace, None) => {}
        (State::InPlace, Some(_)) => answer = answer.line(&format!("{path} is in place")),
        (_, None) => {
            drop_in.remove()?;
            answer = answer
                .line(&format!(
                    "removed {path}: the policy names none of this host who may approve"
                ))
                .with("changed", true);
        }
        (_, Some(text)) => {
            let warning = drop_in.put(text, visudo)?;
            let who: Vec<String> = wanted.who.iter().map(Who::described).collect();
            answer = answer
                .line(&format!("{} may now approve: sm approvals ({path})", who.join(", ")))
                .with("changed", true)
                .warned(warning.into_iter().collect());
        }
    }
    Ok(proved(&wanted, helper, answer)?.warned(wanted.warnings()))
}

/// Asks sudo whether each of them can approve.
fn proved(wanted: &Wanted, helper: &Path, answer: Answer) -> Result<Answer, Refusal> {
    if wanted.who.is_empty() {
        return Ok(answer);
    }
    let (sudo, program) = (Sudo::find()?, program(helper)?);
    let mut warnings = Vec::new();
    for who in &wanted.who {
        let Some(account) = account_of(who) else { continue };
        if let Err(reason) = sudo.allows(&account.name, &program, &[WORD, "approve"]) {
            warnings.push(format!("sudo does not allow {} to approve: {reason}", account.name));
        }
    }
    Ok(answer
        .with("approvers", wanted.who.iter().map(Who::described).collect::<Vec<_>>())
        .warned(warnings))
}

/// Says whether it is in place.
///
/// # Errors
/// What is not as it should be; exit status 1.
pub fn check(helper: &Path, answer: Answer) -> Result<Answer, Failure> {
    let force = match InForce::load() {
        Ok(force) => force,
        Err(refusal) => return Ok(answer.warned(vec![unknown(&refusal)])),
    };
    let wanted = wanted(&force, helper)?;
    let path = drop_in().path().to_owned();
    let wrong = |error: String| {
        let refusal = Refusal::new(Code::CommandFailed, error);
        Failure::found(refusal.hint(format!("to put it in place: {AGAIN}")))
    };
    match wanted.state().map_err(unreadable)? {
        State::Wrong(what) => Err(wrong(what)),
        State::Unwanted => Err(wrong(format!(
            "{} is still there, and the policy names nobody who may approve",
            path.display()
        ))),
        State::InPlace if wanted.who.is_empty() => Ok(answer.warned(wanted.warnings())),
        State::InPlace => {
            let answer = answer.line(&format!("{} is in place", path.display()));
            Ok(proved(&wanted, helper, answer)?.warned(wanted.warnings()))
        }
    }
}

/// The text for `--print`; none if nobody may approve.
///
/// # Errors
/// If the policy is not well, or the program cannot be relied on.
pub fn text(helper: &Path) -> Result<Option<String>, Refusal> {
    Ok(wanted(&InForce::load()?, helper)?.text)
}

fn removed() -> Result<Answer, Failure> {
    let drop_in = drop_in();
    let (was_there, path) = (drop_in.remove()?, drop_in.path().display());
    let text = match was_there {
        true => format!("removed {path}: only root may approve"),
        false => format!("nothing to do: {path} does not exist"),
    };
    Ok(Answer::text(text).with("changed", was_there).with("path", drop_in.path().to_string_lossy()))
}

/// What to say of it where it is not what the policy wants, for whoever has just changed the policy.
pub fn behind(force: &InForce, helper: &Path) -> Option<String> {
    let wanted = wanted(force, helper).ok()?;
    match wanted.state().ok()? {
        State::InPlace => None,
        State::Wrong(what) => Some(format!("{what}: {AGAIN}")),
        State::Unwanted => {
            let path = drop_in().path().to_owned();
            Some(format!("{} is still there: {AGAIN}", path.display()))
        }
    }
}

fn unknown(refusal: &Refusal) -> String {
    format!("who may approve is not known: {}", refusal.error)
}

fn unreadable(error: io::Error) -> Failure {
    let path = drop_in().path().to_owned();
    Refusal::new(Code::CommandFailed, format!("{}: {error}", path.display())).into()
}
