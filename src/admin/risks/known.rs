//! Services that do as root what somebody tells them, by design: whoever they listen to is root as
//! soon as they run. To start or install one is root by another name only for those.
//!
//! Not here is what listens to root alone, as containerd and podman's socket do, what runs each
//! account's work as that account, as cron and at do, and what asks for a password, as cockpit does.

use crate::admin::risks::callers::Caller;

/// Whom such a service listens to.
enum Door {
    /// The members of the group, to whom its socket belongs.
    Group(&'static str),
    /// An account with this file in its home.
    File(&'static str),
}

/// Such a service.
pub struct Known {
    units: &'static [&'static str],
    packages: &'static [&'static str],
    door: Door,
    /// Why that is as good as root.
    pub reason: &'static str,
}

/// All that are known.
pub const ALL: &[Known] = &[
    Known {
        units: &["docker.service", "docker.socket"],
        packages: &["docker.io", "docker-ce", "docker", "moby-engine"],
        door: Door::Group("docker"),
        reason: "a container can have the host's root folder in it, as root",
    },
    Known {
        units: &[
            "lxd.service",
            "lxd.socket",
            "snap.lxd.daemon.service",
            "snap.lxd.daemon.unix.socket",
        ],
        packages: &["lxd", "lxd-installer"],
        door: Door::Group("lxd"),
        reason: "a container can have the host's root folder in it, as root",
    },
    Known {
        units: &["incus.service", "incus.socket"],
        packages: &["incus", "incus-base"],
        door: Door::Group("incus-admin"),
        reason: "a container can have the host's root folder in it, as root",
    },
    Known {
        units: &[
            "snap.microk8s.daemon-kubelite.service",
            "snap.microk8s.daemon-containerd.service",
        ],
        packages: &[],
        door: Door::Group("microk8s"),
        reason: "a pod can have the host's root folder in it, as root",
    },
    Known {
        units: &["libvirtd.service", "libvirtd.socket", "virtqemud.service", "virtqemud.socket"],
        packages: &["libvirt-daemon-system", "libvirt-daemon", "libvirt"],
        door: Door::Group("libvirt"),
        reason: "a virtual machine can have the host's disks in it",
    },
    Known {
        units: &[],
        packages: &["sudo", "sudo-rs", "pkexec", "policykit-1"],
        door: Door::Group("sudo"),
        reason: "on Debian its members may run everything as root",
    },
    // snapd asks neither for root nor polkit where a request has the login of `snap login` with it.
    Known {
        units: &["snapd.service", "snapd.socket"],
        packages: &["snapd"],
        door: Door::File(".snap/auth.json"),
        reason: "after `snap login` it installs snaps without sudo, and a snap can run anything as root",
    },
];

impl Known {
    /// The service that this unit is of.
    pub fn of_unit(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|known| known.units.contains(&name))
    }

    /// The service that this package brings.
    pub fn of_package(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|known| known.packages.contains(&name))
    }

    /// Why it does what this caller tells it, if it does.
    pub fn listens_to(&self, caller: &Caller) -> Option<String> {
        match (&self.door, caller) {
            (Door::Group(group), Caller::Group(_)) => caller
                .is_in(group)
                .then(|| format!("it does as root what the group {group} tells it")),
            (Door::Group(group), Caller::Account { name, .. }) => {
                caller.is_in(group).then(|| format!("{name} is in the group {group} on this host"))
            }
            (Door::File(file), Caller::Account { name, home, .. }) => {
                let path = home.join(file);
                path.exists().then(|| format!("{name} has {} on this host", path.display()))
            }
            (Door::File(_), Caller::Group(_)) => None,
        }
    }

    /// Whether `sm doctor` says of its group, too, that it is equivalent to root.
    pub fn is_a_group(&self) -> bool {
        matches!(self.door, Door::Group(_))
    }
}
