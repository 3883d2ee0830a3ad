//! What is driven: the service manager and the package managers, each with its command lines and how its output is read.

pub mod apt;
pub mod argv;
pub mod commands;
pub mod host;
pub mod inventory;
pub mod owner;
pub mod pacman;
pub mod systemd;
pub mod transaction;
