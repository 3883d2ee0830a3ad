//! What may be done: the compiled table, the verdict on a request, and the surface.

pub mod action;
pub mod commands;
pub mod model;
pub mod names;
pub mod parse;
pub mod surface;
pub mod verdict;

/// The table that `policy/build.rs` made of the policy this program was built with.
mod compiled {
    use super::action::Set;
    use super::model::{Limits, PackageRule, Policy, SiteMode, Span, UnitRule};
    include!(concat!(env!("OUT_DIR"), "/policy.rs"));
}

pub use compiled::COMPILED;
