//! `sm policy allow` and `sm policy deny`: add rights to the site policy, or remove them, in place. The
//! effect is worked out operation by operation before anything is written: only what was named may
//! change.

use crate::admin::answer::{Answer, Failure};
use crate::admin::policy::asked::{Asked, Direction, read};
use crate::admin::policy::document::Document;
use crate::admin::policy::effect::Effect;
use crate::admin::policy::subject::Subject;
use crate::admin::policy::wanted::whom;
use crate::admin::policy::{edit, sealed, warnings};
use crate::admin::risks;
use crate::admin::root::without_root;
use crate::admin::setup_sudo;
use crate::cli::Change;
use crate::policy::COMPILED;
use crate::policy::force::InForce;
use crate::policy::model::SiteMode;
use crate::policy::operations::operations;
use crate::policy::site::FILE;
use crate::request::code::{Code, Refusal};
use nix::unistd::geteuid;
use std::ffi::OsString;
use std::io;
use std::path::Path;

/// Runs one of these commands.
///
/// # Errors
/// If the policy was not changed, and why.
pub fn run(
    change: &Change,
    direction: Direction,
    program: &Path,
    arguments: &[OsString],
) -> Result<Answer, Failure> {
    let asked = read(&change.request)?;
    let whom = whom(change.user.as_deref(), change.group.as_deref())?;
    if !change.dry_run && !geteuid().is_root() {
        return Err(without_root(&format!("only root can change {FILE}"), program, arguments));
    }
    let _lock = if change.dry_run { None } else { Some(edit::alone(program, direction.word())?) };
    let failed = |error: io::Error| Refusal::new(Code::CommandFailed, format!("{FILE}: {error}"));
    let before =
        edit::present().map_err(|error| failed(error).hint("the policy was not changed"))?;
    if sealed::is_sealed(direction, &asked) {
        return Err(sealed::instead(direction, &asked, whom.as_ref()));
    }
    // A policy that is broken or missing has to be repaired first, by somebody who knows what it was.
    let old = InForce::load()?;
    // Without a file the compiled policy may have it so already.
    let now = Effect::of(&old, &old, whom.as_ref());
    if now.is_what_was_asked(direction, &asked, whom.as_ref()).is_ok() {
        return Ok(now.answer().with("changed", false).line("nothing was changed"));
    }
    let mut document = beginning(before.as_deref(), direction)?;
    check_whom(whom.as_ref(), &document, direction, &asked)?;
    direction.apply(&mut document, whom.as_ref(), &asked)?;
    let text = document.text();
    let new = InForce::supposing(FILE, &text)?;
    let effect = Effect::of(&old, &new, whom.as_ref());
    effect.is_what_was_asked(direction, &asked, whom.as_ref())?;
    if effect.is_nothing() {
        return Ok(effect.answer().with("changed", false).line("nothing was changed"));
    }
    if change.dry_run {
        return Ok(effect.answer().with("changed", false).line("nothing was changed: --dry-run"));
    }
    let installed = edit::put(&text, before.as_deref()).map_err(failed)?;
    let warnings =
        [warnings::of_the_site(&new), risks::of_force(&new), setup_sudo::behind(program)];
    Ok(effect.answer().and(installed).warned(warnings.concat()))
}

/// The policy to change. If there is no site policy yet, one that replaces or narrows the compiled
/// policy begins as a copy of it, so that everything else stays as it is.
fn beginning(before: Option<&str>, direction: Direction) -> Result<Document, Refusal> {
    if let Some(before) = before {
        return Document::parse(FILE, before);
    }
    let begins_as_compiled = match COMPILED.site_mode {
        SiteMode::Off | SiteMode::Extend => false,
        SiteMode::Narrow => direction == Direction::Deny,
        SiteMode::Replace => true,
    };
    if begins_as_compiled && operations(&COMPILED).next().is_some() {
        return Ok(Document::parse(COMPILED.file, COMPILED.text())?.into_site(edit::COMMENT));
    }
    Document::parse(FILE, edit::BEGINNING)
}

/// If the policy has rules for callers, the command must say for whom.
fn check_whom(
    whom: Option<&Subject>,
    document: &Document,
    direction: Direction,
    asked: &Asked,
) -> Result<(), Refusal> {
    let callers = document.callers();
    if whom.is_some() || direction == Direction::Deny || callers.is_empty() {
        return Ok(());
    }
    let flags: Vec<String> = callers
        .iter()
        .filter_map(|caller| caller.split_once(':'))
        .map(|(kind, name)| format!("--{kind} {name}"))
        .collect();
    let example = flags.first().map_or("--user NAME", String::as_str);
    Err(Refusal::new(
        Code::Usage,
        format!("{FILE} says which callers get what, so name one: {}", flags.join(", ")),
    )
    .hint(format!("sm policy {} {example} {}", direction.word(), asked.words)))
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
