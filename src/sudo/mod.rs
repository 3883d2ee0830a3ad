//! sudo, asked and read: what its configuration says of an account.

pub mod account;
pub mod admitted;
pub mod ask;
pub mod files;
pub mod folder;
pub mod grammar;
pub mod listing;
pub mod members;
pub mod obstacles;
pub mod remedy;
pub mod visudo;
pub mod written;
