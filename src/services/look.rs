//! `status` and `logs`, which change nothing.

use crate::exec::context::{Shown, name_of, verdict};
use crate::exec::process::{Bounds, ask, ask_meanwhile};
use crate::managers::systemd::unit::{Unit, UnitState};
use crate::managers::systemd::unit_log;
use crate::outcome::Outcome;
use crate::plan::{LookSteps, Plan, Steps};
use crate::request::action::ServiceAction;
use crate::request::code::Refusal;
use crate::request::operation::Operation;
use crate::request::ran::{Ended, Ran};
use crate::services::others::Others;
use crate::services::state::{brief, is_running, unit_of};
use crate::services::surroundings::all_units;
use crate::services::triggers::{Wakers, may_be_woken};
use crate::services::{reason, stopped};

/// `status` and `logs`. `begun` is called as soon as the first command line runs.
pub fn look(plan: &Plan, bounds: Bounds, shown: Shown<'_>, begun: &mut dyn FnMut()) -> Outcome {
    let mut ran = ask_meanwhile(plan.main(), bounds, begun);
    if let Steps::Look(LookSteps::State(state)) = plan.steps()
        && ran.ended == Ended::Exited(0)
        && ran.stdout.is_empty()
        && let Some(unit) = unit_of(&ask(state, brief(bounds)))
    {
        // An empty log does not say why it is empty.
        let is_there = unit.state.exists();
        let verdict = if is_there { Ok(()) } else { Err(reason::no_unit(name_of(plan))) };
        let warnings = reason::no_log(name_of(plan), &unit).into_iter().collect();
        return Outcome { ran: Some(ran), changed: Some(false), warnings, ..Outcome::of(verdict) };
    }
    if let Operation::Service { action: ServiceAction::Logs, shown, .. } = &plan.request().operation
        && shown.minutes().is_some()
    {
        ran.stdout = unit_log::turned_around(&ran.stdout);
    }
    let read = |verdict, ran, unit| Outcome {
        ran: Some(ran),
        unit,
        changed: Some(false),
        ..Outcome::of(verdict)
    };
    let is_status = matches!(
        plan.request().operation,
        Operation::Service { action: ServiceAction::Status, .. }
    );
    match unit_of(&ran).filter(|_| is_status) {
        None => read(verdict(plan, &ran), ran, None),
        Some(unit) => {
            let (verdict, ran) = status(name_of(plan), &unit.state, ran);
            let stale = unit.needs_reload.then(|| reason::stale_file(name_of(plan)));
            let lost = is_running(&unit.state)
                .then(|| stopped::no_way_back(name_of(plan), &unit))
                .flatten()
                .map(|cause| reason::cannot_come_back(name_of(plan), cause));
            let stale = stale.into_iter().chain(lost);
            let warnings = stale.chain(woken(plan, &unit, bounds, shown)).collect();
            Outcome { warnings, ..read(verdict, ran, Some(unit.state)) }
        }
    }
}

/// What may start a unit that is down: a caller could take it for one that does not work.
fn woken(plan: &Plan, unit: &Unit, bounds: Bounds, shown: Shown<'_>) -> Option<String> {
    let Steps::Look(LookSteps::Others(list)) = plan.steps() else { return None };
    let is_down = unit.state.is("inactive") || unit.state.is("failed");
    let name = unit.id.as_deref().unwrap_or(name_of(plan));
    if !is_down || !may_be_woken(unit, name) {
        return None;
    }
    let others = Others::now(list, all_units(brief(bounds)));
    let wakers = Wakers::of(unit, name, others.as_ref());
    (!wakers.is_none()).then(|| reason::may_wake(name_of(plan), &wakers, shown))
}

/// `status` succeeds if the state could be read: a stopped unit is not a failure. Its exit
/// status is what `systemctl status` would have given (`systemctl(1)`, "Exit status").
fn status(name: &str, unit: &UnitState, ran: Ran) -> (Result<(), Refusal>, Ran) {
    let returncode = match unit.active_state.as_deref() {
        Some("active" | "reloading") => 0,
        _ if !unit.exists() => 4,
        _ => 3,
    };
    // A unit that runs exists, even if its file is gone.
    let verdict =
        if unit.exists() || is_running(unit) { Ok(()) } else { Err(reason::no_unit(name)) };
    (verdict, Ran { ended: Ended::Exited(returncode), ..ran })
}
