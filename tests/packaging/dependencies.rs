//! The program says what it is made of, for those who look for known vulnerabilities in it.

use crate::host::repository;
use crate::{program, said};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::Read;
use std::process::Command;

/// What is in the repository, and compiled in.
const FILE: &str = "packaging/dependencies.json";

/// What `cargo auditable` has for a package: runtime, or only to build it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Runtime,
    Build,
}

/// The packages that end up in the program on Linux, or build it, in the form of
/// <https://github.com/rust-secure-code/cargo-auditable>, a package a line.
fn made_of() -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--locked"])
        .args(
            ["x86_64", "aarch64"].map(|arch| format!("--filter-platform={arch}-unknown-linux-gnu")),
        )
        .current_dir(repository())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", said(&output));
    let all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = by_id(&all["packages"]);
    let nodes = by_id(&all["resolve"]["nodes"]);
    let root = all["resolve"]["root"].as_str().expect("a root");

    let mut kinds = BTreeMap::new();
    let mut open = vec![(root, Kind::Runtime)];
    while let Some((id, kind)) = open.pop() {
        // What a macro is made of is run by the compiler and is not in the program.
        let is_macro = packages[id]["targets"].to_string().contains("\"proc-macro\"");
        let kind = if is_macro { Kind::Build } else { kind };
        if kinds.get(id).is_some_and(|known| *known <= kind) {
            continue;
        }
        kinds.insert(id, kind);
        open.extend(needs(nodes[id]).map(|(needed, own)| (needed, kind.max(own))));
    }
    let key = |id: &str| {
        let text = |name: &str| packages[id][name].as_str().expect("text").to_owned();
        (text("name"), text("version"))
    };
    let mut ids: Vec<&str> = kinds.keys().copied().collect();
    ids.sort_by_key(|id| key(id));
    let place = |id: &str| ids.iter().position(|other| *other == id).expect("one of them");
    let lines = ids.iter().map(|id| {
        let (name, version) = key(id);
        let mut row = Map::new();
        row.insert("name".into(), name.into());
        row.insert("version".into(), version.into());
        row.insert("source".into(), if *id == root { "local" } else { "crates.io" }.into());
        if kinds[id] == Kind::Build {
            row.insert("kind".into(), "build".into());
        }
        let mut needed: Vec<usize> = needs(nodes[id]).map(|(needed, _)| place(needed)).collect();
        needed.sort_unstable();
        needed.dedup();
        if !needed.is_empty() {
            row.insert("dependencies".into(), json!(needed));
        }
        if *id == root {
            row.insert("root".into(), true.into());
        }
        Value::Object(row).to_string()
    });
    format!("{{\"packages\":[\n{}\n]}}\n", lines.collect::<Vec<_>>().join(",\n"))
}

fn by_id(list: &Value) -> BTreeMap<&str, &Value> {
    let list = list.as_array().expect("a list");
    list.iter().map(|each| (each["id"].as_str().expect("an id"), each)).collect()
}

/// What a package needs, and what for; not what its tests need.
fn needs(node: &Value) -> impl Iterator<Item = (&str, Kind)> {
    let needed = node["deps"].as_array().into_iter().flatten();
    needed.filter_map(|needed| {
        let kinds =
            needed["dep_kinds"].as_array()?.iter().filter_map(|kind| match kind["kind"].as_str() {
                None => Some(Kind::Runtime),
                Some("build") => Some(Kind::Build),
                Some(_) => None,
            });
        Some((needed["pkg"].as_str()?, kinds.min()?))
    })
}

#[test]
fn what_the_program_says_it_is_made_of_is_what_cargo_resolves() {
    let wanted = made_of();
    let path = repository().join(FILE);
    if std::env::var_os("SM_UPDATE").is_some() {
        std::fs::write(&path, &wanted).expect("it is written");
    }
    let is = std::fs::read_to_string(&path).expect(FILE);
    assert!(
        is == wanted,
        "{FILE} is not what Cargo.lock has; mend it: SM_UPDATE=1 cargo test --test packaging made_of\n{wanted}"
    );
}

#[test]
fn the_program_says_what_it_is_made_of() {
    let scratch = crate::Scratch::new("dependencies");
    let section = scratch.path().join("section");
    let output = Command::new("objcopy")
        .arg("--dump-section")
        .arg(format!(".dep-v0={}", section.display()))
        .arg(program())
        .arg(scratch.path().join("copy"))
        .output()
        .expect("objcopy runs; it is in the package binutils");
    assert!(output.status.success(), "{}", said(&output));
    let packed = std::fs::read(section).expect("the section");
    let mut text = String::new();
    flate2::read::ZlibDecoder::new(packed.as_slice()).read_to_string(&mut text).expect("zlib");
    let said: Value = serde_json::from_str(&text).expect("JSON");
    let kept = std::fs::read_to_string(repository().join(FILE)).expect(FILE);
    assert_eq!(said, serde_json::from_str::<Value>(&kept).expect("JSON"));
    assert!(said["packages"].as_array().is_some_and(|packages| packages.len() > 20));
}
