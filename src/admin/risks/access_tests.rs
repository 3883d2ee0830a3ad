//! The files belong to who runs the tests, in the place of root; the accounts are others.

use super::*;
use nix::unistd::{getgid, getuid};
use std::os::unix::fs::{PermissionsExt, symlink};

/// A folder of its own with a tree of files and folders of these modes; it goes at the end.
struct Tree(PathBuf);

impl Tree {
    /// Each line: a mode, a path (with a slash at its end for a folder), and for a link where to.
    fn new(name: &str, lines: &[&str]) -> Self {
        let top = std::env::temp_dir().join(format!("sm-access-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&top);
        fs::create_dir(&top).expect("a folder");
        let mode = |path: &Path, mode: u32| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode");
        };
        mode(&top, 0o755);
        let mut closed = Vec::new();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let path = top.join(words[1]);
            match words.get(2) {
                Some(target) => {
                    let target = target.replace("TOP", &top.to_string_lossy());
                    symlink(target, &path).expect("a link");
                    continue;
                }
                None if words[1].ends_with('/') => fs::create_dir(&path).expect("a folder"),
                None => fs::write(&path, "").expect("a file"),
            }
            closed.push((path, u32::from_str_radix(words[0], 8).expect("a mode")));
        }
        // What lies in a folder is made before it is closed.
        for (path, bits) in closed.iter().rev() {
            mode(path, *bits);
        }
        Self(top)
    }

    /// What of it the account can change, below the folder.
    fn change(&self, account: &Account, path: &str) -> Option<String> {
        let found = account.can_change(&self.0.join(path))?;
        let inside = found.strip_prefix(&self.0).expect("it is within");
        Some(inside.to_string_lossy().into_owned())
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn other() -> Account {
    Account { uid: getuid().as_raw() + 1, groups: vec![getgid().as_raw() + 1] }
}

fn member() -> Account {
    Account { uid: getuid().as_raw() + 1, groups: vec![getgid().as_raw() + 1, getgid().as_raw()] }
}

fn owner() -> Account {
    Account { uid: getuid().as_raw(), groups: Vec::new() }
}

#[test]
fn what_an_account_can_change_is_told_by_every_folder_on_the_way() {
    let tree = Tree::new(
        "way",
        &[
            "755 closed/",
            "644 closed/file",
            "666 closed/open",
            "664 closed/group",
            "646 closed/others-only",
            "755 closed/folder/",
            "777 closed/anybodys/",
            "777 open/",
            "644 open/file",
            "1777 sticky/",
            "644 sticky/file",
            "666 sticky/open",
            "755 sticky/folder/",
            "644 sticky/folder/file",
            "775 team/",
            "644 team/file",
            "700 hidden/",
            "777 hidden/open/",
            "666 hidden/file",
            // Search without a look is enough.
            "711 searched/",
            "666 searched/file",
            // Write without search is nothing.
            "766 unsearched/",
            "644 unsearched/file",
            "777 closed/to-open ../open/file",
            "777 closed/to-closed ../closed/file",
            "777 closed/to-hidden ../hidden/file",
            "777 open/to-closed ../closed/file",
            "777 closed/absolute TOP/closed/open",
            "777 closed/circle circle",
            "777 closed/to-missing ../open/missing",
            "777 closed/device /dev/null",
        ],
    );
    for (path, by_other, by_member) in [
        ("closed/file", None, None),
        ("closed/open", Some("closed/open"), Some("closed/open")),
        ("closed/group", None, Some("closed/group")),
        // A member of the group is not among the others.
        ("closed/others-only", Some("closed/others-only"), None),
        ("closed/folder", None, None),
        ("closed/anybodys", Some("closed/anybodys"), Some("closed/anybodys")),
        ("closed/missing", None, None),
        ("closed/missing/deeper", None, None),
        ("open", Some("open"), Some("open")),
        ("open/file", Some("open"), Some("open")),
        ("open/missing", Some("open"), Some("open")),
        ("open/missing/deeper", Some("open"), Some("open")),
        ("sticky/file", None, None),
        ("sticky/open", Some("sticky/open"), Some("sticky/open")),
        ("sticky/missing", Some("sticky"), Some("sticky")),
        ("sticky/folder/file", None, None),
        ("team/file", None, Some("team")),
        ("hidden/file", None, None),
        ("hidden/open", None, None),
        ("searched/file", Some("searched/file"), Some("searched/file")),
        ("unsearched/file", None, None),
        ("unsearched/missing", None, None),
        ("closed/to-open", Some("open"), Some("open")),
        ("closed/to-closed", None, None),
        ("closed/to-hidden", None, None),
        ("open/to-closed", Some("open"), Some("open")),
        ("closed/absolute", Some("closed/open"), Some("closed/open")),
        ("closed/circle", None, None),
        ("closed/to-missing", Some("open"), Some("open")),
        ("closed/device", None, None),
        ("closed/../open/file", Some("open"), Some("open")),
        ("closed/file/deeper", None, None),
    ] {
        assert_eq!(tree.change(&other(), path).as_deref(), by_other, "{path}");
        assert_eq!(tree.change(&member(), path).as_deref(), by_member, "{path}, as a member");
        // Whose the folder is, changes its mode.
        if path.starts_with("closed/f") {
            assert!(owner().can_change(&tree.0.join(path)).is_some(), "{path}, as the owner");
        }
    }
}
