//! Services: what the reply says is what systemd, the kernel and the network say.

use crate::ask;
use crate::host::{Host, Reply, events, host_once, host_test};

/// A step of a service's life, and what must come of it.
struct Step {
    action: &'static str,
    returncode: i32,
    changed: bool,
    active: &'static str,
    /// What becomes of the main process.
    pid: Pid,
    /// Whether the link that starts it at boot is there afterwards.
    enabled: bool,
}

#[derive(Debug, PartialEq)]
enum Pid {
    Same,
    New,
    Gone,
}

const fn step(
    action: &'static str,
    returncode: i32,
    changed: bool,
    active: &'static str,
    pid: Pid,
    enabled: bool,
) -> Step {
    Step { action, returncode, changed, active, pid, enabled }
}

const LIFE: [Step; 16] = [
    step("status", 0, false, "active", Pid::Same, true),
    step("start", 0, false, "active", Pid::Same, true),
    step("reload", 0, true, "active", Pid::Same, true),
    step("restart", 0, true, "active", Pid::New, true),
    step("stop", 0, true, "inactive", Pid::Gone, true),
    step("stop", 0, false, "inactive", Pid::Gone, true),
    step("status", 3, false, "inactive", Pid::Gone, true),
    step("disable", 0, true, "inactive", Pid::Gone, false),
    step("disable", 0, false, "inactive", Pid::Gone, false),
    step("start", 0, true, "active", Pid::New, false),
    step("enable", 0, true, "active", Pid::Same, true),
    step("enable", 0, false, "active", Pid::Same, true),
    step("disable", 0, true, "active", Pid::Same, false),
    step("stop", 0, true, "inactive", Pid::Gone, false),
    step("restart", 0, true, "active", Pid::New, false),
    step("enable", 0, true, "active", Pid::Same, true),
];

/// The process that the kernel has for the service: of this name, started by systemd.
fn kernels_pid(host: &Host, process: &str) -> u64 {
    let text = host.root(&format!("pgrep -P 1 -x {process}")).stdout_text();
    text.trim().parse().unwrap_or(0)
}

fn answers(host: &Host, port: u16) -> bool {
    host.agent(&format!("exec 3<>/dev/tcp/127.0.0.1/{port}")).status == Some(0)
}

/// The time in the reply is UTC, and between boot and now.
#[track_caller]
fn is_recent(host: &Host, reply: &Reply) {
    let since = reply.json["unit"]["since"].as_str().expect("a time");
    assert!(since.ends_with('Z') && since.len() == "2026-01-01T00:00:00Z".len(), "{since}");
    let age = host.root(&format!("echo $(( $(date +%s) - $(date -d {since} +%s) ))")).ok();
    let age: i64 = age.trim().parse().expect("seconds");
    assert!((0..120).contains(&age), "{since} is {age} s ago");
}

