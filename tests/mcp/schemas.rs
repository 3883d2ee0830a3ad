//! The schema for those who call models themselves, held against what their own libraries check.

use crate::host::{Host, host_once, repository};
use crate::tools;
use serde_json::{Map, Value};
use std::io::Write;
use std::process::{Command, Stdio};

const LIBRARIES: [&str; 4] =
    ["openai-agents==0.24.0", "google-genai==3.6.1", "langchain-core==1.8.3", "jsonschema==4.26.0"];

/// What the helper prints for each dialect.
fn replies(host: &Host) -> Value {
    let dialects = ["json-schema", "openai-strict", "gemini", "anthropic"];
    let reply = |dialect: &&str| {
        let reply = host.helper(&["list", &format!("--schema={dialect}")]).expect("ok");
        ((*dialect).to_owned(), reply.json)
    };
    let replies: Map<String, Value> = dialects.iter().map(reply).collect();
    let plain = host.helper(&["list", "--schema"]).expect("ok").json;
    assert_eq!(replies["json-schema"]["$defs"], plain["$defs"]);
    replies.into()
}

host_once!(each_dialect_is_what_the_libraries_of_the_clients_take, ready_test_policy, |host| {
    let replies = replies(host);
    let mut check = Command::new("python3")
        .arg(repository().join("tests/mcp/clients/schemas.py"))
        .env("PYTHONPATH", tools::python(&LIBRARIES))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    let mut input = check.stdin.take().expect("a pipe");
    input.write_all(replies.to_string().as_bytes()).expect("it reads");
    drop(input);
    let output = check.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
});
