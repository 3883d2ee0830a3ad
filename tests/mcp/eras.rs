//! Both kinds of revision: those that begin with `initialize`, and that of 2026-07-28, in which each
//! request says all of itself.

use crate::session::{Session, result};
use serde_json::{Value, json};

/// The metadata that a request of 2026-07-28 has.
pub fn meta(version: &str) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "a test", "version": "1"},
    })
}

fn modern() -> Value {
    meta("2026-07-28")
}

#[test]
fn each_revision_with_initialize_is_agreed_to() {
    for version in ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] {
        let mut session = Session::start(&[]);
        let answer = session.initialize(version);
        assert_eq!(answer["result"]["protocolVersion"], version);
        assert_eq!(answer["result"]["capabilities"]["tools"]["listChanged"], true);
        assert_eq!(answer["result"]["serverInfo"]["name"], "sm-mcp");
        assert!(
            answer["result"]["instructions"]
                .as_str()
                .is_some_and(|text| text.contains("retry_after_s"))
        );
        assert_eq!(session.ask("ping", &json!({}))["result"], json!({}));
        let list = session.ask("tools/list", &json!({}));
        assert!(list["result"].get("resultType").is_none(), "{list}");
        session.works();
    }
}

#[test]
fn another_revision_gets_one_of_ours() {
    for version in ["2026-07-28", "2027-01-01", "1999-12-31", "", "nonsense"] {
        let mut session = Session::start(&[]);
        let answer = session.initialize(version);
        assert_eq!(answer["result"]["protocolVersion"], "2025-11-25", "{version}");
        session.works();
    }
}

#[test]
fn a_client_of_2026_07_28_discovers_lists_and_calls() {
    let mut session = Session::start(&[]);
    let discovered = session.ask("server/discover", &json!({"_meta": modern()}));
    let versions = discovered["result"]["supportedVersions"].as_array().expect("versions");
    assert!(versions.contains(&"2026-07-28".into()), "{discovered}");
    assert_eq!(discovered["result"]["resultType"], "complete");
    assert!(
        discovered["result"]["ttlMs"].is_u64() && discovered["result"]["cacheScope"].is_string()
    );
    let list = session.ask("tools/list", &json!({"_meta": modern()}));
    assert_eq!(list["result"]["resultType"], "complete");
    assert_eq!(list["result"]["ttlMs"], 60_000);
    assert_eq!(list["result"]["cacheScope"], "private");
    assert_eq!(list["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "sm-mcp");
    let called = session.ask(
        "tools/call",
        &json!({"_meta": modern(), "name": "service_status", "arguments": {"name": "a.service"}}),
    );
    assert_eq!(called["result"]["resultType"], "complete");
    assert_eq!(result(&called)["code"], "ok");
    // That revision has no ping.
    assert_eq!(session.ask("ping", &json!({"_meta": modern()}))["error"]["code"], -32601);
}

#[test]
fn a_client_of_2026_07_28_need_not_discover() {
    let mut session = Session::start(&[]);
    let list = session.ask("tools/list", &json!({"_meta": modern()}));
    assert_eq!(list["result"]["resultType"], "complete");
}

#[test]
fn a_client_that_tries_the_new_revision_first_can_go_on_with_an_older_one() {
    let mut session = Session::start(&[]);
    session.ask("server/discover", &json!({"_meta": modern()}));
    session.initialize("2025-06-18");
    session.works();
}

#[test]
fn a_revision_of_a_request_that_there_is_not_gets_the_error_with_those_that_there_are() {
    let mut session = Session::start(&[]);
    for method in ["server/discover", "tools/list"] {
        let answer = session.ask(method, &json!({"_meta": meta("1900-01-01")}));
        assert_eq!(answer["error"]["code"], -32022, "{answer}");
        assert_eq!(answer["error"]["data"]["requested"], "1900-01-01");
        let supported = answer["error"]["data"]["supported"].as_array().expect("versions");
        assert!(supported.contains(&"2026-07-28".into()), "{answer}");
    }
}

#[test]
fn a_request_without_its_metadata_is_refused_where_nothing_was_agreed_to() {
    let mut session = Session::start(&[]);
    let answer = session
        .ask("tools/call", &json!({"name": "service_status", "arguments": {"name": "a.service"}}));
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    assert!(session.asked().is_empty());
    session.initialize("2025-11-25");
    session.works();
}

#[test]
fn the_tools_are_those_of_the_schema_in_one_order() {
    let mut session = Session::open(&[]);
    let first = session.ask("tools/list", &json!({}))["result"].clone();
    assert_eq!(session.ask("tools/list", &json!({"cursor": null}))["result"], first);
    let other_page = session.ask("tools/list", &json!({"cursor": "x"}));
    assert_eq!(other_page["error"]["code"], -32602, "{other_page}");
    let tools = first["tools"].as_array().expect("tools");
    let names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!(names, ["request_list", "request_result", "service_restart", "service_status"]);
    for tool in tools {
        let text = tool["inputSchema"].to_string();
        for keyword in ["$ref", "\"const\"", "\"not\"", "\"pattern\"", "\"if\"", "null"] {
            assert!(!text.contains(keyword), "{keyword}: {text}");
        }
        assert!(tool["title"].is_string() && tool["annotations"]["readOnlyHint"].is_boolean());
        assert_eq!(tool["outputSchema"]["type"], "object");
    }
}

#[test]
fn a_call_is_one_request_and_its_reply_is_short() {
    let mut session = Session::open(&[]);
    let status = session.result(
        "service_status",
        json!({"name": "a.service", "reason": "to see; $(it)", "dry_run": false}),
    );
    assert_eq!(
        status,
        json!({"success": true, "code": "ok", "request_id": "r-1", "returncode": 0, "unit": {"active_state": "active"}})
    );
    assert_eq!(
        session.asked().last().map(String::as_str),
        Some("service status a.service --reason=to see; $(it)")
    );
    let denied = session.result("service_status", json!({"name": "bad.service"}));
    assert_eq!(denied["code"], "denied");
}

#[test]
fn what_is_no_tool_is_an_error_of_the_protocol_and_what_is_no_argument_one_for_the_model() {
    let mut session = Session::open(&[]);
    for name in ["no_such_tool", "", "service_restart "] {
        let answer = session.ask("tools/call", &json!({"name": name}));
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
    for arguments in [
        json!({}),
        json!({"name": "--via=sudo"}),
        json!({"name": "a.service", "via": "sudo"}),
        json!({"name": ["a"]}),
    ] {
        let wrong = session.result("service_restart", arguments.clone());
        assert_eq!(wrong["code"], "usage", "{arguments}");
    }
    assert!(session.asked().iter().all(|line| line == "list --schema"), "{:?}", session.asked());
}

#[test]
fn where_there_are_no_tools_the_reason_is_said() {
    let mut session = Session::start(&[]);
    session.touch("broken");
    session.initialize("2025-06-18");
    let answer = session.ask("tools/list", &json!({}));
    assert_eq!(answer["error"]["code"], -32603);
    assert!(
        answer["error"]["message"]
            .as_str()
            .is_some_and(|text| text.contains("the policy is broken"))
    );
    assert_eq!(answer["error"]["data"]["hint"], "repair it");
}

#[test]
fn it_answers_what_it_has_read_and_ends_when_its_client_is_gone() {
    let mut session = Session::open(&[]);
    let id = session.call("service_status", json!({"name": "a.service"}));
    session.close();
    assert_eq!(result(&session.answer(id))["code"], "ok");
    assert_eq!(session.ended(), 0);
}
