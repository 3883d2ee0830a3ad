//! A right belongs to an account in the account database, now: not to a process that has a group
//! from somewhere else.

use crate::host::{Reply, host_test, records};
use crate::{DEPLOYERS, Made, broker_test, replies, spoken, told};
use serde_json::json;

/// Asks as whoever runs it.
const ASK: &str = "s = connect(); send(s, STATUS + b'\\n'); say(reply(s))";

broker_test!(a_file_that_hands_the_group_on_gives_nothing, |host| {
    host.limit_the_rate();
    host.write("/srv/ask.py", format!("{}\n{ASK}", crate::PYTHON));
    host.root("chmod 755 /home/agent; usermod -aG sm agent").ok();
    // Made by agent itself, who is in the group.
    host.root("setpriv --reuid=agent --regid=agent --init-groups bash -ec 'cp $(readlink -f /usr/bin/python3) ~agent/py; chgrp sm ~agent/py; chmod 2755 ~agent/py'").ok();
    let held = host.main_pid("nginx");
    let reply = replies(
        &host
            .root("setpriv --reuid=other --regid=other --init-groups /home/agent/py /srv/ask.py")
            .ok(),
    )
    .remove(0);
    assert_eq!(reply["code"], "denied", "{reply:#}");
    assert!(told(&reply).contains("other is not in the group sm"), "{}", told(&reply));
    let record = &records(host, &reply["request_id"])[0];
    assert_eq!((&record["code"], &record["caller"]["user"]), (&json!("denied"), &json!("other")));
    host.root("test -e /run/sm/rate/$(id -u other).refusals").ok();
    assert_eq!(host.main_pid("nginx"), held);
    // Nor to the account itself, once it is not in the group any more.
    let by_agent = "setpriv --reuid=agent --regid=agent --init-groups /home/agent/py /srv/ask.py";
    assert_eq!(replies(&host.root(by_agent).ok()).remove(0)["code"], "ok");
    host.root("sm setup-broker --remove --user agent").ok();
    assert_eq!(replies(&host.root(by_agent).ok()).remove(0)["code"], "denied");
});

broker_test!(a_process_from_before_the_removal_has_nothing, |host| {
    let script = format!(
        "open('/home/agent/there', 'w')
while not os.path.exists('/srv/removed'): time.sleep(0.05)
{ASK}"
    );
    let reply = std::thread::scope(|scope| {
        let asked = scope.spawn(|| spoken(host, "agent", &script));
        crate::wait_until("it is there", || host.exists("/home/agent/there"));
        host.root("sm setup-broker --remove --user agent; touch /srv/removed").ok();
        asked.join().expect("a reply")
    });
    assert_eq!(reply["code"], "denied", "{reply:#}");
});

broker_test!(a_request_from_before_the_removal_that_is_sent_after_it_is_denied, |host| {
    let held = host.main_pid("nginx");
    let begun = [
        ("nothing", ""),
        ("a part", "s.sendall(b'{\"schema\":1,\"argu')\n"),
        ("all but its end", "s.sendall(RESTART[:-1])\n"),
    ];
    for (what, begin) in begun {
        host.root("rm -f /home/agent/there /srv/removed").ok();
        let script = format!(
            "RESTART = b'{{\"schema\":1,\"arguments\":[\"service\",\"restart\",\"nginx\"]}}'
s = connect()
{begin}open('/home/agent/there', 'w')
while not os.path.exists('/srv/removed'): time.sleep(0.05)
s.sendall(RESTART[{sent}:] + b'\\n'); say(reply(s))",
            sent = match what {
                "nothing" => "0",
                "a part" => "17",
                _ => "-1",
            }
        );
        let reply = std::thread::scope(|scope| {
            let asked = scope.spawn(|| spoken(host, "agent", &script));
            crate::wait_until("it is there", || host.exists("/home/agent/there"));
            host.root("sm setup-broker --remove --user agent; touch /srv/removed").ok();
            asked.join().expect("a reply")
        });
        assert_eq!(reply["code"], "denied", "{what}: {reply:#}");
        assert_eq!(records(host, &reply["request_id"])[0]["code"], "denied", "{what}");
        assert_eq!(host.main_pid("nginx"), held, "{what}");
        host.root("sm setup-broker --user agent").ok();
    }
});

