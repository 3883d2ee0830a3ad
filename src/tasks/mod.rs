//! Tasks: command lines that a policy has written out whole. Looked at, run, and answered.

pub mod account;
pub mod environment;
pub mod interpreter;
pub mod program;
pub mod ready;
pub mod run;
pub mod turn;

pub use crate::tasks::run::run;
pub use crate::tasks::turn::Turn;
