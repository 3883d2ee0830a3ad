//! What the checks look at.

use crate::admin::doctor::agents::{Agent, DropInFile};
use crate::policy::force::InForce;
use crate::request::code::Refusal;
use std::path::PathBuf;

/// What the checks look at.
pub struct Context {
    /// The file that runs.
    pub program: PathBuf,
    /// The helper beside it.
    pub helper: PathBuf,
    /// The policy in force.
    pub policy: Result<InForce, Refusal>,
    /// Every drop-in of ours.
    pub drop_ins: Vec<DropInFile>,
    /// Every other file of sudo's configuration that has a rule for the helper.
    pub by_hand: Vec<PathBuf>,
    /// Who may use the helper.
    pub agents: Vec<Agent>,
}
