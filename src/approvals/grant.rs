//! A right that ends by itself: one operation for one account, on top of its policy.

use serde::{Deserialize, Serialize};

/// A right.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Grant {
    /// By what an administrator names it.
    pub id: String,
    /// The account.
    pub uid: u32,
    /// Its name, as it was when the right was given.
    pub user: String,
    /// The operation, as on the command line.
    pub line: String,
    /// When it was given, in seconds since 1970.
    pub at: u64,
    /// Until when it holds.
    pub until: u64,
    /// So many times more; none for as often as the account likes.
    pub left: Option<u32>,
    /// Who gave it.
    pub by: String,
}

impl Grant {
    /// Whether it is for this account and operation.
    pub fn is_for(&self, uid: u32, line: &str) -> bool {
        self.uid == uid && self.line == line
    }
}
