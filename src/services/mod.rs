//! Operations on units: read the state, run the check, run the command, watch the unit.

pub mod begin;
pub mod change;
pub mod check;
pub mod enablement;
pub mod failed;
pub mod health;
pub mod look;
pub mod operation;
pub mod others;
pub mod reason;
pub mod reread;
pub mod reset;
pub mod result;
pub mod state;
pub mod stopped;
pub mod surroundings;
pub mod triggers;
pub mod turns;

pub use crate::services::change::change;
pub use crate::services::look::look;
pub use crate::services::reread::reread;
