//! What an operation on a unit finds around it and leaves behind: links, other units, processes.
//! `systemctl` ends with success whatever became of these.

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
use crate::services::others::{Others, SideEffects, is_told, takes_along};
use crate::services::triggers::{Wakers, may_be_woken};
use crate::services::{reason, stopped};
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The most that is kept of what the manager says of all its units.
const ALL_UNITS: usize = 16 << 20;

/// The bounds of a look at all units, of which nothing is shown.
pub fn all_units(bounds: Bounds) -> Bounds {
    Bounds { output_bytes: ALL_UNITS, mask_secrets: false, ..bounds }
}

/// How often units that a restart has taken along are looked for, and how long in between, until
/// they are up again.
const TIMES: usize = 10;
const PAUSE: Duration = Duration::from_millis(200);

/// How often parts are looked at while they are watched, and how long in between at most.
const PARTS_LOOKS: u32 = 4;
const PARTS_PAUSE: Duration = Duration::from_millis(500);

/// The kinds of units that do nothing but start another one.
const STARTERS: [&str; 4] = [".timer", ".socket", ".path", ".automount"];

/// What is asked to be done to which unit.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// What is done.
    pub action: ServiceAction,
    /// To which unit.
    pub name: &'a str,
    /// With which command lines.
    pub steps: &'a ServiceSteps,
    /// Which units a reply may name.
    pub shown: Shown<'a>,
    /// The bounds of a look.
    pub bounds: Bounds,
    /// How long parts are watched that do not say when they are ready.
    pub watch: Duration,
    /// Whether the caller may have the manager read all unit files.
    pub may_reread: bool,
}

impl Asked<'_> {
    fn others(&self) -> Option<Others> {
        Others::now(&self.steps.others, self.wide())
    }

    /// Whether the manager has read every unit file as it is.
    fn has_read_all(&self) -> bool {
        let unread = self.steps.unread.as_ref().map(|unread| ask(unread, self.wide()));
        unread.is_some_and(|shown| {
            shown.ended == Ended::Exited(0) && !is_any_file_unread(&shown.stdout)
        })
    }

    /// That the boot does not start what was enabled.
    fn not_at_boot(&self, unit: &Unit) -> Option<String> {
        let state = unit.state.unit_file_state.as_deref();
        let look = self.steps.boot.as_ref().filter(|_| state == Some("enabled"))?;
        let shown = ask(look, self.wide());
        let units = Units::parse(&shown.stdout);
        (shown.ended == Ended::Exited(0))
            .then(|| enablement::not_at_boot(self.name, &self.steps.own_name, &units))
            .flatten()
    }

    /// Every unit that this one may take along at this moment: what is down is soon forgotten,
    /// and what it had to do with others too.
    fn related(&self, unit: &Unit, all: Option<&Units>) -> BTreeSet<String> {
        let id = unit.id.as_deref().unwrap_or(self.name);
        let near = [&unit.dependants, &unit.rivals, &unit.pulls, &unit.reloads];
        let near: Vec<String> =
            near.into_iter().flatten().filter(|unit| is_told(unit)).cloned().collect();
        let read = || {
            let shown = self.steps.units.as_ref().map(|argv| ask(argv, self.wide()).stdout);
            Units::parse(&shown.unwrap_or_default())
        };
        all.map_or_else(
            || read().related(id, &near, is_told),
            |all| all.related(id, &near, is_told),
        )
    }

    /// The bounds of a look at all units, of which nothing is shown.
    fn wide(&self) -> Bounds {
        all_units(self.bounds)
    }
}

/// What there is before it.
#[derive(Debug, Default)]
pub struct Surroundings {
    before: Option<Unit>,
    others: Option<Others>,
    /// The units that it may take along.
    related: BTreeSet<String>,
    links: Option<Links>,
    /// Whether the manager has read every unit file as it is; then it may do so again.
    has_read_all: bool,
    /// Why what is stopped could not be started again.
    no_way_back: Option<&'static str>,
}

/// What came of it besides.
#[derive(Debug, Default)]
pub struct Aftermath {
    /// What to say of it.
    pub warnings: Vec<String>,
    /// Whether something has changed beside the unit's own state.
    pub has_changed: bool,
}

impl Surroundings {
    /// Looks at what this operation may change; `all` are all units, where they were read.
    pub fn before(asked: Asked<'_>, unit: Option<&Unit>, all: Option<&Units>) -> Self {
        let enables = matches!(asked.action, Enable | Disable);
        let stops = |unit: &&Unit| asked.action == Stop && unit.state.is("active");
        let no_way_back =
            unit.filter(stops).and_then(|unit| stopped::no_way_back(asked.name, unit));
        let has_read_all = asked.has_read_all();
        let along = unit.filter(|unit| takes_along(asked.action, unit));
        Self {
            before: unit.cloned(),
            others: along.and_then(|_| asked.others()),
            related: along.map(|unit| asked.related(unit, all)).unwrap_or_default(),
            links: enables.then(Links::now),
            has_read_all,
            no_way_back,
        }
    }

    /// After links came or went the manager reads them, unless that would have it read what
    /// somebody else has changed and not had it read. Gives whether it knows them.
    pub fn reread(&self, asked: Asked<'_>) -> bool {
        match (&self.links, &asked.steps.reread) {
            (Some(links), Some(reread)) if *links != Links::now() => {
                match self.has_read_all {
                    true => ask(reread, asked.bounds).ended == Ended::Exited(0),
                    // What enables the script of a service has it read all (`update-rc.d(8)`).
                    false => asked.has_read_all(),
                }
            }
            _ => true,
        }
    }

