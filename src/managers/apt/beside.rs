//! Where dpkg and ucf put configuration files (`dpkg(1)`, `ucf(1)`).

use crate::managers::beside::STAYS;
use crate::system::file;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a name ends with if the file lies beside the one in use.
pub const BESIDE: [(&str, &str); 6] = [
    (".dpkg-dist", STAYS),
    (".dpkg-new", STAYS),
    (".dpkg-old", "was replaced by the package's version; the old one is next to it"),
    (".dpkg-bak", "was changed on this host, and its package no longer has it; it is kept"),
    (".ucf-dist", STAYS),
    (".ucf-old", "was replaced by the package's version; the old one is next to it"),
];

/// Where dpkg keeps the names of each package's configuration files.
pub const INFO: &str = "/var/lib/dpkg/info";

/// The most folders of one package.
const MOST_FOLDERS: usize = 10_000;

/// The folders outside of `/etc` in which packages have configuration files: a path a line, after
/// a word of what becomes of it (`deb-conffiles(5)`).
pub fn folders_elsewhere(info: &Path) -> BTreeSet<PathBuf> {
    let lists = std::fs::read_dir(info).into_iter().flatten().flatten().map(|entry| entry.path());
    let lists = lists.filter(|path| path.extension().is_some_and(|kind| kind == "conffiles"));
    let mut folders = BTreeSet::new();
    for text in lists.filter_map(|path| file::read_to_string(path).ok()) {
        let paths =
            text.lines().filter_map(|line| line.find('/').map(|start| Path::new(&line[start..])));
        let elsewhere = paths.filter(|path| !path.starts_with("/etc"));
        folders
            .extend(elsewhere.filter_map(Path::parent).map(Path::to_path_buf).take(MOST_FOLDERS));
    }
    folders
}
