//! Inventories as files, one case each: `tests/fleet/inventory`.
//!
//! Beside each of `good` and `own` lies what must come of it. For `good` that is what Ansible
//! itself says (`oracle.py`); `own` is what Ansible does not have. Of each of `bad` the first line
//! says what must be said.
//!
//! `SM_INVENTORIES=FOLDER cargo test as_ansible_reads` compares those of another folder instead of
//! `good`.

use crate::admin::fleet::inventory::Inventory;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fleet/inventory");

fn files(folder: &str) -> Vec<PathBuf> {
    let other = std::env::var_os("SM_INVENTORIES").filter(|_| folder == "good");
    let folder = other.map_or_else(|| Path::new(FOLDER).join(folder), PathBuf::from);
    let all = std::fs::read_dir(folder).expect("a folder");
    let mut files: Vec<PathBuf> = all
        .map(|entry| entry.expect("an entry").path())
        .filter(|file| file.extension().is_some_and(|end| end == "yml" || end == "ini"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn read(file: &Path) -> Result<Inventory, crate::request::code::Refusal> {
    let bytes = std::fs::read(file).expect("a file");
    let name = Path::new(file.file_name().expect("a name"));
    Inventory::parse(name, &bytes, Some(Path::new("/home/joe")))
}

/// The patterns that a file has behind `# limit:`, and whom they mean.
fn limits(text: &str, inventory: &Inventory) -> Value {
    let patterns = text.lines().filter_map(|line| line.strip_prefix("# limit: "));
    let matching = |pattern: &str| match inventory.limited(Some(pattern)) {
        Ok(hosts) => {
            let mut names: Vec<_> = hosts.iter().map(|host| &host.alias).collect();
            names.sort();
            json!(names)
        }
        Err(_) => json!([]),
    };
    patterns.map(|pattern| (pattern.to_owned(), matching(pattern))).collect()
}

fn for_ansible(inventory: &Inventory) -> Value {
    let one = |host: &crate::admin::fleet::inventory::host::Host| {
        json!({
            "address": host.address,
            "port": host.port,
            "user": host.user,
            "identity": host.identity,
        })
    };
    inventory.hosts.iter().map(|host| (host.alias.clone(), one(host))).collect()
}

fn whole(inventory: &Inventory) -> Value {
    let one = |host: &crate::admin::fleet::inventory::host::Host| {
        json!({
            "alias": host.alias,
            "address": host.address,
            "port": host.port,
            "user": host.user,
            "identity": host.identity,
            "ssh_arguments":
                host.ssh_arguments.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>(),
            "offline": host.offline,
            "line": host.line,
            "refused": host.refused.as_ref().map(|refusal| &refusal.error),
        })
    };
    json!({
        "hosts": inventory.hosts.iter().map(one).collect::<Vec<_>>(),
        "warnings": inventory.warnings,
    })
}

/// What a case must give, and what it gives.
fn compare(file: &Path, given: &Value, wrong: &mut Vec<String>) {
    let beside = file.with_extension("json");
    let expected: Value = std::fs::read_to_string(&beside)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    if expected.is_null() {
        let given = serde_json::to_string_pretty(given).expect("JSON");
        wrong.push(format!("{} has to be written; perhaps:\n{given}", beside.display()));
    }
    differ(&beside.display().to_string(), given, &expected, wrong);
}

fn differ(at: &str, given: &Value, expected: &Value, wrong: &mut Vec<String>) {
    match (given, expected) {
        (Value::Object(given), Value::Object(expected)) => {
            for key in given.keys().chain(expected.keys().filter(|key| !given.contains_key(*key))) {
                let of =
                    |object: &serde_json::Map<_, _>| object.get(key).cloned().unwrap_or_default();
                differ(&format!("{at}: {key}"), &of(given), &of(expected), wrong);
            }
        }
        _ if given == expected => {}
        _ => wrong.push(format!("{at}: is {given} and should be {expected}")),
    }
}

#[test]
fn an_inventory_is_read_as_ansible_reads_it() {
    let mut wrong = Vec::new();
    for file in files("good") {
        let text = std::fs::read_to_string(&file).expect("text");
        match read(&file) {
            Ok(inventory) => {
                let mut given = json!({ "hosts": for_ansible(&inventory) });
                given["limits"] = limits(&text, &inventory);
                compare(&file, &given, &mut wrong);
            }
            Err(refusal) => wrong.push(format!("{}: {refusal}", file.display())),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_ansible_does_not_have_means_what_is_written_here() {
    let mut wrong = Vec::new();
    for file in files("own") {
        let text = std::fs::read_to_string(&file).expect("text");
        match read(&file) {
            Ok(inventory) => {
                let mut given = whole(&inventory);
                if text.contains("# limit: ") {
                    given["limits"] = limits(&text, &inventory);
                }
                compare(&file, &given, &mut wrong);
            }
            Err(refusal) => wrong.push(format!("{}: {refusal}", file.display())),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_bad_inventory_says_where_and_what() {
    let mut wrong = Vec::new();
    for file in files("bad") {
        let text = String::from_utf8_lossy(&std::fs::read(&file).expect("a file")).into_owned();
        let first = text.lines().next().unwrap_or_default();
        let Some(expected) = first.trim_start_matches('\u{feff}').strip_prefix("# expect ") else {
            wrong.push(format!("{} has no # expect", file.display()));
            continue;
        };
        let message = match read(&file) {
            Ok(_) => "nothing is wrong with it".to_owned(),
            Err(refusal) => {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let hint = refusal.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
                let message = format!("{}{hint}", refusal.error);
                message.strip_prefix(&format!("{name}:")).map_or(message.clone(), str::to_owned)
            }
        };
        if message != expected {
            wrong.push(format!("{}\n  expected {expected}\n  said     {message}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_bad_pattern_is_said() {
    let text =
        "all: {children: {web: {hosts: {'web[1:3]': }}, none: {}}, hosts: {'2001:db8::1': }}";
    let inventory =
        Inventory::parse(Path::new("i"), text.as_bytes(), None).expect("a good inventory");
    for (pattern, reason, hint) in [
        ("", "no pattern", ""),
        (" , ", "no pattern", ""),
        ("wbe1", "`wbe1` matches no host and no group", "did you mean web1?"),
        ("web1:!web9", "`web9` matches no host and no group", "did you mean"),
        ("web1:&", "needs a name after it", ""),
        ("!", "needs a name after it", ""),
        ("~web.*", "regular expressions are not supported", "names, groups"),
        ("@hosts", "files with hosts are not supported", "name a group"),
        ("web[3]", "matches no host: `web` has 3", "the first one is [0]"),
        ("web[-4]", "matches no host", ""),
        ("web[3:]", "matches no host", ""),
        ("web[2:1]", "ends before it begins", ""),
        ("web[99999999999999999999]", "too large", ""),
        ("none", "`none` matches no host", "sm fleet list"),
        ("web:!all", "matches no host", ""),
        ("web1:&web2", "matches no host", ""),
        ("-oProxyCommand=id", "matches no host and no group", ""),
        ("x*", "matches no host and no group", ""),
        ("\u{1b}[2J", "matches no host", ""),
    ] {
        let refusal = inventory.limited(Some(pattern)).expect_err(pattern);
        assert!(refusal.error.contains(reason), "{pattern}: {refusal}");
        assert!(refusal.hint.unwrap_or_default().contains(hint), "{pattern}");
        assert!(!refusal.error.contains('\u{1b}'));
    }
    assert_eq!(inventory.limited(None).expect("all").len(), 4);
    assert_eq!(inventory.limited(Some("none[0:1],web1")).expect("one").len(), 1);
}
