//! Why a unit is not what it was asked to be, in words: what is in the way, how it died, what the
//! way that systemctl ended means.

use super::triggers::Wakers;
use super::{Shown, name_of, verdict};
use crate::helper::codes::{Code, Refusal};
use crate::helper::plan::Plan;
use crate::helper::process::{Ended, Ran};
use crate::helper::unit::{Unit, UnitState};
use crate::policy::action::ServiceAction::{self, Reload, Restart, Start};
use std::time::Duration;

/// When to try again where a job is under way, in seconds.
const RETRY_AFTER: u64 = 5;

/// What is in the way of touching the unit at this moment.
pub fn obstacle(action: ServiceAction, name: &str, unit: &Unit) -> Option<Refusal> {
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
    // What is down is started as it was read last: else nobody but an administrator could bring
    // back what was stopped. What is up loses nothing by a refusal.
    let may_start =
        unit.state.is_loaded() && (unit.state.is("inactive") || unit.state.is("failed"));
    (unit.needs_reload && !may_start && !unit.is_masked()).then(|| {
        Refusal::new(Code::CheckFailed, format!("{}, so nothing was done", stale_file(name)))
            .hint("an administrator looks at the change, then: systemctl daemon-reload")
    })
}

/// A restart might stop it and not start it again.
pub fn may_not_start(name: &str, left: Duration) -> Refusal {
    let seconds = left.as_secs() + 1;
    let error = format!(
        "{name} was started a short time ago, and the service manager might not start it again once it is stopped, so nothing was done"
    );
    Refusal::new(Code::Busy, error).hint(format!("try again in {seconds} s")).retry_after(seconds)
}

/// The same for what is restarted or started along with it.
pub fn others_may_not_start(name: &str, left: Duration) -> Refusal {
    let seconds = left.as_secs() + 1;
    let error = format!(
        "a unit that is started along with {name} was started a short time ago, and the service manager might not start it again, so nothing was done"
    );
    Refusal::new(Code::Busy, error).hint(format!("try again in {seconds} s")).retry_after(seconds)
}

/// What the way it ended means for this unit.
pub fn explained(
    action: ServiceAction,
    unit: &Unit,
    plan: &Plan,
    ran: &Ran,
    shown: Shown<'_>,
) -> Result<(), Refusal> {
    match ran.ended {
        Ended::Exited(0) | Ended::NotStarted(_) | Ended::Signalled(_) => verdict(plan, ran),
        Ended::Late => Err(late(unit, plan)),
        Ended::Exited(_) => Err(failed(action, unit, plan, ran, shown)),
    }
}

/// What the manager still waits for.
fn late(unit: &Unit, plan: &Plan) -> Refusal {
    let (name, state) = (name_of(plan), &unit.state);
    if doing(state).is_none() && unit.has_job {
        let error =
            format!("{name} waits for another unit that comes first, after {} s", plan.timeout());
        return Refusal::new(Code::Timeout, error).hint(format!(
            "the service manager goes on with it; to give up: sm-helper service stop {name}"
        ));
    }
    let doing = doing(state).unwrap_or_else(|| {
        format!("{} now", state.active_state.as_deref().unwrap_or("in an unknown state"))
    });
    Refusal::new(Code::Timeout, format!("{name} is {doing}, after {} s", plan.timeout())).hint(
        "the service manager goes on with it: ask for the status later, or ask an administrator",
    )
}

/// Why systemctl failed.
fn failed(action: ServiceAction, unit: &Unit, plan: &Plan, ran: &Ran, shown: Shown<'_>) -> Refusal {
    let (name, state) = (name_of(plan), &unit.state);
    let refused = |error: String| Refusal::new(Code::CommandFailed, error);
    match state.load_state.as_deref() {
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
                .hint(format!("look at what it needs: {}", shown.listed(&needs)))
        }
        _ if ran.stderr.starts_with("Assertion failed") => {
            refused(format!("{name} was not started: an Assert… in its unit file is not met"))
                .hint("provide what it asserts; `log` or an administrator knows which it is")
        }
        _ if ran.stderr.contains("by dependency only") => verdict_of(plan, ran)
            .hint("an administrator made it so: start or stop the unit that needs it"),
        _ if action == Reload => verdict_of(plan, ran)
            .hint("it goes on with its old settings; `log` in this reply has its last lines"),
        _ if matches!(action, Start | Restart) && state.is_down() => {
            refused(format!("{name} could not be started: {}", end_of(state)))
                .hint("`log` in this reply has the last lines it wrote")
        }
        _ if ran.stderr.contains(" not found.") => verdict_of(plan, ran)
            .hint("install what brings it, or an administrator mends the unit file"),
        _ => verdict_of(plan, ran),
    }
}

