//! The operations of the hosts of an inventory.

use crate::session::{Session, result};
use serde_json::{Value, json};

const FLEET: [&str; 2] = ["--inventory", "hosts.yml"];

/// The hosts that each tool offers.
fn hosts(session: &mut Session) -> Value {
    let list = session.ask("tools/list", &json!({}));
    let tools = list["result"]["tools"].as_array().unwrap_or_else(|| panic!("{list}"));
    let host = |tool: &Value| tool["inputSchema"]["properties"]["host"]["enum"].clone();
    assert!(tools.iter().all(|tool| host(tool) == host(&tools[0])), "{list}");
    assert!(tools.iter().all(|tool| tool["inputSchema"]["required"][0] == "host"), "{list}");
    host(&tools[0])
}

#[test]
fn a_silent_host_is_not_waited_for_and_is_announced_when_it_answers() {
    let mut session = Session::open(&FLEET);
    // One is offline, and one has a name that would be a pattern. The silent one says nothing before the
    // file is there.
    assert_eq!(hosts(&mut session), json!(["one", "two"]));
    session.touch("alive");
    assert_eq!(session.next()["method"], "notifications/tools/list_changed");
    assert_eq!(hosts(&mut session), json!(["one", "silent", "two"]));
}

#[test]
fn a_call_is_a_request_to_its_host_whose_errors_are_that_hosts() {
    let mut session = Session::open(&FLEET);
    session.touch("silent.gone");
    session.touch("alive");
    assert_eq!(hosts(&mut session), json!(["one", "two"]));
    for host in [json!(null), json!("off"), json!("*"), json!(["one"]), json!("--binary=x")] {
        let wrong = session
            .result("service_status", json!({"name": "a.service", "host": host, "lines": null}));
        assert_eq!(wrong["code"], "usage", "{host}");
    }
    let asked = session.asked();
    assert!(asked.iter().all(|line| !line.contains("a.service")), "{asked:?}");
    let one = json!({"name": "a.service", "host": "one"});
    assert_eq!(session.result("service_status", one.clone())["unit"]["active_state"], "active");
    let line = "fleet run --json --inventory hosts.yml --limit=one -- service status a.service";
    assert!(session.asked().contains(&line.to_owned()), "{:?}", session.asked());
    session.touch("one.gone");
    let gone = session.result("service_status", one);
    assert_eq!(
        (&gone["code"], &gone["error"]),
        (&json!("unreachable"), &json!("it does not answer"))
    );
    session.result("service_status", json!({"name": "a.service", "host": "two"}));
}

#[test]
fn what_a_host_does_not_end_in_time_is_asked_for_there() {
    let mut session = Session::open(&[&FLEET[..], &["--wait", "1"]].concat());
    let slow = json!({"name": "slow.service", "host": "two"});
    assert_eq!(session.result("service_restart", slow)["running"], true);
    session.touch("done");
    let id = session.call("request_result", json!({"request_id": "r-1", "host": "two"}));
    assert_eq!(result(&session.answer(id))["stdout"], "all of it");
    assert!(session.asked().iter().any(|line| line.contains("--limit=two -- result r-1")));
}
