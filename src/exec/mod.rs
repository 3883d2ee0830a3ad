//! Starts processes for an operation, and keeps the operation and its record together.

pub mod cgroup;
pub mod message;
pub mod monitor;
pub mod outcome;
pub mod process;
pub mod requester;
