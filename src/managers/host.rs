//! What this host has: its package manager.

use crate::managers::commands::Commands;
use crate::managers::{apt, pacman};
use crate::request::action::{Maintenance, PackageAction};
use crate::request::code::Refusal;
use std::path::Path;

/// A package manager that the helper can drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PackageManager {
    /// Debian's, through `apt-get`.
    Apt,
    /// Arch's.
    Pacman,
}

impl PackageManager {
    /// The one of this host, told by `os-release(5)`, and by which program is there.
    pub fn of_this_host() -> Option<Self> {
        let release = ["/etc/os-release", "/usr/lib/os-release"]
            .iter()
            .find_map(|path| std::fs::read_to_string(path).ok())
            .unwrap_or_default();
        Self::of(&release, |program| Path::new(program).exists())
    }

    /// As [`PackageManager::of_this_host`], for a host with this `os-release`.
    fn of(release: &str, there: impl Fn(&str) -> bool) -> Option<Self> {
        let has = |manager: &Self| there(manager.program());
        // A host can have the other family's program too: Debian packages pacman.
        let family = words_of(release).find_map(|id| match id {
            "debian" | "ubuntu" => Some(Self::Apt),
            "arch" | "archlinux" => Some(Self::Pacman),
            _ => None,
        });
        match family {
            Some(manager) => Some(manager).filter(has),
            None => [Self::Apt, Self::Pacman].into_iter().find(has),
        }
    }

    /// Its program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Apt => apt::commands::APT_GET,
            Self::Pacman => pacman::commands::PACMAN,
        }
    }

    /// What is run for one package; `removals` is whether others may go for it.
    pub fn package(self, action: PackageAction, name: &str, removals: bool) -> Commands {
        match self {
            Self::Apt => apt::commands::package(action, name, removals),
            Self::Pacman => pacman::commands::package(action, name, removals),
        }
    }

    /// What is run for all packages.
    ///
    /// # Errors
    /// `unsupported` for what this package manager can not do.
    pub fn maintenance(self, action: Maintenance, removals: bool) -> Result<Commands, Refusal> {
        match self {
            Self::Apt => Ok(apt::commands::maintenance(action)),
            Self::Pacman => pacman::commands::maintenance(action, removals),
        }
    }

    /// Its name in `list`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apt => "apt",
            Self::Pacman => "pacman",
        }
    }

    /// The files and folders whose change shows that an operation changed something.
    pub fn traces(self, action: Option<Maintenance>) -> &'static [&'static str] {
        match (self, action) {
            (Self::Apt, Some(Maintenance::Update)) => &["/var/lib/apt/lists"],
            (Self::Apt, Some(Maintenance::Autoclean)) => &["/var/cache/apt/archives"],
            (Self::Apt, _) => &["/var/lib/dpkg/status"],
            (Self::Pacman, Some(Maintenance::Autoclean)) => &["/var/cache/pacman/pkg"],
            (Self::Pacman, _) => &["/var/lib/pacman/local"],
        }
    }

    /// The files and folders that a plan rests on.
    pub fn state(self) -> &'static [&'static str] {
        match self {
            Self::Apt => &[
                "/var/lib/dpkg/status",
                "/var/lib/dpkg/updates",
                "/var/lib/apt/extended_states",
                "/var/lib/apt/lists",
            ],
            Self::Pacman => &["/var/lib/pacman/local", "/var/lib/pacman/sync"],
        }
    }
}

/// The words of `ID`, then those of `ID_LIKE`.
fn words_of(release: &str) -> impl Iterator<Item = &str> {
    let values = ["ID=", "ID_LIKE="].into_iter().filter_map(move |key| {
        release
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .map(|value| value.trim_matches(['"', '\'']))
    });
    values.flat_map(str::split_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_manager_is_told_by_what_the_host_has() {
        let both = |_: &str| true;
        let neither = |_: &str| false;
        let only_pacman = |program: &str| program.ends_with("pacman");
        for (release, there, manager) in [
            ("ID=debian\n", &both as &dyn Fn(&str) -> bool, Some(PackageManager::Apt)),
            ("ID=arch\n", &both, Some(PackageManager::Pacman)),
            ("ID=\"manjaro\"\nID_LIKE=\"arch\"\n", &both, Some(PackageManager::Pacman)),
            ("ID=pop\nID_LIKE=\"ubuntu debian\"\n", &both, Some(PackageManager::Apt)),
            ("ID=debian\n", &only_pacman, None),
            ("ID=other\n", &only_pacman, Some(PackageManager::Pacman)),
            ("ID=other\n", &neither, None),
            ("", &neither, None),
        ] {
            assert_eq!(PackageManager::of(release, there), manager, "{release}");
        }
    }
}
