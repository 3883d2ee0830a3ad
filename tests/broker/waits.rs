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
    assert!(host.root("pgrep -x sm").stdout.is_empty());
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
while not os.popen('pgrep --parent $(systemctl show -P MainPID sm-broker)').read(): time.sleep(0.01)
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
