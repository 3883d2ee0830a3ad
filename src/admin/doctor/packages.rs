//! The package manager's settings: some of them name commands, which it runs as root.

use crate::admin::doctor::finding::Finding;
use crate::admin::doctor::paths::{fix_or, refused, word};
use std::fs;
use std::path::{Path, PathBuf};

/// What they are in: `apt.conf(5)`, `sources.list(5)`, `dpkg.cfg(5)`, `pacman.conf(5)`,
/// `alpm-hooks(5)`.
const SETTINGS: [&str; 11] = [
    "/etc/apt",
    "/etc/apt/apt.conf.d",
    "/etc/apt/preferences.d",
    "/etc/apt/sources.list.d",
    "/etc/apt/trusted.gpg.d",
    "/etc/dpkg",
    "/etc/dpkg/dpkg.cfg.d",
    "/etc/pacman.conf",
    "/etc/pacman.d",
    "/etc/pacman.d/hooks",
    "/usr/share/libalpm/hooks",
];

/// What of it others can change, or make.
pub fn settings() -> Vec<Finding> {
    let mut paths = SETTINGS.map(PathBuf::from).to_vec();
    let entries = SETTINGS.into_iter().flat_map(fs::read_dir).flatten().flatten();
    paths.extend(entries.map(|entry| entry.path()));
    paths.iter().filter_map(|path| weak_setting(path)).collect()
}

fn weak_setting(path: &Path) -> Option<Finding> {
    let error = refused(path)?.error;
    let found =
        if path.is_symlink() { format!("{} is a link: {error}", path.display()) } else { error };
    let means = "the package manager runs as root what its settings name, and trusts the keys they name: whoever can change them has root with the next request";
    let look = format!("ls -l {}", word(path));
    Some(Finding::problem(found).means(means).fix(fix_or(path, look)))
}
