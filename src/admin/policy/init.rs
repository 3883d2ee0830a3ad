//! `sm policy init`: the first policy of a host, of what was named and nothing else; at a terminal
//! by asking.

use crate::admin::answer::{Answer, Failure, GREEN, tinted};
use crate::admin::policy::asked::Direction;
use crate::admin::policy::subject::{Right, rights, subjects};
use crate::admin::policy::wanted::Wanted;
use crate::admin::policy::{edit, found, questions, sealed, warnings};
use crate::admin::risks;
use crate::admin::root::without_root;
use crate::admin::setup_sudo;
use crate::cli::Init;
use crate::output::text::{counted, one_line};
use crate::policy::force::InForce;
use crate::policy::site::FILE;
use crate::request::code::{Code, Refusal};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::Path;

/// Makes it.
///
/// # Errors
/// If there is none then, and why.
pub fn init(init: &Init, program: &Path, arguments: &[OsString]) -> Result<Answer, Failure> {
    let is_root = nix::unistd::geteuid().is_root();
    if !init.dry_run && !is_root {
        return Err(without_root(&format!("only root can make {FILE}"), program, arguments));
    }
    let _lock = if init.dry_run { None } else { Some(edit::alone(program, "init")?) };
    let before = edit::present().map_err(|error| failed(&error))?;
    if before.is_some() && !init.replace {
        return Err(Refusal::new(Code::CommandFailed, format!("there is a policy already: {FILE}"))
            .hint("to change it: sm policy allow, sm policy deny; to begin anew and keep the old one beside it: --replace")
            .into());
    }
    let wanted = if init.names_something() {
        Wanted::of(init)?
    } else if io::stdin().is_terminal() && io::stderr().is_terminal() {
        questions::ask(init)?
    } else {
        return Err(nothing_named().into());
    };
    let document = wanted.document()?;
    let text = document.text();
    if wanted.asked.iter().any(|asked| sealed::is_sealed(Direction::Allow, asked)) {
        return Err(sealed::compile_in(&text));
    }
    let force = InForce::supposing(FILE, &text)?;
    let answer = summary(&force, &wanted);
    if init.dry_run {
        return Ok(Answer::text(text.trim_end()).with("text", &text).with("changed", false));
    }
    let installed = edit::put(&text, before.as_deref()).map_err(|error| failed(&error))?;
    let more = [
        warnings::of_the_site(&force),
        risks::of_force(&force),
        wanted.unknown(),
        setup_sudo::behind(program),
    ]
    .concat();
    Ok(answer.and(installed).line(&wanted.next()).warned(more))
}

fn failed(error: &io::Error) -> Failure {
    Refusal::new(Code::CommandFailed, format!("{FILE}: {error}")).hint("no policy was made").into()
}

fn nothing_named() -> Refusal {
    let units: Vec<String> = found::units().into_iter().map(|unit| unit.name).collect();
    let here = match units.is_empty() {
        true => String::new(),
        false => format!("; on this host there are: {}", one_line(&units.join(", "), 400)),
    };
    Refusal::new(Code::Usage, "nothing was named that is to be allowed").hint(format!(
        "for example: sm policy init --unit myapp:restart,status,logs --user agent{here}"
    ))
}

/// What may be done under the new policy, operation by operation.
fn summary(force: &InForce, wanted: &Wanted) -> Answer {
    const SHOWN: usize = 20;
    let callers = subjects(&[force], wanted.whom.as_slice());
    let all: BTreeSet<Right> = rights(force, &callers);
    let named: BTreeSet<String> =
        wanted.asked.iter().flat_map(|asked| &asked.operations).map(ToString::to_string).collect();
    let (own, more): (Vec<&Right>, Vec<&Right>) =
        all.iter().partition(|right| named.contains(&right.operation));
    let mut lines: Vec<String> =
        own.iter().take(SHOWN).map(|right| tinted(GREEN, &format!("+ {right}"))).collect();
    if own.len() > SHOWN {
        lines.push(format!("and {} more", own.len() - SHOWN));
    }
    if !more.is_empty() {
        lines.push(format!(
            "besides, the compiled policy allows {}: sm policy surface",
            counted(more.len() as u64, "operation")
        ));
    }
    Answer::text(lines.join("\n")).with("allowed", &own)
}
