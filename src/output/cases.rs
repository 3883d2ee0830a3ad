//! Cases as files, for tests: a folder for each thing that is read, and in it a file for each case,
//! named for what it shows. Below lines of comment a file has its inputs and what must come of
//! them, in JSON:
//!
//! ```text
//! # apt 2.6 on Debian 12
//! --- stdout
//! Remv bystander [1.0]
//! --- expected
//! {"remove": ["bystander 1.0"]}
//! ```

use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders below `tests`. A case in another one would never be read.
const FOLDERS: [(&str, &[&str]); 2] = [
    (
        "managers",
        &[
            "apt_already_there",
            "apt_failed_hook",
            "apt_inventory",
            "apt_kept",
            "apt_not_found",
            "apt_package_in_want",
            "apt_providers",
            "apt_sources",
            "apt_transaction",
            "journalctl_manager",
            "journalctl_reverse",
            "journalctl_starts",
            "journalctl_unit",
            "message",
            "pacman_inventory",
            "pacman_kept",
            "pacman_providers",
            "pacman_transaction",
            "systemctl_bonds",
            "systemctl_failed_parts",
            "systemctl_health",
            "systemctl_list",
            "systemctl_refusal",
            "systemctl_reloads",
            "systemctl_show",
            "systemctl_side_effects",
            "systemctl_start_limit",
            "systemctl_states",
            "systemctl_stopped",
            "systemctl_takes_along",
        ],
    ),
    ("sudoers", &["lines", "listed", "listed_settings", "rules_and_settings"]),
];

/// What a case has written down.
pub struct Case {
    inputs: BTreeMap<String, String>,
    unread: RefCell<Vec<String>>,
}

impl Case {
    /// The lines below `--- NAME`; empty if there is no such heading.
    pub fn input(&self, name: &str) -> &str {
        self.unread.borrow_mut().retain(|unread| unread != name);
        self.inputs.get(name).map_or("", String::as_str)
    }

    fn parse(text: &str) -> Self {
        let mut inputs = BTreeMap::<String, String>::new();
        let mut current = None;
        for line in text.split_inclusive('\n') {
            if let Some(name) = line.strip_prefix("--- ") {
                current = Some(name.trim_end().to_owned());
            }
            match (&current, line.starts_with("--- ")) {
                (Some(name), is_heading) => {
                    let input = inputs.entry(name.clone()).or_default();
                    input.push_str(if is_heading { "" } else { line });
                }
                (None, _) => assert!(line.starts_with("# "), "neither comment nor input: {line}"),
            }
        }
        let unread = RefCell::new(inputs.keys().cloned().collect());
        Self { inputs, unread }
    }
}

/// Reads every case of `tests/FOLDER` and compares what comes of it.
pub fn each(folder: &str, read: impl Fn(&Case) -> Value) {
    let (top, name) = folder.split_once('/').expect("two names");
    let is_known = |(known, names): &(&str, &[&str])| *known == top && names.contains(&name);
    assert!(FOLDERS.iter().any(is_known), "FOLDERS does not have {folder}");
    let files = entries(&tests().join(folder));
    assert!(!files.is_empty(), "{folder} has no case");
    let mut wrong = String::new();
    for file in files {
        let case = Case::parse(&fs::read_to_string(&file).expect("text"));
        let is = read(&case);
        let expected = case.input("expected");
        let expected: Value = serde_json::from_str(expected).unwrap_or_default();
        let unread = case.unread.borrow();
        if is != expected || !unread.is_empty() {
            wrong += &format!("\n{}: not read: {unread:?}; it comes to {is:#}", file.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|_| panic!("{}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

#[test]
fn every_folder_of_cases_is_read() {
    for (top, names) in FOLDERS {
        let found = entries(&tests().join(top));
        let found: Vec<String> = found
            .iter()
            .filter(|path| path.is_dir())
            .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
            .collect();
        assert_eq!(found, names, "tests/{top}");
    }
}
