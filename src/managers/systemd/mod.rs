//! systemd: what is run of it, how it describes units, and what its words mean.

pub mod alias;
pub mod bonds;
pub mod cause;
pub mod cgroup;
pub mod closure;
pub mod commands;
pub mod list;
pub mod manager_log;
pub mod refusal;
pub mod reloads;
pub mod show;
pub mod start_limit;
pub mod states;
pub mod unit;
pub mod unit_log;
