//! Snapshots by `snapper(8)`, with the administrator's configuration for `/`.

use crate::managers::argv::{Argv, PLAIN_TEXT};
use crate::managers::confinement::Confinement;
use crate::managers::snapshots::snapshot::{Listed, Moment};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// `snapper(8)`.
const PROGRAM: &str = "/usr/bin/snapper";

/// Its configurations (`snapper-configs(5)`).
const CONFIGS: &str = "/etc/snapper/configs";

/// Where the snapshots of `/` are.
pub const FOLDER: &str = "/.snapshots";

/// The key under which a snapshot of this program has the request's id.
const KEY: &str = "sm_request";

/// The configuration for `/`, if snapper is there and set up.
pub fn config() -> Option<String> {
    if !Path::new(PROGRAM).exists() || !Path::new(FOLDER).is_dir() {
        return None;
    }
    let mut names: Vec<String> = fs::read_dir(CONFIGS)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| is_plain(name))
        .collect();
    names.sort();
    let is_of_root = |name: &String| {
        fs::read_to_string(Path::new(CONFIGS).join(name)).is_ok_and(|text| is_of_root(&text))
    };
    names.into_iter().find(is_of_root)
}

fn is_plain(name: &str) -> bool {
    !name.starts_with('-')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Whether a configuration is one for `/`, on btrfs.
fn is_of_root(text: &str) -> bool {
    let value = |key: &str| {
        let lines =
            text.lines().filter_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='));
        lines.map(|value| value.trim().trim_matches(['"', '\''])).next_back()
    };
    value("SUBVOLUME") == Some("/") && value("FSTYPE").is_none_or(|kind| kind == "btrfs")
}

/// Takes a snapshot and prints its number. Without the daemon, which would have to be started first.
pub fn create(config: &str, moment: Moment<'_>, request_id: &str) -> Argv {
    let kind: &[&str] = match &moment {
        Moment::Before => &["--type", "pre"],
        Moment::After(before) => &["--type", "post", "--pre-number", before],
    };
    let description = format!("sm {request_id}");
    let userdata = format!("{KEY}={request_id}");
    let rest = ["--print-number", "--description", &description, "--userdata", &userdata];
    snapper(config, &[&["create"], kind, &rest].concat())
}

/// Takes one away.
pub fn delete(config: &str, number: &str) -> Argv {
    snapper(config, &["delete", number])
}

/// Lists all of them.
pub fn list(config: &str) -> Argv {
    let columns = "number,pre-number,userdata";
    let words = [PROGRAM, "--no-dbus", "--jsonout", "--config", config, "list"];
    let rest = ["--disable-used-space", "--columns", columns];
    Argv::new(&[&words[..], &rest].concat(), PLAIN_TEXT, Confinement::Snapshots)
}

fn snapper(config: &str, words: &[&str]) -> Argv {
    let program = [PROGRAM, "--no-dbus", "--config", config];
    Argv::new(&[&program, words].concat(), PLAIN_TEXT, Confinement::Snapshots)
}

/// What [`list`] prints: an array under the name of the configuration.
pub fn listed(printed: &str) -> Vec<Listed> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Row {
        number: u64,
        pre_number: Option<u64>,
        userdata: Option<BTreeMap<String, String>>,
    }
    let configs: BTreeMap<String, Vec<Row>> = serde_json::from_str(printed).unwrap_or_default();
    let row = |row: Row| Listed {
        number: row.number,
        before: row.pre_number,
        is_own: row.userdata.is_some_and(|data| data.contains_key(KEY)),
    };
    configs.into_values().flatten().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_says_what_it_is_for() {
        for (text, is_it) in [
            ("SUBVOLUME=\"/\"\nFSTYPE=\"btrfs\"\n", true),
            ("# x\nSUBVOLUME='/'\n", true),
            ("SUBVOLUME=\"/home\"\nFSTYPE=\"btrfs\"\n", false),
            ("SUBVOLUME=\"/\"\nFSTYPE=\"ext4\"\n", false),
            ("SUBVOLUME=\"/home\"\nSUBVOLUME=\"/\"\n", true),
            ("# SUBVOLUME=\"/\"\n", false),
            ("", false),
        ] {
            assert_eq!(is_of_root(text), is_it, "{text}");
        }
    }

    #[test]
    fn a_list_says_whose_a_snapshot_is() {
        let printed = r#"{"root": [
            {"number": 0, "pre-number": null, "userdata": null},
            {"number": 4, "pre-number": null, "userdata": {"sm_request": "x"}},
            {"number": 5, "pre-number": 4, "userdata": {"important": "yes"}}]}"#;
        let row = |number, before, is_own| Listed { number, before, is_own };
        assert_eq!(
            listed(printed),
            [row(0, None, false), row(4, None, true), row(5, Some(4), false)]
        );
        assert_eq!(listed("no json"), []);
    }
}
