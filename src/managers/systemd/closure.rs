//! Which other units go down with a unit, or go up with it: those that are bound to it, those
//! that are bound to these, and so on, as the service manager's own transaction has it
//! (`systemd.unit(5)`, "Requires=" to "Conflicts=").

use crate::managers::systemd::bonds::{DEPENDANTS, PULLS, RIVALS};
use crate::managers::systemd::show::{named_units, starts_again, value};
use crate::managers::systemd::start_limit::{StartLimit, Starts};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Those that name what a unit cannot be without, and all that is started with it.
const NEEDS: [&str; 2] = ["Requires", "BindsTo"];

/// All units, and how they are bound to each other.
#[derive(Debug, Default)]
pub struct Units(BTreeMap<String, Bonds>);

/// One of them.
#[derive(Debug, Default)]
struct Bonds {
    active_state: String,
    sub_state: String,
    /// It stops if nothing needs it any more.
    stops_unneeded: bool,
    dependants: Vec<String>,
    rivals: Vec<String>,
    needs: Vec<String>,
    pulls: Vec<String>,
    start_limit: StartLimit,
}

impl Units {
    /// Reads what `systemctl show` printed of all units, a paragraph each.
    pub fn parse(shown: &str) -> Self {
        let unit = |paragraph: &str| {
            let named = |keys: &[&str]| named_units(paragraph, keys);
            let bonds = Bonds {
                active_state: value(paragraph, "ActiveState").unwrap_or_default().to_owned(),
                sub_state: value(paragraph, "SubState").unwrap_or_default().to_owned(),
                stops_unneeded: value(paragraph, "StopWhenUnneeded") == Some("yes"),
                dependants: named(&DEPENDANTS),
                rivals: named(&RIVALS),
                needs: named(&NEEDS),
                pulls: named(&PULLS),
                start_limit: StartLimit::of(paragraph),
            };
            Some((value(paragraph, "Id")?.to_owned(), bonds))
        };
        Self(shown.split("\n\n").filter_map(unit).collect())
    }

