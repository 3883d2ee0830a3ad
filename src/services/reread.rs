//! `daemon-reload`: the manager reads all unit files again.

use crate::exec::context::{OperationContext, Shown, verdict};
use crate::exec::process::{AtDeadline, Bounds, Options, ask, run};
use crate::managers::systemd::refusal;
use crate::managers::systemd::states::{PolicyUnits, parse};
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::request::ran::Ended;
use crate::services::state::brief;
use crate::services::surroundings::all_units;

/// Has the manager read all unit files, and warns of units of the policy whose file is invalid.
pub fn reread(
    plan: &Plan,
    units: Option<&PolicyUnits>,
    bounds: Bounds,
    context: &mut OperationContext<'_>,
) -> Outcome {
    let backchannel = Some(&mut context.backchannel);
    let ran = run(
        plan.main(),
        bounds,
        Options { input: None, late: AtDeadline::End, backchannel, follow: None },
    );
    let verdict = match ran.ended {
        Ended::Exited(0) => Ok(()),
        Ended::Exited(_) => {
            let known = refusal::refusal("the service manager", "reloaded", &ran.stderr);
            known.map_or_else(|| verdict(plan, &ran), Err)
        }
        _ => verdict(plan, &ran),
    };
    let warnings = match (&verdict, units) {
        (Ok(()), Some(units)) => invalid(units, bounds, context.shown),
        _ => Vec::new(),
    };
    // Only the manager knows whether a file has changed, and it does not say.
    let changed = Some(verdict.is_ok());
    Outcome { ran: Some(ran), changed, warnings, ..Outcome::of(verdict) }
}

/// A sentence for each unit with an invalid file that the caller may know of.
fn invalid(units: &PolicyUnits, bounds: Bounds, shown: Shown<'_>) -> Vec<String> {
    let seen = ask(&units.states, all_units(brief(bounds)));
    let seen = parse(&seen.stdout);
    let invalid = units.names.iter().zip(&seen).filter(|(_, seen)| seen.is_invalid);
    let invalid = invalid.filter(|(name, _)| (shown.0)(name));
    let sentence = |name: &String| {
        format!(
            "the unit file of {name} is invalid and not loaded; an administrator can look: systemd-analyze verify {name}"
        )
    };
    invalid.map(|(name, _)| sentence(name)).collect()
}
