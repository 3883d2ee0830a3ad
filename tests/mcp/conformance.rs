//! The official conformance suite: every scenario that applies to a server that has tools and nothing
//! else. The others are about resources, prompts, HTTP, or tools that ask the client something or
//! answer with what no operation answers with.

use crate::session::Session;
use crate::tools;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// Scenarios, the revisions that each is held against, and the checks of it that are not passed.
const SCENARIOS: [(&str, &[&str], &[&str]); 14] = [
    ("server-initialize", &["2025-06-18", "2025-11-25"], &[]),
    ("server-session-lifecycle", &["2025-03-26", "2025-06-18", "2025-11-25"], &[]),
    ("ping", &["2025-06-18", "2025-11-25"], &[]),
    ("tools-list", &["2025-06-18", "2025-11-25", "2026-07-28"], &[]),
    ("tools-call-error", &["2025-06-18", "2025-11-25", "2026-07-28"], &[]),
    ("input-required-result-unsupported-methods", &["2026-07-28"], &[]),
    ("input-required-result-ignore-extra-params", &["2026-07-28"], &[]),
    ("caching", &["2026-07-28"], NOT_OFFERED),
    ("server-stateless", &["2026-07-28"], NO_QUESTIONS),
    ("tasks-capability-negotiation", EXTENSION, &[]),
    ("tasks-wire-fields", EXTENSION, &[]),
    ("tasks-request-state-removal", EXTENSION, &[]),
    ("tasks-dispatch-and-envelope", EXTENSION, NO_QUESTION_OF_A_TASK),
    ("tasks-lifecycle", EXTENSION, NEVER_ENDED),
];

/// A scenario that is of no revision.
const EXTENSION: &[&str] = &[""];

/// It has no prompts and no resources, and says so.
const NOT_OFFERED: &[&str] =
    &["PromptsListCachingHints", "ResourcesListCachingHints", "ResourcesTemplatesListCachingHints"];

/// These want tools that ask the client something, or write a log for it. No operation does.
const NO_QUESTIONS: &[&str] = &[
    "ServerRejectsUndeclaredCapability",
    "MissingCapabilityHttp400",
    "HttpServerNoIndependentRequestsOnStream",
    "ServerNoLogWithoutLogLevel",
];

/// The same of this one.
const NO_QUESTION_OF_A_TASK: &[&str] = &["TasksResultTypeCompleteOnNonTaskResponses"];

/// What has begun is not ended by its client; and no operation ends with an error of the protocol.
const NEVER_ENDED: &[&str] = &["TasksProtocolErrorFailedShape", "TasksCancelEmptyAck"];

#[test]
#[ignore = "needs packages of npm: run tests/run"]
fn each_scenario_that_applies_is_passed() {
    let folder = tools::node();
    // For its helper, and the program beside it.
    let session = Session::start(&[]);
    session.touch("conformance");
    let bridge = |wait: &str| {
        let mut bridge = tools::script(&folder, "bridge.mjs")
            .arg(session.folder().join("sm-mcp"))
            .args(["--wait", wait])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let mut address = String::new();
        let output = bridge.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut address).expect("an address");
        (bridge, address)
    };
    // One for the scenarios that want the reply, however busy this machine is, and one for those that want
    // a task, which a call becomes when it is not done in time.
    let [(mut patient, to_the_end), (mut hasty, not_for_long)] = ["60", "1"].map(bridge);
    let mut wrong = Vec::new();
    for (scenario, versions, not_passed) in SCENARIOS {
        let address = if scenario.starts_with("tasks-") { &not_for_long } else { &to_the_end };
        for version in versions {
            let mut suite = tools::script(
                &folder,
                "node_modules/@modelcontextprotocol/conformance/dist/index.js",
            );
            suite
                .args(["server", "--url", address.trim(), "--scenario", scenario, "--verbose"])
                .current_dir(session.folder());
            if !version.is_empty() {
                suite.args(["--spec-version", version]);
            }
            let output = suite.output().expect("node runs");
            let said = String::from_utf8_lossy(&output.stdout);
            let checks = checks(&said);
            let failed = |check: &&Value| check["status"] == "FAILURE";
            let names = checks.iter().filter(failed).filter_map(|check| check["name"].as_str());
            if checks.len() <= not_passed.len() || names.collect::<Vec<_>>() != not_passed {
                let failed: Vec<&Value> = checks.iter().filter(failed).collect();
                wrong.push(format!("{scenario} {version}: {} checks, {failed:#?}", checks.len()));
            }
        }
    }
    for bridge in [&mut patient, &mut hasty] {
        drop(bridge.stdin.take());
        bridge.wait().expect("it ends");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The checks of a scenario, which are printed as JSON between other lines.
fn checks(said: &str) -> Vec<Value> {
    let from = said.find("\n[\n").map_or(0, |at| at + 1);
    let mut read = serde_json::Deserializer::from_str(&said[from..]).into_iter();
    read.next().and_then(Result::ok).unwrap_or_default()
}
