//! The kernel, /proc, paths that only root can change, and the host's own tools.

pub mod accounts;
pub mod confine;
pub mod file;
pub mod homes;
pub mod kernel;
pub mod pipes;
pub mod proc;
pub mod state;
pub mod step;
pub mod terminal;
pub mod tool;
pub mod trust;
