//! pacman, of Arch and its relatives.

pub mod commands;
pub mod vercmp;
