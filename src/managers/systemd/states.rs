//! The states of many units at once.

use crate::managers::argv::Argv;
use crate::managers::systemd::commands;
use crate::managers::systemd::show::{is_any_file_unread, starts_again, value};

/// The units that a policy names, and how their states are read.
#[derive(Debug)]
pub struct PolicyUnits {
    /// In the order in which their states are printed.
    pub names: Vec<String>,
    /// Prints them.
    pub states: Argv,
    /// Has the manager read all unit files again.
    pub reread: Argv,
}

impl PolicyUnits {
    /// The most that are looked at.
    const MOST: usize = 64;

    /// The first of these, if there are any.
    pub fn of(mut names: Vec<String>) -> Option<Self> {
        names.truncate(Self::MOST);
        let states = commands::states(&names);
        let reread = commands::daemon_reload();
        (!names.is_empty()).then_some(Self { names, states, reread })
    }
}

/// How a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is up.
    Up,
    /// It has failed.
    Failed,
    /// It is down.
    Down,
    /// It died, and is started again after a while.
    Restarts,
    /// On its way, or not known.
    Between,
}

/// What is seen of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// How it is.
    pub state: State,
    /// Its file is another one than the service manager has read.
    pub is_stale: bool,
    /// Its file could not be read, or says what it must not.
    pub is_invalid: bool,
}

/// The answers of `systemctl show`, an empty line between two.
pub fn parse(shown: &str) -> Vec<Seen> {
    let looks = shown.trim().split("\n\n").map(|shown| Seen {
        state: state_of(shown),
        is_stale: is_any_file_unread(shown),
        is_invalid: matches!(value(shown, "LoadState"), Some("bad-setting" | "error")),
    });
    looks.collect()
}

fn state_of(shown: &str) -> State {
    let value = |key: &str| value(shown, key).unwrap_or_default();
    match (value("ActiveState"), value("SubState")) {
        (_, sub) if starts_again(sub) => State::Restarts,
        ("active" | "reloading" | "refreshing", _) => State::Up,
        ("failed", _) => State::Failed,
        ("inactive", _) => State::Down,
        _ => State::Between,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn how_units_are_is_read() {
        cases::each("managers/systemctl_states", |case| {
            let seen = parse(case.input("stdout"));
            json!(
                seen.iter()
                    .map(|one| (format!("{:?}", one.state), one.is_stale))
                    .collect::<Vec<_>>()
            )
        });
    }
}
