//! The accounts and groups of this host, from its account database.
//!
//! The program is linked statically, so it cannot load what the C library loads for
//! `nsswitch.conf(5)`. It reads the files itself; where these do not decide, `getent(1)` is asked,
//! which does load it ([`source`]).

pub mod shadow;
mod source;

use nix::unistd::{Gid, Uid};
use source::{Database, Key, fields};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// An account (`passwd(5)`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Its user id.
    pub uid: Uid,
    /// Its own group.
    pub gid: Gid,
    /// Its home.
    pub dir: PathBuf,
    /// Its shell.
    pub shell: PathBuf,
}

/// A group (`group(5)`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its group id.
    pub gid: Gid,
    /// The accounts that its entry names. Those whose own group it is need not be among them.
    pub mem: Vec<String>,
}

impl User {
    /// The account of this name, if there is one.
    ///
    /// # Errors
    /// If the account database cannot be asked.
    pub fn from_name(name: &str) -> nix::Result<Option<Self>> {
        source::find(Database::Passwd, Key::Name(name), Self::parse)
    }

    /// The account with this id, if there is one: the first, if there are several.
    ///
    /// # Errors
    /// If the account database cannot be asked.
    pub fn from_uid(uid: Uid) -> nix::Result<Option<Self>> {
        source::find(Database::Passwd, Key::Id(uid.as_raw()), Self::parse)
    }

    fn parse(line: &str) -> Option<Self> {
        let [name, _password, uid, gid, _gecos, dir, shell] = fields(line)?;
        Some(Self {
            name: name.to_owned(),
            uid: Uid::from_raw(uid.parse().ok()?),
            gid: Gid::from_raw(gid.parse().ok()?),
            dir: dir.into(),
            shell: shell.into(),
        })
    }
}

impl Group {
    /// The group of this name, if there is one.
    ///
    /// # Errors
    /// If the account database cannot be asked.
    pub fn from_name(name: &str) -> nix::Result<Option<Self>> {
        source::find(Database::Group, Key::Name(name), Self::parse)
    }

    /// The group with this id, if there is one: the first, if there are several.
    ///
    /// # Errors
    /// If the account database cannot be asked.
    pub fn from_gid(gid: Gid) -> nix::Result<Option<Self>> {
        source::find(Database::Group, Key::Id(gid.as_raw()), Self::parse)
    }

    fn parse(line: &str) -> Option<Self> {
        let [name, _password, gid, members] = fields(line)?;
        let members = members.split(',').map(str::trim).filter(|name| !name.is_empty());
        Some(Self {
            name: name.to_owned(),
            gid: Gid::from_raw(gid.parse().ok()?),
            mem: members.map(str::to_owned).collect(),
        })
    }
}

/// The groups of an account whose own one is `gid`.
///
/// # Errors
/// If the account database cannot be asked.
pub fn groups_of(name: &str, gid: Gid) -> nix::Result<Vec<Gid>> {
    let source = source::of(Database::Initgroups);
    let in_files = if source.begins_with_files() { groups_in_files(name)? } else { Vec::new() };
    let others = if source.is_files_alone() { Vec::new() } else { source::initgroups(name)? };
    let mut known = BTreeSet::new();
    let all = [gid].into_iter().chain(in_files).chain(others.into_iter().map(Gid::from_raw));
    Ok(all.filter(|gid| known.insert(gid.as_raw())).collect())
}

/// Whether an account whose own group is `gid` is in this group.
///
/// # Errors
/// If the account database cannot be asked.
pub fn is_member(name: &str, gid: Gid, group: Gid) -> nix::Result<bool> {
    // What the files say of a member is so whatever else there is, and costs no process.
    let begins_with_files = || source::of(Database::Initgroups).begins_with_files();
    if gid == group || begins_with_files() && groups_in_files(name)?.contains(&group) {
        return Ok(true);
    }
    Ok(groups_of(name, gid)?.contains(&group))
}

fn groups_in_files(name: &str) -> nix::Result<Vec<Gid>> {
    let file = source::read(Database::Group)?;
    let groups = source::lines(&file).filter_map(|line| Group::parse(&line));
    let own = groups.filter(|group| group.mem.iter().any(|member| member == name));
    Ok(own.map(|group| group.gid).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_the_manual_pages_say() {
        let user = User::parse("ann:x:1000:100:Ann,,,:/home/ann:/bin/sh").expect("an account");
        assert_eq!((user.name.as_str(), user.uid.as_raw(), user.gid.as_raw()), ("ann", 1000, 100));
        assert_eq!((user.dir, user.shell), ("/home/ann".into(), "/bin/sh".into()));
        let group = Group::parse("sm:x:990:ann, ben,,").expect("a group");
        assert_eq!(
            (group.gid.as_raw(), group.mem),
            (990, vec!["ann".to_owned(), "ben".to_owned()])
        );
        for line in
            ["", "+", "+::::::", "ann:x:1000:100:Ann:/home/ann", "ann:x:-1:100:::", "ann:x:1k:1:::"]
        {
            assert_eq!(User::parse(line), None, "{line}");
        }
        for line in ["", "+", "sm:x:990", "sm:x::ann", "sm:x:990:ann:ben"] {
            assert_eq!(Group::parse(line), None, "{line}");
        }
    }

    /// The C library is what every other program goes by. A test links dynamically.
    #[allow(clippy::disallowed_types, clippy::disallowed_methods)]
    #[test]
    fn the_same_is_found_as_by_the_c_library() {
        let file = source::read(Database::Passwd).expect("the file");
        let accounts = source::lines(&file).filter_map(|line| User::parse(&line));
        let accounts: Vec<User> = accounts.collect();
        assert!(accounts.len() > 3);
        for account in accounts {
            let own = User::from_name(&account.name).expect("it is asked").expect("it is there");
            let other = nix::unistd::User::from_name(&account.name).expect("it is asked");
            let other = other.expect("it is there");
            assert_eq!((own.uid, own.gid, &own.dir), (other.uid, other.gid, &other.dir));
            let name = std::ffi::CString::new(account.name.as_str()).expect("a name");
            let mut groups = groups_of(&own.name, own.gid).expect("its groups");
            let mut others = nix::unistd::getgrouplist(&name, own.gid).expect("its groups");
            groups.sort_unstable_by_key(|gid| gid.as_raw());
            others.sort_unstable_by_key(|gid| gid.as_raw());
            assert_eq!(groups, others, "{}", own.name);
            assert!(groups.iter().all(|gid| is_member(&own.name, own.gid, *gid) == Ok(true)));
            assert_eq!(is_member(&own.name, own.gid, Gid::from_raw(4_000_000)), Ok(false));
        }
        for name in ["", "nobody-here", "0", "-x", "root:x", "ro\not"] {
            assert_eq!(User::from_name(name), Ok(None), "{name:?}");
            assert_eq!(Group::from_name(name), Ok(None), "{name:?}");
        }
        assert_eq!(User::from_uid(Uid::from_raw(4_000_000)), Ok(None));
    }
}
