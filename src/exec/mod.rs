//! Starts processes for an operation, and keeps the operation and its record together.

pub mod backchannel;
pub mod cgroup;
pub mod confinement;
pub mod context;
pub mod follow;
pub mod monitor;
pub mod process;
pub mod program;
pub mod requester;
pub mod sanitize;
