//! Other routes to root than sudo: sockets of services that do what they are told, doas, polkit.

use crate::admin::doctor::accounts::leave;
use crate::admin::doctor::agents::Agent;
use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::{Finding, or_ok};
use crate::admin::doctor::paths::{weak, weak_with, word};
use crate::system::accounts::{Group, User};
use crate::system::file;
use nix::unistd::Gid;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Sockets over which root's services can be told to run anything.
const SOCKETS: [&str; 12] = [
    "/run/docker.sock",
    "/run/podman/podman.sock",
    "/run/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/var/lib/lxd/unix.socket",
    "/var/snap/lxd/common/lxd/unix.socket",
    "/var/lib/incus/unix.socket",
    "/run/libvirt/libvirt-sock",
    "/run/libvirt/virtqemud-sock",
    "/run/buildkit/buildkitd.sock",
    "/run/systemd/private",
];

pub fn sockets(context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    for path in SOCKETS {
        let Ok(data) = fs::metadata(path) else { continue };
        if !data.file_type().is_socket() {
            continue;
        }
        let path = Path::new(path);
        if data.mode() & 0o002 != 0 {
            let what = format!("everybody can write to {}", path.display());
            found.push(Finding::problem(what).fix(format!("chmod o-rw {}", word(path))));
            continue;
        }
        let may = |agent: &&Agent| {
            let own = data.uid() == agent.user.uid.as_raw() && data.mode() & 0o200 != 0;
            own || (data.mode() & 0o020 != 0 && agent.groups.contains(&Gid::from_raw(data.gid())))
        };
        for agent in context.agents.iter().filter(may) {
            let gid = Gid::from_raw(data.gid());
            let group = Group::from_gid(gid).ok().flatten().map(|group| group.name);
            let what = format!("{} can write to {}", agent.user.name, path.display());
            let command = match group {
                Some(group) if agent.groups.contains(&gid) => leave(agent, gid, &group),
                _ => format!("chown root:root {}", word(path)),
            };
            found.push(Finding::problem(what).fix(command));
        }
    }
    or_ok(found, "no account that may use the helper can write to a socket that gives root")
}

pub fn doas(context: &Context) -> Vec<Finding> {
    const FILE: &str = "/etc/doas.conf";
    if fs::symlink_metadata(FILE).is_err() {
        return vec![Finding::ok("there is no doas on this host")];
    }
    let mut found: Vec<Finding> = weak(Path::new(FILE)).into_iter().collect();
    let text = String::from_utf8_lossy(&file::read(FILE).unwrap_or_default()).into_owned();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches('"')).collect();
        if words.first() != Some(&"permit") {
            continue;
        }
        for agent in &context.agents {
            // By its name or its number (doas.conf(5)).
            let user = &agent.user;
            let mut names = vec![user.name.clone(), user.uid.to_string()];
            names.extend(agent.groups.iter().map(|gid| format!(":{gid}")));
            names.extend(group_names(agent).map(|name| format!(":{name}")));
            if names.iter().any(|name| words.contains(&name.as_str())) {
                let number = number + 1;
                let what = format!("{FILE}:{number} is for {}: {}", agent.user.name, line.trim());
                found.push(Finding::problem(what).fix(format!("sed -i {number}d {FILE}")));
            }
        }
    }
    or_ok(found, format!("{FILE} permits nothing to accounts that may use the helper"))
}

/// A note only: what a rule of polkit's does, nobody can tell without running it.
pub fn polkit(context: &Context) -> Vec<Finding> {
    let mut rules = Vec::new();
    for folder in [
        "/etc/polkit-1/rules.d",
        "/run/polkit-1/rules.d",
        "/usr/local/share/polkit-1/rules.d",
        "/usr/share/polkit-1/rules.d",
        "/etc/polkit-1/localauthority",
        "/var/lib/polkit-1/localauthority",
    ] {
        collect(Path::new(folder), 3, &mut rules);
    }
    // Debian gives it these folders. Who polkit answers for is root by its word anyway.
    let polkitd = User::from_name("polkitd").ok().flatten().map(|user| user.uid);
    let mut found = Vec::new();
    for path in &rules {
        let text = String::from_utf8_lossy(&file::read(path).unwrap_or_default()).into_owned();
        if let Some(name) = context.agents.iter().find_map(|agent| named(&text, agent)) {
            let file = word(path);
            found.push(
                Finding::warning(format!("{} names {name}", path.display()))
                    .fix(format!("mv {file} {file}.off")),
            );
        }
        found.extend(weak_with(path, polkitd));
    }
    or_ok(
        found,
        match rules.len() {
            0 => "there are no polkit rules on this host".to_owned(),
            count => {
                format!("none of {count} files with rules names an account that may use the helper")
            }
        },
    )
}

/// The account, or a group that it is in, if a rule names it.
fn named(text: &str, agent: &Agent) -> Option<String> {
    let text: String = text.split_whitespace().collect();
    let has = |forms: &[String]| forms.iter().any(|form| text.contains(form.as_str()));
    let name = &agent.user.name;
    if has(&[format!("\"{name}\""), format!("'{name}'"), format!("unix-user:{name}")]) {
        return Some(name.clone());
    }
    let group = group_names(agent).find(|group| {
        let call = "isInGroup(";
        has(&[
            format!("{call}\"{group}\")"),
            format!("{call}'{group}')"),
            format!("unix-group:{group}"),
        ])
    })?;
    Some(format!("the group {group} of {name}"))
}

fn group_names(agent: &Agent) -> impl Iterator<Item = String> {
    let groups = agent.groups.iter().filter_map(|gid| Group::from_gid(*gid).ok().flatten());
    groups.map(|group| group.name)
}

/// The files with rules in a folder and those below it.
fn collect(folder: &Path, deep: u32, rules: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && deep > 0 {
            collect(&path, deep - 1, rules);
        } else if path.extension().is_some_and(|end| end == "rules" || end == "pkla")
            // A fifo would hold whoever reads it.
            && fs::metadata(&path).is_ok_and(|data| data.is_file())
        {
            rules.push(path);
        }
    }
}
