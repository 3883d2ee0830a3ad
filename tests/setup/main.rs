//! `sm setup-sudo` and the way to root, on real hosts.

#[path = "../host/mod.rs"]
mod host;

mod answer;
mod broken;
mod check;
mod first_run;
mod kill;
mod names;
mod no_root;
mod proof;
mod together;
mod trust;
mod whom;
