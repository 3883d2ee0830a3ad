//! What may be done: the compiled table, the site policy, and the verdict on a request.

pub mod approved;
pub mod approver;
pub mod cache;
pub mod callers;
pub mod disabled;
pub mod force;
pub mod granted;
pub mod ineffective;
pub mod meant;
pub mod model;
pub mod never;
pub mod not_toml;
pub mod open;
pub mod operations;
pub mod parse;
pub mod parsed;
pub mod presence;
pub mod recipient;
pub mod remedy;
pub mod removable;
pub mod rows;
pub mod site;
pub mod table;
pub mod tasks;
pub mod unused;
pub mod verdict;
pub mod window;
pub mod written;

/// The table that `policy/build.rs` made of the policy this program was built with.
mod compiled {
    // A policy without callers does not need their types.
    #![allow(unused_imports)]
    use crate::policy::model::{
        Approvals, AuditLog, CallerKind, CallerRule, Limits, OnTimeout, PackageRule, Policy,
        SiteMode, Snapshots, Span, TaskRule, Undo, UnitRule, When,
    };
    use crate::policy::rows::Rows;
    use crate::request::action::Set;
    use crate::request::confine::Confine;
    include!(concat!(env!("OUT_DIR"), "/policy.rs"));
}

pub use compiled::COMPILED;
