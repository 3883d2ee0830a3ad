//! What waits for an administrator's yes: that it waits, that the yes is for exactly what was shown, and
//! that each is used once.

#[path = "../host/mod.rs"]
mod host;

mod answers;
mod approvers;
mod attacks;
mod grants;
mod killed;
mod notify;
mod when;

use host::{Host, Reply};
use serde_json::Value;

/// Whatever changes something waits.
const SITE: &str = "schema = 1
[services]
actions = [\"start\", \"stop\", \"restart\", \"reload\", \"status\"]
approval = true
[services.units.nginx]
[services.units.caddy]
[packages]
actions = [\"install\", \"remove\"]
maintenance = [\"update\"]
approval = [\"install\", \"update\"]
[packages.names.git]
";

fn site(host: &Host, text: &str) {
    host.root("install -d -m 0755 /etc/sm").ok();
    host.write("/etc/sm/policy.toml", text);
}

#[track_caller]
fn ask(host: &Host, line: &str) -> Reply {
    host.helper(&line.split(' ').collect::<Vec<_>>())
}

/// By what an administrator names the request that this reply refuses.
#[track_caller]
fn id(reply: &Reply) -> String {
    reply.json["approval"]["id"].as_str().unwrap_or_else(|| panic!("{:#}", reply.json)).to_owned()
}

/// Asks for what waits, and gives its id.
#[track_caller]
fn waits(host: &Host, line: &str) -> String {
    id(&ask(host, line).expect("approval_required"))
}

/// Runs `sm` as root, and reads what it says.
#[track_caller]
fn sm(host: &Host, line: &str) -> (i32, Value) {
    host::answer(&host.root(&format!("sm --json {line}")))
}

#[track_caller]
fn approve(host: &Host, line: &str) {
    let (exit, answer) = sm(host, &format!("approve {line} --yes"));
    assert_eq!(exit, 0, "{answer:#}");
}

/// What is listed: id, state.
#[track_caller]
fn listed(host: &Host) -> Vec<(String, String)> {
    let (exit, answer) = sm(host, "approvals");
    assert_eq!(exit, 0, "{answer:#}");
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let rows = answer["approvals"].as_array().expect("a list");
    rows.iter().map(|row| (text(row, "id"), text(row, "state"))).collect()
}
