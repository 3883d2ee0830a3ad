//! The operations for real: what `sm-helper` says it did was done, to real services and real
//! packages, and nothing that a caller or a package does gets in between.

#[path = "../host/mod.rs"]
mod host;

mod apt_settings;
mod arch;
mod around;
mod beside;
mod causes;
mod checks;
mod confined;
mod deferred;
mod dry_run;
mod due;
mod enablement;
mod failing;
mod foreign;
mod forged;
mod health;
mod hooks;
mod interrupted;
mod kept;
mod killed;
mod late;
mod leftovers;
mod locks;
mod logs;
mod lost;
mod not_in_order;
mod obstacles;
mod offered;
mod outlives;
mod output;
mod own_parts;
mod package_care;
mod packages;
mod pacman_settings;
mod planned;
mod planned_arch;
mod results;
mod room;
mod runs;
mod schema;
mod service_faults;
mod services;
mod sessions;
mod shapes;
mod sources;
mod start_limit;
mod states;
mod stuck;
mod tasks;
mod tasks_trust;
mod terminal;

use host::{Host, Reply};

/// `sm-helper LINE` as `agent`, the words split at spaces.
#[track_caller]
fn ask(host: &Host, line: &str) -> Reply {
    host.helper(&line.split(' ').collect::<Vec<_>>())
}

/// Whether a unit is up.
fn is_up(host: &Host, name: &str) -> bool {
    host.root(&format!("systemctl is-active --quiet {name}")).status == Some(0)
}

/// Make the file of a unit, in place of the one it has.
#[track_caller]
fn unit(host: &Host, name: &str, file: &str) {
    host.write(format!("/etc/systemd/system/{name}.service"), file);
    host.root("systemctl daemon-reload").ok();
}

/// `systemctl start NAME` runs this line of bash from now on: what is confined has somebody else do
/// by it what it may not do itself.
#[track_caller]
fn somebody_else(host: &Host, name: &str, script: &str) {
    host.write(format!("/usr/local/lib/{name}"), script);
    let file = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=oneshot\nExecStart=/bin/bash /usr/local/lib";
    unit(host, name, &format!("{file}/{name}\n"));
}

/// The site watches as long as it may, so that what happens to a unit meanwhile is seen, however busy
/// the machine is.
fn watch_long(host: &Host) {
    let units = ["probe", "slow", "hanging", "masked", "crashing", "looping", "forker", "notifier"];
    host.root("mkdir -p /etc/sm").ok();
    host.write(
        "/etc/sm/policy.toml",
        format!(
            "schema = 1\n[services]\nwatch_seconds = 60\n\
             actions = [\"start\", \"restart\", \"reload\", \"stop\", \"status\"]\n\
             [services.units]\n{}",
            units.map(|name| format!("{name} = {{}}\n")).concat()
        ),
    );
}

/// The sentence of a reply and its hint, as one text.
fn told(reply: &Reply) -> String {
    let text = |field: &str| reply.json[field].as_str().unwrap_or_default().to_owned();
    format!("{} | {}", text("error"), text("hint"))
}

/// The lines of the unit's log that a reply has; none where it has no log.
fn log_of(reply: &Reply) -> Vec<&str> {
    let lines = reply.json["log"].as_array().into_iter().flatten();
    lines.map(|line| line.as_str().expect("a line of text")).collect()
}
