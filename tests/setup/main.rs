//! `sm setup-sudo` and the way to root, on real hosts.

#[path = "../host/mod.rs"]
mod host;

mod answer;
mod attempt;
mod broken;
mod check;
mod exact;
mod first_run;
mod flags;
mod foreign;
mod groups;
mod kill;
mod mounts;
mod moved;
mod names;
mod no_root;
mod obstacles;
mod proof;
mod refused;
mod remove_all;
mod rights;
mod terminal;
mod together;
mod trust;
mod verbose;
mod whom;
