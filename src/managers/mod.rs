//! What is driven: the service manager and the package managers, each with its command lines and how its output is read.

pub mod apt_options;
pub mod argv;
pub mod host;
pub mod inventory;
pub mod owner;
pub mod systemd;
pub mod transaction;
pub mod vercmp;
