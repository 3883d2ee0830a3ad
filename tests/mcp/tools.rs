//! The clients of others, from their registries: each version once, in a folder below `target`.

use crate::host::repository;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where packages of PyPI are; what is wanted in the form of `pip install`.
pub fn python(wanted: &[&str]) -> PathBuf {
    installed(&format!("python {}", wanted.join(" ")), |folder| {
        ensure("python3 -m pip --version", "python3-pip");
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check", "install"]);
        pip.args(["--root-user-action=ignore", "--only-binary=:all:", "--target"]);
        pip.arg(folder).args(wanted);
        pip
    })
}

/// node, which the others need newer than Debian has it; the official SDK's client in two versions; and
/// the conformance suite.
const NODE: [&str; 4] = [
    "node@22.23.3",
    "@modelcontextprotocol/sdk@1.32.2",
    "@modelcontextprotocol/client@2.4.0",
    "@modelcontextprotocol/conformance@0.2.0-alpha.12",
];

/// Where these packages of npm are.
pub fn node() -> PathBuf {
    let folder = installed(&format!("node {}", NODE.join(" ")), |folder| {
        ensure("npm --version", "npm");
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(folder);
        npm.args(NODE);
        npm
    });
    for entry in fs::read_dir(repository().join("tests/mcp/clients")).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "mjs") {
            // In one step, since other tests do it too.
            let copy = folder.join(path.file_name().expect("a name"));
            let part = copy.with_extension(std::process::id().to_string());
            fs::copy(&path, &part).and_then(|_| fs::rename(&part, copy)).expect("it is copied");
        }
    }
    folder
}

/// node with a script, each of that folder.
pub fn script(folder: &Path, name: &str) -> Command {
    let mut node = Command::new(folder.join("node_modules/.bin/node"));
    node.arg(folder.join(name));
    node
}

/// Installs a package of Debian where a program of it is not there.
fn ensure(program: &str, package: &str) {
    let works = || {
        Command::new("sh")
            .args(["-c", program])
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if !works() {
        let script =
            format!("apt-get -qq update && apt-get -qq install --yes {package} </dev/null");
        assert!(
            Command::new("sh").args(["-c", &script]).status().is_ok_and(|status| status.success())
        );
    }
}

/// The folder with what is called this, which is made once.
fn installed(name: &str, install: impl FnOnce(&Path) -> Command) -> PathBuf {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".=-".contains(c);
    let name: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let folder = repository().join("target/tools/mcp").join(name);
    fs::create_dir_all(folder.parent().expect("a folder")).expect("a folder");
    let lock = fs::File::create(folder.with_extension("lock")).expect("a lock");
    lock.lock().expect("it is locked");
    if !folder.exists() {
        let part = folder.with_extension("part");
        let _ = fs::remove_dir_all(&part);
        let output = install(&part).output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::rename(part, &folder).expect("it is there");
    }
    folder
}