    /// Whether the unit is up.
    pub fn is_active(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|unit| {
            matches!(unit.active_state.as_str(), "active" | "reloading" | "activating")
        })
    }

    /// Whether one of these may stop when nothing needs it any more; so it is with one that is
    /// not known.
    pub fn may_stop_unneeded<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> bool {
        names.into_iter().any(|name| self.0.get(name).is_none_or(|unit| unit.stops_unneeded))
    }

    /// What stops when these do: themselves too.
    pub fn stopped_with<'n>(
        &'n self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> BTreeSet<&'n str> {
        self.closure(names, |unit| {
            let unneeded = unit
                .pulls
                .iter()
                .filter(|name| self.0.get(name.as_str()).is_some_and(|unit| unit.stops_unneeded));
            unit.dependants.iter().chain(unneeded).map(String::as_str).collect()
        })
    }

    /// What is started when these are: themselves too.
    fn started_with<'n>(&'n self, names: impl IntoIterator<Item = &'n str>) -> BTreeSet<&'n str> {
        self.closure(names, |unit| unit.pulls.iter().map(String::as_str).collect())
    }

    /// Whether a start of one of these, or a device that is there, starts one of `names` too; none
    /// if the manager has read none of these.
    pub fn starts_any(&self, roots: &[String], names: &[String]) -> Option<bool> {
        let roots: Vec<&str> =
            roots.iter().map(String::as_str).filter(|root| self.0.contains_key(*root)).collect();
        if roots.is_empty() {
            return None;
        }
        let devices = self.0.keys().map(String::as_str).filter(|name| name.ends_with(".device"));
        let started = self.started_with(roots.into_iter().chain(devices));
        Some(names.iter().any(|name| started.contains(name.as_str())))
    }

    /// What stops when these are started: what conflicts with them, or with what they pull in.
    pub fn stopped_by_start<'n>(
        &'n self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> BTreeSet<&'n str> {
        let started = self.started_with(names);
        let rivals = started.into_iter().filter_map(|name| self.0.get(name));
        self.stopped_with(rivals.flat_map(|unit| unit.rivals.iter().map(String::as_str)))
    }

    /// The units that must be started along with `name`, or are restarted with it; itself aside.
    pub fn started_again<'n>(&'n self, name: &'n str, is_restart: bool) -> BTreeSet<&'n str> {
        let restarted = if is_restart { self.stopped_with([name]) } else { BTreeSet::new() };
        // What is stopping may be in the middle of another restart.
        let is_up = |each: &&str| self.is_active(each) || self.is_moving(each);
        let restarted = restarted.into_iter().filter(is_up);
        let needed = self.closure([name], |unit| unit.needs.iter().map(String::as_str).collect());
        let needed = needed.into_iter().filter(|each| !self.is_active(each));
        restarted.chain(needed).filter(|each| *each != name).collect()
    }

    /// Whether the unit is being started or stopped; not so while it waits for its automatic
    /// restart.
    pub fn is_moving(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|unit| {
            matches!(unit.active_state.as_str(), "activating" | "deactivating")
                && !starts_again(&unit.sub_state)
        })
    }

    /// How long the manager may refuse to start one of [`Self::started_again`].
    pub fn start_limit(
        &self,
        name: &str,
        is_restart: bool,
        now: Duration,
        starts: Option<&Starts>,
    ) -> Option<Duration> {
        let others = self.started_again(name, is_restart).into_iter();
        let starts = |each| starts.map_or(&[][..], |starts| starts.of(each));
        others.filter_map(|each| self.0.get(each)?.start_limit.left_after(now, starts(each))).max()
    }

    /// Every unit that this one may take along, through others too: `near` are those next to it.
    /// What is down may be forgotten between two looks; what is next to it is known. Through what
    /// `leads` nowhere, such as a target, everything is related to everything.
    pub fn related(
        &self,
        name: &str,
        near: &[String],
        leads: impl Fn(&str) -> bool,
    ) -> BTreeSet<String> {
        let near = near.iter().map(String::as_str).chain([name]);
        let all = self.closure(near, |unit| {
            let bonds = unit.dependants.iter().chain(&unit.rivals).chain(&unit.pulls);
            bonds.map(String::as_str).filter(|each| leads(each)).collect()
        });
        all.into_iter().filter(|each| *each != name).map(str::to_owned).collect()
    }

    fn closure<'n>(
        &'n self,
        names: impl IntoIterator<Item = &'n str>,
        next: impl Fn(&'n Bonds) -> Vec<&'n str>,
    ) -> BTreeSet<&'n str> {
        let mut all = BTreeSet::new();
        let mut found: Vec<&str> = names.into_iter().collect();
        while let Some(name) = found.pop() {
            if all.insert(name) {
                found.extend(self.0.get(name).map(&next).unwrap_or_default());
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// What is known of the units, by a question of a case.
    fn answer(units: &Units, question: &str) -> Value {
        let (kind, rest) = question.split_once(' ').expect("a question");
        let names: Vec<&str> = rest.split(' ').collect();
        let owned = |names: &str| names.split(' ').map(str::to_owned).collect::<Vec<_>>();
        match (kind, names.as_slice()) {
            ("is_active", [name]) => json!(units.is_active(name)),
            ("is_moving", [name]) => json!(units.is_moving(name)),
            ("may_stop_unneeded", _) => json!(units.may_stop_unneeded(names)),
            ("stopped_with", _) => json!(units.stopped_with(names)),
            ("stopped_by_start", _) => json!(units.stopped_by_start(names)),
            ("started_again", [action, name]) => {
                json!(units.started_again(name, *action == "restart"))
            }
            ("start_limit", [action, name, now]) => {
                let now = Duration::from_secs(now.parse().expect("seconds"));
                let left = units.start_limit(name, *action == "restart", now, None);
                json!(left.map(|left| left.as_secs_f64()))
            }
            // Through no target.
            ("related", [name, near @ ..]) => {
                let near: Vec<String> = near.iter().map(|name| (*name).to_owned()).collect();
                json!(units.related(name, &near, |name| !name.ends_with(".target")))
            }
            ("starts_any", _) => {
                let (roots, wanting) = rest.split_once(" -> ").expect("roots and names");
                json!(units.starts_any(&owned(roots), &owned(wanting)))
            }
            _ => panic!("{question}"),
        }
    }

    #[test]
    fn what_goes_up_and_down_with_a_unit_is_found_at_any_depth() {
        cases::each("managers/systemctl_bonds", |case| {
            let units = Units::parse(case.input("stdout"));
            let questions = case.input("questions").lines();
            questions.map(|question| (question.to_owned(), answer(&units, question))).collect()
        });
    }

    proptest! {
        // However the bonds go, circles among them, it ends and finds what a walk finds.
        #[test]
        fn any_graph_is_walked_to_its_end(edges in prop::collection::vec((0..12_u8, 0..12_u8), 0..40)) {
            let mut shown = String::new();
            for from in 0..12 {
                let to = edges.iter().filter(|edge| edge.0 == from).map(|edge| format!("u{} ", edge.1));
                shown.push_str(&format!("Id=u{from}\nBoundBy={}\n\n", to.collect::<String>()));
            }
            let units = Units::parse(&shown);
            let found = units.stopped_with(["u0"]);
            prop_assert!(found.contains("u0"));
            for (from, to) in edges {
                let (from, to) = (format!("u{from}"), format!("u{to}"));
                prop_assert!(!found.contains(from.as_str()) || found.contains(to.as_str()));
            }
        }
    }
}
