//! An account that this host need not have: of another host, for which a policy is tested.

use crate::request::caller::Named;
use crate::request::who::Who;
use nix::unistd::User;

/// An account by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    name: String,
    /// The groups that it is supposed to be in; none for those of this host.
    groups: Option<Vec<String>>,
}

impl Account {
    /// The account of this name in these groups; without any, in those that this host says, where
    /// it has the account.
    pub fn of(name: &str, groups: &[String]) -> Self {
        let is_here = || matches!(User::from_name(name), Ok(Some(_)));
        let groups = if groups.is_empty() && is_here() { None } else { Some(groups.to_vec()) };
        Self { name: name.to_owned(), groups }
    }

    /// As it stands in a line: `agent`, or as in sudoers `%ops` for one that is in that group alone.
    pub fn written(word: &str) -> Self {
        match word.strip_prefix('%') {
            Some(group) => Self { name: String::new(), groups: Some(vec![group.to_owned()]) },
            None => Self::of(word, &[]),
        }
    }
}

impl Who for Account {
    fn is_user(&self, name: &str) -> bool {
        self.name == name
    }

    fn in_group(&self, name: &str) -> Option<bool> {
        match &self.groups {
            Some(groups) => Some(groups.iter().any(|group| group == name)),
            None => Named(&self.name).in_group(name),
        }
    }
}
