//! What is there in the place of a name that is no installed package: the packages that say they
//! provide it, and of pacman's those of a group with that name.

use crate::managers::host::PackageManager;
use crate::output::text::one_line;
use std::fs::{read, read_dir};
use std::path::Path;

/// `vp1, which is there, provides it`
pub fn told(manager: PackageManager, name: &str) -> Option<String> {
    let (provide, of_group) = match manager {
        PackageManager::Apt => {
            (of_dpkg(&text(Path::new("/var/lib/dpkg/status")), name), Vec::new())
        }
        PackageManager::Pacman => {
            let records = read_dir("/var/lib/pacman/local").into_iter().flatten().flatten();
            let records: Vec<String> =
                records.map(|entry| text(&entry.path().join("desc"))).collect();
            let with = |key| records.iter().filter_map(|desc| of_pacman(desc, key, name)).collect();
            (with("%PROVIDES%"), with("%GROUPS%"))
        }
    };
    let which = |mut names: Vec<String>| {
        names.sort_unstable();
        let plural = names.len() > 1;
        (one_line(&names.join(", "), 200), plural)
    };
    match (provide.is_empty(), of_group.is_empty()) {
        (false, _) => Some(match which(provide) {
            (names, true) => format!("{names}, which are there, provide it"),
            (names, false) => format!("{names}, which is there, provides it"),
        }),
        (true, false) => Some(match which(of_group) {
            (names, true) => format!("it is a group, of which {names} are there"),
            (names, false) => format!("it is a group, of which {names} is there"),
        }),
        (true, true) => None,
    }
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&read(path).unwrap_or_default()).into_owned()
}

/// `Provides: mail-transport-agent, default-mta (= 1)` of what is installed.
fn of_dpkg(status: &str, name: &str) -> Vec<String> {
    let provider = |stanza: &str| {
        let field =
            |key: &str| stanza.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        let is_there = field("Status")?.ends_with(" installed");
        let mut provides = field("Provides")?.split(',');
        let is_it = |one: &str| one.trim().split([' ', '(', ':']).next() == Some(name);
        (is_there && provides.any(is_it)).then(|| field("Package").map(str::to_owned))?
    };
    status.split("\n\n").filter_map(provider).collect()
}

/// The name of a package, where one line of a section is `name` or `name=1`.
fn of_pacman(desc: &str, key: &str, name: &str) -> Option<String> {
    let section = |key: &str| {
        let lines = desc.lines().skip_while(move |line| *line != key).skip(1);
        lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>()
    };
    let is_it = |line: &&str| line.split(['=', '<', '>']).next() == Some(name);
    section(key)
        .iter()
        .any(is_it)
        .then(|| section("%NAME%").first().map(|name| (*name).to_owned()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_provides_a_name_is_found() {
        let status = "Package: a\nStatus: install ok installed\nProvides: x, virt (= 1)\n\n\
                      Package: b\nStatus: deinstall ok config-files\nProvides: virt\n\n\
                      Package: c\nStatus: install ok installed\nProvides: virtual\n";
        assert_eq!(of_dpkg(status, "virt"), ["a"]);
        assert!(of_dpkg(status, "a").is_empty());
        let desc = "%NAME%\nvprov\n\n%PROVIDES%\nother\ndocker=1\n\n%GROUPS%\nbase\n";
        assert_eq!(of_pacman(desc, "%PROVIDES%", "docker").as_deref(), Some("vprov"));
        assert_eq!(of_pacman(desc, "%GROUPS%", "base").as_deref(), Some("vprov"));
        assert_eq!(of_pacman(desc, "%PROVIDES%", "base"), None);
    }
}
