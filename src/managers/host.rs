//! The package managers that are known, and which of them this host has.

use crate::managers::apt::Apt;
use crate::managers::manager::Manager;
use crate::managers::pacman::Pacman;
use crate::managers::systemd::commands;
use std::path::Path;

/// All of them. A host of no known family has the first of them whose program is there.
pub const ALL: [Manager; 2] = [&Apt, &Pacman];

/// The one with this name.
pub fn named(name: &str) -> Option<Manager> {
    ALL.into_iter().find(|manager| manager.name() == name)
}

/// The one of this host, told by `os-release(5)`, and by which program is there.
pub fn of_this_host() -> Option<Manager> {
    let release = ["/etc/os-release", "/usr/lib/os-release"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .unwrap_or_default();
    of(&release, |program| Path::new(program).exists())
}

/// As [`of_this_host`], for a host with this `os-release`.
fn of(release: &str, there: impl Fn(&str) -> bool) -> Option<Manager> {
    let has = |manager: &Manager| there(manager.program());
    // A host can have the other family's program too: Debian packages pacman.
    let family = words_of(release)
        .find_map(|id| ALL.into_iter().find(|manager| manager.families().contains(&id)));
    match family {
        Some(manager) => Some(manager).filter(has),
        None => ALL.into_iter().find(has),
    }
}

/// The names of their programs, for a host that has none: `apt-get nor pacman`.
pub fn programs() -> String {
    let name = |manager: Manager| manager.program().rsplit('/').next().unwrap_or_default();
    ALL.map(name).join(" nor ")
}

/// What is in the environment of what is run, so that each of them knows that nobody is there.
pub fn environment() -> impl Iterator<Item = (&'static str, &'static str)> {
    let packages = ALL.into_iter().flat_map(|manager| manager.environment().iter().copied());
    commands::ENVIRONMENT.into_iter().chain(packages)
}

/// How an administrator sees what is held.
pub fn shows_held() -> String {
    ALL.map(|manager| manager.shows_held()).join(", or ")
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
            ("ID=debian\n", &both as &dyn Fn(&str) -> bool, Some("apt")),
            ("ID=arch\n", &both, Some("pacman")),
            ("ID=\"manjaro\"\nID_LIKE=\"arch\"\n", &both, Some("pacman")),
            ("ID=pop\nID_LIKE=\"ubuntu debian\"\n", &both, Some("apt")),
            ("ID=debian\n", &only_pacman, None),
            ("ID=other\n", &only_pacman, Some("pacman")),
            ("ID=other\n", &neither, None),
            ("", &neither, None),
        ] {
            assert_eq!(of(release, there).map(|manager| manager.name()), manager, "{release}");
        }
    }
}
