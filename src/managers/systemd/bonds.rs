//! How a unit is bound to others, as properties.

/// What `systemctl show` is asked of all units that the manager has in memory.
pub const PROPERTIES: &str = "Id,ActiveState,SubState,StopWhenUnneeded,RequiredBy,RequisiteOf,\
    BoundBy,ConsistsOf,PropagatesStopTo,Conflicts,ConflictedBy,Requires,BindsTo,Wants,Upholds,\
    StartLimitIntervalUSec,StartLimitBurst,InactiveExitTimestampMonotonic";

/// The properties that name what stops with a unit, and is restarted with it.
pub const DEPENDANTS: [&str; 5] =
    ["RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf", "PropagatesStopTo"];

/// Those that name what stops when a unit starts.
pub const RIVALS: [&str; 2] = ["Conflicts", "ConflictedBy"];

/// Those that name what is started with a unit.
pub const PULLS: [&str; 4] = ["Requires", "BindsTo", "Wants", "Upholds"];

/// The properties that say which units stop when nothing needs them any more.
pub const UNNEEDED_PROPERTIES: &str = "Id,StopWhenUnneeded";

/// The properties of all units that say what is started at boot.
pub const PULLS_PROPERTIES: &str = "Id,Requires,BindsTo,Wants,Upholds";
