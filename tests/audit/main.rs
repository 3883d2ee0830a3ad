//! The audit log on real hosts: every attempt leaves records that the caller can neither forge,
//! split nor stop, nothing is run without one, and whoever touches them is found out.

#[path = "../host/mod.rs"]
mod host;

mod agents;
mod broken;
mod chain;
mod checkpoints;
mod configurations;
mod encrypted;
mod export;
mod flood;
mod forged;
mod index;
mod journal_upload;
mod kernel;
mod killed;
mod lost;
mod output;
mod reading;
mod records;
mod rotation;
mod rsyslog;
mod sent;
mod sinks;
mod tampered;
mod together;
mod torn;
mod unwritable;
