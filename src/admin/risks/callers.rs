//! Whose requests are looked at: the accounts that may use the helper, as far as a policy, a
//! drop-in or the socket's group names them.

use crate::admin::risks::access::Account;
use crate::admin::setup_sudo::mark::is_ours;
use crate::broker::socket::GROUP;
use crate::policy::model::{CallerKind, Policy};
use crate::request::caller::Named;
use crate::request::who::Who;
use crate::sudo::account;
use crate::sudo::folder::FOLDER;
use crate::sudo::members::members_of;
use crate::system::accounts::{Group, User, groups_of};
use crate::system::file;
use nix::unistd::Gid;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// So many accounts are looked at: a group can have thousands.
pub const MOST: usize = 100;

/// Somebody who may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// An account of this host.
    Account { name: String, account: Account, home: PathBuf },
    /// Whoever is in the group of this name, which has no members here.
    Group(String),
}

impl Caller {
    /// An account that is in these groups.
    pub fn account(user: &User, groups: &[Gid]) -> Self {
        let groups = groups.iter().map(|gid| gid.as_raw()).collect();
        Self::Account {
            name: user.name.clone(),
            account: Account { uid: user.uid.as_raw(), groups },
            home: user.dir.clone(),
        }
    }

    /// How it is called in a sentence.
    pub fn shown(&self) -> String {
        match self {
            Self::Account { name, .. } => name.clone(),
            Self::Group(name) => format!("the group {name}"),
        }
    }

    /// Whether it is in the group of this name.
    pub fn is_in(&self, group: &str) -> bool {
        match self {
            Self::Group(name) => name == group,
            Self::Account { account, .. } => {
                let group = Group::from_name(group).ok().flatten();
                group.is_some_and(|group| account.groups.contains(&group.gid.as_raw()))
            }
        }
    }
}

impl Who for Caller {
    fn is_user(&self, name: &str) -> bool {
        matches!(self, Self::Account { name: own, .. } if own == name)
    }

    fn in_group(&self, name: &str) -> Option<bool> {
        match self {
            Self::Account { name: own, .. } => Named(own).in_group(name),
            Self::Group(own) => Some(own == name),
        }
    }
}

/// Those whom these policies name, and those who may use the helper on this host as far as can be
/// seen: only root reads sudo's drop-ins.
pub fn callers(policies: &[Policy<'_>]) -> Vec<Caller> {
    let (mut users, mut groups) = (BTreeSet::new(), BTreeSet::new());
    for policy in policies {
        for rule in policy.callers {
            let name = policy.text_of(rule.name).to_owned();
            match rule.kind {
                CallerKind::User => drop(users.insert(name)),
                CallerKind::Group => drop(groups.insert(name)),
                CallerKind::Default => {}
            }
        }
    }
    let named = groups.clone();
    groups.insert(GROUP.to_owned());
    for who in of_drop_ins() {
        match who {
            account::Who::User { name, .. } => drop(users.insert(name)),
            account::Who::Group { name, .. } => drop(groups.insert(name)),
        }
    }
    let mut found: Vec<User> =
        users.iter().filter_map(|name| User::from_name(name).ok().flatten()).collect();
    found.extend(groups.iter().flat_map(|group| members_of(group)));
    found.retain(|user| !user.uid.is_root());
    found.sort_by_key(|user| user.uid.as_raw());
    found.dedup_by_key(|user| user.uid);
    let empty = named.into_iter().filter(|group| members_of(group).next().is_none());
    let account = |user: &User| {
        let groups = groups_of(&user.name, user.gid).unwrap_or_else(|_| vec![user.gid]);
        Caller::account(user, &groups)
    };
    found.iter().take(MOST).map(account).chain(empty.map(Caller::Group)).collect()
}

/// For whom the drop-ins of this program are.
fn of_drop_ins() -> Vec<account::Who> {
    let entries = fs::read_dir(FOLDER).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_one = |name: &String| {
        let text = file::read(Path::new(FOLDER).join(name)).unwrap_or_default();
        is_ours(&String::from_utf8_lossy(&text))
    };
    names.filter(is_one).filter_map(|name| account::Who::of_file(&name)).collect()
}
