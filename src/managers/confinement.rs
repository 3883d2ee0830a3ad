//! What a command line is confined to while it runs: each says so where it is made.

/// The folders of the links by which System V init starts a service, and of its scripts: what
/// `systemctl enable` has changed by `systemd-sysv-install`, a child of its own, where a service has such
/// a script. All else it asks the manager to do.
const SYSTEM_V: [&str; 9] = [
    "/etc/init.d",
    "/etc/rc0.d",
    "/etc/rc1.d",
    "/etc/rc2.d",
    "/etc/rc3.d",
    "/etc/rc4.d",
    "/etc/rc5.d",
    "/etc/rc6.d",
    "/etc/rcS.d",
];

/// What a command line may do besides reading files and executing programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confinement {
    /// Nothing but to ask others over a socket of this host: what reads a state, a log or a list, and
    /// what has the service manager do the work.
    Reader {
        /// The folders that it writes all the same.
        writes: &'static [&'static str],
    },
    /// To work out what it would do, for which it writes here, and starts programs as another account.
    Simulation {
        /// The folders that it writes.
        writes: &'static [&'static str],
    },
    /// A policy's check of what a unit reads: it writes logs and the like, wherever the settings that it
    /// checks have them, but not the host's programs and settings.
    Check,
    /// Takes snapshots of the root file system and compares them, for which it may change that file system.
    Snapshots,
    /// A package manager, with all that a package's scripts do.
    PackageManager(Spares),
    /// As the task's own rule says: a task is not started by its command line.
    Task,
}

/// What a package manager may change that is closed to it otherwise, since it is what the operation is
/// about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spares {
    /// This program, its settings and its state.
    pub own: bool,
    /// sudo's rules.
    pub sudo: bool,
}

/// The packages of this program, and those of sudo, by the names that any package manager has for them.
const OWN: [&str; 2] = ["sm-helper", "sm-helper-site"];
const SUDO: [&str; 3] = ["sudo", "sudo-ldap", "sudo-rs"];

impl Spares {
    /// All of it, where nobody knows what the operation is about.
    pub const ALL: Self = Self { own: true, sudo: true };

    /// What an operation on these packages may change.
    pub fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut spares = Self::default();
        for name in names {
            // With its architecture behind it.
            let name = name.split(':').next().unwrap_or(name);
            spares.own |= OWN.contains(&name);
            spares.sudo |= SUDO.contains(&name);
        }
        // The scripts of this program's own package take its rules away.
        spares.sudo |= spares.own;
        spares
    }
}

impl Confinement {
    /// A package manager that may change neither this program nor sudo's rules.
    pub const PACKAGE_MANAGER: Self = Self::PackageManager(Spares { own: false, sudo: false });
    /// What only looks, or has the service manager do the work.
    pub const READER: Self = Self::Reader { writes: &[] };
    /// What changes whether a unit is started at boot.
    pub const LINKS: Self = Self::Reader { writes: &SYSTEM_V };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_sudo_or_this_program_may_change_it() {
        let of = |names: &[&str]| {
            let Spares { own, sudo } = Spares::of(names.iter().copied());
            (own, sudo)
        };
        assert_eq!(of(&[]), (false, false));
        assert_eq!(of(&["git", "sudo-dev", "libsm-helper"]), (false, false));
        assert_eq!(of(&["git", "sudo:amd64"]), (false, true));
        assert_eq!(of(&["sudo-rs"]), (false, true));
        assert_eq!(of(&["sm-helper-site"]), (true, true));
    }
}
