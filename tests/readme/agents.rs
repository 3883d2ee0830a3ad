//! What docs/agents.md tells those who build agents.

use super::host::host_test;
use serde_json::Value;

const PAGE: &str = include_str!("../../docs/agents.md");

/// The programs of the page: the tools, and the server that gives them.
fn programs() -> [&'static str; 2] {
    let blocks = PAGE.split("```python\n").skip(1);
    let blocks: Vec<&str> = blocks.filter_map(|rest| Some(rest.split_once("```")?.0)).collect();
    blocks.try_into().expect("two blocks of Python")
}

host_test!(the_tools_of_the_page_work, |host| {
    let calls = "\n\
        status = call('service_status', {'name': 'nginx.service', 'timeout': 5})\n\
        rehearsed = call('package_upgrade_all', {'reason': 'a; b $(c)', 'dry_run': True})\n\
        print(json.dumps({'tools': [anthropic, openai, mcp], 'status': status, 'rehearsed': rehearsed}))\n";
    host.write("/home/agent/tools.py", format!("{}{calls}", programs()[0]));
    let printed = host.agent("python3 tools.py").ok();
    let printed: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(printed["status"]["unit"]["active_state"], "active", "{printed}");
    assert_eq!(printed["rehearsed"]["operation"]["action"], "upgrade");
    assert_eq!(printed["rehearsed"]["operation"]["name"], Value::Null);
    let restart = |form: usize, name: &str| {
        let tools = printed["tools"][form].as_array().expect("tools");
        let tool = tools.iter().find(|tool| tool.pointer(name) == Some(&"service_restart".into()));
        tool.expect("a tool").clone()
    };
    for names in [
        &restart(0, "/name")["input_schema"],
        &restart(1, "/function/name")["function"]["parameters"],
        &restart(2, "/name")["inputSchema"],
    ] {
        let names = names["properties"]["name"]["enum"].as_array().expect("names");
        assert!(names.contains(&"nginx.service".into()), "{names:?}");
    }
});

host_test!(the_server_of_the_page_works, |host| {
    let [tools, server] = programs();
    host.write("/home/agent/sm_tools.py", tools);
    host.write("/home/agent/server.py", server);
    let pid = host.main_pid("nginx");
    let asked = [
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"service_restart","arguments":{"name":"nginx.service"}}}"#,
        r#"{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"service_restart","arguments":{"name":"dbus.service"}}}"#,
        r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"no_such_tool"}}"#,
    ];
    host.write("/home/agent/asked", asked.join("\n"));
    let said = host.agent("python3 server.py <asked").ok();
    let answers: Vec<Value> =
        said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers.len(), 5, "{said}");
    assert_eq!(answers[0]["result"]["protocolVersion"], "2025-06-18");
    let tools = answers[1]["result"]["tools"].as_array().expect("tools");
    assert!(tools.iter().all(|tool| tool["inputSchema"]["type"] == "object"), "{said}");
    assert_eq!(answers[2]["result"]["isError"], false, "{said}");
    assert_ne!(host.main_pid("nginx"), pid);
    assert_eq!(answers[3]["result"]["isError"], true);
    let text = answers[3]["result"]["content"][0]["text"].as_str().expect("text");
    assert_eq!(serde_json::from_str::<Value>(text).expect("a reply")["code"], "denied");
    assert_eq!(answers[4]["error"]["code"], -32602);
});

/// An agent that meets a code finds what to do with it.
#[test]
fn each_code_has_a_row() {
    let codes = include_str!("../../src/request/code.rs");
    let rows = codes.lines().filter_map(|line| line.trim().strip_prefix("(Code::"));
    for word in rows.filter_map(|row| row.split('"').nth(1)) {
        let row = PAGE.lines().find(|line| {
            line.starts_with("| ")
                && line.split('|').nth(1).is_some_and(|cell| cell.contains(&format!("`{word}`")))
        });
        assert!(row.is_some(), "{word}");
    }
}
