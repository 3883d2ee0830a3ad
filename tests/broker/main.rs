//! The way in without sudo: real accounts, real connections, real floods, on hosts where
//! `sm setup-broker --user agent` was run.

#[path = "../host/mod.rs"]
mod host;

mod crowd;
mod directory;
mod going_on;
mod journal;
mod membership;
mod protocol;
mod same_way;
mod sandbox;
mod setup;
mod strangers;
mod waits;
mod ways;
mod who;

use host::{Done, Host, Reply, Sudo, wait_until};
use serde_json::Value;

/// A test that runs on one host: over the socket it is all the same which sudo there is.
macro_rules! broker_test {
    ($name:ident, |$host:ident| $body:block) => {
        $crate::broker_test!($name, broker, |$host| $body);
    };
    ($name:ident, $made:ident, |$host:ident| $body:block) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            #[allow(unused_imports)]
            use crate::Made;

            fn test($host: &$crate::host::Host) $body

            #[test]
            #[ignore = "needs root and throwaway hosts: run tests/run"]
            fn socket() {
                test(&$crate::host::Host::$made($crate::host::Sudo::Classic));
            }
        }
    };
}
pub(crate) use broker_test;

/// Hosts with a broker.
trait Made {
    /// It is the only way in.
    fn broker(sudo: Sudo) -> Self;
    /// `sm setup-sudo --user agent` was run too.
    fn both_ways(sudo: Sudo) -> Self;
    /// Both ways, and the policy of the tests.
    fn both_ways_test_policy(sudo: Sudo) -> Self;
}

impl Made for Host {
    fn broker(sudo: Sudo) -> Self {
        let host = Self::boot(sudo);
        host.root("sm setup-broker --user agent").ok();
        host
    }

    fn both_ways(sudo: Sudo) -> Self {
        Self::broker(sudo).set_up()
    }

    fn both_ways_test_policy(sudo: Sudo) -> Self {
        let host = Self::ready_test_policy(sudo);
        host.root("sm setup-broker --user agent").ok();
        host
    }
}

/// `sm-helper --via socket LINE` as `agent`, the words split at spaces.
#[track_caller]
fn ask(host: &Host, line: &str) -> Reply {
    ask_as(host, "agent", line)
}

/// `sm-helper --via socket LINE` as another account.
#[track_caller]
fn ask_as(host: &Host, user: &str, line: &str) -> Reply {
    let words: Vec<&str> = ["--via", "socket"].into_iter().chain(line.split(' ')).collect();
    host.helper_as(user, &words)
}

/// The sentence of a reply and its hint, as one text.
fn told(reply: &Value) -> String {
    let text = |field: &str| reply[field].as_str().unwrap_or_default().to_owned();
    format!("{} | {}", text("error"), text("hint"))
}

/// What speaks to the socket directly begins with this.
const PYTHON: &str = r#"
import array, os, socket, sys, threading, time
STATUS = b'{"schema":1,"arguments":["service","status","nginx"]}'
def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(120)
    s.connect('/run/sm/sm.sock')
    return s
def reply(s):
    parts = []
    try:
        while part := s.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass # something of what was sent was not read
    return b''.join(parts)
def say(*what):
    for each in what:
        os.write(1, each)
def send(s, what):
    try:
        s.sendall(what)
    except (BrokenPipeError, ConnectionResetError):
        pass
def broker(listening):
    # As systemd starts it (sd_listen_fds(3)), at another socket.
    pid = os.fork()
    if pid == 0:
        os.dup2(listening.fileno(), 3)
        os.set_inheritable(3, True)
        os.dup2(os.open('/dev/null', os.O_WRONLY), 1)
        os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
        os.execv('/usr/local/bin/sm', ['sm', 'broker'])
    return pid
def asked(what):
    s = connect()
    send(s, what)
    return reply(s)
"#;

/// The argv of a Python script that begins with [`PYTHON`].
fn python(script: &str) -> [String; 3] {
    ["/usr/bin/python3".to_owned(), "-c".to_owned(), format!("{PYTHON}\n{script}")]
}

/// Runs it as an account.
#[track_caller]
fn speak(host: &Host, user: &str, script: &str) -> Done {
    let done = host.command(user, &python(script)).run();
    done.ok();
    done
}

/// The replies in a text, one a line: each must be whole, and what every reply is.
#[track_caller]
fn replies(text: &str) -> Vec<Value> {
    assert!(text.is_empty() || text.ends_with('\n'), "not whole: {text}");
    let parse = |line: &str| {
        let reply: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(reply["schema"], 1, "{line}");
        assert!(reply["code"].is_string() && reply["request_id"].is_string(), "{line}");
        assert_eq!(reply["success"], reply["code"] == "ok", "{line}");
        assert_eq!(reply["error"].is_string(), reply["code"] != "ok", "{line}");
        reply
    };
    text.lines().map(parse).collect()
}

/// The one reply that a script prints.
#[track_caller]
fn spoken(host: &Host, user: &str, script: &str) -> Value {
    let text = speak(host, user, script).stdout_text();
    let mut all = replies(&text);
    assert_eq!(all.len(), 1, "{script}: {text}");
    all.remove(0)
}

/// A policy for the members of a group alone.
const DEPLOYERS: &str = "schema = 1
[services]
actions = [\"status\"]
[services.units.nginx]
[callers.\"group:deploy\"]
services = [\"nginx\"]
[callers.default]
services = []
";

/// The processes that answer a request: what the broker has split off.
const UNDER_WAY: &str = "broker=$(systemctl show -P MainPID sm-broker); test $broker = 0 || pgrep --parent $broker -x sm";

/// Waits until no request is under way.
#[track_caller]
fn is_quiet(host: &Host) {
    wait_until("no request is under way", || host.root(UNDER_WAY).stdout.is_empty());
}
