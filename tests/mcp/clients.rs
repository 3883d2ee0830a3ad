//! The official SDKs' clients, in each era that they know, against the server on a real host, which
//! restarts a real service.

use crate::host::{Host, host_once};
use crate::{session, tools};
use serde_json::{Value, json};
use std::process::{Command, Stdio};

/// The version with `initialize` alone, and the one that knows both kinds of revision.
const PYTHON: [&str; 2] = ["mcp==1.30.0", "mcp==2.3.0"];

/// The command line that starts the server on the host.
fn server(host: &Host) -> Vec<String> {
    let command = session::server(host, &[]);
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_str().expect("text").to_owned()).collect()
}

fn printed(command: &mut Command) -> Value {
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{text}\n{}", String::from_utf8_lossy(&output.stderr)))
}

/// What each of the clients must have seen.
fn check(host: &Host, version: Option<&str>, run: impl FnOnce(&[String]) -> Value) {
    let before = host.main_pid("nginx");
    let said = run(&server(host));
    assert_eq!(said["version"].as_str(), version.or(said["version"].as_str()), "{said}");
    let tools = said["tools"].as_array().expect("tools");
    let restart = tools.iter().find(|tool| tool["name"] == "service_restart").expect("a tool");
    let names = restart["inputSchema"]["properties"]["name"]["enum"].as_array().expect("names");
    assert!(names.contains(&"nginx.service".into()) && !names.contains(&"dbus.service".into()));
    assert_eq!(restart["annotations"]["readOnlyHint"], false);
    let results = said["results"].as_array().expect("results");
    let codes: Vec<Value> = results.iter().map(|one| json!([one[0], one[1]["code"]])).collect();
    assert_eq!(
        codes,
        [json!([false, "ok"]), json!([false, "ok"]), json!([true, "denied"])],
        "{said}"
    );
    assert_eq!(results[0][1]["unit"]["active_state"], "active");
    assert!(results[0][1].get("stdout").is_none());
    assert_ne!(host.main_pid("nginx"), before);
}

fn python(host: &Host, wanted: usize, script: &str, mode: Option<&str>, version: Option<&str>) {
    let folder = tools::python(&[PYTHON[wanted]]);
    check(host, version, |server| {
        let script = crate::host::repository().join("tests/mcp/clients").join(script);
        printed(
            Command::new("python3").env("PYTHONPATH", folder).arg(script).args(mode).args(server),
        )
    });
}

fn node(host: &Host, script: &str, mode: Option<&str>, version: Option<&str>) {
    let folder = tools::node();
    check(host, version, |server| printed(tools::script(&folder, script).args(mode).args(server)));
}

host_once!(the_python_client_that_initializes, all, |host| {
    python(host, 0, "old.py", None, Some("2025-11-25"));
});

host_once!(the_python_client_of_both_kinds, |host| {
    python(host, 1, "new.py", Some("auto"), Some("2026-07-28"));
    python(host, 1, "new.py", Some("legacy"), Some("2025-11-25"));
    python(host, 1, "new.py", Some("2026-07-28"), Some("2026-07-28"));
});

host_once!(the_typescript_client_that_initializes, |host| {
    node(host, "old.mjs", None, None);
});

host_once!(the_typescript_client_of_both_kinds, |host| {
    node(host, "new.mjs", Some("auto"), Some("2026-07-28"));
    node(host, "new.mjs", Some("legacy"), Some("2025-11-25"));
    node(host, "new.mjs", Some("2026-07-28"), Some("2026-07-28"));
});
