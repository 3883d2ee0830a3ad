//! The audit log on real hosts: every attempt leaves records that the caller can neither forge,
//! split nor stop, nothing is run without one, and whoever touches them is found out.

#[path = "../host/mod.rs"]
mod host;

mod broken;
mod chain;
mod export;
mod flood;
mod forged;
mod index;
mod kernel;
mod killed;
mod lost;
mod output;
mod reading;
mod records;
mod rotation;
mod rsyslog;
mod sinks;
mod tampered;
mod together;
mod torn;
mod unwritable;
