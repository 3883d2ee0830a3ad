//! What may be done: the compiled table, the verdict on a request, and the surface.

pub mod action;
mod cache;
pub mod commands;
mod edit;
pub mod force;
pub mod model;
pub mod names;
pub mod never;
pub mod parse;
mod presence;
mod removable;
mod revert;
pub mod site;
pub mod surface;
mod table;
mod vain;
pub mod verdict;

/// The table that `policy/build.rs` made of the policy this program was built with.
mod compiled {
    // A policy without callers has no use for their types.
    #![allow(unused_imports)]
    use super::action::Set;
    use super::model::{
        CallerKind, CallerRule, Limits, PackageRule, Policy, SiteMode, Span, UnitRule,
    };
    include!(concat!(env!("OUT_DIR"), "/policy.rs"));
}

pub use compiled::COMPILED;
