//! Side effects of an operation on a unit: links, other units, and processes, before and after.
//! `systemctl` reports success whatever happens to these.

use crate::exec::context::Shown;
use crate::exec::process::{Bounds, ask};
use crate::managers::systemd::alias;
use crate::managers::systemd::closure::Units;
use crate::managers::systemd::show::is_any_file_unread;
use crate::managers::systemd::unit::Unit;
use crate::plan::ServiceSteps;
use crate::request::action::ServiceAction::{self, Disable, Enable, Reload, Restart, Start, Stop};
use crate::request::code::{Code, Refusal};
use crate::request::ran::{Ended, Ran};
use crate::services::enablement::{self, Links};
use crate::services::others::{Others, SideEffects, is_mentioned, takes_along};
use crate::services::triggers::{Wakers, may_be_woken};
use crate::services::{reason, stopped};
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The most that is kept of the manager's output about all units, in bytes.
const ALL_UNITS: usize = 16 << 20;

/// The bounds for reading all units. No reply shows that output.
pub fn all_units(bounds: Bounds) -> Bounds {
    Bounds { output_bytes: ALL_UNITS, mask_secrets: false, ..bounds }
}

/// How often to check whether units that a restart has stopped are up again, and the pause in
/// between.
const TIMES: usize = 10;
const PAUSE: Duration = Duration::from_millis(200);

/// How often to check parts while they are watched, and the longest pause in between.
const PARTS_LOOKS: u32 = 4;
const PARTS_PAUSE: Duration = Duration::from_millis(500);

/// The kinds of units that only start another one.
const STARTERS: [&str; 4] = [".timer", ".socket", ".path", ".automount"];

/// An action on a unit, and what is needed to look at its side effects.
#[derive(Clone, Copy)]
pub struct ChangeContext<'a> {
    /// The action.
    pub action: ServiceAction,
    /// The unit, by the name in the request.
    pub name: &'a str,
    /// Its command lines.
    pub steps: &'a ServiceSteps,
    /// Which units a reply may name.
    pub shown: Shown<'a>,
    /// The bounds for reading a state.
    pub bounds: Bounds,
    /// How long to watch parts that do not report when they are ready.
    pub watch: Duration,
    /// Whether the caller may have the manager read all unit files.
    pub may_reread: bool,
}

impl ChangeContext<'_> {
    fn others(&self) -> Option<Others> {
        Others::now(&self.steps.others, self.wide())
    }

    /// Whether the manager has read every unit file as it is now.
    fn has_read_all(&self) -> bool {
        let unread = self.steps.unread.as_ref().map(|unread| ask(unread, self.wide()));
        unread.is_some_and(|shown| {
            shown.ended == Ended::Exited(0) && !is_any_file_unread(&shown.stdout)
        })
    }

    /// Says that the boot does not start a unit although it is enabled.
    fn not_at_boot(&self, unit: &Unit) -> Option<String> {
        let state = unit.state.unit_file_state.as_deref();
        let look = self.steps.boot.as_ref().filter(|_| state == Some("enabled"))?;
        let shown = ask(look, self.wide());
        let units = Units::parse(&shown.stdout);
        (shown.ended == Ended::Exited(0))
            .then(|| enablement::not_at_boot(self.name, &self.steps.own_name, &units))
            .flatten()
    }

    /// Every unit that may go up or down along with this one. It has to be read now, since the manager
    /// soon forgets a unit that is down, and how it was bound to others.
    fn related(&self, unit: &Unit, all: Option<&Units>) -> BTreeSet<String> {
        let id = unit.id.as_deref().unwrap_or(self.name);
        let near = [&unit.dependants, &unit.rivals, &unit.pulls, &unit.reloads];
        let near: Vec<String> =
            near.into_iter().flatten().filter(|unit| is_mentioned(unit)).cloned().collect();
        let read = || {
            let shown = self.steps.units.as_ref().map(|argv| ask(argv, self.wide()).stdout);
            Units::parse(&shown.unwrap_or_default())
        };
        all.map_or_else(
            || read().related(id, &near, is_mentioned),
            |all| all.related(id, &near, is_mentioned),
        )
    }

    /// The bounds for reading all units. No reply shows that output.
    fn wide(&self) -> Bounds {
        all_units(self.bounds)
    }
}

