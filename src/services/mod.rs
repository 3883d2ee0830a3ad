//! Operations on units: looked at, checked, run, watched.

pub mod check;
pub mod enablement;
pub mod failed;
pub mod health;
pub mod log;
pub mod others;
pub mod reason;
pub mod stopped;
pub mod surroundings;
pub mod triggers;
pub mod turns;

use crate::exec::context::{OperationContext, Shown, name_of, verdict};
use crate::exec::process::{AtDeadline, Bounds, Options, ask, run};
use crate::exec::requester::Requester;
use crate::managers::argv::Argv;
use crate::managers::systemd::closure::Units;
use crate::managers::systemd::manager_log::ManagerLog;
use crate::managers::systemd::refusal;
use crate::managers::systemd::start_limit::{self, Starts};
use crate::managers::systemd::unit::{Unit, UnitState};
use crate::outcome::Outcome;
use crate::plan::{LookSteps, Plan, ServiceSteps, Steps, reserved};
use crate::request::action::ServiceAction::{self, Reload, Restart, Start, Stop};
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;
use crate::request::ran::{Ended, Ran};
use crate::services::check::checked;
use crate::services::failed::Failure;
use crate::services::health::{Health, watch};
use crate::services::others::Others;
use crate::services::surroundings::{Asked, Surroundings, all_units};
use crate::services::triggers::{Wakers, may_be_woken};
use crate::services::turns::Turns;
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Reading a unit's state or its log may take so long.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// How long another's job is waited for, and how often it is looked for.
const JOB_PATIENCE: Duration = Duration::from_secs(10);
const JOB_PAUSE: Duration = Duration::from_millis(50);

/// The most that is read of a unit's log, of which a reply has the few lines that say most.
const LOG_BYTES: usize = 1 << 20;

/// How often, and how long in between, it is looked whether the journal knows how a run ended.
const LOG_TIMES: usize = 4;
const LOG_PAUSE: Duration = Duration::from_millis(50);

/// How long it is waited for somebody else who is starting the unit.
const TURN_PATIENCE: Duration = Duration::from_secs(30);

/// How long it is waited until others may be started again: the usual interval of a limit.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// `status` and `logs`.
pub fn look(plan: &Plan, bounds: Bounds, shown: Shown<'_>) -> Outcome {
    let mut ran = ask(plan.main(), bounds);
    if let Steps::Look(LookSteps::State(state)) = plan.steps()
        && ran.ended == Ended::Exited(0)
        && ran.stdout.is_empty()
        && let Some(unit) = unit_of(&ask(state, brief(bounds)))
    {
        // It says nothing, and why is more than that.
        let is_there = unit.state.exists();
        let verdict = if is_there { Ok(()) } else { Err(reason::no_unit(name_of(plan))) };
        let warnings = reason::no_log(name_of(plan), &unit).into_iter().collect();
        return Outcome { ran: Some(ran), changed: Some(false), warnings, ..Outcome::of(verdict) };
    }
    if let Operation::Service { action: ServiceAction::Logs, shown, .. } = &plan.request().operation
        && shown.minutes().is_some()
    {
        ran.stdout = log::turned_around(&ran.stdout);
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
                .map(|why| reason::cannot_come_back(name_of(plan), why));
            let stale = stale.into_iter().chain(lost);
            let warnings = stale.chain(woken(plan, &unit, bounds, shown)).collect();
            Outcome { warnings, ..read(verdict, ran, Some(unit.state)) }
        }
    }
}

/// What may start a unit that is down, which a caller could take for one that does not work.
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

/// `status` succeeds where the state could be read: a stopped unit is no failure. Its exit
/// status is what `systemctl status` would have given (`systemctl(1)`, "Exit status").
fn status(name: &str, unit: &UnitState, ran: Ran) -> (Result<(), Refusal>, Ran) {
    let returncode = match unit.active_state.as_deref() {
        Some("active" | "reloading") => 0,
        _ if !unit.exists() => 4,
        _ => 3,
    };
    // What runs is there, though its file may be gone.
    let verdict =
        if unit.exists() || is_running(unit) { Ok(()) } else { Err(reason::no_unit(name)) };
    (verdict, Ran { ended: Ended::Exited(returncode), ..ran })
}