broker_test!(an_account_that_has_expired_has_nothing, |host| {
    for (day, code) in [
        ("0", "denied"),
        ("-1", "ok"),
        ("2000-01-01", "denied"),
        ("2100-01-01", "ok"),
        ("$(date -u +%F)", "denied"),
        ("$(date -u -d tomorrow +%F)", "ok"),
    ] {
        host.root(&format!("chage --expiredate {day} agent")).ok();
        let reply = spoken(host, "agent", ASK);
        assert_eq!(reply["code"], code, "{day}: {reply:#}");
        if code == "denied" {
            assert!(told(&reply).contains("agent has expired"), "{}", told(&reply));
            assert_eq!(records(host, &reply["request_id"])[0]["code"], code);
        }
    }
});

/// Sends a whole request, waits until the other end is done, and reads without forgiving.
const LATE: &str = "s = connect(); send(s, STATUS + b'\\n' + b'x' * 100000 + b'\\n'); time.sleep(1)
parts = []
while part := s.recv(65536): parts.append(part)
say(b''.join(parts))";

// Not ECONNRESET in the place of the reply, or behind it.
broker_test!(a_reply_is_read_to_its_end_whatever_was_not_read_of_the_request, |host| {
    assert_eq!(spoken(host, "agent", LATE)["code"], "ok");
    host.root("gpasswd --delete agent sm").ok();
    host.write("/srv/late.py", format!("{}\n{LATE}", crate::PYTHON));
    let done = host.root("setpriv --reuid=agent --regid=agent --groups=$(getent group sm | cut -d: -f3) python3 /srv/late.py");
    assert_eq!(replies(&done.ok()).remove(0)["code"], "denied");
});

/// `agent` connects, and the broker answers on a host where the group is what `sm` was.
const ANSWERED: &str = r#"
listening = socket.socket(socket.AF_UNIX)
listening.bind('/run/other.sock')
os.chmod('/run/other.sock', 0o666)
listening.listen()
asks = os.fork()
if asks == 0:
    os.setgid(1000); os.setuid(1000)
    s = socket.socket(socket.AF_UNIX); s.connect('/run/other.sock'); s.sendall(STATUS + b'\n')
    os.write(1, reply(s)); os._exit(0)
pid = broker(listening)
os.waitpid(asks, 0)
os.kill(pid, 9)
os.unlink('/run/other.sock')
"#;

broker_test!(a_group_that_has_the_number_of_the_old_one_has_nothing, |host| {
    assert_eq!(spoken(host, "root", ANSWERED)["code"], "ok");
    host.root("gid=$(getent group sm | cut -d: -f3); sm setup-broker --remove; groupadd -g $gid games2; usermod -aG games2 agent").ok();
    assert_eq!(spoken(host, "root", ANSWERED)["code"], "denied");
    // Nor where a new one was made since.
    host.root("groupadd --system sm").ok();
    assert_eq!(spoken(host, "root", ANSWERED)["code"], "denied");
});

// The way that is left is taken.
host_test!(who_was_taken_out_of_the_group_has_sudo, both_ways, |host| {
    host.root("gpasswd --delete agent sm").ok();
    let ask = |way: &str| {
        let line = format!(
            "setpriv --reuid=agent --regid=agent --groups=$(getent group sm | cut -d: -f3),1000 sm-helper --via {way} service status nginx"
        );
        Reply::of(&host.root(&line))
    };
    ask("socket").expect("denied");
    let reply = ask("auto").expect("ok");
    assert_eq!(records(host, &reply.json["request_id"])[0]["caller"]["via"], "sudo");
});

/// Runs sudo with the group as its own.
const WITH_THE_GROUP: &str = "import os
group = os.getegid(); os.setresgid(group, group, group)
os.execv('/usr/bin/sudo', ['sudo', '-n', '/usr/local/bin/sm-helper', 'service', 'status', 'nginx'])";

// sudo says of which group the process is (`SUDO_GID`), not the account.
host_test!(a_group_of_the_process_is_none_of_the_callers_groups, |host| {
    host.root("set -e; groupadd deploy; install -d /etc/sm; cp $(readlink -f /usr/bin/python3) /srv/py; chgrp deploy /srv/py; chmod 2755 /srv/py").ok();
    host.write("/etc/sm/policy.toml", DEPLOYERS);
    host.write("/srv/sudo.py", WITH_THE_GROUP);
    let ask = || Reply::of(&host.agent("/srv/py /srv/sudo.py"));
    ask().expect("denied");
    host.root("usermod -aG deploy agent").ok();
    ask().expect("ok");
});