#[track_caller]
fn lives(host: &Host, unit: &str, process: &str, port: Option<u16>) {
    let link = format!("/etc/systemd/system/multi-user.target.wants/{unit}.service");
    // Another zone than UTC: the reply's times do not depend on the host's.
    host.root("ln -sf /usr/share/zoneinfo/Pacific/Kiritimati /etc/localtime").ok();
    for (number, wanted) in LIFE.iter().enumerate() {
        let case = format!("{unit}, step {number}: {}", wanted.action);
        // What the policy leaves to the administrator.
        if unit == "ssh" && matches!(wanted.action, "stop" | "disable") {
            ask(host, &format!("service {} {unit}", wanted.action)).expect("denied");
            host.root(&format!("systemctl --quiet {} {unit}", wanted.action)).ok();
            continue;
        }
        let before = kernels_pid(host, process);
        let reply = ask(host, &format!("service {} {unit}", wanted.action));
        let now = kernels_pid(host, process);
        let reply = reply.expect("ok");
        let json = &reply.json;

        assert_eq!(json["returncode"], wanted.returncode, "{case}: {json:#}");
        assert_eq!(json["changed"], wanted.changed, "{case}: {json:#}");
        assert_eq!(json["operation"]["name"], format!("{unit}.service"), "{case}");
        assert_eq!(json["operation"]["action"], wanted.action, "{case}");
        assert_eq!(json["unit"]["active_state"], wanted.active, "{case}");
        assert_eq!(json["unit"]["load_state"], "loaded", "{case}");
        assert_eq!(json["unit"]["result"], "success", "{case}: {json:#}");
        let file = if wanted.enabled { "enabled" } else { "disabled" };
        assert_eq!(json["unit"]["unit_file_state"], file, "{case}: {json:#}");
        assert_eq!(host.exists(&link), wanted.enabled, "{case}: {link}");
        let became = match now {
            0 => Pid::Gone,
            same if same == before => Pid::Same,
            _ => Pid::New,
        };
        assert_eq!(became, wanted.pid, "{case}: {before} {now}");
        assert_eq!(json["unit"]["main_pid"].as_u64().unwrap_or(0), now, "{case}: {json:#}");
        assert_eq!(json["unit"]["main_pid"].is_null(), now == 0, "{case}: {json:#}");
        if let Some(port) = port {
            assert_eq!(answers(host, port), wanted.active == "active", "{case}: port {port}");
        }
        // A unit that nothing refers to is forgotten by systemd, with its times.
        if wanted.enabled || now != 0 {
            is_recent(host, &reply);
        }
        let records = events(host, &json["request_id"]);
        assert_eq!(records, "intent ok, result ok", "{case}");
    }
}

host_test!(a_service_does_what_the_reply_says, all, |host| {
    lives(host, "nginx", "nginx", Some(80));
    lives(host, "ssh", "sshd", Some(22));
});

host_once!(a_service_that_a_package_brought_does_too, all, |host| {
    host.root("mkdir /etc/fail2ban; printf '[sshd]\nenabled = false\n' >/etc/fail2ban/jail.local")
        .ok();
    // It lies on this machine's disk, and takes long to be put there safely.
    host.write("/etc/dpkg/dpkg.cfg.d/fast", "force-unsafe-io\n");
    ask(host, "service status fail2ban").expect("command_failed");
    ask(host, "package install fail2ban").expect("ok");
    assert!(host.has_package("fail2ban"));
    ask(host, "service enable fail2ban").expect("ok");
    ask(host, "service start fail2ban").expect("ok");
    lives(host, "fail2ban", "fail2ban-server", None);
});

host_once!(a_unit_with_another_suffix_is_that_unit, |host| {
    host.root("mkdir -p /etc/systemd/system").ok();
    host.write(
        "/etc/systemd/system/snapd.socket",
        "[Socket]\nListenStream=/run/snapd.socket\n[Install]\nWantedBy=sockets.target\n",
    );
    host.write("/etc/systemd/system/snapd.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    host.root("systemctl daemon-reload").ok();

    let reply = ask(host, "service start snapd.socket").expect("ok");
    assert_eq!(reply.json["operation"]["name"], "snapd.socket");
    assert_eq!(reply.argv().and_then(|argv| argv.last().copied()), Some("snapd.socket"));
    assert_eq!(reply.json["unit"]["sub_state"], "listening");
    assert!(reply.json["unit"]["main_pid"].is_null());
    assert!(host.exists("/run/snapd.socket"));
    assert_eq!(host.main_pid("snapd.service"), 0, "the socket was asked for, not the service");

    ask(host, "service enable snapd.socket").expect("ok");
    assert!(host.exists("/etc/systemd/system/sockets.target.wants/snapd.socket"));
    let reply = ask(host, "service start snapd").expect("ok");
    assert_eq!(reply.json["operation"]["name"], "snapd.service");
    assert_ne!(host.main_pid("snapd.service"), 0);
});
