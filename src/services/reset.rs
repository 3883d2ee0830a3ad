//! `reset-failed`: the manager forgets that a unit failed, and counts its starts from zero.

use crate::exec::context::verdict;
use crate::managers::systemd::manager_log::ManagerLog;
use crate::managers::systemd::unit::Unit;
use crate::outcome::Outcome;
use crate::request::code::{Code, Refusal};
use crate::request::ran::{Ended, Ran};
use crate::services::failed::Failure;
use crate::services::operation::Change;
use crate::services::reason;

/// What `systemctl` prints about a unit that the manager does not have in memory. Such a unit has
/// neither failed nor any starts that count.
const NOT_IN_MEMORY: &str = " not loaded";

/// The outcome: success if the unit is no longer failed.
pub fn outcome(change: &Change<'_>, ran: Ran, after: Option<Unit>) -> Outcome {
    let is_failed = |unit: &Unit| unit.state.is("failed");
    let had_failed = change.before.as_ref().is_some_and(is_failed);
    let Some(unit) = after else {
        let verdict = verdict(change.plan, &ran);
        return Outcome { ran: Some(ran), changed: Some(false), ..Outcome::of(verdict) };
    };
    let verdict = match ran.ended {
        _ if !unit.state.exists() && !had_failed => Err(reason::no_unit(change.name())),
        Ended::Exited(0) if is_failed(&unit) => Err(failed_again(change.name())),
        Ended::Exited(1) if !is_failed(&unit) && ran.stderr.contains(NOT_IN_MEMORY) => Ok(()),
        _ => explained(change, &ran, &unit),
    };
    let changed = had_failed && !is_failed(&unit);
    let ran = match verdict {
        // There was nothing to reset, which is what was asked for.
        Ok(()) => Ran { ended: Ended::Exited(0), stderr: String::new(), ..ran },
        Err(_) => ran,
    };
    let unit = Some(unit.state);
    Outcome { ran: Some(ran), unit, changed: Some(changed), ..Outcome::of(verdict) }
}

fn explained(change: &Change<'_>, ran: &Ran, unit: &Unit) -> Result<(), Refusal> {
    let failure = Failure {
        action: change.action,
        plan: change.plan,
        ran,
        was_active: change.was_active(),
        unit,
        log: &ManagerLog::default(),
        bonds: &[],
        is_unneeded: false,
        shown: change.shown,
    };
    failure.explained()
}

/// Something keeps starting the unit, and it fails each time.
fn failed_again(name: &str) -> Refusal {
    Refusal::new(Code::CommandFailed, format!("{name} was reset and has failed again since"))
        .hint(format!("something starts it again: look at its log: sm-helper service logs {name}"))
}
