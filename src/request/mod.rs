//! What is asked, who asks and how it can end, as plain values.

pub mod action;
pub mod agent;
pub mod caller;
pub mod code;
pub mod confine;
pub mod id;
pub mod line;
pub mod name;
pub mod operation;
pub mod probe;
pub mod ran;
pub mod route;
pub mod who;
