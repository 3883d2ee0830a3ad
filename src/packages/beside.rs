//! The configuration files that were kept by a package operation, and lie beside others.

use crate::managers::beside::STAYS;
use crate::managers::manager::Manager;
use crate::output::text::one_line;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The most folders that are looked through, and the most files that are told of.
const MOST_FOLDERS: usize = 10_000;
const MOST_TOLD: usize = 10;

/// The longest path of one, in characters.
const LONGEST_PATH: usize = 200;

/// Where configuration files are.
const ETC: &str = "/etc";

/// The files that lie beside others, and when each was put there.
pub struct Beside {
    manager: Manager,
    files: BTreeMap<PathBuf, (i64, i64)>,
}

impl Beside {
    /// Those of now.
    pub fn now(manager: Manager) -> Self {
        let mut all = Self::below(manager, Path::new(ETC));
        for folder in manager.settings_elsewhere() {
            all.look_into(&folder, &mut Vec::new());
        }
        all
    }

    /// With these, which the package manager says that it has put somewhere.
    pub fn and(mut self, paths: Vec<PathBuf>) -> Self {
        for path in paths {
            if self.suffix_of(&path).is_some()
                && let Ok(data) = path.symlink_metadata()
            {
                self.files.insert(path, (data.ctime(), data.ctime_nsec()));
            }
        }
        self
    }

    fn below(manager: Manager, top: &Path) -> Self {
        let mut found = Self { manager, files: BTreeMap::new() };
        let mut folders = vec![top.to_path_buf()];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            count += 1;
            if count > MOST_FOLDERS {
                break;
            }
            found.look_into(&folder, &mut folders);
        }
        found
    }

    /// Adds what is in a folder itself; those in it are told.
    fn look_into(&mut self, folder: &Path, more: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            // Of the entry itself: no link is followed.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                more.push(entry.path());
            } else if kind.is_file()
                && self.suffix_of(&entry.path()).is_some()
                && let Ok(data) = entry.metadata()
            {
                self.files.insert(entry.path(), (data.ctime(), data.ctime_nsec()));
            }
        }
    }

    /// What was put there since.
    pub fn since(&self, before: &Self) -> Vec<String> {
        let is_new = |entry: &(&PathBuf, &(i64, i64))| before.files.get(entry.0) != Some(entry.1);
        let new: Vec<&PathBuf> = self.files.iter().filter(is_new).map(|(path, _)| path).collect();
        let message = new.iter().take(MOST_TOLD).filter_map(|path| {
            let (suffix, mut what) = self.suffix_of(path)?;
            let path = path.display().to_string();
            let file = path.strip_suffix(suffix)?;
            if what == STAYS && Path::new(file).symlink_metadata().is_err() {
                what = "was deleted on this host and stays deleted; the package's version is";
            }
            let file = one_line(file, LONGEST_PATH);
            Some(format!("{file} {what}: {file}{suffix}"))
        });
        let mut message: Vec<String> = message.collect();
        if new.len() > MOST_TOLD {
            message.push(format!("and {} more configuration files", new.len() - MOST_TOLD));
        }
        message
    }

    fn suffix_of(&self, path: &Path) -> Option<(&'static str, &'static str)> {
        let name = path.to_str()?;
        self.manager.beside().iter().copied().find(|(suffix, _)| name.ends_with(suffix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::managers::host::named;

    fn apt() -> Manager {
        named("apt").expect("apt")
    }

    #[test]
    fn what_was_put_beside_a_file_is_told() {
        let top = std::env::temp_dir().join(format!("beside-{}", std::process::id()));
        std::fs::create_dir_all(top.join("a")).expect("a folder");
        let write = |name: &str| std::fs::write(top.join(name), "x").expect("a file");
        for name in ["old.dpkg-dist", "plain", "a/again.dpkg-dist"] {
            write(name);
        }
        let before = Beside::below(apt(), &top);
        std::fs::remove_file(top.join("a/again.dpkg-dist")).expect("it is there");
        for name in ["a/again.dpkg-dist", "a/new.ucf-dist", "other"] {
            write(name);
        }
        let message = Beside::below(apt(), &top).since(&before).join("\n");
        // What the package manager names is told, wherever it is, if it is there.
        write("far.ucf-old");
        let named = ["far.ucf-old", "none.ucf-old", "other"].map(|name| top.join(name)).to_vec();
        let empty = || Beside { manager: apt(), files: BTreeMap::new() };
        let by_name = empty().and(named).since(&empty());
        std::fs::remove_dir_all(&top).expect("the folder");
        assert!(by_name.len() == 1 && by_name[0].contains("far.ucf-old"), "{by_name:?}");
        assert_eq!(message.lines().count(), 2, "{message}");
        assert!(
            message.contains("again.dpkg-dist") && message.contains("new.ucf-dist"),
            "{message}"
        );
    }
}
