//! The states of many units at once.

use crate::managers::argv::Argv;
use crate::managers::argv::SYSTEMCTL;

/// The units that a policy names, and how their states are read.
#[derive(Debug)]
pub struct PolicyUnits {
    /// In the order in which their states are printed.
    pub names: Vec<String>,
    /// Prints them.
    pub states: Argv,
}

impl PolicyUnits {
    /// The most that are looked at.
    const MOST: usize = 64;

    /// The first of these, where there are any.
    pub fn of(mut names: Vec<String>) -> Option<Self> {
        names.truncate(Self::MOST);
        let properties = "--property=LoadState,ActiveState,SubState,NeedDaemonReload";
        let units: Vec<&str> = names.iter().map(String::as_str).collect();
        // No `--`, which is followed by what was asked for everywhere else; a name of a unit
        // begins with a letter or a digit.
        let states =
            Argv::new(&[&[SYSTEMCTL, "--no-pager", "show", properties], &units[..]].concat());
        (!names.is_empty()).then_some(Self { names, states })
    }
}