    /// What came of it. `verdict` is of the unit alone, and becomes what is so of all of it;
    /// `is_known` is what [`Surroundings::reread`] gave.
    pub fn after(
        &self,
        asked: Asked<'_>,
        ran: &Ran,
        unit: &Unit,
        is_known: bool,
        verdict: &mut Result<(), Refusal>,
    ) -> Aftermath {
        let Asked { action, name, shown, .. } = asked;
        let mut aftermath = Aftermath::default();
        let is_down = unit.state.is("inactive") || unit.state.is("failed");
        let went_well = ran.ended == Ended::Exited(0) && verdict.is_ok();
        match action {
            Enable | Disable if went_well => {
                let now = Links::now();
                let before = self.links.as_ref();
                aftermath.has_changed = before.is_some_and(|before| *before != now);
                let also = before.map(|before| before.also_changed(&now, &asked.steps.own_name));
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
                    Ok(None) if is_known => aftermath.warnings.extend(asked.not_at_boot(unit)),
                    Ok(warning) => aftermath.warnings.extend(warning),
                    Err(refusal) => *verdict = Err(refusal),
                }
            }
            Stop if went_well && !is_down => {
                let wakers = Wakers::of(unit, &asked.steps.own_name, asked.others().as_ref());
                *verdict = Err(reason::is_up_again(name, &wakers, shown));
            }
            Stop if went_well => {
                let before = self.before.as_ref().map(|unit| &unit.state);
                let lost = self.no_way_back.map(|reason| reason::cannot_come_back(name, reason));
                aftermath.warnings.extend(lost);
                aftermath.warnings.extend(stopped::warnings(name, before, unit));
            }
            // What was up has ended by it, whatever would start it again.
            Reload if is_down && unit.state.is_loaded() && !self.was_active() => {
                let others = asked.others();
                let wakers = Wakers::of(unit, &asked.steps.own_name, others.as_ref());
                if let (Err(refusal), false) = (&mut *verdict, wakers.is_none()) {
                    refusal.hint = Some(reason::is_woken(name, &wakers, shown));
                }
            }
            Start | Restart if verdict.is_err() && is_down => {
                if let Some(refusal) = starts_nothing(asked, unit) {
                    *verdict = Err(refusal);
                }
            }
            _ => {}
        }
        if !is_known && went_well {
            aftermath.warnings.push(reason::not_reread(name, asked.may_reread));
        }
        if let Some(warning) = self.woken(asked, unit, went_well, is_down) {
            aftermath.warnings.push(warning);
        }
        if let Some((effects, failed)) = self.side_effects(asked, unit) {
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

    /// What starts it though it is down, or will not be started at boot.
    fn woken(
        &self,
        asked: Asked<'_>,
        unit: &Unit,
        went_well: bool,
        is_down: bool,
    ) -> Option<String> {
        let own = &asked.steps.own_name;
        let matters = match asked.action {
            Stop | Enable => is_down,
            Disable => true,
            _ => false,
        };
        if !went_well || !matters || !may_be_woken(unit, own) {
            return None;
        }
        let wakers = Wakers::of(unit, own, asked.others().as_ref());
        (!wakers.is_none()).then(|| reason::may_wake(asked.name, &wakers, asked.shown))
    }

    /// Which other units went up or down, and which parts of this one failed.
    fn side_effects(&self, asked: Asked<'_>, unit: &Unit) -> Option<(SideEffects, Vec<String>)> {
        let before = self.others.as_ref()?;
        let mut related = self.related.clone();
        // What is started with it may not have been loaded before.
        if matches!(asked.action, Start | Restart) {
            related.extend(asked.related(unit, None));
        }
        let began = Instant::now();
        let is_watched = matches!(asked.action, Start | Restart) && is_umbrella(unit);
        for times in 1.. {
            let others = asked.others()?;
            let effects = SideEffects::between(before, &others, &related);
            let failed = if is_watched { others.failed_parts(unit, before) } else { Vec::new() };
            // They are started again one after the other.
            let may_come = asked.action == Restart && !effects.down.is_empty() && times < TIMES;
            let was_begun = asked.action == Restart || !self.was_active();
            let may_fail = is_watched && was_begun && began.elapsed() < asked.watch;
            if !failed.is_empty() || !(may_come || may_fail) {
                return Some((effects, failed));
            }
            sleep(if may_come { PAUSE } else { PARTS_PAUSE.min(asked.watch / PARTS_LOOKS) });
        }
        None
    }
}

/// Whether a unit is nothing but its parts: it is up and has no process.
fn is_umbrella(unit: &Unit) -> bool {
    unit.state.is("active") && unit.state.main_pid.is_none() && !unit.parts.is_empty()
}

/// Why a timer, a socket or a path was not started, where what it starts is not there.
fn starts_nothing(asked: Asked<'_>, unit: &Unit) -> Option<Refusal> {
    let is_starter = STARTERS.iter().any(|kind| asked.name.ends_with(kind));
    if !is_starter || unit.triggers.is_empty() {
        return None;
    }
    let missing: Vec<&String> =
        unit.triggers.iter().filter(|unit| !alias::has_file(unit)).collect();
    (!missing.is_empty()).then(|| {
        let missing = asked.shown.listed(&missing);
        let error = format!(
            "{} was not started, because the unit that it starts does not exist: {missing}",
            asked.name
        );
        Refusal::new(Code::CommandFailed, error)
            .hint("install the package that has it, or ask an administrator to fix the unit file")
    })
}