/// It did not stay up.
pub fn unhealthy(action: ServiceAction, name: &str, state: &UnitState) -> Refusal {
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

/// The manager does not start it any more for now.
pub fn start_limit(name: &str) -> Refusal {
    Refusal::new(
        Code::CommandFailed,
        format!("{name} was started too often in a short time, so the service manager refuses to start it again"),
    )
    .hint(format!(
        "mend why it dies (`log` in this reply), then wait for its StartLimitIntervalSec, or an administrator: systemctl reset-failed {name}"
    ))
}

/// There is nothing to do it to.
pub fn no_unit(name: &str) -> Refusal {
    Refusal::new(Code::CommandFailed, format!("there is no unit {name} on this host"))
        .hint("install what brings it, or look at the spelling")
}

/// What the manager goes by is not what the file says; as the part of a sentence.
pub fn stale_file(name: &str) -> String {
    format!("the unit file of {name} was changed and the service manager has not read it again")
}

/// What links were made or removed is not known to the manager yet.
pub fn not_reread(name: &str) -> String {
    format!(
        "this is so from the next boot on: another unit file was changed and the service manager has not read it again, so it was not made to read that of {name} either (systemctl daemon-reload)"
    )
}

/// It was stopped, and is up.
pub fn is_up_again(name: &str, wakers: &Wakers, shown: Shown<'_>) -> Refusal {
    let (who, hint) = if wakers.is_none() {
        (
            String::new(),
            "ask for the status, or an administrator looks at what starts it".to_owned(),
        )
    } else {
        let listed = wakers.listed(shown);
        (format!(": it is started by {listed}"), format!("stop what starts it first: {listed}"))
    };
    Refusal::new(Code::CommandFailed, format!("{name} was stopped and is up again{who}")).hint(hint)
}

/// It is down or is not to be started at boot, and may not stay so.
pub fn may_wake(name: &str, wakers: &Wakers, shown: Shown<'_>) -> String {
    format!(
        "{name} may be started at any time though nobody asks for it, by {}",
        wakers.listed(shown)
    )
}

/// Why there is nothing to do for new settings.
pub fn is_woken(name: &str, wakers: &Wakers, shown: Shown<'_>) -> String {
    format!(
        "nothing has to be done: {name} is started when it is needed by {}, and reads its settings then",
        wakers.listed(shown)
    )
}

/// It was told to read its settings again, and ended.
pub fn ended_by_reload(name: &str, unit: &Unit) -> Refusal {
    let error = format!(
        "{name} ended when it was reloaded, and is not running now: {}",
        end_of(&unit.state)
    );
    Refusal::new(Code::Unhealthy, error).hint(format!(
        "its way to reload is one that ends it; to start it: sm-helper service start {name}"
    ))
}

/// It is not up, though starting it went well, since it never began.
pub fn skipped(name: &str) -> String {
    format!("{name} was not started, since a condition in its unit file is not met")
}

/// It is not up, though starting it went well, since it is done.
pub fn ended_by_itself(name: &str) -> String {
    format!("{name} ended by itself, with success, and is not running now")
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

fn done(action: ServiceAction) -> &'static str {
    match action {
        Start => "started",
        Restart => "restarted",
        Reload => "reloaded",
        _ => "changed",
    }
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

fn verdict_of(plan: &Plan, ran: &Ran) -> Refusal {
    verdict(plan, ran)
        .err()
        .unwrap_or_else(|| Refusal::new(Code::Internal, "a failure that is none"))
}
