//! What is driven: the service manager and the package managers, each with its command lines and how its output is read.
//!
//! Outside of this folder nobody knows which package manager it is: who has one asks the trait.

mod apt;
pub mod argv;
mod ask;
pub mod asked;
pub mod beside;
pub mod commands;
pub mod confinement;
pub mod host;
pub mod inventory;
pub mod lists;
pub mod lock;
pub mod manager;
pub mod message;
pub mod owner;
mod pacman;
pub mod progress;
pub mod providers;
pub mod reason;
pub mod run;
pub mod settings;
pub mod snapshots;
mod sources;
pub mod systemd;
pub mod task;
pub mod territory;
#[cfg(test)]
pub mod toy;
pub mod transaction;
