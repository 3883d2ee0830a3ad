//! The process that waits at the socket: how long, and what it needs.

use crate::host::{Host, wait_until};
use crate::{UNDER_WAY, ask, broker_test, is_quiet, speak};

/// The process, or 0.
fn broker(host: &Host) -> u32 {
    let shown = host.root("systemctl show -P MainPID sm-broker").ok();
    shown.trim().parse().expect("a number")
}

broker_test!(nothing_waits_where_nobody_asks, |host| {
    ask(host, "service status nginx").expect("ok");
    let first = broker(host);
    assert_ne!(first, 0, "it waits for the next one");
    ask(host, "service status nginx").expect("ok");
    assert_eq!(broker(host), first, "the same one answers");
    wait_until("it has ended by itself", || broker(host) == 0);
    let state = host
        .root("systemctl show -P ActiveState -P Result sm-broker; systemctl is-active sm.socket");
    assert_eq!(state.ok(), "success\ninactive\nactive\n");
    assert!(host.root("pgrep -x 'sm|sm-ready'").stdout.is_empty());
    ask(host, "service status nginx").expect("ok");
});

// Whatever is asked: what one request leaves behind, the kernel takes back with its process.
broker_test!(the_same_process_needs_the_same_after_thousands, |host| {
    let needs = || {
        let script = "p=$(systemctl show -P MainPID sm-broker); awk '/^RssAnon/ {print $2}' /proc/$p/status; ls /proc/$p/fd | wc -l";
        let text = host.root(script).ok();
        let numbers: Vec<u64> = text.lines().map(|line| line.parse().expect("a number")).collect();
        (numbers[0], numbers[1])
    };
    let script = |count: u32| {
        format!(
            "for i in range({count}):
    asked([STATUS + b'\\n', b'x\\n', b'{{}}\\n', b'x' * 70000][i % 4])"
        )
    };
    speak(host, "agent", &script(500));
    is_quiet(host);
    let (process, (memory, descriptors)) = (broker(host), needs());
    speak(host, "agent", &script(3000));
    is_quiet(host);
    assert_eq!(broker(host), process);
    let (now, open) = needs();
    assert_eq!(open, descriptors);
    // KiB: a leak of a few bytes for each would be more.
    assert!(now <= memory + 16, "{memory} KiB, then {now} KiB");
});

// A process of a request that is killed, and one that waits and is killed.
broker_test!(who_is_killed_takes_nobody_along, |host| {
    let held = "held = connect()
while not os.popen('pgrep -x sm --parent $(systemctl show -P MainPID sm-broker)').read(): time.sleep(0.01)
";
    let text = speak(host, "root", &format!("{held}os.system('pkill -KILL --parent $(systemctl show -P MainPID sm-broker)')\nsay(reply(held), b'|', asked(STATUS + b'\\n'))")).stdout_text();
    let (killed, next) = text.split_once('|').expect("two replies");
    assert_eq!((killed, crate::replies(next)[0]["code"].as_str()), ("", Some("ok")));
    // What was connected is answered, though who waits is gone.
    let text = speak(host, "root", &format!("{held}os.system('systemctl kill --kill-whom=main --signal=KILL sm-broker')\nsend(held, STATUS + b'\\n'); say(reply(held), asked(STATUS + b'\\n'))")).stdout_text();
    let codes: Vec<_> = crate::replies(&text).iter().map(|reply| reply["code"].clone()).collect();
    assert_eq!(codes, ["ok", "ok"]);
    wait_until("nothing is left", || host.root(UNDER_WAY).stdout.is_empty());
});

const READY: &str = "pgrep -x sm-ready --parent $(systemctl show -P MainPID sm-broker)";

/// The process that is ready, as soon as there is one.
fn ready(host: &Host) -> String {
    wait_until("one is ready", || !host.root(READY).stdout.is_empty());
    host.root(READY).ok().trim().to_owned()
}

// It was made before anybody called, and must know nothing of the time before.
broker_test!(one_is_ready_for_the_next_and_knows_nothing_of_before, |host| {
    ask(host, "service status nginx").expect("ok");
    let first = ready(host);
    let now: u64 = host.root("sleep 1; date +%s%3N").ok().trim().parse().expect("a number");
    let reply = ask(host, "service status nginx").expect("ok");
    // The first 48 bits are the time (RFC 9562, section 5.7).
    let id = reply.json["request_id"].as_str().expect("an id").replace('-', "");
    let asked = u64::from_str_radix(&id[..12], 16).expect("hexadecimal");
    assert!(asked >= now, "{asked} is before {now}");
    assert_ne!(ready(host), first, "that one has answered");
    for (change, code) in [
        ("install -d /etc/sm; printf 'schema = 1\\n' >/etc/sm/policy.toml", "denied"),
        (
            "rm /etc/sm/policy.toml; sm policy revert >/dev/null 2>&1; rm -f /var/lib/sm/site-policy /run/sm/site-policy",
            "ok",
        ),
        ("sm disable --reason test", "disabled"),
        ("sm enable", "ok"),
        ("chage --expiredate 0 agent", "denied"),
        ("chage --expiredate -1 agent", "ok"),
    ] {
        ready(host);
        host.root(change);
        ask(host, "service status nginx").expect(code);
    }
    // A unit gets another name in a folder that was not there.
    ready(host);
    host.root("install -d /run/systemd/transient; ln -s /lib/systemd/system/ssh.service /run/systemd/transient/nginx.service").ok();
    ask(host, "service stop nginx").expect("denied");
});

broker_test!(what_is_ready_and_is_killed_is_not_missed, |host| {
    ask(host, "service status nginx").expect("ok");
    for _ in 0..3 {
        let one = ready(host);
        host.root(&format!("kill -KILL {one}")).ok();
        ask(host, "service status nginx").expect("ok");
    }
    // It ends with the one that it belongs to.
    for signal in ["TERM", "KILL"] {
        ready(host);
        host.root(&format!("systemctl kill --kill-whom=main --signal={signal} sm-broker")).ok();
        wait_until("it has ended", || host.root("pgrep -x 'sm|sm-ready'").stdout.is_empty());
        ask(host, "service status nginx").expect("ok");
    }
    let journal = host.root("journalctl -u sm-broker -o cat").ok();
    assert!(!journal.contains("remains running"), "{journal}");
});
