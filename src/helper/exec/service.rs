//! Operations on units: looked at, checked, run, watched.

use super::check::checked;
use super::health::{Health, watch};
use super::why::{explained, no_unit, obstacle, stale_file, start_limit, unhealthy};
use super::{Around, Outcome, name_of, verdict};
use crate::helper::codes::Refusal;
use crate::helper::plan::{Plan, ServiceSteps};
use crate::helper::process::{Bounds, Ended, How, Late, Ran, ask, run};
use crate::helper::request::Operation;
use crate::helper::unit::{Unit, UnitState};
use crate::policy::action::ServiceAction::{self, Reload, Restart, Start, Stop};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Reading a unit's state or its log may take so long.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// The most lines of a log in a reply.
const LOG_LINES: usize = 10;

/// The longest of them, in characters.
const LOG_LINE: usize = 1000;

/// How long another's job is waited for, and how often it is looked for.
const JOB_PATIENCE: Duration = Duration::from_secs(10);
const JOB_PAUSE: Duration = Duration::from_millis(50);

/// `status` and `logs`.
pub fn look(plan: &Plan, bounds: Bounds) -> Outcome {
    let mut ran = ask(plan.main(), bounds);
    if let Operation::Service { action: ServiceAction::Logs, shown, .. } = &plan.request().operation
        && shown.minutes().is_some()
    {
        ran.stdout = turned_around(&ran.stdout);
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
            let warnings = if unit.needs_reload { vec![stale_file(name_of(plan))] } else { vec![] };
            Outcome { warnings, ..read(verdict, ran, Some(unit.state)) }
        }
    }
}

/// `status` succeeds where the state could be read: a stopped unit is no failure. Its exit
/// status is what `systemctl status` would have given (`systemctl(1)`, "Exit status").
fn status(name: &str, unit: &UnitState, ran: Ran) -> (Result<(), Refusal>, Ran) {
    let returncode = match unit.active_state.as_deref() {
        _ if !unit.exists() => 4,
        Some("active" | "reloading") => 0,
        _ => 3,
    };
    let verdict = if unit.exists() { Ok(()) } else { Err(no_unit(name)) };
    (verdict, Ran { ended: Ended::Exited(returncode), ..ran })
}

/// Everything else.
pub fn change(
    plan: &Plan,
    steps: &ServiceSteps,
    mut bounds: Bounds,
    around: &mut Around<'_>,
) -> Outcome {
    let Operation::Service { action, .. } = plan.request().operation else {
        return look(plan, bounds);
    };
    let name = name_of(plan);
    let kept = bounds;
    let brief = || Bounds { deadline: Instant::now() + LOOK_TIMEOUT, ..kept };
    let see = || unit_of(&ask(&steps.state, brief()));
    let before = idle(action, &see, bounds.deadline);
    let state_before = || before.as_ref().map(|unit| unit.state.clone());
    if let Some(refusal) = before.as_ref().and_then(|unit| obstacle(action, name, unit)) {
        return Outcome::refused(refusal, None, state_before());
    }
    // What is not there or is masked is not checked: the manager says what is wrong with it.
    let is_loaded = before.as_ref().is_none_or(|unit| unit.state.is_loaded());
    let was_active = before.as_ref().is_some_and(|unit| unit.state.is("active"));
    let is_for_this = was_active || steps.checks_start;
    if let Some(check) = steps.check.as_ref().filter(|_| is_loaded && is_for_this)
        && let Err(outcome) = checked(check, bounds)
    {
        return Outcome { unit: state_before(), ..*outcome };
    }
    let ends_the_audience = before.as_ref().is_some_and(|unit| {
        (matches!(action, Stop | Restart) && around.audience.ends_with(unit))
            || (matches!(action, Start | Restart) && around.audience.is_in(&unit.rivals))
    });
    if ends_the_audience {
        (around.answer)(Outcome { deferred: true, unit: state_before(), ..Outcome::of(Ok(())) });
        let waiting = Instant::now();
        around.audience.wait_until_gone();
        // That is not the operation's time.
        bounds.deadline += waiting.elapsed();
    }
    let lifeline = Some(&mut around.lifeline);
    let ran = run(plan.main(), bounds, How { input: None, late: Late::End, lifeline });
    let wakes = action.wakes();
    // What was up already was not started.
    let watched = wakes && ran.ended == Ended::Exited(0) && !(action == Start && was_active);
    let restarts = match (action, &before) {
        (Reload, Some(unit)) => unit.state.restarts.unwrap_or(0),
        // The manager counts anew with each start that is asked for.
        _ => 0,
    };
    let after = if watched {
        let left = bounds.deadline.saturating_duration_since(Instant::now());
        watch(see, super::afterwards(plan).min(left), restarts)
    } else {
        see().map(|unit| (unit, Health::SoFar))
    };
    let verdict = match &after {
        Some((unit, Health::Bad)) => Err(unhealthy(action, name, &unit.state)),
        Some((unit, _))
            if matches!(action, Start | Restart)
                && unit.state.is_loaded()
                && was_not_begun(before.as_ref(), unit)
                && job_failed(name, &ran) =>
        {
            Err(start_limit(name))
        }
        Some((unit, _)) => explained(action, unit, plan, &ran),
        None => verdict(plan, &ran),
    };
    let log = match (&steps.log, &after) {
        (Some(log), Some((unit, _))) if verdict.is_err() && is_worth_a_log(unit, &ran) => {
            lines_of(&ask(log, brief()))
        }
        _ => None,
    };
    let is_gone = watched
        && action != Reload
        && verdict.is_ok()
        && after.as_ref().is_some_and(|(unit, _)| unit.state.is("inactive"));
    // The manager forgets a unit that nothing refers to, and with it whether it began; its own
    // log does not.
    let was_skipped =
        is_gone && steps.last_word.as_ref().is_some_and(|log| is_skipped(&ask(log, brief())));
    // What was done again has changed something, though the state reads the same.
    let again = wakes && !(action == Start && was_active) && verdict.is_ok() && !was_skipped;
    let mut warnings = Vec::new();
    if was_skipped {
        warnings
            .push(format!("{name} was not started, since a condition in its unit file is not met"));
    } else if let (true, Some((unit, _))) = (is_gone, &after)
        && unit.kind.as_deref() != Some("oneshot")
    {
        warnings.push(format!("{name} ended by itself, with success, and is not running now"));
    }
    let run = |unit: Option<&Unit>| unit.and_then(|unit| unit.invocation.clone());
    let other_run = run(before.as_ref()) != run(after.as_ref().map(|(unit, _)| unit));
    let after = after.map(|(unit, _)| unit.state);
    // A start that the manager refuses renews the moment of the state, and nothing else.
    let state = |unit: Option<UnitState>| unit.map(|unit| UnitState { since: None, ..unit });
    let changed = Some(again || other_run || state(state_before()) != state(after.clone()));
    Outcome { ran: Some(ran), unit: after, log, changed, warnings, ..Outcome::of(verdict) }
}