fn is_running(unit: &UnitState) -> bool {
    unit.is("active") || unit.is("reloading")
}

/// Everything else.
pub fn change(
    plan: &Plan,
    steps: &ServiceSteps,
    bounds: Bounds,
    context: &mut OperationContext<'_>,
) -> Outcome {
    let Operation::Service { action, .. } = plan.request().operation else {
        return look(plan, bounds, context.shown);
    };
    let patience = bounds.deadline.saturating_duration_since(Instant::now()) / 2;
    let patience = Instant::now() + patience.min(TURN_PATIENCE);
    // Two that start the same unit at once would each count its starts without the other's.
    let turns = match matches!(action, Start | Restart) {
        true => match Turns::wait(&steps.own_name, patience) {
            Ok(turns) => Some(turns),
            Err(refusal) => {
                // What it waits for says more than who has begun it.
                let unit = unit_now(steps, bounds);
                let job = unit.as_ref().filter(|unit| unit.has_job);
                let job = job.and_then(|unit| reason::obstacle(action, name_of(plan), unit));
                let state = unit.map(|unit| unit.state);
                return Outcome::refused(job.unwrap_or(refusal), None, state);
            }
        },
        false => None,
    };
    let before = idle(action, steps, bounds);
    let shown = context.shown;
    let mut change = Change {
        plan,
        steps,
        action,
        bounds,
        shown,
        before,
        surroundings: Surroundings::default(),
        others: None,
        began: Duration::ZERO,
        took: Duration::ZERO,
    };
    change.others = match change.in_turn(turns.as_ref(), &context.requester, patience) {
        Ok(others) => others,
        Err(refusal) => return Outcome::refused(refusal, None, change.state_before()),
    };
    if let Err(refused) = change.may_begin() {
        return Outcome { unit: change.state_before(), ..*refused };
    }
    if change.ends(&context.requester) {
        change.answer_first(context);
    }
    change.surroundings =
        Surroundings::before(change.asked(), change.before.as_ref(), change.others.as_ref());
    change.began = start_limit::now();
    let backchannel = Some(&mut context.backchannel);
    let ran = run(
        plan.main(),
        change.bounds,
        Options { input: None, late: AtDeadline::End, backchannel },
    );
    drop(turns);
    change.took = start_limit::now().saturating_sub(change.began);
    let is_known = change.surroundings.reread(change.asked());
    let after = change.watched(&ran);
    change.outcome(ran, after, is_known)
}

/// Something that is done to a unit.
struct Change<'p> {
    plan: &'p Plan,
    steps: &'p ServiceSteps,
    action: ServiceAction,
    bounds: Bounds,
    shown: Shown<'p>,
    /// The unit before it; none where that could not be read.
    before: Option<Unit>,
    /// What was around it before.
    surroundings: Surroundings,
    /// All units before it, where some go down or up along with this one.
    others: Option<Units>,
    /// When it began, on the manager's monotonic clock.
    began: Duration,
    /// How long the command line itself took.
    took: Duration,
}

