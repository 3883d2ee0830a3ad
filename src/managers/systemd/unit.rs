//! The state of a unit, from `systemctl show`.

use crate::managers::systemd::bonds::{DEPENDANTS, PULLS, RIVALS};
use crate::managers::systemd::show::{named_units, starts_again, value};
use crate::managers::systemd::start_limit::{StartLimit, timespan};
use serde::Serialize;
use std::time::Duration;

/// The properties that make up the `unit` object of a reply.
pub const PROPERTIES: &str = "LoadState,ActiveState,SubState,UnitFileState,MainPID,\
    StateChangeTimestamp,Result,ExecMainCode,ExecMainStatus,NRestarts,NeedDaemonReload";

/// What has to be known besides before the unit is touched.
pub const MORE_PROPERTIES: &str = "Job,Type,CanReload,InvocationID,ControlGroup,RequiredBy,BoundBy,ConsistsOf,PropagatesStopTo,\
    Conflicts,ConflictedBy,Requires,BindsTo,StartLimitIntervalUSec,StartLimitBurst,InactiveExitTimestampMonotonic,\
    RequisiteOf,Requisite,Wants,WantedBy,Upholds,Id,TriggeredBy,UpheldBy,Triggers,BusName,PIDFile,PartOf,StopPropagatedFrom,PropagatesReloadTo,TimeoutStopUSec,StopWhenUnneeded";

/// What has to be known besides of one whose state is asked for.
pub const STATUS_PROPERTIES: &str = "Id,TriggeredBy,UpheldBy,BusName";

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
    /// The exit status of the main process that ended last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_status: Option<i32>,
    /// The signal that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_signal: Option<i32>,
    /// How often the manager has started it again by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarts: Option<u32>,
}

/// A unit: its state, and what must be known before it is touched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unit {
    /// The state.
    pub state: UnitState,
    /// Its file was changed and not read again.
    pub needs_reload: bool,
    /// A job is under way for it.
    pub has_job: bool,
    /// The kind of a service: `simple`, `notify`, … None for other units.
    pub kind: Option<String>,
    /// It can be told to read its settings again.
    pub can_reload: bool,
    /// Which of its runs this is, or was.
    pub invocation: Option<String>,
    /// Where its processes are, from the top of the manager's tree.
    pub cgroup: Option<String>,
    /// The units that stop when this one does.
    pub dependants: Vec<String>,
    /// The units that stop when this one starts.
    pub rivals: Vec<String>,
    /// The units that it cannot be without.
    pub needs: Vec<String>,
    /// The units that stop it when they stop, or without which it cannot be up.
    pub bonds: Vec<String>,
    /// The units that are parts of it.
    pub parts: Vec<String>,
    /// Where it writes which process is its main one.
    pub pid_file: Option<String>,
    /// Its own name, which may not be the one that it was asked for by.
    pub id: Option<String>,
    /// The units that are started with it.
    pub pulls: Vec<String>,
    /// The units that start it though nobody asks for it.
    pub wakers: Vec<String>,
    /// The units that it starts, if it is there for that.
    pub triggers: Vec<String>,
    /// The units that are reloaded with it.
    pub reloads: Vec<String>,
    /// Its name on the bus.
    pub bus_name: Option<String>,
    /// Another unit has it started when that one is.
    pub is_wanted: bool,
    /// It is stopped if no other unit needs it (`StopWhenUnneeded=` of `systemd.unit(5)`).
    pub stops_unneeded: bool,
    /// The units that need it, as far as the manager has read them.
    pub needed_by: Vec<String>,
    /// How often it may be started.
    pub start_limit: StartLimit,
    /// How long each of its processes has to end once it is stopped.
    pub stop_timeout: Option<StopTimeout>,
}

/// `TimeoutStopSec=` of `systemd.service(5)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopTimeout {
    /// As a time.
    pub time: Duration,
    /// As `systemctl` prints it.
    pub text: String,
}

