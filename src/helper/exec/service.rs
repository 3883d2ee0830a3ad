//! Operations on units: looked at, checked, run, watched.

use super::health::{Health, watch};
use super::{Around, Outcome, said, verdict};
use crate::helper::codes::{Code, Refusal};
use crate::helper::plan::{Argv, Plan, ServiceSteps};
use crate::helper::process::{Bounds, Ended, How, Late, Ran, ask, run};
use crate::helper::request::Operation;
use crate::helper::text::one_line;
use crate::helper::unit::{Unit, UnitState};
use crate::policy::action::ServiceAction::{self, Reload, Restart, Start, Stop};
use crate::trust::trusted;
use std::path::Path;
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

/// When to try again where a job is under way, in seconds.
const RETRY_AFTER: u64 = 5;

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
        Some((unit, _)) => explained(action, name, unit, plan, &ran),
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

fn name_of(plan: &Plan) -> &str {
    plan.request().operation.name().unwrap_or_default()
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

/// Runs the check: a program that nobody but root can have put there, as the one who will run
/// what it checks.
fn checked(check: &Argv, bounds: Bounds) -> Result<(), Box<Outcome>> {
    let refused = |refusal, ran| Err(Box::new(Outcome::refused(refusal, ran, None)));
    let hint = "mend what the check complains about, then ask again";
    let failed = |why: &str| {
        let said = format!("the check `{}` {why}, so nothing was done", check.short());
        Refusal::new(Code::CheckFailed, said).hint(hint)
    };
    let path = Path::new(check.program());
    if path.exists()
        && let Err(refusal) = trusted(path)
    {
        let error = format!("the check's program can not be relied on: {}", refusal.error);
        let hint = "only root may be able to change a program that root runs";
        return refused(Refusal { error, ..refusal }.hint(hint), None);
    }
    let ran = ask(check, bounds);
    match ran.ended {
        Ended::Exited(0) => Ok(()),
        Ended::NotStarted(error) => {
            let why = format!("can not be run ({})", error.desc());
            refused(failed(&why).hint("install the program that the check names"), None)
        }
        Ended::Late => refused(failed("was not done in time"), Some(ran)),
        _ => refused(failed("failed").said(complaint(&ran)), Some(ran)),
    }
}

/// What a check complains about: such programs say first what is wrong and last that it is.
fn complaint(ran: &Ran) -> String {
    const WORDS: [&str; 4] = ["error", "emerg", "fatal", "line "];
    let names_it = |line: &&str| {
        let line = line.to_lowercase();
        WORDS.iter().any(|word| line.contains(word))
    };
    let first = ran.stderr.lines().chain(ran.stdout.lines()).find(names_it);
    first.map_or_else(|| said(ran), |line| one_line(line, 300))
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

/// What is in the way of touching the unit at this moment.
fn obstacle(action: ServiceAction, name: &str, unit: &Unit) -> Option<Refusal> {
    if !action.wakes() {
        return None;
    }
    if unit.has_job {
        let state = &unit.state;
        let doing = doing(state).map(|doing| format!(": it is {doing}")).unwrap_or_default();
        return Some(
            Refusal::new(Code::Busy, format!("another job is under way for {name}{doing}"))
                .hint(format!("try again in {RETRY_AFTER} s, or stop it first"))
                .retry_after(RETRY_AFTER),
        );
    }
    unit.needs_reload.then(|| {
        Refusal::new(Code::CheckFailed, format!("{}, so nothing was done", stale_file(name)))
            .hint("an administrator looks at the change, then: systemctl daemon-reload")
    })
}

fn stale_file(name: &str) -> String {
    format!("the unit file of {name} was changed and the service manager has not read it again")
}

fn no_unit(name: &str) -> Refusal {
    Refusal::new(Code::CommandFailed, format!("there is no unit {name} on this host"))
        .hint("install what brings it, or look at the spelling")
}

/// What the manager is doing with a unit at this moment.
fn doing(state: &UnitState) -> Option<String> {
    let doing = match state.active_state.as_deref() {
        Some("activating") => "starting",
        Some("deactivating") => "stopping",
        Some("reloading") => "reloading",
        Some("maintenance") => "being cleaned up",
        _ => return None,
    };
    let phase = state.sub_state.as_deref().unwrap_or("?");
    Some(format!("{doing} (phase {phase})"))
}

/// How its main process ended.
fn end_of(state: &UnitState) -> String {
    let result = state.result.as_deref().unwrap_or("unknown");
    match (state.exit_status, state.exit_signal) {
        (Some(status), _) => format!("result {result}, exit status {status}"),
        (_, Some(signal)) => format!("result {result}, signal {signal}"),
        _ => format!("result {result}"),
    }
}

fn unhealthy(action: ServiceAction, name: &str, state: &UnitState) -> Refusal {
    if state.result.as_deref() == Some("start-limit-hit") {
        return start_limit(name);
    }
    let what = match state.restarts {
        Some(times @ 1..) if !state.is("failed") => {
            let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
            // Of what runs again the manager no more knows how it ended before.
            let why = if state.result.as_deref() == Some("success") {
                String::new()
            } else {
                format!("; {}", end_of(state))
            };
            format!("{name} does not stay up: it died and was started again ({times} so far{why})")
        }
        _ => format!("{name} died soon after it was {}: {}", done(action), end_of(state)),
    };
    Refusal::new(Code::Unhealthy, what).hint("`log` in this reply has the last lines it wrote")
}

fn done(action: ServiceAction) -> &'static str {
    match action {
        Start => "started",
        Restart => "restarted",
        Reload => "reloaded",
        _ => "changed",
    }
}

fn start_limit(name: &str) -> Refusal {
    Refusal::new(
        Code::CommandFailed,
        format!("{name} was started too often in a short time, so the service manager refuses to start it again"),
    )
    .hint(format!(
        "mend why it dies (`log` in this reply), then wait for its StartLimitIntervalSec, or an administrator: systemctl reset-failed {name}"
    ))
}

/// What the way it ended means for this unit.
fn explained(
    action: ServiceAction,
    name: &str,
    unit: &Unit,
    plan: &Plan,
    ran: &Ran,
) -> Result<(), Refusal> {
    let state = &unit.state;
    let refused = |error: String| Refusal::new(Code::CommandFailed, error);
    match ran.ended {
        Ended::Exited(0) | Ended::NotStarted(_) | Ended::Signalled(_) => {
            return verdict(plan, ran);
        }
        Ended::Late => {
            if doing(state).is_none() && unit.has_job {
                let error = format!(
                    "{name} waits for another unit that comes first, after {} s",
                    plan.timeout()
                );
                return Err(Refusal::new(Code::Timeout, error).hint(format!(
                    "the service manager goes on with it; to give up: sm-helper service stop {name}"
                )));
            }
            let doing = doing(state).unwrap_or_else(|| {
                format!("{} now", state.active_state.as_deref().unwrap_or("in an unknown state"))
            });
            let error = format!("{name} is {doing}, after {} s", plan.timeout());
            return Err(Refusal::new(Code::Timeout, error).hint(
                "the service manager goes on with it: ask for the status later, or ask an administrator",
            ));
        }
        Ended::Exited(_) => {}
    }
    Err(match state.load_state.as_deref() {
        Some("not-found") => no_unit(name),
        Some("masked") => refused(format!("{name} is masked: nothing may start it")).hint(format!(
            "an administrator masked it on purpose; to undo: systemctl unmask {name}"
        )),
        Some(load @ ("bad-setting" | "error")) => {
            refused(format!("the unit file of {name} is not loaded, since it is wrong ({load})"))
                .hint(format!("an administrator looks with: systemd-analyze verify {name}"))
        }
        _ if state.result.as_deref() == Some("start-limit-hit") => start_limit(name),
        _ if action == Reload && (state.is("inactive") || state.is("failed")) => {
            refused(format!("{name} is not running, so there is nothing to reload"))
                .hint(format!("to start it: sm-helper service start {name}"))
        }
        _ if action == Reload && !unit.can_reload => {
            refused(format!("{name} has no way to reload its settings while it runs"))
                .hint(format!("to restart it: sm-helper service restart {name}"))
        }
        _ if ran.stderr.starts_with("A dependency job") => {
            let usual = |unit: &&String| {
                !unit.ends_with(".target") && !unit.ends_with(".slice") && !unit.ends_with(".mount")
            };
            let needs: Vec<&str> = unit.needs.iter().filter(usual).map(String::as_str).collect();
            refused(format!("{name} was not started, since a unit that it needs failed"))
                .hint(format!("look at what it needs: {}", needs.join(", ")))
        }
        _ if ran.stderr.starts_with("Assertion failed") => {
            refused(format!("{name} was not started: an Assert… in its unit file is not met"))
                .hint("provide what it asserts; `log` or an administrator knows which it is")
        }
        _ if ran.stderr.contains("by dependency only") => verdict_of(plan, ran)
            .hint("an administrator made it so: start or stop the unit that needs it"),
        _ if action == Reload => verdict_of(plan, ran)
            .hint("it goes on with its old settings; `log` in this reply has its last lines"),
        _ if matches!(action, Start | Restart) && is_down(state) => {
            refused(format!("{name} could not be started: {}", end_of(state)))
                .hint("`log` in this reply has the last lines it wrote")
        }
        _ if ran.stderr.contains(" not found.") => verdict_of(plan, ran)
            .hint("install what brings it, or an administrator mends the unit file"),
        _ => return verdict(plan, ran),
    })
}

/// Failed for good, or until the manager tries again.
fn is_down(state: &UnitState) -> bool {
    let again = state.sub_state.as_deref().is_some_and(|sub| sub.starts_with("auto-restart"));
    state.is("failed") || again
}

fn verdict_of(plan: &Plan, ran: &Ran) -> Refusal {
    verdict(plan, ran)
        .err()
        .unwrap_or_else(|| Refusal::new(Code::Internal, "a failure that is none"))
}
