//! The official conformance suite: every scenario that applies to a server that has tools and nothing
//! else. The others want tools of certain names, resources, prompts, or are about HTTP.

use crate::session::Session;
use crate::tools;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// node, which the suite needs newer than Debian has it, and the suite.
const NODE: [&str; 2] = ["node@22.23.3", "@modelcontextprotocol/conformance@0.2.0-alpha.12"];

/// Scenarios, and the revisions that each is held against.
const SCENARIOS: [(&str, &[&str]); 5] = [
    ("server-initialize", &["2025-06-18", "2025-11-25"]),
    ("server-session-lifecycle", &["2025-03-26", "2025-06-18", "2025-11-25"]),
    ("ping", &["2025-06-18", "2025-11-25"]),
    ("tools-list", &["2025-06-18", "2025-11-25", "2026-07-28"]),
    ("server-stateless", &["2026-07-28"]),
];

#[test]
#[ignore = "needs packages of npm: run tests/run"]
fn each_scenario_that_applies_is_passed() {
    let folder = tools::node(&NODE);
    let node = folder.join("node_modules/.bin/node");
    // For its helper, and the program beside it.
    let session = Session::start(&[]);
    let mut bridge = Command::new(&node)
        .arg(folder.join("bridge.mjs"))
        .arg(session.folder().join("sm-mcp"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs");
    let mut address = String::new();
    let output = bridge.stdout.take().expect("a pipe");
    BufReader::new(output).read_line(&mut address).expect("an address");
    let mut failed = Vec::new();
    for (scenario, versions) in SCENARIOS {
        for version in versions {
            let output = Command::new(&node)
                .arg(folder.join("node_modules/@modelcontextprotocol/conformance/dist/index.js"))
                .args(["server", "--url", address.trim(), "--scenario", scenario, "--verbose"])
                .args(["--spec-version", version])
                .current_dir(session.folder())
                .output()
                .expect("node runs");
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stdout).into_owned();
                failed.push(format!("{scenario} {version}: {said}"));
            }
        }
    }
    drop(bridge.stdin.take());
    bridge.wait().expect("it ends");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
