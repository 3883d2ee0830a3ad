//! `sm-mcp`: what clients of the Model Context Protocol get of it.

#[path = "../host/mod.rs"]
mod host;

mod changes;
mod clients;
mod conformance;
mod eras;
mod fleet;
mod hostile;
mod long;
mod print_config;
mod real;
mod schemas;
mod session;
mod tools;
