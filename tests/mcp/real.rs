//! The whole of it on a real host: a package whose installation takes longer than a client waits.

use crate::host::gate::Gate;
use crate::host::{Host, Network, Sudo, host_test};
use crate::session::{Session, result};
use serde_json::json;

const POLICY: &str = "schema = 1\n[services]\nactions = [\"status\"]\n[services.units.nginx]\n";

host_test!(no_end_of_an_operation_is_lost, ready_test_policy, |host| {
    let gate = Gate::on(host);
    let mut session = Session::on(host, &["--wait", "7"]);
    let install = json!({
        "name": "package_install",
        "arguments": {"name": "docker.io", "reason": "a test"},
        "_meta": {"progressToken": 1},
    });
    let id = session.request("tools/call", &install);
    gate.begun();
    // Meanwhile others are answered.
    assert_eq!(session.ask("ping", &json!({}))["result"], json!({}));
    let status = session.result("service_status", json!({"name": "nginx.service"}));
    assert_eq!(status["unit"]["active_state"], "active");
    let progress = session.next();
    assert_eq!(progress["method"], "notifications/progress", "{progress}");
    assert!(
        progress["params"]["message"].as_str().is_some_and(|text| text.contains("docker.io")),
        "{progress}"
    );
    assert!(
        progress["params"]["total"].as_f64() >= progress["params"]["progress"].as_f64(),
        "{progress}"
    );
    let running = result(&session.answer(id));
    assert_eq!((&running["code"], &running["running"]), (&json!("started"), &json!(true)));
    assert!(
        running["stdout"].as_str().is_some_and(|text| text.contains("gate: begun")),
        "{running}"
    );
    // A model that has lost its context, and another server.
    drop(session);
    assert!(gate.is_in_the_middle());
    let mut session = Session::on(host, &[]);
    let listed = session.result("request_list", json!({}));
    let row =
        listed["requests"].as_array().expect("rows").iter().find(|row| row["running"] == true);
    let id = row.expect("it runs")["request_id"].clone();
    assert_eq!(id, running["request_id"]);
    gate.open();
    let end = session.result("request_result", json!({"request_id": id, "wait": 60}));
    assert_eq!((&end["code"], &end["changed"]), (&json!("ok"), &json!(true)), "{end}");
    gate.ends_well("it is asked for again");
    // A refusal, and an id of nobody's, are no errors of the protocol.
    assert_eq!(session.result("package_install", json!({"name": "nmap"}))["code"], "denied");
    let stranger = json!({"request_id": "01900000-0000-7000-8000-000000000000"});
    assert_eq!(session.result("request_result", stranger)["code"], "not_found");
});

host_test!(a_person_says_yes_and_the_model_is_told, |host| {
    host.root("mkdir /etc/sm").ok();
    host.write(
        "/etc/sm/policy.toml",
        "schema = 1\n[services]\nactions = [\"restart\"]\napproval = true\n[services.units.nginx]\n",
    );
    let mut session = Session::on(host, &[]);
    let nginx = json!({"name": "nginx.service"});
    let refused = session.result("service_restart", nginx.clone());
    assert_eq!(
        (&refused["code"], &refused["success"]),
        (&json!("approval_required"), &json!(false))
    );
    let approval = refused["approval"]["id"].as_str().expect("an id").to_owned();
    let hint = refused["hint"].as_str().expect("a hint");
    assert!(hint.contains(&format!("sm approve {approval}")), "{hint}");
    let waits =
        session.call("request_result", json!({"request_id": refused["request_id"], "wait": 40}));
    // Longer than one look, and others are answered meanwhile.
    assert_eq!(session.ask("ping", &json!({}))["result"], json!({}));
    host.root(&format!("sleep 7; sm approve {approval} --yes")).ok();
    let told = result(&session.answer(waits));
    assert_eq!(told["approval"]["state"], "approved", "{told}");
    assert_eq!(session.result("service_restart", nginx.clone())["code"], "ok");
    assert_eq!(session.result("service_restart", nginx)["code"], "approval_required");
});

host_test!(a_change_of_the_policy_is_announced, |host| {
    let mut session = Session::on(host, &[]);
    let names = |session: &mut Session| -> Vec<String> {
        let list = session.ask("tools/list", &json!({}));
        let tools = list["result"]["tools"].as_array().expect("tools").iter();
        tools.map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert!(names(&mut session).contains(&"package_install".to_owned()));
    host.root("mkdir /etc/sm").ok();
    host.write("/etc/sm/policy.toml", POLICY);
    assert_eq!(session.next()["method"], "notifications/tools/list_changed");
    assert_eq!(names(&mut session), ["request_list", "request_result", "service_status"]);
    host.root("rm /etc/sm/policy.toml").ok();
    assert_eq!(session.next()["method"], "notifications/tools/list_changed");
    assert!(names(&mut session).contains(&"package_install".to_owned()));
});

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_hosts_of_a_fleet_have_their_own_operations_errors_and_results() {
    let network = Network::of(3);
    let hosts = network.boot_all((0..3).map(|_| Host::wanted(Sudo::Classic)).collect());
    hosts.iter().for_each(|host| host.let_in("agent"));
    hosts[1].root("mkdir /etc/sm").ok();
    hosts[1].write("/etc/sm/policy.toml", POLICY);
    hosts[2].unplug();
    let line = |(at, host): (usize, &Host)| {
        format!("web{}: {{hostname: {}, user: agent}}\n", at + 1, host.address())
    };
    let inventory: String = hosts.iter().enumerate().map(line).collect();
    network.controller.write("/srv/hosts.yml", inventory);
    let mut session = Session::on(&network.controller, &["--inventory", "/srv/hosts.yml"]);
    let list = session.ask("tools/list", &json!({}))["result"].clone();
    let host = |name: &str| {
        let tools = list["tools"].as_array().expect("tools");
        let tool = tools.iter().find(|tool| tool["name"] == name).expect("a tool");
        tool["inputSchema"]["properties"]["host"]["enum"].clone()
    };
    assert_eq!(host("service_status"), json!(["web1", "web2"]));
    assert_eq!(host("service_restart"), json!(["web1"]));
    let before = hosts.iter().map(|host| host.main_pid("nginx")).collect::<Vec<_>>();
    let restart = json!({"name": "nginx.service", "host": "web1"});
    let restarted = session.result("service_restart", restart);
    assert_eq!((&restarted["code"], &restarted["changed"]), (&json!("ok"), &json!(true)));
    assert_ne!(hosts[0].main_pid("nginx"), before[0]);
    assert_eq!(hosts[1].main_pid("nginx"), before[1]);
    let again = json!({"request_id": restarted["request_id"], "host": "web1"});
    assert_eq!(session.result("request_result", again)["code"], "ok");
    let elsewhere = json!({"request_id": restarted["request_id"], "host": "web2"});
    assert_eq!(session.result("request_result", elsewhere)["code"], "not_found");
    hosts[0].unplug();
    let status = session.result("service_status", json!({"name": "nginx.service", "host": "web1"}));
    assert_eq!(status["code"], "unreachable", "{status}");
    let status = session.result("service_status", json!({"name": "nginx.service", "host": "web2"}));
    assert_eq!(status["unit"]["active_state"], "active", "{status}");
}
