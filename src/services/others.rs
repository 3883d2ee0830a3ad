//! Units other than the requested one: which are up, and which go up or down along with it.

use crate::exec::context::Shown;
use crate::exec::process::{Bounds, ask};
use crate::managers::argv::Argv;
use crate::managers::systemd::list::{self, Listed};
use crate::managers::systemd::unit::Unit;
use crate::request::action::ServiceAction::{self, Reload, Restart, Start, Stop};
use crate::request::ran::Ended;
use std::collections::{BTreeMap, BTreeSet};

/// Kinds that come and go by themselves or mark a stage of the boot: no reply mentions them.
const UNMENTIONED: [&str; 4] = [".target", ".slice", ".scope", ".device"];

/// The state of every unit that the manager has loaded.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Others(BTreeMap<String, Listed>);

impl Others {
    /// Asks the manager; none if it does not answer.
    pub fn now(list: &Argv, bounds: Bounds) -> Option<Self> {
        let shown = ask(list, bounds);
        (shown.ended == Ended::Exited(0) && !shown.stdout_truncated)
            .then(|| Self(list::parse(&shown.stdout)))
    }

    /// Whether this unit is up or starting.
    pub fn is_up(&self, unit: &str) -> bool {
        self.0.get(unit).is_some_and(Listed::is_up)
    }

    /// Whether this unit failed.
    fn is_failed(&self, unit: &str) -> bool {
        self.0.get(unit).is_some_and(Listed::is_failed)
    }

    /// Whether this unit failed, for good or until its automatic restart.
    fn is_unwell(&self, unit: &str) -> bool {
        self.0.get(unit).is_some_and(|state| state.is_failed() || state.restarts())
    }

    /// The failed parts of `unit` among those that should have started with it: those that were up
    /// `before`, and those that it pulls in.
    pub fn failed_parts(&self, unit: &Unit, before: &Self) -> Vec<String> {
        let was_started = |name: &&String| unit.pulls.contains(name) || before.is_up(name);
        let failed = unit.parts.iter().filter(was_started).filter(|name| self.is_unwell(name));
        failed.cloned().collect()
    }

    fn up(&self) -> BTreeSet<&str> {
        let up = self.0.iter().filter(|(_, state)| state.is_up()).map(|(name, _)| name.as_str());
        up.filter(|name| is_mentioned(name)).collect()
    }
}

/// Whether the action may start or stop other units. Targets and the slice do not count: nearly
/// every unit is bound to some.
pub fn takes_along(action: ServiceAction, unit: &Unit) -> bool {
    let counts = |name: &String| is_mentioned(name);
    let goes_down = unit.dependants.iter().any(counts);
    let goes_up = unit.rivals.iter().chain(&unit.pulls).any(counts);
    match action {
        Stop => goes_down,
        Start => goes_up,
        Restart => goes_down || goes_up,
        Reload => unit.reloads.iter().any(counts),
        _ => false,
    }
}

/// Whether a unit is of a kind that replies mention.
pub fn is_mentioned(unit: &str) -> bool {
    !UNMENTIONED.iter().any(|kind| unit.ends_with(kind))
}

/// Other units that went down or came up.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SideEffects {
    /// Those that went down without failing.
    pub down: Vec<String>,
    /// Those that went down and failed.
    pub failed: Vec<String>,
    /// Those that came up.
    pub up: Vec<String>,
}

impl SideEffects {
    /// Compares two moments; only units in `related` count.
    pub fn between(before: &Others, after: &Others, related: &BTreeSet<String>) -> Self {
        let (was, is) = (before.up(), after.up());
        let names = |one: &BTreeSet<&str>, other: &BTreeSet<&str>| -> Vec<String> {
            let changed = one.difference(other).filter(|name| related.contains(**name));
            changed.map(|name| (*name).to_owned()).collect()
        };
        let (failed, down) =
            names(&was, &is).into_iter().partition(|name: &String| after.is_failed(name));
        Self { down, failed, up: names(&is, &was) }
    }

    /// Whether no other unit changed.
    pub fn is_none(&self) -> bool {
        self.down.is_empty() && self.failed.is_empty() && self.up.is_empty()
    }

    /// A sentence for each kind of change.
    pub fn warnings(&self, shown: Shown<'_>) -> Vec<String> {
        let warning = |units: &Vec<String>, what: &str| {
            (!units.is_empty()).then(|| format!("{what}: {}", shown.listed(units)))
        };
        [
            warning(&self.down, "this stopped other units"),
            warning(&self.failed, "other units failed because of this"),
            warning(&self.up, "this started other units"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use crate::request::action::Action;
    use serde_json::json;

    #[test]
    fn what_goes_up_and_down_is_seen() {
        cases::each("managers/systemctl_side_effects", |case| {
            let [before, after] =
                ["before", "after"].map(|name| Others(list::parse(case.input(name))));
            let related = case.input("related").lines().map(str::to_owned).collect();
            let effects = SideEffects::between(&before, &after, &related);
            let granted: Vec<&str> = case.input("granted").lines().collect();
            let warnings = effects.warnings(Shown(&|unit: &str| granted.contains(&unit)));
            assert_eq!(warnings.is_empty(), effects.is_none());
            json!({
                "down": effects.down,
                "failed": effects.failed,
                "up": effects.up,
                "warnings": warnings,
            })
        });
    }

    #[test]
    fn the_parts_that_failed_are_those_that_were_started() {
        cases::each("managers/systemctl_failed_parts", |case| {
            let [before, after] =
                ["before", "after"].map(|name| Others(list::parse(case.input(name))));
            json!(after.failed_parts(&Unit::parse(case.input("unit")), &before))
        });
    }

    #[test]
    fn few_units_take_others_along() {
        cases::each("managers/systemctl_takes_along", |case| {
            let unit = Unit::parse(case.input("stdout"));
            let all = [Start, Stop, Restart, Reload];
            let taking = all.into_iter().filter(|action| takes_along(*action, &unit));
            json!(taking.map(Action::word).collect::<Vec<_>>())
        });
    }
}
