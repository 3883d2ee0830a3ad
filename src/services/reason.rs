//! Explains why a unit is not in the state that was asked for: what is in the way, and which state
//! it is in instead.

use crate::exec::context::Shown;
use crate::managers::systemd::unit::{Unit, UnitState};
use crate::request::action::ServiceAction::{
    self, Disable, Enable, Reload, ResetFailed, Restart, Start, Stop,
};
use crate::request::code::{Code, Refusal};
use crate::services::triggers::Wakers;
use std::time::Duration;

/// When to try again where a job is under way, in seconds.
const RETRY_AFTER: u64 = 5;

/// What prevents an action on the unit right now.
pub fn obstacle(
    action: ServiceAction,
    name: &str,
    unit: &Unit,
    may_reread: bool,
) -> Option<Refusal> {
    if !action.wakes() {
        return None;
    }
    if unit.has_job {
        let state = &unit.state;
        let doing = state.doing().map(|doing| format!(": it is {doing}")).unwrap_or_default();
        return Some(
            Refusal::new(Code::Busy, format!("another job for {name} is running{doing}"))
                .hint(format!("try again in {RETRY_AFTER} s, or stop it first"))
                .retry_after(RETRY_AFTER),
        );
    }
    // A unit that is down is started with the settings that were loaded last. Otherwise only an
    // administrator could start again what was stopped. A unit that is up loses nothing by a refusal.
    let may_start =
        unit.state.is_loaded() && (unit.state.is("inactive") || unit.state.is("failed"));
    (unit.needs_reload && !may_start && !unit.is_masked()).then(|| {
        Refusal::new(Code::CheckFailed, format!("{}, so nothing was done", stale_file(name))).hint(
            match may_reread {
                true => "if the change is meant to take effect: sm-helper service daemon-reload",
                false => {
                    "an administrator should look at the change, then run: systemctl daemon-reload"
                }
            },
        )
    })
}

/// A restart might stop the unit and fail to start it again.
pub fn may_not_start(name: &str, left: Duration) -> Refusal {
    let seconds = left.as_secs() + 1;
    let error = format!(
        "{name} was started a short time ago, so the service manager might not start it again if it ends; nothing was done"
    );
    Refusal::new(Code::Busy, error).hint(format!("try again in {seconds} s")).retry_after(seconds)
}

/// The same for a unit that is restarted or started along with it.
pub fn others_may_not_start(name: &str, left: Duration) -> Refusal {
    let seconds = left.as_secs() + 1;
    let error = format!(
        "a unit that starts along with {name} was started a short time ago, so the service manager might not start it again; nothing was done"
    );
    Refusal::new(Code::Busy, error).hint(format!("try again in {seconds} s")).retry_after(seconds)
}

/// The manager refuses to start the unit for now.
pub fn start_limit(name: &str, may_reset: bool) -> Refusal {
    let reset = match may_reset {
        true => format!("sm-helper service reset-failed {name}"),
        false => format!("ask an administrator: systemctl reset-failed {name}"),
    };
    Refusal::new(
        Code::CommandFailed,
        format!("{name} was started too often in a short time, so the service manager refuses to start it again"),
    )
    .hint(format!(
        "fix why it dies (see `log` in this reply), then wait for its StartLimitIntervalSec, or {reset}"
    ))
}

/// The unit does not exist.
pub fn no_unit(name: &str) -> Refusal {
    Refusal::new(Code::CommandFailed, format!("there is no unit {name} on this host"))
        .hint("install the package that has it, or check the spelling")
}

/// Why an existing unit has logged nothing, if it never will.
pub fn no_log(name: &str, unit: &Unit) -> Option<String> {
    unit.is_masked()
        .then(|| format!("{name} is masked, so nothing can start it: there is no log of it"))
}

/// The loaded settings are older than the unit file; worded as part of a sentence.
pub fn stale_file(name: &str) -> String {
    format!("the unit file of {name} was changed and the service manager has not read it again")
}

/// The manager has not read the links that were made or removed.
pub fn not_reread(name: &str, may_reread: bool) -> String {
    let reread = match may_reread {
        true => "sm-helper service daemon-reload",
        false => "an administrator runs systemctl daemon-reload",
    };
    format!(
        "this takes effect at the next boot: another unit file was changed and the service manager has not read it, so it was not told to read that of {name} either; to have it take effect now: {reread}"
    )
}

