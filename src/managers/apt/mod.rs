//! apt and dpkg, of Debian and its relatives.

pub mod commands;
mod options;
