//! What an administrator runs.

pub mod answer;
pub mod approvals;
pub mod audit;
pub mod bounds;
pub mod call;
pub mod disable;
pub mod doctor;
pub mod fleet;
pub mod grants;
pub mod mounts;
pub mod policy;
pub mod record;
pub mod risks;
pub mod root;
pub mod setup_broker;
pub mod setup_sudo;
pub mod status;
pub mod time;
pub mod undo;
pub mod verbose;