impl Change<'_> {
    fn name(&self) -> &str {
        name_of(self.plan)
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            action: self.action,
            name: self.name(),
            steps: self.steps,
            shown: self.shown,
            bounds: brief(self.bounds),
            watch: crate::exec::context::afterwards(self.plan),
        }
    }

    fn state_before(&self) -> Option<UnitState> {
        self.before.as_ref().map(|unit| unit.state.clone())
    }

    fn was_active(&self) -> bool {
        self.before.as_ref().is_some_and(|unit| unit.state.is("active"))
    }

    /// As [`ServiceAction::wakes`], but what is up already is not started.
    fn wakes(&self) -> bool {
        self.action.wakes() && !(self.action == Start && self.was_active())
    }

    /// Makes sure that nothing is in the way, and that the check passes.
    fn may_begin(&self) -> Result<(), Box<Outcome>> {
        let obstacle = |unit: &Unit| {
            // The manager may know of a name that the folders do not show.
            let reserved = unit.id.as_deref().and_then(|id| reserved(self.name(), id));
            reserved.or_else(|| reason::obstacle(self.action, self.name(), unit))
        };
        if let Some(refusal) = enablement::obstacle(self.action, self.name()) {
            return Err(Box::new(Outcome::refused(refusal, None, None)));
        }
        if let Some(refusal) = self.before.as_ref().and_then(obstacle) {
            return Err(Box::new(Outcome::refused(refusal, None, None)));
        }
        // What is not there or is masked is not checked: the manager says what is wrong with it.
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

    /// The refusal where the manager would not start a socket, since what it starts is up: a
    /// restart would have stopped the socket by then.
    fn socket_in_use(&self) -> Option<Refusal> {
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
        // With `Accept=yes` there is one for each connection, and it is in nobody's way.
        let in_use = |name: &&String| others.is_up(name) && !goes_down(name) && !name.contains('@');
        let service = unit.triggers.iter().find(in_use)?;
        Some(reason::socket_in_use(self.action, self.name(), &self.shown.listed(&[service])))
    }

    /// The bounds of a look at all units, of which nothing is shown.
    fn wide(&self) -> Bounds {
        all_units(brief(self.bounds))
    }

    /// Makes sure that the service manager will not refuse to start what goes down or up along
    /// with it: to set back the count of starts of another unit is not what was asked for.
    fn wait_for_others(&self) -> Result<(), Box<Outcome>> {
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

    /// Makes sure that the service manager will not refuse the start for those of before: after
    /// a restart has stopped the unit, that would leave it down. How often an account may have it
    /// started is the policy's rate.
    fn reset_starts(&self) -> Result<(), Box<Outcome>> {
        let left = self.before.as_ref().filter(|unit| self.wakes() && unit.state.is_loaded());
        let left = left.and_then(|unit| unit.start_limit.left(start_limit::now()));
        let (Some(reset), Some(left)) = (&self.steps.reset_starts, left) else { return Ok(()) };
        let ran = ask(reset, brief(self.bounds));
        // What is down loses nothing by being refused.
        if ran.ended == Ended::Exited(0) || !self.was_active() {
            return Ok(());
        }
        Err(Box::new(Outcome::refused(reason::may_not_start(self.name(), left), Some(ran), None)))
    }

    fn stops(&self) -> bool {
        matches!(self.action, Stop | Restart)
    }

    fn starts(&self) -> bool {
        matches!(self.action, Start | Restart)
    }

    /// All units as they are, where it may matter how they are bound to this one. It takes many
    /// times longer than a look at one, so not where nothing comes of it: most units have none
    /// that depend on them, and most of who ask are in no unit that could go down.
    fn look_at_others(&self, requester: &Requester) -> Option<Units> {
        let unit = self.before.as_ref().filter(|unit| unit.state.is_loaded())?;
        let was_started = || unit.start_limit.left(start_limit::now()).is_some();
        let has_dependants = self.action != Reload && !unit.dependants.is_empty();
        let pulls = self.starts() && unit.pulls.iter().any(|name| may_be_down(name));
        let has_rivals = unit.rivals.iter().any(|name| name != "shutdown.target");
        let pulls = pulls || (self.starts() && has_rivals);
        let matters = has_dependants || (pulls && (requester.is_in_a_service() || was_started()));
        let look = self.steps.units.as_ref().filter(|_| matters)?;
        let ran = self.ask_all(look);
        (ran.ended == Ended::Exited(0)).then(|| Units::parse(&ran.stdout))
    }

    /// Of all units, which is shown to nobody.
    fn ask_all(&self, look: &Argv) -> Ran {
        ask(look, self.wide())
    }

    /// All units as they are, where it may matter, when it is the turn for each that is started
    /// along with this one.
    fn in_turn(
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
            // Else another request may have started one of them since the look.
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

    /// Whether who waits for the reply is ended by it.
    fn ends(&self, requester: &Requester) -> bool {
        let Some(unit) = &self.before else { return false };
        let name = self.name();
        let (stops, starts) = (self.stops(), self.starts());
        let listed = |names: &[String]| requester.is_in(names.iter().map(String::as_str));
        let is_near = (stops && (requester.is_part_of(unit) || listed(&unit.dependants)))
            || (starts && listed(&unit.rivals));
        is_near
            || self.others.as_ref().is_some_and(|all| {
                // The name may be an alias, which the others are not bound to.
                let near = unit.dependants.iter().map(String::as_str).chain([name]);
                let down = if stops { all.stopped_with(near) } else { BTreeSet::new() };
                // What is restarted along is started too.
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

    /// Gives the reply before it is done. The time until it has been read is not the operation's.
    fn answer_first(&mut self, context: &mut OperationContext<'_>) {
        let unit = self.state_before();
        (context.answer)(Outcome { deferred: true, unit, ..Outcome::of(Ok(())) });
        let waiting = Instant::now();
        context.requester.wait_until_gone();
        self.bounds.deadline += waiting.elapsed();
    }

    /// The unit after it; where it should be up, after it was watched for a while.
    fn watched(&self, ran: &Ran) -> Option<(Unit, Health)> {
        let see = || unit_now(self.steps, self.bounds);
        // A reload that failed may be what ends it.
        let may_end = self.action == Reload && refusal::is_failed(&ran.stderr);
        if !self.wakes() || (ran.ended != Ended::Exited(0) && !may_end) {
            return see().map(|unit| (unit, Health::SoFar));
        }
        let restarts = match (self.action, &self.before) {
            (Reload, Some(unit)) => unit.state.restarts.unwrap_or(0),
            // What waits for its automatic restart may have that one instead.
            (_, Some(unit)) if unit.state.sub_state.as_deref() == Some("auto-restart") => {
                unit.state.restarts.unwrap_or(0) + 1
            }
            // The manager counts anew with each start that is asked for.
            _ => 0,
        };
        let left = self.bounds.deadline.saturating_duration_since(Instant::now());
        watch(see, crate::exec::context::afterwards(self.plan).min(left), restarts)
    }

    /// What came of it.
    fn outcome(&self, ran: Ran, after: Option<(Unit, Health)>, is_known: bool) -> Outcome {
        let log = self.manager_log(&ran, after.as_ref());
        let mut verdict = self.verdict(&ran, after.as_ref(), &log);
        let after = after.map(|(unit, _)| unit);
        let aftermath = after
            .as_ref()
            .map(|unit| self.surroundings.after(self.asked(), &ran, unit, is_known, &mut verdict));
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
        // What was done again has changed something, though the state reads the same; so has what
        // was undone meanwhile.
        let changed = (went_well && !is_skipped) || (self.wakes() && log.was_stopped());
        let changed = Some(changed || self.differs(after.as_ref()) || aftermath.has_changed);
        let killed = self.was_killed().map(|unit| stopped::killed(self.name(), unit));
        let warnings = killed.into_iter().chain(warning).chain(aftermath.warnings).collect();
        let log = match (&self.steps.log, &after) {
            (Some(log), Some(unit)) if verdict.is_err() && is_worth_a_log(unit, &ran) => {
                let bounds = Bounds { output_bytes: LOG_BYTES, ..brief(self.bounds) };
                log::last_lines(&ask(log, bounds), unit, self.began)
            }
            _ => None,
        };
        let unit = after.map(|unit| unit.state);
        Outcome { ran: Some(ran), unit, log, changed, warnings, ..Outcome::of(verdict) }
    }

    /// The unit before a restart, where its processes had to be killed for that: its state is of
    /// the new run. No look at the log where it took less time than they have to end.
    fn was_killed(&self) -> Option<&Unit> {
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

    fn read_log(&self, argv: &Argv) -> ManagerLog {
        let bounds = Bounds { output_bytes: LOG_BYTES, mask_secrets: false, ..brief(self.bounds) };
        ManagerLog::parse(&ask(argv, bounds).stdout)
    }

    /// What the manager has logged of the unit since the operation began, where it is not up as
    /// it was asked to be: it forgets a unit that nothing refers to, and how it ended.
    fn manager_log(&self, ran: &Ran, after: Option<&(Unit, Health)>) -> ManagerLog {
        let is_well = ran.ended == Ended::Exited(0)
            && after.is_some_and(|(unit, health)| {
                *health != Health::Bad && !unit.state.is("inactive") && !unit.state.is("failed")
            });
        let Some(argv) = self.steps.manager_log.as_ref().filter(|_| !is_well) else {
            return ManagerLog::default();
        };
        let read = || self.read_log(argv);
        let Some((unit, _)) = after.filter(|(unit, _)| unit.state.is_loaded()) else {
            // The unit file was read before.
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

    fn verdict(
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

    fn judged(
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
            // It failed before, and that is no longer what would happen.
            _ if has_run && self.starts() && log.was_skipped() => match self.was_active() {
                true if is_down => Err(reason::stopped_and_skipped(self.name())),
                _ => Ok(()),
            },
            Health::Bad => Err(failure.unhealthy()),
            _ if has_run && self.wakes() && is_down && log.was_stopped() => Err(failure.stopped()),
            _ if has_run && self.action == Reload && is_down => Err(failure.ended_by_reload()),
            _ if self.was_not_begun(ran, unit) => Err(reason::start_limit(self.name())),
            _ => failure.explained(),
        }
    }

    /// Whether it was stopped since no unit that is up needs it.
    fn is_unneeded(&self, after: &Unit, log: &ManagerLog) -> bool {
        let may_be = self.wakes() && after.stops_unneeded && log.was_stopped();
        may_be
            && Others::now(&self.steps.others, self.wide())
                .is_some_and(|others| !after.needed_by.iter().any(|unit| others.is_up(unit)))
    }

    /// The units that this one cannot be up without and that are down, where that may be why it
    /// was stopped.
    fn bonds_down(&self, ran: &Ran, after: &Unit, log: &ManagerLog) -> Vec<String> {
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

    /// Whether the manager gave up before it began: it is down, and its last run is the one
    /// before. The result may still be that run's.
    fn was_not_begun(&self, ran: &Ran, after: &Unit) -> bool {
        let last = self.before.as_ref().and_then(|unit| unit.invocation.as_deref());
        self.starts()
            && after.state.is_loaded()
            && after.state.is("failed")
            && last.is_some()
            && last == after.invocation.as_deref()
            && ran.ended == Ended::Exited(1)
            && refusal::is_failed(&ran.stderr)
    }

    /// Whether the unit is not what it was before.
    fn differs(&self, after: Option<&Unit>) -> bool {
        let run = |unit: Option<&Unit>| unit.and_then(|unit| unit.invocation.clone());
        // A start that the manager refuses renews the moment of the state, and nothing else.
        let state =
            |unit: Option<&Unit>| unit.map(|unit| UnitState { since: None, ..unit.state.clone() });
        let before = self.before.as_ref();
        run(before) != run(after) || state(before) != state(after)
    }
}

/// Whether a unit that another one pulls in may be down; not so those that are up on any host.
fn may_be_down(name: &str) -> bool {
    let is_usual = matches!(name, "sysinit.target" | "basic.target" | "local-fs.target");
    !is_usual && !name.ends_with(".slice") && !name.ends_with(".mount")
}

/// Whether the last lines that a unit wrote have to do with what went wrong.
fn is_worth_a_log(unit: &Unit, ran: &Ran) -> bool {
    let did_not_begin = unit.state.is("inactive") && ran.ended != Ended::Exited(0);
    unit.state.is_loaded() && !did_not_begin
}

/// The unit as it is now; none where that can not be read.
fn unit_now(steps: &ServiceSteps, bounds: Bounds) -> Option<Unit> {
    unit_of(&ask(&steps.state, brief(bounds)))
}

fn unit_of(shown: &Ran) -> Option<Unit> {
    (shown.ended == Ended::Exited(0)).then(|| Unit::parse(&shown.stdout))
}

/// The bounds of a look.
fn brief(bounds: Bounds) -> Bounds {
    Bounds { deadline: Instant::now() + LOOK_TIMEOUT, ..bounds }
}

/// A look at the unit when no job is under way for it, or at the end of the patience with that:
/// others may restart it at this very moment, and are done with it in a second.
fn idle(action: ServiceAction, steps: &ServiceSteps, bounds: Bounds) -> Option<Unit> {
    let patience = bounds.deadline.min(Instant::now() + JOB_PATIENCE);
    loop {
        let unit = unit_now(steps, bounds);
        let is_busy = unit.as_ref().is_some_and(|unit| unit.has_job);
        if !is_busy || !action.wakes() || Instant::now() >= patience {
            return unit;
        }
        sleep(JOB_PAUSE);
    }
}
