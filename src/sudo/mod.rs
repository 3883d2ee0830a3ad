//! sudo, asked and read: what its configuration says of an account.

pub mod account;
pub mod admitted;
pub mod ask;
pub mod folder;
pub mod grammar;
pub mod listing;
pub mod obstacles;
pub mod remedy;
pub mod written;
