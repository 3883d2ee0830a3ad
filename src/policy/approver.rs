//! Who may approve besides root: `[approvals] approvers`.

use crate::request::who::Who;

/// An account or a group whose members may approve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approver {
    /// The account of this name.
    User(String),
    /// Whoever is in the group of this name when they approve.
    Group(String),
}

impl Approver {
    /// `user:NAME` or `group:NAME`, as a policy has it.
    pub fn parse(word: &str) -> Option<Self> {
        match word.split_once(':')? {
            ("user", name) => Some(Self::User(name.to_owned())),
            ("group", name) => Some(Self::Group(name.to_owned())),
            _ => None,
        }
    }

    /// Whether this is them. Of whom it cannot be known, it is not.
    pub fn is(&self, who: &dyn Who) -> bool {
        match self {
            Self::User(name) => who.is_user(name),
            Self::Group(name) => who.in_group(name) == Some(true),
        }
    }
}
