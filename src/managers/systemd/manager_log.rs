//! What the service manager itself has logged of a unit: which run ended how, and who ended it.
//! The state of a unit does not tell one run from another, and is forgotten with the unit.

use serde::Deserialize;
use std::time::Duration;

/// What the manager logs when it does something to a unit (`sd-messages.h`).
const STARTING: &str = "7d4958e842da4a758f6c1cdc7b36dcc5";
const STARTED: &str = "39f53479d3a045ac8e11786248231fbf";
const STOPPING: &str = "de5b426a63be47a7b6ac3eaac82e2f6f";
const PROCESS_EXIT: &str = "98e322203f7a4ed290d09fe03c09fe15";
const SKIPPED: &str = "0e4284a0caca4bfc81c0bb6786972673";
const INVALID_CONFIGURATION: &str = "c772d24e9a884cbeb9ea12625c306c01";

/// What it logs when a run has ended: with success, with a failure, stopped, not started.
const ENDS: [&str; 4] = [
    "7ad2d189f7e94e70a38c781354912448",
    "d9b373ed55a64feb8242e02dbe79a49c",
    "9d1aaa27d60140bd96365438aad20286",
    "be02cf6855d2428ba40df7e9d022f03d",
];

/// How it ends what it logs before it kills a unit's processes, whatever the state is called in
/// which the time was over (`TimeoutStopFailureMode=` of `systemd.service(5)`).
const KILLS: [&str; 2] = [" timed out. Killing.", " timed out. Aborting."];

/// What is read of each entry.
pub const FIELDS: &str = "MESSAGE,MESSAGE_ID,EXIT_CODE,EXIT_STATUS";

/// The manager's entries about one unit, the oldest first. No unit can write there: they are of
/// the process with the number 1.
#[derive(Debug, Default)]
pub struct ManagerLog(Vec<Entry>);

#[derive(Debug, Deserialize)]
struct Entry {
    /// On the manager's monotonic clock, in microseconds.
    #[serde(rename = "__MONOTONIC_TIMESTAMP")]
    at: String,
    /// Text, unless it holds bytes that are none.
    #[serde(rename = "MESSAGE", default)]
    message: serde_json::Value,
    #[serde(rename = "MESSAGE_ID", default)]
    id: String,
    #[serde(rename = "EXIT_CODE", default)]
    exit_code: String,
    #[serde(rename = "EXIT_STATUS", default)]
    exit_status: String,
}

impl Entry {
    fn message(&self) -> &str {
        self.message.as_str().unwrap_or_default()
    }

    /// That it was not started, for a condition; the manager gives it the number of a start.
    fn is_skip(&self) -> bool {
        let message = self.message();
        message.contains(" was skipped because ")
            || message.contains("Condition check resulted in ")
    }

    fn is_start(&self) -> bool {
        [STARTING, STARTED].contains(&self.id.as_str())
    }
}

impl ManagerLog {
    /// Reads what `journalctl --output=json` printed.
    pub fn parse(log: &str) -> Self {
        Self(log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// What came later than this on the monotonic clock.
    pub fn since(mut self, began: Duration) -> Self {
        let at = |entry: &Entry| entry.at.parse().ok().map(Duration::from_micros);
        self.0.retain(|entry| at(entry).is_some_and(|at| at >= began));
        self
    }

    /// The entries since it was last started.
    fn last_run(&self) -> &[Entry] {
        let first = self.0.iter().rposition(|entry| entry.is_start() && !entry.is_skip());
        self.0.get(first.unwrap_or(0)..).unwrap_or_default()
    }

    /// Whether it was not started for a condition, or ended because `ExecCondition=` said so.
    pub fn was_skipped(&self) -> bool {
        let is_last = self.0.last().is_some_and(Entry::is_skip);
        is_last || self.last_run().iter().any(|entry| entry.id == SKIPPED)
    }

    /// Whether somebody had it stopped after it was started.
    pub fn was_stopped(&self) -> bool {
        self.last_run().iter().any(|entry| entry.id == STOPPING)
    }

    /// Whether it is known that its last run has ended; the journal may be a moment late.
    pub fn has_ended(&self) -> bool {
        self.was_skipped() || self.last_run().iter().any(|entry| ENDS.contains(&entry.id.as_str()))
    }

    /// Whether the manager killed what was still there when the time to stop was over; of the
    /// stop that comes before a start.
    pub fn was_killed(&self) -> bool {
        let mut stop = self.0.iter().take_while(|entry| !entry.is_start());
        stop.any(|entry| KILLS.iter().any(|kill| entry.message().ends_with(kill)))
    }

    /// Whether it is known that it was started; the journal may be a moment late.
    pub fn has_begun(&self) -> bool {
        self.0.iter().any(Entry::is_start)
    }

    /// The exit status, or the signal, of the process that ended last.
    pub fn last_exit(&self) -> (Option<i32>, Option<i32>) {
        let mut exits = self.last_run().iter().rev().filter(|entry| entry.id == PROCESS_EXIT);
        match exits.next().map(|entry| (entry.exit_code.as_str(), entry.exit_status.parse().ok())) {
            Some(("exited", status)) => (status, None),
            Some(("killed" | "dumped", signal)) => (None, signal),
            _ => (None, None),
        }
    }

    /// Why the unit file was not loaded the last time. A setting that cannot be read ends that at
    /// once; settings that do not go together are refused at its end.
    pub fn bad_setting(&self) -> Option<&str> {
        let is_why = |entry: &&Entry| {
            let message = entry.message();
            message.ends_with("Refusing.")
                || (entry.id == INVALID_CONFIGURATION && !message.contains(", ignoring"))
        };
        self.0.iter().rfind(is_why).map(Entry::message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn what_the_manager_did_to_a_unit_is_read() {
        cases::each("managers/journalctl_manager", |case| {
            let mut log = ManagerLog::parse(case.input("stdout"));
            if let Ok(since) = case.input("since").trim().parse() {
                log = log.since(Duration::from_micros(since));
            }
            let (exit_status, signal) = log.last_exit();
            json!({
                "entries": log.0.len(),
                "has_begun": log.has_begun(),
                "has_ended": log.has_ended(),
                "was_skipped": log.was_skipped(),
                "was_stopped": log.was_stopped(),
                "was_killed": log.was_killed(),
                "exit_status": exit_status,
                "signal": signal,
                "bad_setting": log.bad_setting(),
            })
        });
    }
}