/// Whether the job began and failed, which is the only way for systemctl to tell of a start limit
/// where the unit's result is still that of the run before. Of what is refused, of an assertion
/// and of a dependency it says something else.
fn job_failed(name: &str, ran: &Ran) -> bool {
    ran.ended == Ended::Exited(1)
        && ran.stderr.lines().any(|line| line.starts_with(&format!("Job for {name} failed")))
}

/// Whether the last thing that the manager itself has logged of the unit is that it did not start
/// it for a condition. No unit can write there.
fn is_skipped(log: &Ran) -> bool {
    log.ended == Ended::Exited(0)
        && (log.stdout.contains(" was skipped because ")
            || log.stdout.contains("Condition check resulted in "))
}

/// The entries of a log that was read from the newest back, the oldest first. What goes on over
/// more than one line is indented.
fn turned_around(log: &str) -> String {
    let mut entries: Vec<String> = Vec::new();
    for line in log.lines() {
        match entries.last_mut() {
            Some(entry) if line.starts_with(' ') => {
                entry.push_str(line);
                entry.push('\n');
            }
            _ => entries.push(format!("{line}\n")),
        }
    }
    entries.reverse();
    entries.concat()
}

/// Whether the manager gave up before it began: it is down, and its last run is the one before.
/// The result may still be that run's.
fn was_not_begun(before: Option<&Unit>, after: &Unit) -> bool {
    let last = before.and_then(|unit| unit.invocation.as_deref());
    after.state.is("failed") && last.is_some() && last == after.invocation.as_deref()
}

/// Whether the last lines that a unit wrote have to do with what went wrong.
fn is_worth_a_log(unit: &Unit, ran: &Ran) -> bool {
    let did_not_begin = unit.state.is("inactive") && ran.ended != Ended::Exited(0);
    unit.state.is_loaded() && !did_not_begin
}

fn unit_of(shown: &Ran) -> Option<Unit> {
    (shown.ended == Ended::Exited(0)).then(|| Unit::parse(&shown.stdout))
}

fn lines_of(log: &Ran) -> Option<Vec<String>> {
    // An entry may have many lines, and a line any length.
    let lines = log.stdout.lines().collect::<Vec<_>>();
    let last = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default();
    let cut = |line: &&str| {
        let most = line.char_indices().nth(LOG_LINE).map_or(line.len(), |(at, _)| at);
        line.get(..most).unwrap_or_default().to_owned()
    };
    (log.ended == Ended::Exited(0)).then(|| last.iter().map(cut).collect())
}

/// A look at the unit when no job is under way for it, or at the end of the patience with that:
/// others may restart it at this very moment, and are done with it in a second.
fn idle(action: ServiceAction, see: &dyn Fn() -> Option<Unit>, deadline: Instant) -> Option<Unit> {
    let patience = deadline.min(Instant::now() + JOB_PATIENCE);
    loop {
        let unit = see();
        let is_busy = unit.as_ref().is_some_and(|unit| unit.has_job);
        if !is_busy || !action.wakes() || Instant::now() >= patience {
            return unit;
        }
        sleep(JOB_PAUSE);
    }
}
