//! The group whose members may connect: whose it is, and who was let in.

use crate::admin::setup_broker::call::failed;
use crate::broker::socket::GROUP;
use crate::output::text::one_line;
use crate::request::caller::groups_of;
use crate::request::code::Refusal;
use crate::system::state;
use nix::unistd::{Group, User};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Where it is noted what of the group was made here: `group NUMBER`, `user NAME` for whom was let in.
pub const NOTED: &str = "/var/lib/sm/broker.group";

/// What has systemd-sysusers make the group for this program's package.
const DECLARED: [&str; 2] = ["/usr/lib/sysusers.d/sm.conf", "/usr/local/lib/sysusers.d/sm.conf"];

fn noted() -> BTreeSet<String> {
    fs::read_to_string(NOTED).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Changes what is noted.
///
/// # Errors
/// What the kernel says.
pub fn note(change: impl FnOnce(&mut BTreeSet<String>)) -> Result<(), Refusal> {
    let mut noted = noted();
    change(&mut noted);
    let text: String = noted.iter().map(|line| format!("{line}\n")).collect();
    let (path, new) = (Path::new(NOTED), Path::new(NOTED).with_extension("new"));
    state::put(path, &new, text.as_bytes(), 0o600).map_err(|error| failed(NOTED, &error))
}

/// Whether the group is this program's: made here, or by its package and with no members but those
/// that were let in here. One of that name may be somebody else's.
pub fn is_ours(group: &Group) -> bool {
    let noted = noted();
    let is_packages = DECLARED.iter().any(|path| Path::new(path).exists());
    let mut members = group.mem.iter();
    noted.contains(&format!("group {}", group.gid))
        || is_packages && members.all(|name| noted.contains(&format!("user {name}")))
}

/// What there is to say of a group that was not made here and has members that were not asked for.
pub fn strangers(users: &[User]) -> Option<String> {
    let group = Group::from_name(GROUP).ok().flatten().filter(|group| !is_ours(group))?;
    let others = group.mem.iter().filter(|name| users.iter().all(|user| user.name != **name));
    let others: Vec<&str> = others.map(String::as_str).collect();
    (!others.is_empty()).then(|| {
        format!(
            "the group {GROUP} was there before, so its other members may connect, too: {}",
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
