//! Who may use the helper: whom a drop-in, the broker's group or the policy names.

use crate::admin::doctor::listing::{Listing, listing};
use crate::admin::setup_sudo::mark::MARK;
use crate::broker::socket::GROUP;
use crate::policy::COMPILED;
use crate::policy::force::InForce;
use crate::policy::model::{CallerKind, Policy};
use crate::sudo::account::Who;
use crate::sudo::files::files;
use crate::sudo::folder::{FOLDER, is_read};
use crate::sudo::members::members_of;
use crate::system::accounts::{User, groups_of};
use crate::system::file;
use nix::unistd::Gid;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// About how many of them sudo is asked at most: with a group there can be thousands.
pub const MOST: usize = 100;

/// A drop-in of ours.
pub struct DropInFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// For whom it says it is: the kind (`user`, `group`) and the name.
    pub named: (&'static str, String),
    /// For whom it is; none if there is no such account or group.
    pub who: Option<Who>,
}

/// An account that may use the helper.
pub struct Agent {
    /// The account.
    pub user: User,
    /// The groups it is in.
    pub groups: Vec<Gid>,
    /// Whether a drop-in is how it asks.
    pub by_sudo: bool,
    /// What sudo says of it; none if there is no sudo, and after the first [`MOST`].
    pub listing: Option<Result<Listing, String>>,
}

/// Every drop-in that begins as ours do.
pub fn drop_ins() -> Vec<DropInFile> {
    let entries = fs::read_dir(FOLDER).into_iter().flatten().flatten();
    let mut found: Vec<DropInFile> = entries
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with("sm-") && is_read(&name)
        })
        // sudo follows links.
        .filter(|entry| fs::metadata(entry.path()).is_ok_and(|data| data.is_file()))
        .filter_map(|entry| {
            let text = String::from_utf8_lossy(&file::read(entry.path()).ok()?).into_owned();
            let first = text.lines().next()?.strip_prefix(MARK)?;
            let first = first.strip_prefix(" --exact").unwrap_or(first).strip_prefix(" for ")?;
            let first = first.rsplit_once("; do not edit").map_or(first, |(first, _)| first);
            let (kind, name) = first.split_once(' ')?;
            let named = (if kind == "group" { "group" } else { "user" }, name.to_owned());
            let name = Some(OsStr::new(name));
            let (user, group) = if named.0 == "group" { (None, name) } else { (name, None) };
            let who = Who::find(user, group, true).ok();
            Some(DropInFile { path: entry.path(), text, named, who })
        })
        .collect();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Every other file of sudo's configuration that has a rule for the helper.
pub fn by_hand(drop_ins: &[DropInFile], helper: &Path) -> Vec<PathBuf> {
    let is_ours = |path: &PathBuf| drop_ins.iter().any(|file| file.path == *path);
    let has_rule = |path: &PathBuf| {
        let text = String::from_utf8_lossy(&file::read(path).unwrap_or_default()).into_owned();
        has_rule(&text, &helper.to_string_lossy())
    };
    files().into_iter().filter(|path| !is_ours(path) && has_rule(path)).collect()
}

/// Whether a line gives the program to somebody, or to an alias.
fn has_rule(text: &str, program: &str) -> bool {
    let text = text.replace("\\\n", " ");
    let mut rules = text.lines().map(str::trim).filter(|line| is_rule(line));
    rules.any(|line| {
        !line.starts_with("Defaults")
            && line.split([' ', '\t', ',', '=', ':', ')']).any(|word| word == program)
    })
}

/// The accounts of this host that sudo lets run the helper by its name: a rule that is written by
/// hand can be for aliases, numbers and netgroups.
pub fn others(helper: &Path) -> Vec<User> {
    let passwd = String::from_utf8_lossy(&fs::read("/etc/passwd").unwrap_or_default()).into_owned();
    let users = passwd.lines().filter_map(|line| account(line.split(':').next()?));
    // If sudo does not answer for one it will not for the next.
    let asked = users.map_while(|user| Some((listing(&user.name)?.ok()?, user)));
    asked.filter(|(listing, _)| listing.names(helper)).map(|(_, user)| user).collect()
}

/// The accounts, each once, in the order of their numbers.
pub fn find(drop_ins: &[DropInFile], others: Vec<User>, policy: Option<&InForce>) -> Vec<Agent> {
    let mut users: Vec<(User, bool)> = others.into_iter().map(|user| (user, false)).collect();
    for file in drop_ins {
        match &file.who {
            Some(Who::User { name, .. }) => users.extend(account(name).map(|user| (user, true))),
            Some(Who::Group { name, .. }) => {
                users.extend(members_of(name).map(|user| (user, true)));
            }
            None => {}
        }
    }
    users.extend(members_of(GROUP).map(|user| (user, false)));
    let mut callers = |policy: &Policy<'_>| {
        for rule in policy.callers {
            let name = policy.text_of(rule.name);
            match rule.kind {
                CallerKind::User => users.extend(account(name).map(|user| (user, false))),
                CallerKind::Group => users.extend(members_of(name).map(|user| (user, false))),
                CallerKind::Default => {}
            }
        }
    };
    callers(&COMPILED);
    if let Some(site) = policy.and_then(InForce::site) {
        callers(&site);
    }
    // Of two for one account the first is the one with a drop-in.
    users.sort_by_key(|(user, by_sudo)| (user.uid.as_raw(), !by_sudo));
    users.dedup_by_key(|(user, _)| user.uid);
    let agent = |(number, (user, by_sudo)): (usize, (User, bool))| {
        let listing = if number < MOST { listing(&user.name) } else { None };
        let groups = groups_of(&user.name, user.gid).unwrap_or_else(|_| vec![user.gid]);
        Agent { user, groups, by_sudo, listing }
    };
    users.into_iter().enumerate().map(agent).collect()
}

fn account(name: &str) -> Option<User> {
    User::from_name(name).ok().flatten().filter(|user| !user.uid.is_root())
}

/// Whether a line is none of the comments: an account can be written as `#1005`, and
/// `#includedir` is none (`sudoers(5)`).
pub fn is_rule(line: &str) -> bool {
    match line.strip_prefix('#') {
        None => !line.is_empty(),
        Some(rest) => rest.starts_with(|c: char| c.is_ascii_digit()) || rest.starts_with("include"),
    }
}

#[cfg(test)]
mod tests {
    use super::has_rule;

    #[test]
    fn a_rule_for_the_helper_is_seen_in_whatever_form() {
        let helper = "/usr/local/bin/sm-helper";
        for (text, has) in [
            ("agent ALL=(root) NOPASSWD: /usr/local/bin/sm-helper, /bin/bash\n", true),
            ("# Ansible managed\n#1000 ALL=/usr/local/bin/sm-helper list\n", true),
            ("%ops ALL=(root)NOPASSWD:/bin/a,\\\n/usr/local/bin/sm-helper\n", true),
            ("Cmnd_Alias SM = /usr/local/bin/sm-helper\n", true),
            ("agent ALL=(root) /usr/local/bin/sm-helper2, !/usr/local/bin/sm-helper\n", false),
            ("# agent ALL=(root) /usr/local/bin/sm-helper\n", false),
            ("Defaults!/usr/local/bin/sm-helper !syslog\n", false),
            ("Defaults:agent secure_path=/usr/local/bin/sm-helper\n", false),
        ] {
            assert_eq!(has_rule(text, helper), has, "{text}");
        }
    }
}
