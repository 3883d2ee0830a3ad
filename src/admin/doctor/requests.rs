//! Whether the accounts' requests work through sudo: each account makes one.

use crate::admin::doctor::agents::Agent;
use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::{Finding, Status, or_ok};
use crate::admin::doctor::paths::{fix, word};
use crate::admin::doctor::sudo::drop_ins_of;
use crate::admin::doctor::{audit, folders, policy, program};
use crate::admin::setup_sudo::attempt::{Hindered, Reason, hindered};
use crate::admin::setup_sudo::rule::helper_beside;
use crate::output::text::some_of;
use crate::request::code::Refusal;
use crate::sudo::ask::{self, Sudo};
use crate::sudo::obstacles::{Obstacle, Requests};
use crate::system::trust::trusted;
use std::collections::BTreeSet;

/// So many names are said where there are several; of more it says how many.
pub const NAMED: usize = 3;

/// That requests work, as `sm setup-sudo --check` has it: each account makes one.
pub fn work(context: &Context) -> Vec<Finding> {
    let by_sudo: Vec<&Agent> = context.agents.iter().filter(|agent| agent.by_sudo).collect();
    let Some(sudo) = ask::program("sudo") else {
        return match by_sudo.is_empty() {
            true => vec![Finding::ok("there is no sudo on this host")],
            false => {
                vec![Finding::problem("there are drop-ins for sudo, but no sudo on this host")]
            }
        };
    };
    // Root starts neither what others can change, and a helper that is none.
    let weak = match (trusted(&sudo), helper_beside(&context.program)) {
        (Err(refusal), _) => Some((Refusal::from(refusal), fix(&sudo))),
        (_, Err(refusal)) => {
            Some((refusal, program::helper_path(context).into_iter().find_map(|one| one.fix)))
        }
        _ => None,
    };
    if let (Some((refusal, command)), false) = (weak, by_sudo.is_empty()) {
        let found = format!("no request was tried: {}", refusal.error);
        return vec![Finding::warning(found).maybe_fix(command)];
    }
    let asked = Sudo::at(&sudo);
    // What is in the way of many accounts is said once.
    let mut wrong: Vec<(Hindered, Vec<&Agent>)> = Vec::new();
    let mut tried = 0;
    for agent in by_sudo.iter().filter(|agent| agent.listing.is_some()) {
        tried += 1;
        let listed = agent.listing.as_ref().and_then(|one| one.as_ref().ok());
        let entries = listed.map_or(&[][..], |listing| &listing.entries);
        let Some(found) = hindered(&asked, &agent.user, &context.helper, entries) else { continue };
        match wrong.iter_mut().find(|(known, _)| *known == found) {
            Some((_, agents)) => agents.push(agent),
            None => wrong.push((found, vec![agent])),
        }
    }
    let mut found: Vec<Finding> =
        wrong.iter().map(|(found, agents)| fails(context, found, agents)).collect();
    if by_sudo.len() > tried {
        found.push(
            Finding::warning(format!(
                "no request of {} more accounts was tried",
                by_sudo.len() - tried
            ))
            .means("only the first 100 accounts that may use the helper were checked"),
        );
    }
    or_ok(
        found,
        match tried {
            0 => "no account uses sudo".to_owned(),
            _ => format!("a request of each account set up works through sudo ({tried} tried)"),
        },
    )
}

/// What is said if the record is evidence: a request would add to it.
pub fn untried(context: &Context) -> Vec<Finding> {
    let found = match context.agents.iter().any(|agent| agent.by_sudo) {
        true => vec![
            Finding::warning(
                "no request was tried: it would add to an audit log that should stay as it is",
            )
            .means("whether requests work is not known; to find out: sm setup-sudo --check")
            .fix("sm audit verify"),
        ],
        false => Vec::new(),
    };
    or_ok(found, "no account uses sudo")
}

/// Requests of these accounts that do not work.
fn fails(context: &Context, hindered: &Hindered, agents: &[&Agent]) -> Finding {
    let names: Vec<&str> = agents.iter().map(|agent| agent.user.name.as_str()).collect();
    let reason = hindered.reason.described(&some_of(&names, NAMED), &context.helper);
    let obstacles = hindered.obstacles.iter().map(Obstacle::described);
    let found: Vec<String> = std::iter::once(reason).chain(obstacles).collect();
    // What may be in the way is looked at if nothing else is.
    let sure = hindered.obstacles.iter().filter(|one| one.is_for != Requests::Perhaps);
    let mut commands: Vec<String> = sure.map(|one| one.remedy.command()).collect();
    if commands.is_empty() {
        commands.extend(hindered.obstacles.first().map(|one| one.remedy.command()));
    }
    let mut known = BTreeSet::new();
    commands.retain(|command| known.insert(command.clone()));
    let fix = match (&hindered.reason, commands.is_empty()) {
        (_, false) => commands.join(" && "),
        // Its own refusal has a cause that another check sees.
        (Reason::Helper(_) | Reason::Unmade(_), true) => {
            refused_by_helper(context).unwrap_or_else(|| again(context, agents))
        }
        (_, true) => again(context, agents),
    };
    Finding::problem(found.join("; ")).fix(fix)
}

/// What puts the drop-ins of these accounts in place, or says what is still in the way.
fn again(context: &Context, agents: &[&Agent]) -> String {
    let drop_ins = agents.iter().flat_map(|agent| drop_ins_of(context, agent));
    let flags: BTreeSet<String> =
        drop_ins.filter_map(|file| Some(file.who.as_ref()?.flags())).collect();
    let each = flags
        .iter()
        .map(|flags| format!("{} setup-sudo {flags} --keep-exact", word(&context.program)));
    each.collect::<Vec<_>>().join(" && ")
}

/// What fixes what keeps the helper from answering, whoever asks.
fn refused_by_helper(context: &Context) -> Option<String> {
    let looks =
        [policy::file, folders::state, folders::log, audit::write, folders::run, program::tools];
    let found = looks.into_iter().flat_map(|look| look(context));
    found.filter(|one| one.status == Status::Problem).find_map(|one| one.fix)
}
