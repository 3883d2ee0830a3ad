//! What pacman has written down of the files of packages, and what else is pacman's.

use crate::managers::pacman::settings::FILES;
use crate::managers::settings::named;
use crate::managers::territory::Territory;
use std::path::{Path, PathBuf};

/// What is its own. The folders below `/var/lib` that are not in it are data of what packages start.
pub const TERRITORY: Territory = Territory {
    state: "/var/lib/pacman/local",
    folders: &["/var/lib/pacman", "/var/lib/texmf", "/var/lib/dkms"],
    caches: &[
        "/var/cache/pacman",
        "/var/cache/fontconfig",
        "/var/cache/ldconfig",
        "/var/cache/man",
    ],
    locks: &["/var/lib/pacman/db.lck"],
};

/// Where the records of installed packages are.
const RECORDS: &str = "/var/lib/pacman/local";

/// Whether pacman keeps the names of a package's files in this file.
pub fn is_list(path: &str) -> bool {
    path.strip_prefix(RECORDS).is_some_and(|rest| {
        let mut words = rest.split('/').skip(1);
        words.next().is_some() && words.next() == Some("files") && words.next().is_none()
    })
}

/// The file in which pacman keeps the names of a package's files.
pub fn list_of(name: &str) -> Vec<String> {
    let names = std::fs::read_dir(RECORDS).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    // NAME-VERSION-RELEASE
    let is_it = |folder: &String| {
        let mut words = folder.rsplitn(3, '-');
        words.nth(2) == Some(name)
    };
    names.filter(is_it).map(|folder| format!("{RECORDS}/{folder}/files")).collect()
}

/// Those of all packages.
pub fn all_lists() -> Vec<PathBuf> {
    let all = std::fs::read_dir(RECORDS).into_iter().flatten().flatten();
    all.map(|entry| entry.path().join("files")).collect()
}

/// The paths in it: those of `%FILES%`, which have no `/` in front.
pub fn listed(text: &str) -> Vec<String> {
    let lines = text.lines().skip_while(|line| *line != "%FILES%").skip(1);
    let lines = lines.take_while(|line| !line.starts_with('%'));
    let paths = lines.filter(|line| !line.is_empty());
    paths.map(|line| format!("/{}", line.trim_end_matches('/'))).collect()
}

/// Whether `snap-pac(8)` takes snapshots around each transaction.
pub fn has_snapshot_hooks() -> bool {
    let is_masked = std::fs::read_link("/etc/pacman.d/hooks/05-snap-pac-pre.hook")
        .is_ok_and(|target| target == Path::new("/dev/null"));
    !is_masked && named(&FILES, |command| command.contains("snap-pac"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_pacmans_is_known_and_read() {
        assert!(is_list("/var/lib/pacman/local/git-2.47.0-1/files"));
        assert!(!is_list("/var/lib/pacman/local/git-2.47.0-1/desc"));
        assert!(!is_list("/var/lib/pacman/local/files"));
        let text = "%FILES%\nusr/\nusr/bin/\nusr/bin/git\n\n%BACKUP%\netc/x\tabc\n";
        assert_eq!(listed(text), ["/usr", "/usr/bin", "/usr/bin/git"]);
        assert_eq!(listed("%BACKUP%\netc/x\tabc\n"), [] as [&str; 0]);
    }
}
