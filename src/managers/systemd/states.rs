//! The states of many units at once.

use crate::managers::argv::Argv;
use crate::managers::systemd::commands;

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
        let states = commands::states(&names);
        (!names.is_empty()).then_some(Self { names, states })
    }
}
