//! What takes longer than a client waits: followed, told of, picked up again.

use crate::eras::meta;
use crate::session::{Session, result};
use serde_json::{Value, json};

#[test]
fn a_change_is_begun_and_followed_to_its_end() {
    let mut session = Session::open(&[]);
    let id = session.call("service_restart", json!({"name": "slow.service", "reason": "why"}));
    while session.asked().len() < 3 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    session.touch("done");
    let ended = result(&session.answer(id));
    assert_eq!(
        ended,
        json!({"success": true, "code": "ok", "request_id": "r-1", "changed": true, "stdout": "all of it"})
    );
    let asked = session.asked();
    assert_eq!(asked[1], "service restart slow.service --reason=why --no-wait");
    assert!(asked[2].starts_with("result r-1 --wait="), "{asked:?}");
}

#[test]
fn what_is_refused_is_answered_at_once() {
    let mut session = Session::open(&[]);
    let refused = session.result("service_restart", json!({"name": "bad.service"}));
    assert_eq!(refused["code"], "denied");
    assert_eq!(refused["hint"], "sm-helper list shows what is");
}

#[test]
fn what_is_not_done_in_time_goes_on_and_its_result_is_there_later() {
    let mut session = Session::open(&["--wait", "1"]);
    // Its end is when a file is there.
    let running = session.result("service_restart", json!({"name": "slow.service"}));
    assert_eq!(running["running"], true, "{running}");
    assert_eq!(running["stdout"], "so far");
    assert_eq!(running["progress"], json!({"done": 3, "of": 7, "step": "Unpacking"}));
    let hint = running["hint"].as_str().expect("a hint");
    assert!(hint.contains("request_result with request_id r-1"), "{hint}");
    // Still so, at once and after a while.
    for arguments in [json!({"request_id": "r-1"}), json!({"request_id": "r-1", "wait": 1})] {
        assert_eq!(session.result("request_result", arguments)["running"], true);
    }
    session.touch("done");
    assert_eq!(
        session.result("request_result", json!({"request_id": "r-1"}))["stdout"],
        "all of it"
    );
    assert_eq!(session.result("request_result", json!({"request_id": "r-2"}))["code"], "not_found");
    assert_eq!(session.result("request_list", json!({}))["requests"], json!([]));
}

#[test]
fn what_has_not_even_begun_in_time_is_answered_too() {
    let mut session = Session::open(&["--wait", "1"]);
    for (tool, unit) in [("service_restart", "stuck.service"), ("service_status", "slow.service")] {
        let running = session.result(tool, json!({"name": unit}));
        assert_eq!((&running["code"], &running["running"]), (&json!("started"), &json!(true)));
        let hint = running["hint"].as_str().expect("a hint");
        assert!(hint.contains("call request_list"), "{hint}");
    }
    session.works();
}

#[test]
fn progress_is_told_where_it_is_asked_for_and_nowhere_else() {
    for (more, wanted) in [(json!({"progressToken": "t"}), true), (json!({}), false)] {
        let mut session = Session::open(&["--wait", "7"]);
        let params = json!({"name": "service_restart", "arguments": {"name": "slow.service"}, "_meta": more});
        let id = session.request("tools/call", &params);
        let first = session.next();
        if wanted {
            assert_eq!(first["method"], "notifications/progress", "{first}");
            assert_eq!(first["params"]["progressToken"], "t");
            assert_eq!(first["params"]["progress"], 3.0);
            assert_eq!(first["params"]["total"], 7.0);
            assert_eq!(first["params"]["message"], "Unpacking");
        } else {
            assert_eq!(first["id"], id, "{first}");
        }
    }
}

#[test]
fn ping_and_other_calls_are_answered_while_one_runs() {
    let mut session = Session::open(&[]);
    let slow = session.call("service_restart", json!({"name": "slow.service"}));
    let slow_read = session.call("service_status", json!({"name": "slow.service"}));
    assert_eq!(session.ask("ping", &json!({}))["result"], json!({}));
    session.works();
    session.touch("done");
    let ids: Vec<Value> = (0..2).map(|_| session.next()["id"].clone()).collect();
    assert!(ids.contains(&slow.into()) && ids.contains(&slow_read.into()), "{ids:?}");
}