/// What was read before the operation.
#[derive(Debug, Default)]
pub struct Surroundings {
    before: Option<Unit>,
    others: Option<Others>,
    /// The units that may go up or down along with this one.
    related: BTreeSet<String>,
    links: Option<Links>,
    /// Whether the manager has read every unit file as it is now: only then may it read them again.
    has_read_all: bool,
    /// Why the unit could not be started again once it is stopped.
    no_way_back: Option<&'static str>,
}

/// The side effects.
#[derive(Debug, Default)]
pub struct Aftermath {
    /// A sentence for each.
    pub warnings: Vec<String>,
    /// Whether anything other than the unit's own state has changed.
    pub has_changed: bool,
}

impl Surroundings {
    /// Reads what the operation may change. `all` has all units, if they were read already.
    pub fn before(context: ChangeContext<'_>, unit: Option<&Unit>, all: Option<&Units>) -> Self {
        let enables = matches!(context.action, Enable | Disable);
        let stops = |unit: &&Unit| context.action == Stop && unit.state.is("active");
        let no_way_back =
            unit.filter(stops).and_then(|unit| stopped::no_way_back(context.name, unit));
        let has_read_all = context.has_read_all();
        let along = unit.filter(|unit| takes_along(context.action, unit));
        Self {
            before: unit.cloned(),
            others: along.and_then(|_| context.others()),
            related: along.map(|unit| context.related(unit, all)).unwrap_or_default(),
            links: enables.then(Links::now),
            has_read_all,
            no_way_back,
        }
    }

    /// Has the manager read links that were made or removed, unless that would also make it read unit
    /// files that somebody else has changed. Returns whether the manager knows the links.
    pub fn reread(&self, context: ChangeContext<'_>) -> bool {
        match (&self.links, &context.steps.reread) {
            (Some(links), Some(reread)) if *links != Links::now() => {
                match self.has_read_all {
                    true => ask(reread, context.bounds).ended == Ended::Exited(0),
                    // For a System V script, update-rc.d(8) has already made it read everything.
                    false => context.has_read_all(),
                }
            }
            _ => true,
        }
    }

    /// The side effects of the operation. `verdict` is about the unit alone; if a side effect makes
    /// it wrong, it is changed. `is_known` is the result of [`Surroundings::reread`].
    pub fn after(
        &self,
        context: ChangeContext<'_>,
        ran: &Ran,
        unit: &Unit,
        is_known: bool,
        verdict: &mut Result<(), Refusal>,
    ) -> Aftermath {
        let ChangeContext { action, name, shown, .. } = context;
        let mut aftermath = Aftermath::default();
        let is_down = unit.state.is("inactive") || unit.state.is("failed");
        let went_well = ran.ended == Ended::Exited(0) && verdict.is_ok();
        match action {
            Enable | Disable if went_well => {
                let now = Links::now();
                let before = self.links.as_ref();
                aftermath.has_changed = before.is_some_and(|before| *before != now);
                let also = before.map(|before| before.also_changed(&now, &context.steps.own_name));
                let also = also.filter(|also| !also.is_empty());
                let also = also.map(|also| {
                    let what = if action == Enable { "enabled" } else { "disabled" };
                    format!(
                        "this {what} other units (Also= in unit files): {}",
                        shown.listed(&also)
                    )
                });
                aftermath.warnings.extend(also);
                match enablement::After::of(unit, name, !is_known).judged(action, name) {
                    Ok(None) if is_known => aftermath.warnings.extend(context.not_at_boot(unit)),
                    Ok(warning) => aftermath.warnings.extend(warning),
                    Err(refusal) => *verdict = Err(refusal),
                }
            }
            Stop if went_well && !is_down => {
                let wakers = Wakers::of(unit, &context.steps.own_name, context.others().as_ref());
                *verdict = Err(reason::is_up_again(name, &wakers, shown));
            }
            Stop if went_well => {
                let before = self.before.as_ref().map(|unit| &unit.state);
                let lost = self.no_way_back.map(|reason| reason::cannot_come_back(name, reason));
                aftermath.warnings.extend(lost);
                aftermath.warnings.extend(stopped::warnings(name, before, unit));
            }
            // A unit that was up was ended by the reload, whatever would start it again.
            Reload if is_down && unit.state.is_loaded() && !self.was_active() => {
                let others = context.others();
                let wakers = Wakers::of(unit, &context.steps.own_name, others.as_ref());
                if let (Err(refusal), false) = (&mut *verdict, wakers.is_none()) {
                    refusal.hint = Some(reason::is_woken(name, &wakers, shown));
                }
            }
            Start | Restart if verdict.is_err() && is_down => {
                if let Some(refusal) = starts_nothing(context, unit) {
                    *verdict = Err(refusal);
                }
            }
            _ => {}
        }
        if !is_known && went_well {
            aftermath.warnings.push(reason::not_reread(name, context.may_reread));
        }
        if let Some(warning) = self.woken(context, unit, went_well, is_down) {
            aftermath.warnings.push(warning);
        }
        if let Some((effects, failed)) = self.side_effects(context, unit) {
            aftermath.has_changed |= !effects.is_none();
            aftermath.warnings.extend(effects.warnings(shown));
            if went_well && !failed.is_empty() {
                *verdict = Err(reason::parts_failed(name, &failed, shown));
            }
        }
        if matches!(action, Start | Stop)
            && self.before.as_ref().is_some_and(|unit| unit.needs_reload)
        {
            aftermath.warnings.push(reason::stale_file(name));
        }
        aftermath
    }

