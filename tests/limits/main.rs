//! How often an account may ask, and that nobody but time gives it more.

#[path = "../host/mod.rs"]
mod host;

mod bytes;
mod caller;
mod exact;
mod killed;
mod state;

use host::{Host, Reply};
use std::collections::BTreeMap;

/// Has the site allow so many in so many seconds. `narrow` takes it where it is the stricter.
fn rate(host: &Host, count: u32, seconds: u32) {
    let limits = format!("\n[limits]\nrate = {{ count = {count}, per_seconds = {seconds} }}\n");
    host.root("install -d -m 0755 /etc/sm").ok();
    host.write("/etc/sm/policy.toml", format!("{SITE}{limits}"));
}

/// All that the compiled policy has and these tests use.
const SITE: &str = "schema = 1
[services]
actions = [\"start\", \"stop\", \"restart\", \"reload\", \"status\"]
[services.units.nginx]
";

/// Changes something; nginx is reloaded and not restarted, since systemd limits starts itself.
#[track_caller]
fn reload(host: &Host) -> Reply {
    host.helper(&["service", "reload", "nginx"])
}

/// The codes of many requests of the account `agent`, made by a bash script that leaves each
/// reply in `$out/NUMBER`, with how often each came.
#[track_caller]
fn codes(host: &Host, script: &str) -> BTreeMap<String, usize> {
    let head = "set -u; out=$(mktemp -d)\n";
    let tail = "\nwait; cat \"$out\"/*; rm -r \"$out\"";
    let text = host.agent(&format!("{head}{script}{tail}")).ok();
    let mut codes = BTreeMap::new();
    for line in text.lines() {
        let reply: serde_json::Value = serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("not a reply: {error}: {line}"));
        *codes.entry(reply["code"].as_str().unwrap_or("none").to_owned()).or_default() += 1;
    }
    codes
}

/// How often this code came.
fn of(codes: &BTreeMap<String, usize>, code: &str) -> usize {
    codes.get(code).copied().unwrap_or(0)
}
