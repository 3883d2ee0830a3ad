//! Hostile callers: whatever the account does, nothing is executed that the policy does not
//! name, and what has begun is finished and accounted for.

#[path = "../host/mod.rs"]
mod host;

mod batch;
mod endings;
mod environment;
mod limits;
mod lines;
mod names;
mod proof;
mod random;
mod ways_out;
