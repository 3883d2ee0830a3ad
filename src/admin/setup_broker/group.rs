//! The group whose members may connect: whose it is, and who was let in.

use crate::admin::setup_broker::call::failed;
use crate::broker::socket::GROUP;
use crate::output::text::one_line;
use crate::request::code::Refusal;
use crate::system::accounts::{Group, User, groups_of};
use crate::system::state;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Where it is noted what of the group was made here: `group NUMBER`, `user NAME` for whom was let in.
/// The packages' scripts write and read it, too.
pub const NOTED: &str = "/var/lib/sm/broker.group";

/// What is noted of this group. What is noted of one with another number is of one that is gone.
fn noted(group: &Group) -> BTreeSet<String> {
    let noted: BTreeSet<String> =
        fs::read_to_string(NOTED).unwrap_or_default().lines().map(str::to_owned).collect();
    let made = made(group);
    match noted.iter().any(|line| line.starts_with("group ") && *line != made) {
        true => BTreeSet::new(),
        false => noted,
    }
}

fn made(group: &Group) -> String {
    format!("group {}", group.gid)
}

fn let_in(user: &str) -> String {
    format!("user {user}")
}

/// Changes what is noted of this group.
fn note(group: &Group, change: impl FnOnce(&mut BTreeSet<String>)) -> Result<(), Refusal> {
    let mut noted = noted(group);
    change(&mut noted);
    let text: String = noted.iter().map(|line| format!("{line}\n")).collect();
    let (path, new) = (Path::new(NOTED), Path::new(NOTED).with_extension("new"));
    state::put(path, &new, text.as_bytes(), 0o600).map_err(|error| failed(NOTED, &error))
}

/// Notes that this group was made here just now.
///
/// # Errors
/// What the kernel says.
pub fn note_made(group: &Group) -> Result<(), Refusal> {
    note(group, |noted| *noted = BTreeSet::from([made(group)]))
}

/// Notes that the account was let into this group.
///
/// # Errors
/// What the kernel says.
pub fn note_let_in(group: &Group, user: &str) -> Result<(), Refusal> {
    note(group, |noted| noted.extend([let_in(user)]))
}

/// Forgets that the account was let into this group.
///
/// # Errors
/// What the kernel says.
pub fn forget(group: &Group, user: &str) -> Result<(), Refusal> {
    note(group, |noted| noted.retain(|line| *line != let_in(user)))
}

/// Whether the group was made by this program or its package. One of that name may be somebody else's.
pub fn is_ours(group: &Group) -> bool {
    noted(group).contains(&made(group))
}

/// Which of its members were let in here.
pub fn guests(group: &Group) -> Vec<String> {
    let noted = noted(group);
    group.mem.iter().filter(|name| noted.contains(&let_in(name))).cloned().collect()
}

/// What there is to say of a group that was not made here and has members that were not asked for.
pub fn strangers(users: &[User]) -> Option<String> {
    let group = Group::from_name(GROUP).ok().flatten().filter(|group| !is_ours(group))?;
    let others = group.mem.iter().filter(|name| users.iter().all(|user| user.name != **name));
    let others: Vec<&str> = others.map(String::as_str).collect();
    (!others.is_empty()).then(|| {
        format!(
            "the group {GROUP} already existed, so its other members may connect too: {}",
            one_line(&others.join(", "), 300)
        )
    })
}

/// Whether the account is in the group, as the account database says.
pub fn is_member(user: &User) -> bool {
    let group = Group::from_name(GROUP).ok().flatten();
    let groups = groups_of(&user.name, user.gid).unwrap_or_default();
    group.is_some_and(|group| groups.contains(&group.gid))
}