    fn was_active(&self) -> bool {
        self.before.as_ref().is_some_and(|unit| unit.state.is("active"))
    }

    /// What may start the unit although it is down or disabled.
    fn woken(
        &self,
        context: ChangeContext<'_>,
        unit: &Unit,
        went_well: bool,
        is_down: bool,
    ) -> Option<String> {
        let own = &context.steps.own_name;
        let matters = match context.action {
            Stop | Enable => is_down,
            Disable => true,
            _ => false,
        };
        if !went_well || !matters || !may_be_woken(unit, own) {
            return None;
        }
        let wakers = Wakers::of(unit, own, context.others().as_ref());
        (!wakers.is_none()).then(|| reason::may_wake(context.name, &wakers, context.shown))
    }

    /// Which other units went up or down, and which parts of this one failed.
    fn side_effects(
        &self,
        context: ChangeContext<'_>,
        unit: &Unit,
    ) -> Option<(SideEffects, Vec<String>)> {
        let before = self.others.as_ref()?;
        let mut related = self.related.clone();
        // Units that start with it may not have been loaded before.
        if matches!(context.action, Start | Restart) {
            related.extend(context.related(unit, None));
        }
        let began = Instant::now();
        let is_watched = matches!(context.action, Start | Restart) && is_umbrella(unit);
        for times in 1.. {
            let others = context.others()?;
            let effects = SideEffects::between(before, &others, &related);
            let failed = if is_watched { others.failed_parts(unit, before) } else { Vec::new() };
            // A restart starts them again one after the other.
            let may_come = context.action == Restart && !effects.down.is_empty() && times < TIMES;
            let was_begun = context.action == Restart || !self.was_active();
            let may_fail = is_watched && was_begun && began.elapsed() < context.watch;
            if !failed.is_empty() || !(may_come || may_fail) {
                return Some((effects, failed));
            }
            sleep(if may_come { PAUSE } else { PARTS_PAUSE.min(context.watch / PARTS_LOOKS) });
        }
        None
    }
}

/// Whether a unit consists only of its parts: it is up and has no process.
fn is_umbrella(unit: &Unit) -> bool {
    unit.state.is("active") && unit.state.main_pid.is_none() && !unit.parts.is_empty()
}

/// Why a timer, a socket or a path was not started, if the unit that it starts does not exist.
fn starts_nothing(context: ChangeContext<'_>, unit: &Unit) -> Option<Refusal> {
    let is_starter = STARTERS.iter().any(|kind| context.name.ends_with(kind));
    if !is_starter || unit.triggers.is_empty() {
        return None;
    }
    let missing: Vec<&String> =
        unit.triggers.iter().filter(|unit| !alias::has_file(unit)).collect();
    (!missing.is_empty()).then(|| {
        let missing = context.shown.listed(&missing);
        let error = format!(
            "{} was not started, because the unit that it starts does not exist: {missing}",
            context.name
        );
        Refusal::new(Code::CommandFailed, error)
            .hint("install the package that has it, or ask an administrator to fix the unit file")
    })
}
