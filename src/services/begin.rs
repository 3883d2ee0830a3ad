//! Checks before an action on a unit: whether it may begin now or has to wait, and whether the
//! requester needs its reply first.

use crate::exec::context::OperationContext;
use crate::exec::process::ask;
use crate::exec::requester::Requester;
use crate::managers::argv::Argv;
use crate::managers::systemd::closure::Units;
use crate::managers::systemd::reloads::Reloads;
use crate::managers::systemd::start_limit::{self, Starts};
use crate::managers::systemd::unit::Unit;
use crate::outcome::Outcome;
use crate::plan::reserved;
use crate::request::action::ServiceAction::{Reload, Start};
use crate::request::code::Refusal;
use crate::request::ran::Ended;
use crate::services::check::checked;
use crate::services::others::{Others, is_mentioned};
use crate::services::state::{JOB_PATIENCE, JOB_PAUSE, brief};
use crate::services::turns::{self, Turns};
use crate::services::{enablement, reason};
use crate::system::proc;
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::services::operation::Change;

/// How long to wait until other units may be started again: the default interval of a start limit.
const START_PATIENCE: Duration = Duration::from_secs(10);

impl Change<'_> {
    /// Makes sure that nothing prevents the action and that the unit's check passes.
    pub fn may_begin(&mut self) -> Result<(), Box<Outcome>> {
        let obstacle = |unit: &Unit| {
            // The manager may know a name that is not in the folders.
            let reserved = unit.id.as_deref().and_then(|id| reserved(self.name(), id));
            reserved.or_else(|| {
                let may_reread = self.plan.approved().may_reread();
                reason::obstacle(self.action, self.name(), unit, may_reread)
            })
        };
        if let Some(refusal) = enablement::obstacle(self.action, self.name()) {
            return Err(Box::new(Outcome::refused(refusal, None, None)));
        }
        if let Some(refusal) = self.before.as_ref().and_then(obstacle) {
            return Err(Box::new(Outcome::refused(refusal, None, None)));
        }
        // A missing or masked unit needs no check: the manager says what is wrong with it.
        let is_loaded = self.before.as_ref().is_none_or(|unit| unit.state.is_loaded());
        match &self.steps.check {
            Some(check) if is_loaded && (self.was_active() || self.steps.checks_start) => {
                checked(check, self.bounds)?;
            }
            _ => {}
        }
        if let Some(refusal) = self.socket_in_use() {
            return Err(Box::new(Outcome::refused(refusal, None, None)));
        }
        self.wait_for_others()?;
        self.reset_starts()
    }

    /// A refusal if the manager would not start a socket because its service is up. By then a restart
    /// would have stopped the socket.
    pub fn socket_in_use(&self) -> Option<Refusal> {
        let unit = self.before.as_ref().filter(|_| self.name().ends_with(".socket"))?;
        if !self.starts() || unit.triggers.is_empty() || (self.action == Start && self.was_active())
        {
            return None;
        }
        let others = Others::now(&self.steps.others, self.wide())?;
        let own = unit.id.as_deref().unwrap_or(self.name());
        let down = self.others.as_ref().map(|all| all.stopped_with([own])).unwrap_or_default();
        let goes_down = |name: &String| {
            self.stops() && (unit.dependants.contains(name) || down.contains(name.as_str()))
        };
        // With `Accept=yes` there is a service for each connection, and none prevents the start.
        let in_use = |name: &&String| others.is_up(name) && !goes_down(name) && !name.contains('@');
        let service = unit.triggers.iter().find(in_use)?;
        Some(reason::socket_in_use(self.action, self.name(), &self.shown.listed(&[service])))
    }

    /// Makes sure that the service manager will not refuse to start the units that go down or up
    /// along with this one. It waits, since the request does not cover `reset-failed` for others.
    pub fn wait_for_others(&self) -> Result<(), Box<Outcome>> {
        let Some(others) = self.others.as_ref().filter(|_| self.starts()) else { return Ok(()) };
        let left = |starts: Option<&Starts>| {
            others.start_limit(self.name(), self.stops(), start_limit::now(), starts)
        };
        if left(None).is_none() {
            return Ok(());
        }
        let log = self.steps.starts.as_ref().map(|log| self.ask_all(log).stdout);
        let starts = log.map(|log| Starts::parse(&log));
        let Some(left) = left(starts.as_ref()) else { return Ok(()) };
        let patience = self.bounds.deadline.saturating_duration_since(Instant::now()) / 2;
        if left > patience.min(START_PATIENCE) {
            let refusal = reason::others_may_not_start(self.name(), left);
            return Err(Box::new(Outcome::refused(refusal, None, None)));
        }
        sleep(left);
        Ok(())
    }

    /// Makes sure that the service manager will not refuse to start the unit because of its earlier
    /// starts. A refusal after a restart has stopped the unit, or a reload has ended it, would leave
    /// it down. The policy's rate limits how often an account may start it.
    pub fn reset_starts(&mut self) -> Result<(), Box<Outcome>> {
        let left = self.before.as_ref().filter(|unit| self.wakes() && unit.state.is_loaded());
        let left = left.and_then(|unit| unit.start_limit.left(start_limit::now()));
        let (Some(reset), Some(left)) = (&self.steps.reset_starts, left) else { return Ok(()) };
        let ran = ask(reset, brief(self.bounds));
        if ran.ended == Ended::Exited(0) {
            // With that the manager also forgets its automatic restarts of the unit.
            if let Some(before) = &mut self.before {
                before.state.restarts = Some(0);
            }
            return Ok(());
        }
        // A unit that is down loses nothing by a refusal.
        if !self.was_active() {
            return Ok(());
        }
        Err(Box::new(Outcome::refused(reason::may_not_start(self.name(), left), Some(ran), None)))
    }

    /// All units, if it may matter how they are bound to this one. Reading them takes many times
    /// longer than reading one, so it is skipped when it cannot matter: most units have no
    /// dependants, and most requesters are in no unit that could go down.
    pub fn look_at_others(&self, requester: &Requester) -> Option<Units> {
        let unit = self.before.as_ref().filter(|unit| unit.state.is_loaded())?;
        let has_dependants = self.action != Reload && !unit.dependants.is_empty();
        let matters = has_dependants
            || (self.starts()
                && ((requester.is_in_a_service() && stops_others(unit))
                    || self.starts_others_again(unit)));
        self.units(self.steps.units.as_ref().filter(|_| matters)?)
    }

    /// Whether the manager may refuse to start a unit that must start along with this one, judged by
    /// the state read before. A unit that is only wanted is not started again while it is up, unless
    /// it stops when this one does.
    fn starts_others_again(&self, unit: &Unit) -> bool {
        if unit.start_limit.left(start_limit::now()).is_none() {
            return false;
        }
        let may_be_down = |name: &&str| may_be_down(name);
        let mut needed = unit.needs.iter().map(String::as_str).filter(may_be_down);
        if needed.next().is_some() {
            return true;
        }
        let wanted = || unit.pulls.iter().map(String::as_str).filter(may_be_down);
        if !self.stops() || wanted().next().is_none() {
            return false;
        }
        let targets = self.steps.unneeded_targets.as_ref();
        let targets = targets.filter(|_| wanted().all(|name| name.ends_with(".target")));
        let targets = targets.and_then(|targets| self.units(targets));
        targets.is_none_or(|targets| targets.may_stop_unneeded(wanted()))
    }

    /// The units that this command line prints; none if it fails.
    fn units(&self, look: &Argv) -> Option<Units> {
        let ran = self.ask_all(look);
        (ran.ended == Ended::Exited(0)).then(|| Units::parse(&ran.stdout))
    }

    /// All units, if they may matter, read while this request has the turn of each unit that starts
    /// along with this one.
    pub fn in_turn(
        &self,
        turns: Option<&Turns>,
        requester: &Requester,
        until: Instant,
    ) -> Result<Option<Units>, Refusal> {
        let Some(turns) = turns else { return Ok(self.look_at_others(requester)) };
        let patience = until.min(Instant::now() + JOB_PATIENCE);
        let mut held = BTreeSet::new();
        loop {
            let quiet = turns.quiet();
            let Some(others) = self.look_at_others(requester) else { return Ok(None) };
            let again = others.started_again(self.name(), self.stops());
            if !turns.add(&again)? {
                if Instant::now() >= until {
                    return Err(turns::busy(self.name()));
                }
                sleep(JOB_PAUSE);
                continue;
            }
            // Otherwise another request may have started one of them since they were read.
            let is_exact = again.iter().all(|each| held.contains(*each))
                || (quiet.is_some() && quiet == turns.quiet());
            let is_moving = again.iter().any(|each| others.is_moving(each));
            if is_exact && (!is_moving || Instant::now() >= patience) {
                return Ok(Some(others));
            }
            held = again.into_iter().map(str::to_owned).collect();
            if is_moving {
                sleep(JOB_PAUSE);
            }
        }
    }

    /// Whether the action ends the process that waits for the reply.
    pub fn ends(&self, requester: &Requester) -> bool {
        let Some(unit) = &self.before else { return false };
        let name = self.name();
        let (stops, starts) = (self.stops(), self.starts());
        let listed = |names: &[String]| requester.is_in(names.iter().map(String::as_str));
        let is_near = (stops && (requester.is_part_of(unit) || listed(&unit.dependants)))
            || (starts && listed(&unit.rivals));
        is_near
            || self.ends_by_reload(requester, unit)
            || self.others.as_ref().is_some_and(|all| {
                // `name` may be an alias, and no other unit is bound to an alias.
                let near = unit.dependants.iter().map(String::as_str).chain([name]);
                let down = if stops { all.stopped_with(near) } else { BTreeSet::new() };
                // Units that are restarted along with it are started, too.
                let up = down.iter().copied().filter(|each| all.is_active(each)).chain([name]);
                let pulled = unit.pulls.iter().map(String::as_str);
                let rivals =
                    if starts { all.stopped_by_start(up.chain(pulled)) } else { BTreeSet::new() };
                let near = all.stopped_with(unit.rivals.iter().map(String::as_str));
                requester.is_in(rivals)
                    || requester.is_in(down)
                    || (starts && requester.is_in(near))
            })
    }

    /// Whether the requester is in a unit that is reloaded by a signal for which it has no handler. A
    /// program that exits in its handler cannot be told from one that goes on.
    fn ends_by_reload(&self, requester: &Requester, unit: &Unit) -> bool {
        let has_others = unit.reloads.iter().any(|name| is_mentioned(name));
        let matters = requester.is_in_a_service() && (has_others || requester.is_part_of(unit));
        let Some(look) = self.steps.reloads.as_ref().filter(|_| matters) else { return false };
        let reloads = Reloads::parse(&self.ask_all(look).stdout);
        let own = unit.id.as_deref().unwrap_or(self.name());
        let near = unit.reloads.iter().map(String::as_str).chain([own]);
        requester.is_in(reloads.ended(near, |pid, signal| proc::is_ended_by(pid, signal as i32)))
    }

    /// Sends the reply before the action. The time until it is read is not the operation's.
    pub fn answer_first(&mut self, context: &mut OperationContext<'_>) {
        let unit = self.state_before();
        (context.answer)(Outcome { deferred: true, unit, ..Outcome::of(Ok(())) });
        let waiting = Instant::now();
        context.requester.wait_until_gone();
        self.bounds.deadline += waiting.elapsed();
    }
}

/// Whether a start may stop other units: those that conflict with it or with what it pulls in.
fn stops_others(unit: &Unit) -> bool {
    unit.pulls.iter().any(|name| may_be_down(name))
        || unit.rivals.iter().any(|name| name != "shutdown.target")
}

/// Whether a unit that another one pulls in may be down. Some are up on every host.
fn may_be_down(name: &str) -> bool {
    let is_usual = matches!(name, "sysinit.target" | "basic.target" | "local-fs.target");
    !is_usual && !name.ends_with(".slice") && !name.ends_with(".mount")
}
