//! The package manager's settings: some of them name commands, which it runs as root.

use crate::admin::doctor::finding::Finding;
use crate::admin::doctor::paths::{fix_or, refused, word};
use crate::managers::host;
use std::fs;
use std::path::{Path, PathBuf};

/// What of them others can change, or make. A host can have more than one package manager.
pub fn settings() -> Vec<Finding> {
    let all = || host::ALL.into_iter().flat_map(|manager| manager.trusts());
    let mut paths: Vec<PathBuf> = all().map(PathBuf::from).collect();
    let entries = all().flat_map(fs::read_dir).flatten().flatten();
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
