//! An account that this host need not have: one of another host whose policy is tested here.

use crate::request::caller::Named;
use crate::request::who::Who;
use crate::system::accounts::User;

/// An account by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    name: String,
    /// Its supposed groups; none for those that it has on this host.
    groups: Option<Vec<String>>,
}

impl Account {
    /// The account of this name in these groups. Without any, its groups on this host, if it exists
    /// here.
    pub fn of(name: &str, groups: &[String]) -> Self {
        let is_here = || matches!(User::from_name(name), Ok(Some(_)));
        let groups = if groups.is_empty() && is_here() { None } else { Some(groups.to_vec()) };
        Self { name: name.to_owned(), groups }
    }

    /// An account as a line names it: `agent`, or as in sudoers `%ops` for a member of only that group.
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
