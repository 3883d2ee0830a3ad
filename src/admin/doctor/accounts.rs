//! The accounts that may use the helper: which groups make them more, and who else is root.

use crate::admin::doctor::agents::Agent;
use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::{Finding, Status, or_ok};
use crate::output::text::shell_word;
use crate::system::accounts::{Group, User};
use nix::unistd::Gid;
use std::fs;

/// Groups that give their members more than the helper does.
const GROUPS: [(&str, Status, &str); 22] = [
    ("sudo", Status::Problem, "Debian's sudo lets its members run everything"),
    ("wheel", Status::Problem, "sudo, su or polkit let its members be root"),
    ("admin", Status::Problem, "sudo or polkit let its members be root"),
    ("docker", Status::Problem, "a container can have the host's root folder in it, as root"),
    ("lxd", Status::Problem, "a container can have the host's root folder in it, as root"),
    ("lxc", Status::Problem, "a container can have the host's root folder in it, as root"),
    ("incus-admin", Status::Problem, "a container can have the host's root folder in it, as root"),
    ("incus", Status::Warning, "it may start containers, confined to a project of its own"),
    ("podman", Status::Problem, "a container of root's can have the host's root folder in it"),
    ("microk8s", Status::Problem, "a pod can have the host's root folder in it, as root"),
    ("libvirt", Status::Problem, "a virtual machine can have the host's disks in it"),
    ("disk", Status::Problem, "it reads and writes every disk past all permissions"),
    ("kmem", Status::Problem, "it reads the memory of the kernel"),
    ("shadow", Status::Problem, "it reads the hashes of all passwords"),
    ("root", Status::Warning, "what root's group can write to becomes its own"),
    (
        "staff",
        Status::Warning,
        "Debian lets it write to /usr/local, before which nothing else is found",
    ),
    ("adm", Status::Warning, "it can read the audit log and all other logs"),
    ("systemd-journal", Status::Warning, "it can read the journal, and with it the audit log"),
    ("lpadmin", Status::Warning, "the print server reads and writes files as root for it"),
    ("netdev", Status::Warning, "it sets the network up, and with it which mirrors are reached"),
    ("plugdev", Status::Warning, "it mounts devices that somebody plugs in"),
    ("utmp", Status::Warning, "it writes who is logged in"),
];

/// A group that is equivalent to root, as sudoers writes it, and why.
pub fn gives_root(written: &str) -> Option<(&str, &'static str)> {
    if written == "ALL" {
        return Some((written, "one of which is equivalent to root"));
    }
    let number = written.strip_prefix('#').and_then(|number| number.parse().ok());
    let group = number.and_then(|number| Group::from_gid(Gid::from_raw(number)).ok().flatten());
    let name = group.map_or_else(|| written.to_owned(), |group| group.name);
    let is_it =
        |(own, status, _): &&(&str, Status, &str)| *own == name && *status == Status::Problem;
    GROUPS.iter().find(is_it).map(|(_, _, reason)| (written, *reason))
}

pub fn groups(context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    for agent in &context.agents {
        for gid in &agent.groups {
            let Some(group) = Group::from_gid(*gid).ok().flatten() else { continue };
            let Some((_, status, reason)) = GROUPS.iter().find(|(name, ..)| *name == group.name)
            else {
                continue;
            };
            let what = format!("{} is in the group {}: {reason}", agent.user.name, group.name);
            found.push(Finding::new(*status, what).fix(leave(agent, *gid, &group.name)));
        }
    }
    let gshadow =
        String::from_utf8_lossy(&fs::read("/etc/gshadow").unwrap_or_default()).into_owned();
    for (group, status, reason) in &GROUPS {
        let names = administrators(&gshadow, group);
        for agent in context.agents.iter().filter(|agent| names.contains(&&*agent.user.name)) {
            let name = &agent.user.name;
            let what = format!("{name} can add itself to the group {group}: {reason}");
            let rest: Vec<&str> = names.iter().copied().filter(|one| one != name).collect();
            let command =
                format!("gpasswd --administrators {} {group}", shell_word(&rest.join(",")));
            found.push(Finding::new(*status, what).fix(command));
        }
    }
    let well = match context.agents.len() {
        0 => "no account may use the helper yet".to_owned(),
        count => format!(
            "of {count} accounts that may use the helper, none is in a group that gives more"
        ),
    };
    or_ok(found, well)
}

/// Who says who is in a group (gshadow(5)).
fn administrators<'g>(gshadow: &'g str, group: &str) -> Vec<&'g str> {
    let lines = gshadow.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut all = lines.filter(|fields| fields.first() == Some(&group));
    let names = all.next().and_then(|fields| fields.get(2).copied()).unwrap_or_default();
    names.split(',').filter(|name| !name.is_empty()).collect()
}

/// What takes an account out of a group.
pub fn leave(agent: &Agent, gid: Gid, group: &str) -> String {
    let user = &agent.user;
    let name = shell_word(&user.name);
    if user.gid != gid {
        return format!("gpasswd --delete {name} {}", shell_word(group));
    }
    // Its first group it can only change for another one.
    match Group::from_name(&user.name).ok().flatten().filter(|own| own.gid != gid) {
        Some(_) => format!("usermod --gid {name} {name}"),
        None => format!("usermod --gid nogroup {name}"),
    }
}

pub fn second_root(_: &Context) -> Vec<Finding> {
    let passwd = String::from_utf8_lossy(&fs::read("/etc/passwd").unwrap_or_default()).into_owned();
    let mut found = Vec::new();
    for line in passwd.lines() {
        let mut fields = line.split(':');
        let (Some(name), Some(uid)) = (fields.next(), fields.nth(1)) else { continue };
        if uid.parse() == Ok(0_u32) && name != "root" {
            let what = format!("the account {name} has root's number, 0");
            found.push(Finding::problem(what).fix(format!("userdel --force {}", shell_word(name))));
        }
    }
    // It may be known from elsewhere only, or by another name.
    if User::from_uid(0.into()).ok().flatten().is_none_or(|user| user.name != "root") {
        found.push(Finding::warning("the account of number 0 is not called root"));
    }
    or_ok(found, "root is the only account with its number")
}

#[cfg(test)]
mod tests {
    use super::administrators;

    #[test]
    fn a_groups_administrators_are_its_third_field() {
        let gshadow = "docker:!:agent,other:third\nlxd:!::agent\nbroken\n";
        assert_eq!(administrators(gshadow, "docker"), ["agent", "other"]);
        for group in ["lxd", "broken", "disk"] {
            assert!(administrators(gshadow, group).is_empty(), "{group}");
        }
    }
}
