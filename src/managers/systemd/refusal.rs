//! What `systemctl` prints if the service manager takes no job, or gives one up, in words that
//! need no look elsewhere (`src/core/transaction.c`, `src/shared/bus-wait-for-jobs.c` of systemd).

use crate::request::code::{Code, Refusal};

/// When to try again if other jobs are in the way, in seconds.
const RETRY_AFTER: u64 = 5;

/// A phrase of its standard error, the code, what it means, and what to do. `UNIT` is the unit's
/// name, `DONE` what was to be done to it: `started`, `stopped`, …
const PHRASES: [(&str, Code, &str, &str); 12] = [
    (
        " is destructive (",
        Code::Busy,
        "UNIT cannot be DONE now: that would undo a job that is under way and must not be undone, such as a shutdown of the host",
        "try again in 5 s; if the host is shutting down, once it is up again",
    ),
    (
        "contains conflicting jobs",
        Code::CommandFailed,
        "UNIT was not DONE: it needs a unit and conflicts with it at the same time",
        "ask an administrator to look at Requires= and Conflicts= in its unit file: systemctl cat UNIT",
    ),
    (
        "order is cyclic",
        Code::CommandFailed,
        "UNIT was not DONE: it and units that it needs wait for one another in a circle",
        "ask an administrator to look at Before= and After=: systemd-analyze verify UNIT",
    ),
    (
        "Assertion failed",
        Code::CommandFailed,
        "UNIT was not DONE: an Assert… in its unit file is not met",
        "provide what it asserts; an administrator can find it with: systemctl cat UNIT",
    ),
    (
        "by dependency only",
        Code::CommandFailed,
        "UNIT was not DONE: it may be requested by dependency only",
        "an administrator made it so: start or stop the unit that needs it",
    ),
    (
        " is masked.",
        Code::CommandFailed,
        "UNIT was not DONE: a unit that it needs is masked",
        "an administrator masked that one on purpose: see `stderr`",
    ),
    (
        " not found.",
        Code::CommandFailed,
        "UNIT was not DONE: a unit that it needs does not exist",
        "install the package that has it (see `stderr`), or ask an administrator to fix the unit file",
    ),
    (
        "bad unit file setting",
        Code::CommandFailed,
        "UNIT was not DONE: the unit file of a unit that it needs is invalid",
        "ask an administrator to look at that one (see `stderr`): systemd-analyze verify",
    ),
    (
        "failed to load properly",
        Code::CommandFailed,
        "UNIT was not DONE: the unit file of a unit that it needs could not be read",
        "ask an administrator to look at that one (see `stderr`): systemd-analyze verify",
    ),
    (
        "frozen unit",
        Code::CommandFailed,
        "UNIT was not DONE: it is frozen",
        "an administrator can thaw it: systemctl thaw UNIT",
    ),
    (
        "not been booted with systemd",
        Code::Unsupported,
        "UNIT was not DONE: no systemd runs on this host",
        "in a container, restart the container",
    ),
    (
        "Failed to connect to bus",
        Code::CommandFailed,
        "UNIT was not DONE: the service manager cannot be reached",
        "ask an administrator to look at dbus.service and at the host's memory",
    ),
];

/// What the manager's refusal means; none if it took the job.
pub fn refusal(name: &str, done: &str, stderr: &str) -> Option<Refusal> {
    let (_, code, words, hint) = PHRASES.iter().find(|row| stderr.contains(row.0))?;
    let filled = |text: &str| text.replace("DONE", done).replace("UNIT", name);
    let refusal = Refusal::new(*code, filled(words)).hint(filled(hint));
    Some(if *code == Code::Busy { refusal.retry_after(RETRY_AFTER) } else { refusal })
}

/// Whether the job was given up for another one: somebody had the opposite done meanwhile. Only
/// one unit is asked for at a time, maybe by another name of it.
/// Whether it said that a unit that is needed failed.
pub fn is_dependency(stderr: &str) -> bool {
    stderr.starts_with("A dependency job")
}

pub fn is_canceled(stderr: &str) -> bool {
    stderr.lines().any(|line| line.starts_with("Job for ") && line.ends_with(" canceled."))
}

/// Whether the manager took the job, and it failed.
pub fn is_failed(stderr: &str) -> bool {
    stderr.lines().any(|line| line.starts_with("Job for ") && line.contains(" failed"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn each_refusal_of_the_manager_is_told_in_plain_words() {
        cases::each("managers/systemctl_refusal", |case| {
            let stderr = case.input("stderr");
            let told = refusal("a.service", "started", stderr).map(|refusal| {
                let hint = refusal.hint.as_deref().unwrap_or_default();
                let text = format!("{} {hint}", refusal.error);
                assert!(!text.contains("private") && !text.contains("UNIT"), "{text}");
                assert!(text.starts_with("a.service "), "{text}");
                json!({
                    "code": refusal.code,
                    "retry_after_s": refusal.retry_after_s,
                    "error": refusal.error,
                    "hint": hint,
                })
            });
            let [failed, canceled] = [is_failed(stderr), is_canceled(stderr)];
            json!({"refusal": told, "job_failed": failed, "job_canceled": canceled})
        });
    }
}
