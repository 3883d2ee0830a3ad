//! Ways in which a host is not reached, each told from the others.

use crate::host::Host;
use crate::traces::{nothing_left, places};
use crate::{Fleet, is_done, is_untouched, line};

/// Takes connections and does no more, after a word or none; or hangs up.
const LISTENER: &str = r#"
import socket, sys, threading, time
def serve(port, act):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", port))
    s.listen(100)
    kept = []
    while True:
        c = s.accept()[0]
        kept.append(c)
        threading.Thread(target=act, args=(c,), daemon=True).start()
def endless(c):
    try:
        while True: c.sendall(b"x" * 200 + b"\r\n"); time.sleep(0.001)
    except OSError: pass
acts = {
    1: lambda c: None,
    2: lambda c: c.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"),
    3: lambda c: c.sendall(b"HTTP/1.1 400 \x1b[31mBad Request\r\n\r\n"),
    4: lambda c: c.close(),
    5: endless,
}
for port, act in acts.items():
    threading.Thread(target=serve, args=(port, act)).start()
"#;

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_does_not_let_us_in_is_told_apart_and_nobody_waits_for_it() {
    let fleet = Fleet::open(3);
    let [host, strange, chatty] = &fleet.hosts[..] else { panic!("three") };
    strange.write("/root/listener.py", LISTENER);
    strange.root("systemd-run -q --unit=listener /usr/bin/python3 /root/listener.py; until ss -tln | grep -q ':5 '; do sleep 0.05; done").ok();
    chatty.root(
        "printf 'Go away.\\n\\033[31mNow: sm-0 hello\\n' >/etc/issue.net; echo motd >/etc/motd; \
         echo Banner /etc/issue.net >/etc/ssh/sshd_config.d/banner.conf; systemctl restart ssh",
    )
    .ok();
    let before = places(host);
    let (there, odd) = (host.address(), strange.address());
    let at = |port: u16| format!("{{hostname: {odd}, user: admin, port: {port}}}");
    let lines = [
        line("nobody", "10.77.200.9", "admin"),
        line("noname", "no-such-host.invalid", "admin"),
        format!("noport: {}\n", at(9)),
        format!("silent: {}\n", at(1)),
        format!("greets: {}\n", at(2)),
        format!("http: {}\n", at(3)),
        format!("closes: {}\n", at(4)),
        format!("babbles: {}\n", at(5)),
        line("nokey", there, "other"),
        line("noaccount", there, "nobody-there"),
        format!(
            "nokeyfile: {{hostname: {there}, user: admin, identity_file: /home/admin/.ssh/known_hosts}}\n"
        ),
        line("chatty", chatty.address(), "admin"),
    ];
    fleet.inventory(&lines.concat());
    let report = fleet.bootstrap(&[]).exit(1);
    let codes: Vec<&str> = report.json["hosts"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["code"].as_str().expect("a code"))
        .collect();
    assert_eq!(
        codes,
        [
            "unreachable",
            "unreachable",
            "unreachable",
            "unreachable",
            "unreachable",
            "unreachable",
            "unreachable",
            "unreachable",
            "login_refused",
            "login_refused",
            "login_refused",
            "ok",
        ],
        "{:#}",
        report.json
    );
    for (name, words) in [
        ("nobody", "cannot be reached"),
        ("noname", "cannot be resolved"),
        ("noport", "nothing listens"),
        ("nokey", "rejects the account"),
        ("noaccount", "rejects the account"),
    ] {
        assert!(report.told(name).contains(words), "{name}: {}", report.told(name));
    }
    for name in ["silent", "greets", "http", "closes", "babbles"] {
        assert_eq!(report.row(name)["status"], "unreachable", "{}", report.row(name));
    }
    is_done(&fleet, chatty, "admin");
    is_untouched(strange);
    crate::traces::only_installed(host, &before);

    // Asked for, they are no failure beside one that is done; a login that is refused stays one. Where
    // no host did it, that is never a success.
    let only = "nobody:noname:noport:silent:closes";
    let with_one = format!("{only}:chatty");
    for (limit, skip, exit) in [
        (with_one.as_str(), true, 0),
        (with_one.as_str(), false, 1),
        (only, true, 1),
        (only, false, 1),
        ("nokey", true, 1),
    ] {
        let mut flags = vec!["--limit", limit];
        flags.extend(skip.then_some("--skip-unreachable"));
        drop(fleet.bootstrap(&flags).exit(exit));
        fleet.ask(&flags, &["list"]).exit(exit);
    }
    nothing_left_on(chatty);
}

fn nothing_left_on(host: &Host) {
    crate::traces::ends(host);
    nothing_left(host, &places(host));
}
