//! The state of a unit, from `systemctl show`.

use serde::Serialize;

/// The properties that are asked for.
pub const PROPERTIES: &str =
    "LoadState,ActiveState,SubState,UnitFileState,MainPID,StateChangeTimestamp,Result";

/// The `unit` object of a reply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UnitState {
    /// `loaded`, `not-found`, `masked`, …
    pub load_state: Option<String>,
    /// `active`, `inactive`, `failed`, …
    pub active_state: Option<String>,
    /// What the kind of unit calls its state: `running`, `dead`, `listening`, …
    pub sub_state: Option<String>,
    /// `enabled`, `disabled`, `static`, …
    pub unit_file_state: Option<String>,
    /// The main process of a service that runs.
    pub main_pid: Option<u32>,
    /// When it came into this state: RFC 3339, UTC, whole seconds.
    pub since: Option<String>,
    /// `success`, `exit-code`, `timeout`, …: what came of its last run.
    pub result: Option<String>,
}

impl UnitState {
    /// Reads what `systemctl show` printed. Empty values and "none" are none.
    pub fn parse(shown: &str) -> Self {
        let value = |key: &str| {
            shown
                .lines()
                .filter_map(|line| line.split_once('='))
                .find(|(name, _)| *name == key)
                .map(|(_, value)| value.to_owned())
                .filter(|value| !value.is_empty())
        };
        Self {
            load_state: value("LoadState"),
            active_state: value("ActiveState"),
            sub_state: value("SubState"),
            unit_file_state: value("UnitFileState"),
            main_pid: value("MainPID").and_then(|pid| pid.parse().ok()).filter(|pid| *pid != 0),
            since: value("StateChangeTimestamp").and_then(|stamp| rfc3339(&stamp)),
            result: value("Result"),
        }
    }

    /// Whether systemd knows the unit.
    pub fn exists(&self) -> bool {
        self.load_state.as_deref().is_some_and(|state| state != "not-found")
    }
}

/// `Sat 2026-11-21 19:30:19 UTC`, as systemctl prints it where `TZ=UTC`, in RFC 3339.
fn rfc3339(stamp: &str) -> Option<String> {
    let mut parts = stamp.split(' ');
    let (_weekday, date, time, zone) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (zone == "UTC").then(|| format!("{date}T{time}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemctl_shows_is_read() {
        let shown = "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n\
                     MainPID=42\nStateChangeTimestamp=Sat 2026-11-21 19:30:19 UTC\nResult=success\n";
        let unit = UnitState::parse(shown);
        assert_eq!(unit.main_pid, Some(42));
        assert_eq!(unit.since.as_deref(), Some("2026-11-21T19:30:19Z"));
        assert_eq!(unit.result.as_deref(), Some("success"));
        assert!(unit.exists());
    }

    #[test]
    fn what_is_not_there_is_none() {
        let unit = UnitState::parse(
            "LoadState=not-found\nMainPID=0\nUnitFileState=\nStateChangeTimestamp=\n",
        );
        assert_eq!(
            (unit.main_pid, unit.unit_file_state.clone(), unit.since.clone()),
            (None, None, None)
        );
        assert!(!unit.exists());
        assert!(!UnitState::parse("").exists());
    }
}