/// The unit was stopped and is up again.
pub fn is_up_again(name: &str, wakers: &Wakers, shown: Shown<'_>) -> Refusal {
    let (who, hint) = if wakers.is_none() {
        (String::new(), "ask for the status, or ask an administrator what starts it".to_owned())
    } else {
        let listed = wakers.listed(shown);
        (format!(": it is started by {listed}"), format!("stop what starts it first: {listed}"))
    };
    Refusal::new(Code::CommandFailed, format!("{name} was stopped and is up again{who}")).hint(hint)
}

/// The unit is down or disabled, and something may still start it.
pub fn may_wake(name: &str, wakers: &Wakers, shown: Shown<'_>) -> String {
    format!("{name} may be started at any time without a request, by {}", wakers.listed(shown))
}

/// Why new settings need no action.
pub fn is_woken(name: &str, wakers: &Wakers, shown: Shown<'_>) -> String {
    format!(
        "nothing to do: {name} is started when needed by {}, and then reads its settings",
        wakers.listed(shown)
    )
}

/// The unit is up, but some of its parts are not.
pub fn parts_failed(name: &str, parts: &[String], shown: Shown<'_>) -> Refusal {
    let parts = shown.listed(parts);
    let error = format!("{name} is up, but some of its parts have failed: {parts}");
    Refusal::new(Code::Unhealthy, error)
        .hint("look at the logs of its parts, or ask an administrator: systemctl --failed")
}

/// The unit is not up although systemctl succeeded, because its start was skipped. Its state then
/// describes the run before.
pub fn skipped(name: &str, state: &UnitState) -> String {
    let last =
        if state.is("failed") { "; it failed before, and that is what `unit` shows" } else { "" };
    format!("{name} was not started, because a condition in its unit file is not met{last}")
}

/// The manager does not start a socket whose service is up (`systemd.socket(5)`).
pub fn socket_in_use(action: ServiceAction, name: &str, service: &str) -> Refusal {
    let (what, done) = match action {
        Restart => ("restarted", "it would be stopped and not started again, so nothing was done"),
        _ => ("started", "so nothing was done"),
    };
    let error = format!("{name} cannot be {what} while {service}, which it starts, is up: {done}");
    Refusal::new(Code::CheckFailed, error)
        .hint(format!("stop {service} first; the socket starts it again when it is needed"))
}

/// The unit is up, and nothing could start it again.
pub fn cannot_come_back(name: &str, reason: &str) -> String {
    format!("once {name} is down, nothing can start it again, because {reason}")
}

/// The unit was up, and a restart stopped it without starting it again.
pub fn stopped_and_skipped(name: &str) -> Refusal {
    let error = format!(
        "{name} was running, was stopped by the restart and was not started again, because a condition in its unit file is not met"
    );
    Refusal::new(Code::Unhealthy, error).hint(format!(
        "once the condition is met: sm-helper service start {name}; which one: systemctl cat {name}"
    ))
}

/// The unit is not up although its start succeeded, because it has finished; `is_known` if it is
/// certain that nobody stopped it.
pub fn ended_by_itself(name: &str, is_known: bool) -> String {
    let how = if is_known { "exited by itself, successfully," } else { "has exited successfully" };
    format!("{name} {how} and is not running now")
}

pub fn done(action: ServiceAction) -> &'static str {
    match action {
        Start => "started",
        Restart => "restarted",
        Reload => "reloaded",
        Stop => "stopped",
        Enable => "enabled",
        Disable => "disabled",
        ResetFailed => "reset",
        _ => "changed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_refusal_is_told_to_who_may_ask_for_it() {
        for (may, request, command) in [
            (true, "sm-helper service reset-failed a.service", "ask an administrator"),
            (false, "ask an administrator: systemctl reset-failed a.service", "sm-helper"),
        ] {
            let hint = start_limit("a.service", may).hint.unwrap_or_default();
            assert!(hint.ends_with(request) && !hint.contains(command), "{hint}");
        }
        for (may, request) in [
            (true, ": sm-helper service daemon-reload"),
            (false, ": an administrator runs systemctl daemon-reload"),
        ] {
            assert!(not_reread("a.service", may).ends_with(request));
        }
    }
}
