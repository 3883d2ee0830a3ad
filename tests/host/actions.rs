//! What can be done, as it is asked for.

/// The actions on a unit.
pub const ON_A_UNIT: [&str; 9] =
    ["start", "stop", "restart", "reload", "enable", "disable", "reset-failed", "status", "logs"];
