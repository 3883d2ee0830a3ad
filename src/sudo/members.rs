//! The accounts that are in a group.

use crate::sudo::account::Who;
use crate::system::accounts::{Group, User};

/// An account to try a rule with: the one that it is for, or one that is in its group.
pub fn account_of(who: &Who) -> Option<User> {
    match who {
        Who::User { name, .. } => User::from_name(name).ok().flatten(),
        Who::Group { name, .. } => member_of(name),
    }
}

/// An account that is in the group.
pub fn member_of(group: &str) -> Option<User> {
    members_of(group).next()
}

/// The accounts that are in the group, except root.
pub fn members_of(group: &str) -> impl Iterator<Item = User> {
    let group = Group::from_name(group).ok().flatten();
    // Also those whose own group it is, whom the group's entry does not name.
    let passwd = std::fs::read("/etc/passwd").unwrap_or_default();
    let passwd = String::from_utf8_lossy(&passwd).into_owned();
    group.into_iter().flat_map(move |group| {
        let local = passwd.lines().filter_map(|line| line.split(':').next()).map(str::to_owned);
        // Each once: those that are named have lines there, too.
        let local = local.filter(|name| !group.mem.contains(name));
        let names: Vec<String> = group.mem.iter().cloned().chain(local).collect();
        names
            .into_iter()
            .filter_map(|name| User::from_name(&name).ok().flatten())
            .filter(move |user| user.gid == group.gid || group.mem.contains(&user.name))
            .filter(|user| !user.uid.is_root())
    })
}
