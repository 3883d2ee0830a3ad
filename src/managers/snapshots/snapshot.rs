//! What a snapshot is to those that take them.

/// Where the differences of two snapshots are written, to be read once.
pub const CHANGES: &str = "/run/sm/undo/changes";

/// Which of the two of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment<'n> {
    /// Before it.
    Before,
    /// After it, whose first one has this number.
    After(&'n str),
}

/// A snapshot, as snapper prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its number.
    pub number: u64,
    /// That of the one before, if it is one after an operation.
    pub before: Option<u64>,
    /// Whether this program has taken it.
    pub is_own: bool,
}