#[test]
fn a_call_that_is_cancelled_is_answered_and_goes_on() {
    let mut session = Session::open(&[]);
    for tool in ["service_restart", "service_status"] {
        let id = session.call(tool, json!({"name": "slow.service"}));
        session.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}).to_string());
        let answer = result(&session.answer(id));
        assert_eq!(
            (&answer["running"], &answer["code"]),
            (&json!(true), &json!("started")),
            "{answer}"
        );
        assert!(
            answer["hint"].as_str().is_some_and(|hint| hint.contains("was cancelled")),
            "{answer}"
        );
        assert_eq!(answer["request_id"] == "r-1", tool == "service_restart");
    }
    // Of one that there is not, and of nothing.
    for params in [json!({"requestId": 4711}), json!({}), Value::Null, json!({"requestId": {}})] {
        session.send(
            &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})
                .to_string(),
        );
    }
    session.touch("done");
    session.works();
}

#[test]
fn a_helper_that_keeps_no_results_is_waited_for() {
    let mut session = Session::start(&["--wait", "1"]);
    session.touch("old");
    session.initialize("2025-11-25");
    let id = session.call("service_restart", json!({"name": "slow.service"}));
    session.works();
    session.touch("done");
    assert_eq!(result(&session.answer(id))["code"], "ok");
    assert!(session.asked().contains(&"service restart slow.service".to_owned()));
}

#[test]
fn a_rehearsal_is_answered_at_once() {
    let mut session = Session::start(&[]);
    let params = json!({
        "_meta": meta("2026-07-28"),
        "name": "service_restart",
        "arguments": {"name": "a.service", "dry_run": true},
    });
    assert_eq!(result(&session.ask("tools/call", &params))["code"], "ok");
    assert_eq!(
        session.asked().last().map(String::as_str),
        Some("service restart a.service --dry-run")
    );
}

/// The extension for tasks, where the client says that it has it.
#[test]
fn what_is_not_done_in_time_is_a_task_for_a_client_that_has_them() {
    let mut session = Session::start(&["--wait", "1"]);
    let mut declared = meta("2026-07-28");
    declared["io.modelcontextprotocol/clientCapabilities"] =
        json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
    let call = |tool: &str| json!({"_meta": declared, "name": tool, "arguments": {"name": "slow.service"}});
    let discovered = session.ask("server/discover", &json!({"_meta": declared}));
    let extensions = &discovered["result"]["capabilities"]["extensions"];
    assert!(extensions["io.modelcontextprotocol/tasks"].is_object(), "{discovered}");
    let task = session.ask("tools/call", &call("service_restart"))["result"].clone();
    assert_eq!(
        (&task["resultType"], &task["status"]),
        (&json!("task"), &json!("working")),
        "{task}"
    );
    let mut ask = |method: &str, id: &Value| {
        session.ask(method, &json!({"_meta": declared, "taskId": id, "inputResponses": {}}))
    };
    let id = &task["taskId"];
    assert_eq!(ask("tasks/get", id)["result"]["statusMessage"], "Unpacking");
    // It is acknowledged, and goes on.
    assert_eq!(ask("tasks/cancel", id)["result"]["resultType"], "complete");
    assert_eq!(ask("tasks/get", id)["result"]["status"], "working");
    for unknown in ["r-2", "", "--wait", "a b", "x:r-2:"] {
        assert_eq!(ask("tasks/get", &unknown.into())["error"]["code"], -32602, "{unknown}");
    }
    session.touch("done");
    let ended =
        session.ask("tasks/get", &json!({"_meta": declared, "taskId": id}))["result"].clone();
    assert_eq!(ended["status"], "completed");
    assert_eq!(ended["result"]["structuredContent"]["stdout"], "all of it");
    assert_eq!(ended["result"]["isError"], false);
    // What is done in time is its result.
    assert_eq!(result(&session.ask("tools/call", &call("service_restart")))["code"], "ok");
    // Without it there are none.
    let without = session.ask("tasks/get", &json!({"_meta": meta("2026-07-28"), "taskId": id}));
    assert_eq!(without["error"]["code"], -32021, "{without}");
}