impl Unit {
    /// Reads what `systemctl show` printed.
    pub fn parse(shown: &str) -> Self {
        let is = |key: &str| value(shown, key) == Some("yes");
        let units = |keys: &[&str]| named_units(shown, keys);
        Self {
            state: UnitState::parse(shown),
            needs_reload: is("NeedDaemonReload"),
            has_job: value(shown, "Job").is_some_and(|job| job != "0"),
            kind: value(shown, "Type").map(str::to_owned),
            can_reload: is("CanReload"),
            invocation: value(shown, "InvocationID").map(str::to_owned),
            cgroup: value(shown, "ControlGroup").map(str::to_owned),
            dependants: units(&DEPENDANTS),
            rivals: units(&RIVALS),
            needs: units(&["Requires", "BindsTo", "Requisite"]),
            bonds: units(&["Requires", "BindsTo", "Requisite", "PartOf", "StopPropagatedFrom"]),
            parts: units(&["ConsistsOf"]),
            pid_file: value(shown, "PIDFile").map(str::to_owned),
            id: value(shown, "Id").map(str::to_owned),
            pulls: units(&PULLS),
            wakers: units(&["TriggeredBy", "UpheldBy"]),
            triggers: units(&["Triggers"]),
            reloads: units(&["PropagatesReloadTo"]),
            bus_name: value(shown, "BusName").map(str::to_owned),
            is_wanted: !units(&["WantedBy", "RequiredBy", "UpheldBy"]).is_empty(),
            stops_unneeded: is("StopWhenUnneeded"),
            needed_by: units(&["RequiredBy", "RequisiteOf", "WantedBy", "BoundBy", "UpheldBy"]),
            start_limit: StartLimit::of(shown),
            stop_timeout: value(shown, "TimeoutStopUSec").and_then(|text| {
                Some(StopTimeout { time: timespan(text)?, text: text.to_owned() })
            }),
        }
    }
}

impl Unit {
    /// Whether nothing may start it: by what the manager has read, and by what is there now.
    pub fn is_masked(&self) -> bool {
        let is = |state: &Option<String>| {
            state.as_deref().is_some_and(|state| state.starts_with("masked"))
        };
        is(&self.state.load_state) && is(&self.state.unit_file_state)
    }
}

impl UnitState {
    /// Reads what `systemctl show` printed. Empty values and "none" are none.
    pub fn parse(shown: &str) -> Self {
        let value = |key: &str| value(shown, key).map(str::to_owned);
        let number = |key: &str| value(key).and_then(|text| text.parse::<i32>().ok());
        // CLD_EXITED, and CLD_KILLED or CLD_DUMPED, of waitid(2).
        let status = |codes: &[i32]| {
            number("ExecMainCode")
                .filter(|code| codes.contains(code))
                .and_then(|_| number("ExecMainStatus"))
        };
        Self {
            load_state: value("LoadState"),
            active_state: value("ActiveState"),
            sub_state: value("SubState"),
            unit_file_state: value("UnitFileState"),
            main_pid: value("MainPID").and_then(|pid| pid.parse().ok()).filter(|pid| *pid != 0),
            since: value("StateChangeTimestamp").and_then(|stamp| rfc3339(&stamp)),
            result: value("Result"),
            exit_status: status(&[1]),
            exit_signal: status(&[2, 3]),
            restarts: value("NRestarts").and_then(|count| count.parse().ok()),
        }
    }

    /// Whether its file could be read.
    pub fn is_loaded(&self) -> bool {
        self.load_state.as_deref() == Some("loaded")
    }

    /// Whether it is in this state: `active`, `inactive`, `failed`, …
    pub fn is(&self, active_state: &str) -> bool {
        self.active_state.as_deref() == Some(active_state)
    }

    /// Whether it failed: for good, or until the manager tries again.
    pub fn is_down(&self) -> bool {
        self.is("failed") || self.starts_again()
    }

    /// Whether it died, and the manager starts it again after a while.
    pub fn starts_again(&self) -> bool {
        self.sub_state.as_deref().is_some_and(starts_again)
    }

    /// What the manager is doing with a unit at this moment.
    pub fn doing(&self) -> Option<String> {
        let doing = match self.active_state.as_deref() {
            Some("activating") => "starting",
            Some("deactivating") => "stopping",
            Some("reloading") => "reloading",
            Some("maintenance") => "being cleaned up",
            _ => return None,
        };
        let phase = self.sub_state.as_deref().unwrap_or("?");
        Some(format!("{doing} (phase {phase})"))
    }

    /// Whether systemd knows the unit.
    pub fn exists(&self) -> bool {
        self.load_state.as_deref().is_some_and(|state| state != "not-found")
    }
}

/// `Sat 2026-11-21 19:30:19 UTC`, as systemctl prints it with `TZ=UTC`, in RFC 3339.
fn rfc3339(stamp: &str) -> Option<String> {
    let mut parts = stamp.split(' ');
    let (_weekday, date, time, zone) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (zone == "UTC").then(|| format!("{date}T{time}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn what_systemctl_shows_is_read() {
        cases::each("managers/systemctl_show", |case| {
            let unit = Unit::parse(case.input("stdout"));
            assert_eq!(unit.state, UnitState::parse(case.input("stdout")));
            json!({
                "state": unit.state,
                "exists": unit.state.exists(),
                "needs_reload": unit.needs_reload,
                "has_job": unit.has_job,
                "can_reload": unit.can_reload,
                "cgroup": unit.cgroup,
                "dependants": unit.dependants,
            })
        });
    }
}
