//! Snapshots of the root file system: one before an operation and one after it, so that it can be undone.
//!
//! [`begin`](around::begin) takes the first right before the operation's command is started, when nobody else is
//! at work on packages, and writes down that it has begun. [`end`](around::end) takes the second: by the process
//! that ran the operation, whatever came of it, or by its monitor if that process was killed. Each is kept for
//! so many operations, and only while there is room.

pub mod around;
pub mod covered;
mod room;
mod take;

pub use room::free_percent;
pub use take::{delete, run, wrong_folder};
