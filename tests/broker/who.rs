//! Who is calling is for the kernel to say and for the account database, never for the caller.

use crate::host::{Host, Reply, host_test, intents, log, records};
use crate::{DEPLOYERS, Made, ask, broker_test, replies, speak, spoken, told};
use serde_json::{Value, json};

/// The caller in the record of a reply.
#[track_caller]
fn recorded(host: &Host, reply: &Value) -> Value {
    let records = records(host, &reply["request_id"]);
    assert!(!records.is_empty(), "no record of {reply:#}");
    records[0]["caller"].clone()
}

const ASK: &str = "s = connect(); send(s, STATUS + b'\\n'); say(reply(s))";

broker_test!(the_record_has_the_account_and_the_process_that_connected, |host| {
    let text = speak(host, "agent", &format!("say(b'%d\\n' % os.getpid()); {ASK}")).stdout_text();
    let (pid, reply) = text.split_once('\n').expect("two lines");
    let reply = replies(reply).remove(0);
    assert_eq!(reply["code"], "ok", "{reply:#}");
    let caller = recorded(host, &reply);
    let pid: u32 = pid.parse().expect("a number");
    for (field, value) in [
        ("uid", json!(1000)),
        ("gid", json!(1000)),
        ("user", json!("agent")),
        ("pid", json!(pid)),
        ("via", json!("socket")),
        ("tty", json!(null)),
    ] {
        assert_eq!(caller[field], value, "{field}: {caller}");
    }
    // Root may, as itself.
    let reply = spoken(host, "root", ASK);
    let caller = recorded(host, &reply);
    assert_eq!((&caller["uid"], &caller["via"]), (&json!(0), &json!("socket")));
});

