//! What docs/agents.md tells those who build agents.

use super::host::host_test;
use serde_json::Value;

const PAGE: &str = include_str!("../../docs/agents.md");

/// The program of the page: the tools.
fn program() -> &'static str {
    let (_, rest) = PAGE.split_once("```python\n").expect("a block of Python");
    rest.split_once("```").expect("its end").0
}

host_test!(the_tools_of_the_page_work, |host| {
    let calls = "\n\
        status = call('service_status', {'name': 'nginx.service', 'timeout': 5, 'reason': None})\n\
        rehearsed = call('package_upgrade_all', {'reason': 'a; b $(c)', 'dry_run': True})\n\
        wanted = {'request_id': status['request_id'], 'wait': 1, 'name': 'x', 'dry_run': True}\n\
        again, listed = call('request_result', wanted), call('request_list', {})\n\
        print(json.dumps({'tools': [anthropic, openai], 'status': status, 'rehearsed': rehearsed, 'again': again, \
                          'listed': listed}))\n";
    host.write("/home/agent/tools.py", format!("{}{calls}", program()));
    let printed = host.agent("python3 tools.py").ok();
    let printed: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(printed["status"]["unit"]["active_state"], "active", "{printed}");
    // Without what is said twice.
    assert!(printed["status"].get("stdout").is_none(), "{printed}");
    assert_eq!(printed["rehearsed"]["dry_run"], true);
    assert!(printed["rehearsed"]["argv"].to_string().contains("upgrade"), "{printed}");
    assert_eq!(printed["again"], printed["status"]);
    assert_eq!(printed["listed"]["requests"][0]["request_id"], printed["status"]["request_id"]);
    let restart = |form: usize, name: &str| {
        let tools = printed["tools"][form].as_array().expect("tools");
        let tool = tools.iter().find(|tool| tool.pointer(name) == Some(&"service_restart".into()));
        tool.expect("a tool").clone()
    };
    for names in [
        &restart(0, "/name")["input_schema"],
        &restart(1, "/function/name")["function"]["parameters"],
    ] {
        let names = names["properties"]["name"]["enum"].as_array().expect("names");
        assert!(names.contains(&"nginx.service".into()), "{names:?}");
    }
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
