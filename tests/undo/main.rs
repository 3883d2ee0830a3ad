//! Snapshots around operations on packages, and their undo: after it the host is what it was before the
//! operation, byte by byte.

#[path = "../host/mod.rs"]
mod host;

mod apt;
mod arch;
mod attacked;
mod covered;
mod due;
mod failed;
mod full;
mod hostile;
mod killed;
mod many;
mod offer;
mod others;
mod services;
mod snapper;
mod tasks;
mod tree;
mod versions;

use host::{Host, Reply, wait_until};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Child, Stdio};

/// What a host's account may do: everything that can be undone, and the undo.
const SITE: &str = "schema = 1
[snapshots]
packages = true
keep = 50
[services]
actions = [\"start\", \"stop\", \"restart\", \"reload\", \"status\"]
watch_seconds = 0
[services.units.nginx]
[packages]
actions = [\"install\", \"remove\", \"upgrade\"]
maintenance = [\"update\", \"upgrade\", \"autoremove\"]
undo = true
[packages.names]
git = {}
htop = {}
nginx = {}
nginx-light = {}
sm-test-conffile = {}
sm-test-fail = {}
sm-test-old = {}
sm-test-slow = {}
";

/// Gives the host the program in which `/etc/sm/policy.toml` is the policy, and this policy.
fn set_up(host: &Host, policy: &str) {
    let program = std::env::var_os("SM_SITE_BIN").expect("SM_SITE_BIN: see tests/run");
    host.install(&PathBuf::from(program));
    site(host, policy);
    host.let_in("agent");
}

/// Writes the policy as an administrator does.
fn site(host: &Host, policy: &str) {
    host.root("install -d -m 0755 /etc/sm").ok();
    host.write("/etc/sm/policy.toml", policy);
}

/// `sm-helper LINE` as `agent`.
#[track_caller]
fn ask(host: &Host, line: &str) -> Reply {
    host.helper(&line.split(' ').collect::<Vec<_>>())
}

/// By what a request is undone.
#[track_caller]
fn id(reply: &Reply) -> String {
    reply.json["request_id"].as_str().expect("an id").to_owned()
}

/// Asks for what has to work, and gives the id to undo it with.
#[track_caller]
fn done(host: &Host, line: &str) -> String {
    let reply = ask(host, line).expect("ok");
    assert_eq!(reply.json["changed"], true, "{line}: {:#}", reply.json);
    assert_eq!(reply.json["snapshot"]["undo"], true, "{line}: {:#}", reply.json);
    id(&reply)
}

/// Undoes a request, which has to work.
#[track_caller]
fn undone(host: &Host, id: &str) -> Reply {
    let reply = ask(host, &format!("undo {id}")).expect("ok");
    assert_eq!(reply.json["undone"]["request_id"], id, "{:#}", reply.json);
    reply
}

/// An undo that stops at the first of these system calls, until [`go_on`] is called. Its reply is on standard output.
fn stopped(host: &Host, request: &str, call: &str) -> Child {
    let script = format!(
        "export SUDO_USER=agent SUDO_UID=1000 SUDO_GID=1000
        exec strace -qqq -f -o /run/trace -e trace={call} -e inject={call}:signal=SIGSTOP:when=1 \
            /usr/local/bin/sm-helper undo {request}"
    );
    host.root("rm -f /run/trace").ok();
    let mut command = host.command("root", &["bash", "-c", &script]).into_command();
    let child = command.stdout(Stdio::piped()).spawn().expect("nsenter");
    wait_until("it has stopped", || {
        host.root("grep -q 'stopped by SIGSTOP' /run/trace").status == Some(0)
    });
    child
}

/// Lets it go on, and gives its reply.
fn go_on(host: &Host, child: Child) -> Value {
    host.root("pkill -CONT -x sm-operation").ok();
    let output = child.wait_with_output().expect("its end");
    serde_json::from_slice(&output.stdout).expect("a reply")
}

/// Runs `sm` as root, and reads what it says.
#[track_caller]
fn sm(host: &Host, line: &str) -> (i32, Value) {
    host::answer(&host.root(&format!("sm --json {line}")))
}

/// dpkg finds nothing half done.
#[track_caller]
fn dpkg_is_clean(host: &Host) {
    assert_eq!(host.root("dpkg --audit").ok(), "");
    host.root("apt-get -qq check").ok();
}