broker_test!(a_request_can_not_say_who_it_is_from, |host| {
    for more in [
        r#""uid":0"#,
        r#""caller":{"uid":0}"#,
        r#""user":"root""#,
        r#""schema":1"#,
        r#""arguments":["version"]"#,
    ] {
        let line = format!(r#"{{"schema":1,"arguments":["service","status","nginx"],{more}}}"#);
        let reply = spoken(host, "agent", &format!("say(asked(b'''{line}\n'''))"));
        assert_eq!(reply["code"], "usage", "{more}: {reply:#}");
        assert_eq!(recorded(host, &reply)["uid"], 1000, "{more}");
    }
    // Nor by what sudo would say to a process of root's.
    let line = "SUDO_UID=0 SUDO_GID=0 SUDO_USER=root USER=root LISTEN_PID=1 sm-helper --via socket service status nginx";
    let reply = Reply::of(&host.agent(line)).expect("ok");
    let caller = recorded(host, &reply.json);
    assert_eq!((&caller["uid"], &caller["user"]), (&json!(1000), &json!("agent")));
});

// As with sudo: a process may have fewer groups than its account, or more.
broker_test!(groups_are_those_of_the_account_not_of_the_process, |host| {
    host.root("set -e; groupadd deploy; groupadd bystanders; usermod -aG deploy agent; sm setup-broker --user other; install -d /etc/sm").ok();
    host.write("/etc/sm/policy.toml", DEPLOYERS);
    let asked = |user: &str, groups: &str| {
        let line = format!(
            "setpriv --reuid={user} --regid={user} --groups={groups} -- sm-helper --via socket service status nginx"
        );
        let reply = Reply::of(&host.root(&line));
        let caller = recorded(host, &reply.json);
        assert_eq!((&caller["user"], &caller["via"]), (&json!(user), &json!("socket")));
        reply
    };
    asked("agent", "sm,deploy").expect("ok");
    asked("agent", "sm").expect("ok");
    asked("agent", "sm,bystanders").expect("ok");
    asked("other", "sm,deploy").expect("denied");
    asked("other", "sm").expect("denied");
    // Its own group, too.
    let line = "setpriv --reuid=other --regid=deploy --groups=sm,deploy -- sm-helper --via socket service status nginx";
    Reply::of(&host.root(line)).expect("denied");
    host.root("gpasswd --delete agent deploy").ok();
    asked("agent", "sm,deploy").expect("denied");
});

broker_test!(an_id_of_a_user_namespace_is_the_one_outside, |host| {
    host.write("/srv/ask.py", format!("{}\n{ASK}", crate::PYTHON));
    let id = host.agent("unshare -U -r id -u").ok();
    assert_eq!(id, "0\n", "the premise");
    for line in [
        "unshare -U -r python3 /srv/ask.py",
        "unshare -U python3 /srv/ask.py",
        "unshare -U -r -m -p -f python3 /srv/ask.py",
        "unshare -U -r unshare -U -r python3 /srv/ask.py",
        "unshare -U sm-helper --via socket service status nginx",
        "unshare -U sm-helper service status nginx",
        // Root in there is not root: it needs a way in like everybody.
        "unshare -U -r sm-helper --via socket service status nginx",
    ] {
        let reply = replies(&host.agent(line).stdout_text()).remove(0);
        assert_eq!(reply["code"], "ok", "{line}: {reply:#}");
        let caller = recorded(host, &reply);
        assert_eq!((&caller["uid"], &caller["user"]), (&json!(1000), &json!("agent")), "{line}");
        assert_eq!((&caller["gid"], &caller["via"]), (&json!(1000), &json!("socket")), "{line}");
    }
});

broker_test!(who_has_no_account_here_is_denied, |host| {
    host.write("/srv/ask.py", format!("{}\n{ASK}", crate::PYTHON));
    let before = intents(host);
    for (uid, regid) in [("4711", "4711"), ("65534", "65534"), ("4711", "0"), ("4294967294", "sm")]
    {
        let line =
            format!("setpriv --reuid={uid} --regid={regid} --groups=sm -- python3 /srv/ask.py");
        let reply = replies(&host.root(&line).ok()).remove(0);
        assert_eq!(reply["code"], "denied", "{uid}: {reply:#}");
        assert!(told(&reply).contains(uid), "{}", told(&reply));
        let caller = recorded(host, &reply);
        assert_eq!(caller["uid"].to_string(), uid);
    }
    assert_eq!(intents(host), before, "nothing was begun");
    ask(host, "service status nginx").expect("ok");
});

host_test!(who_is_not_in_the_group_has_sudo_or_nothing, both_ways, |host| {
    let asked = |way: &str| host.helper_as("other", &["--via", way, "service", "status", "nginx"]);
    let refused = asked("socket").expect("not_privileged");
    assert!(told(&refused.json).contains("not in the group sm"), "{}", told(&refused.json));
    let refused = asked("auto").expect("not_privileged");
    let said = told(&refused.json);
    assert!(
        said.contains("not in the group sm") && said.contains("sudo did not allow other"),
        "{said}"
    );
    assert_eq!(log(host).iter().filter(|each| each["caller"]["user"] == "other").count(), 0);

    host.root("sm setup-sudo --user other").ok();
    let reply = asked("auto").expect("ok");
    assert_eq!(recorded(host, &reply.json)["via"], "sudo");
    let refused = asked("socket").expect("not_privileged");
    assert!(!told(&refused.json).contains("sudo did not"), "{}", told(&refused.json));
    // And agent, who has both, takes the socket.
    let reply = host.helper(&["service", "status", "nginx"]).expect("ok");
    assert_eq!(recorded(host, &reply.json)["via"], "socket");
    let reply = host.helper(&["--via", "sudo", "service", "status", "nginx"]).expect("ok");
    assert_eq!(recorded(host, &reply.json)["via"], "sudo");
});

// What came through sudo is the account's, also where it names another way to root.
host_test!(who_came_through_sudo_does_not_become_root_over_the_socket, both_ways, |host| {
    let line = "sudo -n /usr/local/bin/sm-helper --via socket service status nginx";
    let reply = Reply::of(&host.agent(line)).expect("ok");
    let caller = recorded(host, &reply.json);
    assert_eq!((&caller["uid"], &caller["via"]), (&json!(1000), &json!("sudo")));
    // Root itself may.
    let reply = Reply::of(&host.root("sm-helper --via socket service status nginx")).expect("ok");
    let caller = recorded(host, &reply.json);
    assert_eq!((&caller["uid"], &caller["via"]), (&json!(0), &json!("socket")));
});

/// A connection of agent's whose process is gone; another one with a terminal has its number.
const RECYCLED: &str = r#"
listening = socket.socket(socket.AF_UNIX)
listening.bind('/run/recycled.sock')
os.chmod('/run/recycled.sock', 0o666)
listening.listen()
gone = os.fork()
if gone == 0:
    os.setgid(1000); os.setuid(1000)
    s = socket.socket(socket.AF_UNIX); s.connect('/run/recycled.sock'); s.sendall(STATUS + b'\n')
    os._exit(0)
os.waitpid(gone, 0)
for i in range(100):
    open('/mnt/sys/kernel/ns_last_pid', 'w').write(str(gone - 1))
    pid, _ = os.forkpty()
    if pid == 0: time.sleep(1000)
    if pid == gone: break
    os.kill(pid, 9); os.waitpid(pid, 0)
assert pid == gone, 'the premise'
answers = broker(listening)
# It has ended with its reply once it closes the connection; nobody is there to see that.
for i in range(600):
    if os.path.exists('/var/log/sm/audit.jsonl') and 'uid":1000' in open('/var/log/sm/audit.jsonl').read(): break
    time.sleep(0.1)
os.kill(answers, 9)
os.kill(pid, 9)
"#;

broker_test!(a_process_that_has_the_number_of_the_callers_is_not_taken_for_it, |host| {
    let before = log(host).len();
    // The host's own is read-only (`pid_namespaces(7)`, `ns_last_pid`).
    host.root("mount -t proc proc /mnt").ok();
    speak(host, "root", RECYCLED);
    let log = log(host);
    let caller = &log[before]["caller"];
    assert_eq!((&caller["uid"], &caller["via"]), (&json!(1000), &json!("socket")), "{caller}");
    assert_eq!((&caller["tty"], &caller["loginuid"]), (&json!(null), &json!(null)), "{caller}");
});
