//! The accounts that may ask the helper: which groups make them more, and who else is root.

use super::Scene;
use super::agents::Agent;
use super::finding::{Finding, Status, or_ok};
use crate::helper::text::shell_word;
use nix::unistd::{Gid, Group, User};
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
    ("root", Status::Warning, "what root's group can write to is its"),
    (
        "staff",
        Status::Warning,
        "Debian lets it write to /usr/local, before which nothing else is found",
    ),
    ("adm", Status::Warning, "it reads the record of what others asked for, and all logs"),
    (
        "systemd-journal",
        Status::Warning,
        "it reads the journal, and with it the record of what others asked for",
    ),
    ("lpadmin", Status::Warning, "the print server reads and writes files as root for it"),
    ("netdev", Status::Warning, "it sets the network up, and with it which mirrors are reached"),
    ("plugdev", Status::Warning, "it mounts devices that somebody brings along"),
    ("utmp", Status::Warning, "it writes who is logged in"),
];

pub fn groups(scene: &Scene) -> Vec<Finding> {
    let mut found = Vec::new();
    for agent in &scene.agents {
        for gid in &agent.groups {
            let Some(group) = Group::from_gid(*gid).ok().flatten() else { continue };
            let Some((_, status, why)) = GROUPS.iter().find(|(name, ..)| *name == group.name)
            else {
                continue;
            };
            let what = format!("{} is in the group {}: {why}", agent.user.name, group.name);
            found.push(Finding::new(*status, what).mend(leave(agent, *gid, &group.name)));
        }
    }
    let well = match scene.agents.len() {
        0 => "no account may ask the helper yet".to_owned(),
        count => format!(
            "of {count} accounts that may ask the helper none is in a group that gives more"
        ),
    };
    or_ok(found, well)
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

pub fn second_root(_: &Scene) -> Vec<Finding> {
    let passwd = String::from_utf8_lossy(&fs::read("/etc/passwd").unwrap_or_default()).into_owned();
    let mut found = Vec::new();
    for line in passwd.lines() {
        let mut fields = line.split(':');
        let (Some(name), Some(uid)) = (fields.next(), fields.nth(1)) else { continue };
        if uid.parse() == Ok(0_u32) && name != "root" {
            let what = format!("the account {name} has root's number, 0");
            found
                .push(Finding::problem(what).mend(format!("userdel --force {}", shell_word(name))));
        }
    }
    // It may be known from elsewhere only, or by another name.
    if User::from_uid(0.into()).ok().flatten().is_none_or(|user| user.name != "root") {
        found.push(Finding::warning("the account of number 0 is not called root"));
    }
    or_ok(found, "root is the only account with its number")
}
