//! The outcome of an action: the unit afterwards, its log, and an explanation of what went wrong.

use crate::exec::context::verdict;
use crate::exec::process::{Bounds, ask};
use crate::managers::argv::Argv;
use crate::managers::systemd::manager_log::ManagerLog;
use crate::managers::systemd::unit::{Unit, UnitState};
use crate::managers::systemd::{refusal, start_limit, unit_log};
use crate::outcome::Outcome;
use crate::request::action::ServiceAction::{Reload, ResetFailed, Restart};
use crate::request::code::{Code, Refusal};
use crate::request::ran::{Ended, Ran};
use crate::services::failed::Failure;
use crate::services::health::{Health, watch};
use crate::services::others::Others;
use crate::services::state::{brief, unit_now};
use crate::services::{reason, reset, stopped};
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::services::operation::Change;

/// The most that is read of a unit's log, in bytes. A reply has only its most useful lines.
const LOG_BYTES: usize = 1 << 20;

/// How often to check whether the journal has the end of a run, and the pause in between.
const LOG_TIMES: usize = 4;
const LOG_PAUSE: Duration = Duration::from_millis(50);

impl Change<'_> {
    /// The unit after the action. A unit that should be up is watched for a while first.
    pub fn watched(&self, ran: &Ran) -> Option<(Unit, Health)> {
        let see = || unit_now(self.steps, self.bounds);
        // A reload that fails may end the unit.
        let may_end = self.action == Reload && refusal::is_failed(&ran.stderr);
        if !self.wakes() || (ran.ended != Ended::Exited(0) && !may_end) {
            return see().map(|unit| (unit, Health::SoFar));
        }
        let restarts = match (self.action, &self.before) {
            (Reload, Some(unit)) => unit.state.restarts.unwrap_or(0),
            // The automatic restart that the unit waits for may come instead of this start.
            (_, Some(unit)) if unit.state.starts_again() => unit.state.restarts.unwrap_or(0) + 1,
            // The manager counts from zero after each requested start.
            _ => 0,
        };
        let left = self.bounds.deadline.saturating_duration_since(Instant::now());
        watch(see, crate::exec::context::afterwards(self.plan).min(left), restarts)
    }

    /// The outcome of the action.
    pub fn outcome(&self, ran: Ran, after: Option<(Unit, Health)>, is_known: bool) -> Outcome {
        if self.action == ResetFailed {
            return reset::outcome(self, ran, after.map(|(unit, _)| unit));
        }
        let log = self.manager_log(&ran, after.as_ref());
        let mut verdict = self.verdict(&ran, after.as_ref(), &log);
        let after = after.map(|(unit, _)| unit);
        let aftermath = after.as_ref().map(|unit| {
            self.surroundings.after(self.context(), &ran, unit, is_known, &mut verdict)
        });
        let aftermath = aftermath.unwrap_or_default();
        let went_well = self.wakes() && verdict.is_ok();
        let is_skipped = went_well && self.starts() && log.was_skipped();
        let is_gone = |unit: &&Unit| self.action != Reload && unit.state.is("inactive");
        let warning = match after.as_ref().filter(|_| went_well) {
            Some(unit) if is_skipped => Some(reason::skipped(self.name(), &unit.state)),
            Some(unit) if is_gone(&unit) && unit.kind.as_deref() != Some("oneshot") => {
                Some(reason::ended_by_itself(self.name(), log.has_ended()))
            }
            _ => None,
        };
        // An action that was repeated, or undone meanwhile, has changed something even if the state
        // reads the same.
        let changed = (went_well && !is_skipped) || (self.wakes() && log.was_stopped());
        let changed = Some(changed || self.differs(after.as_ref()) || aftermath.has_changed);
        let killed = self.was_killed().map(|unit| stopped::killed(self.name(), unit));
        let outlived = after.as_ref().and_then(|unit| self.outlived(unit));
        let warnings =
            killed.into_iter().chain(outlived).chain(warning).chain(aftermath.warnings).collect();
        let log = match (&self.steps.log, &after) {
            (Some(log), Some(unit)) if verdict.is_err() && is_worth_a_log(unit, &ran) => {
                let bounds = Bounds { output_bytes: LOG_BYTES, ..brief(self.bounds) };
                unit_log::last_lines(&ask(log, bounds), unit, self.began)
            }
            _ => None,
        };
        let unit = after.map(|unit| unit.state);
        Outcome { ran: Some(ran), unit, log, changed, warnings, ..Outcome::of(verdict) }
    }

    /// The unit before a restart that had to kill its processes; the state afterwards is that of the
    /// new run. If the restart took less than the stop timeout, the log need not be read.
    pub fn was_killed(&self) -> Option<&Unit> {
        let unit = self.before.as_ref().filter(|_| self.action == Restart)?;
        let argv = self.steps.manager_log.as_ref()?;
        if unit.stop_timeout.as_ref().is_none_or(|timeout| self.took < timeout.time) {
            return None;
        }
        let mut log = self.read_log(argv).since(self.began);
        for _ in 1..LOG_TIMES {
            if log.has_begun() {
                break;
            }
            sleep(LOG_PAUSE);
            log = self.read_log(argv).since(self.began);
        }
        log.was_killed().then_some(unit)
    }

    /// Says that old processes still run beside the new ones after a restart.
    fn outlived(&self, after: &Unit) -> Option<String> {
        // After a refused restart the processes are still those of the same run.
        let is_another =
            self.before.as_ref().is_some_and(|unit| unit.invocation != after.invocation);
        let is_up = self.action == Restart && self.was_active() && !after.state.is("inactive");
        let is_up = is_up && is_another;
        let since = start_limit::now().saturating_sub(self.began);
        is_up.then(|| stopped::outlived(self.name(), after, since)).flatten()
    }

    pub fn read_log(&self, argv: &Argv) -> ManagerLog {
        let bounds = Bounds { output_bytes: LOG_BYTES, mask_secrets: false, ..brief(self.bounds) };
        ManagerLog::parse(&ask(argv, bounds).stdout)
    }

    /// What the manager has logged about the unit since the action began, if the unit is not up as
    /// requested. The manager forgets a unit that nothing refers to, and with it how it ended.
    pub fn manager_log(&self, ran: &Ran, after: Option<&(Unit, Health)>) -> ManagerLog {
        let is_well = ran.ended == Ended::Exited(0)
            && after.is_some_and(|(unit, health)| {
                *health != Health::Bad && !unit.state.is("inactive") && !unit.state.is("failed")
            });
        let Some(argv) = self.steps.manager_log.as_ref().filter(|_| !is_well) else {
            return ManagerLog::default();
        };
        let read = || self.read_log(argv);
        let Some((unit, _)) = after.filter(|(unit, _)| unit.state.is_loaded()) else {
            // The manager read the unit file before the action began.
            return read();
        };
        let has_ended = unit.state.is("inactive") || unit.state.is_down();
        let mut log = read().since(self.began);
        for _ in 1..LOG_TIMES {
            if !has_ended || ran.ended != Ended::Exited(0) || log.has_ended() {
                break;
            }
            sleep(LOG_PAUSE);
            log = read().since(self.began);
        }
        log
    }

    pub fn verdict(
        &self,
        ran: &Ran,
        after: Option<&(Unit, Health)>,
        log: &ManagerLog,
    ) -> Result<(), Refusal> {
        let Some((unit, health)) = after else { return verdict(self.plan, ran) };
        let is_down = unit.state.is("inactive") || unit.state.is("failed");
        let verdict = self.judged(ran, (unit, *health), log, is_down);
        // A restart stops first.
        let is_lost = self.action == Restart && self.was_active() && is_down;
        verdict.map_err(|refusal| match refusal.code {
            Code::CommandFailed if is_lost => Refusal {
                error: format!("{}; it was running before, and is down now", refusal.error),
                ..refusal
            },
            _ => refusal,
        })
    }

    pub fn judged(
        &self,
        ran: &Ran,
        (unit, health): (&Unit, Health),
        log: &ManagerLog,
        is_down: bool,
    ) -> Result<(), Refusal> {
        let bonds = self.bonds_down(ran, unit, log);
        let failure = Failure {
            action: self.action,
            plan: self.plan,
            ran,
            was_active: self.was_active(),
            unit,
            log,
            bonds: &bonds,
            is_unneeded: self.is_unneeded(unit, log),
            shown: self.shown,
        };
        let has_run = ran.ended == Ended::Exited(0);
        match health {
            // The start was skipped: a failure in the state is that of an earlier run.
            _ if has_run && self.starts() && log.was_skipped() => match self.was_active() {
                true if is_down => Err(reason::stopped_and_skipped(self.name())),
                _ => Ok(()),
            },
            Health::Bad => Err(failure.unhealthy()),
            _ if has_run && self.wakes() && is_down && log.was_stopped() => Err(failure.stopped()),
            _ if has_run && self.action == Reload && is_down => Err(failure.ended_by_reload()),
            _ if self.was_not_begun(ran, unit) => {
                Err(reason::start_limit(self.name(), self.plan.approved().may_reset()))
            }
            _ => failure.explained(),
        }
    }

    /// Whether the unit was stopped because no unit that is up needs it.
    pub fn is_unneeded(&self, after: &Unit, log: &ManagerLog) -> bool {
        let may_be = self.wakes() && after.stops_unneeded && log.was_stopped();
        may_be
            && Others::now(&self.steps.others, self.wide())
                .is_some_and(|others| !after.needed_by.iter().any(|unit| others.is_up(unit)))
    }

    /// The units that are down and without which this one cannot be up, if that may be why it was
    /// stopped.
    pub fn bonds_down(&self, ran: &Ran, after: &Unit, log: &ManagerLog) -> Vec<String> {
        let is_bond = log.was_stopped()
            || refusal::is_canceled(&ran.stderr)
            || refusal::is_dependency(&ran.stderr);
        if !self.wakes() || !is_bond {
            return Vec::new();
        }
        let Some(others) = Others::now(&self.steps.others, self.wide()) else { return Vec::new() };
        let before = self.before.iter().flat_map(|unit| &unit.bonds);
        let bonds: BTreeSet<&String> = before.chain(&after.bonds).collect();
        bonds.into_iter().filter(|unit| !others.is_up(unit)).cloned().collect()
    }

    /// Whether the manager gave up before the unit began to run: it is down, and its last run is
    /// still the one before. Its result may be that run's, too.
    pub fn was_not_begun(&self, ran: &Ran, after: &Unit) -> bool {
        let last = self.before.as_ref().and_then(|unit| unit.invocation.as_deref());
        self.starts()
            && after.state.is_loaded()
            && after.state.is("failed")
            && last.is_some()
            && last == after.invocation.as_deref()
            && ran.ended == Ended::Exited(1)
            && refusal::is_failed(&ran.stderr)
    }

    /// Whether the unit differs from what it was before.
    pub fn differs(&self, after: Option<&Unit>) -> bool {
        let run = |unit: Option<&Unit>| unit.and_then(|unit| unit.invocation.clone());
        // A start that the manager refuses changes nothing but the time of the state.
        let state =
            |unit: Option<&Unit>| unit.map(|unit| UnitState { since: None, ..unit.state.clone() });
        let before = self.before.as_ref();
        run(before) != run(after) || state(before) != state(after)
    }
}

/// Whether the unit's last lines can explain what went wrong.
fn is_worth_a_log(unit: &Unit, ran: &Ran) -> bool {
    let did_not_begin = unit.state.is("inactive") && ran.ended != Ended::Exited(0);
    unit.state.is_loaded() && !did_not_begin
}
