//! The program says what it is made of, for those who look for known vulnerabilities in it.

use crate::host::repository;
use crate::{program, said};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
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

/// A package, as `cargo tree` prints it: `name v1.2.3`, and `(proc-macro)` or a folder behind it.
type Package = (String, String);

/// What each package of a program needs, read from `cargo tree`, which resolves it alone: not with
/// the features that the other program of this repository asks for.
#[derive(Debug, Default)]
struct Needs {
    edges: BTreeSet<(Package, Package)>,
    /// What a macro is made of is run by the compiler and is not in the program.
    macros: BTreeSet<Package>,
}

impl Needs {
    fn of(program: &str, kinds: &str) -> Self {
        let mut needs = Self::default();
        for arch in ["x86_64", "aarch64"] {
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let output = Command::new(cargo)
                .args(["tree", "--locked", "--no-dedupe", "--prefix=depth", "--format={p}"])
                .args(["--package", program, "--edges", kinds])
                .arg(format!("--target={arch}-unknown-linux-gnu"))
                .current_dir(repository())
                .output()
                .expect("cargo runs");
            assert!(output.status.success(), "{}", said(&output));
            let mut above: Vec<Package> = Vec::new();
            for line in String::from_utf8(output.stdout).expect("text").lines() {
                let text = line.trim_start_matches(|c: char| c.is_ascii_digit());
                let depth: usize = line[..line.len() - text.len()].parse().expect("a depth");
                let mut words = text.split(' ');
                let (name, version) = (words.next(), words.next());
                let version = version.and_then(|text| text.strip_prefix('v')).expect("a version");
                let package = (name.expect("a name").to_owned(), version.to_owned());
                if words.any(|word| word == "(proc-macro)") {
                    needs.macros.insert(package.clone());
                }
                above.truncate(depth);
                if let Some(parent) = above.last() {
                    needs.edges.insert((parent.clone(), package.clone()));
                }
                above.push(package);
            }
        }
        needs
    }

    fn packages(&self) -> BTreeSet<&Package> {
        self.edges.iter().flat_map(|(from, to)| [from, to]).collect()
    }
}

/// The packages that end up in the program on Linux, or build it, in the form of
/// <https://github.com/rust-secure-code/cargo-auditable>, a package a line.
fn made_of() -> String {
    let (all, run) = (Needs::of("sm", "normal,build"), Needs::of("sm", "normal"));
    let root = ("sm".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    let mut kinds = BTreeMap::new();
    let mut open = vec![(&root, Kind::Runtime)];
    while let Some((package, kind)) = open.pop() {
        let kind = if all.macros.contains(package) { Kind::Build } else { kind };
        if kinds.get(package).is_some_and(|known| *known <= kind) {
            continue;
        }
        kinds.insert(package, kind);
        open.extend(all.edges.iter().filter(|(from, _)| from == package).map(|edge| {
            let own = if run.edges.contains(edge) { Kind::Runtime } else { Kind::Build };
            (&edge.1, kind.max(own))
        }));
    }
    let packages: Vec<&Package> = kinds.keys().copied().collect();
    let place = |package: &Package| {
        packages.iter().position(|other| *other == package).expect("one of them")
    };
    let lines = packages.iter().map(|package| {
        let mut row = Map::new();
        row.insert("name".into(), package.0.as_str().into());
        row.insert("version".into(), package.1.as_str().into());
        let source = if **package == root { "local" } else { "crates.io" };
        row.insert("source".into(), source.into());
        if kinds[*package] == Kind::Build {
            row.insert("kind".into(), "build".into());
        }
        let needed = all.edges.iter().filter(|(from, _)| from == *package);
        let needed: BTreeSet<usize> = needed.map(|(_, to)| place(to)).collect();
        if !needed.is_empty() {
            row.insert("dependencies".into(), json!(needed));
        }
        if **package == root {
            row.insert("root".into(), true.into());
        }
        Value::Object(row).to_string()
    });
    format!("{{\"packages\":[\n{}\n]}}\n", lines.collect::<Vec<_>>().join(",\n"))
}

/// What runs as root has no runtime for asynchronous code, and nothing of the other program, which
/// has one.
#[test]
fn what_runs_as_root_has_nothing_of_the_mcp_server() {
    let (sm, mcp) = (Needs::of("sm", "normal"), Needs::of("sm-mcp", "normal"));
    for name in ["sm-mcp", "rmcp", "tokio", "tokio-util", "mio", "futures", "chrono", "schemars"] {
        let is_in = |needs: &Needs| needs.packages().iter().any(|package| package.0 == name);
        assert!(!is_in(&sm), "{name} is in sm");
        assert!(is_in(&mcp), "{name} is not in sm-mcp");
    }
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
