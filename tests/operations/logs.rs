//! The log of a unit: only where it is granted, only that unit's, and never without an end.

use crate::host::{host_once, host_test};
use crate::{ask, log_of, told, unit};

host_once!(a_log_is_read_only_where_that_is_granted, |host| {
    // The usual policy grants it for nothing.
    for line in ["service logs nginx", "service logs nginx --lines 5 --since 5"] {
        ask(host, line).expect("denied");
        ask(host, &format!("{line} --dry-run")).expect("denied");
    }
    let status = ask(host, "service status nginx").expect("ok");
    assert!(status.json["log"].is_null() && !status.json["stdout"].to_string().contains("Started"));
});

host_test!(a_log_is_bounded_in_lines_and_minutes, ready_test_policy, all, |host| {
    unit(host, "probe", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo just now'\n");
    host.root("systemctl start probe; journalctl --sync").ok();
    for minutes in ["1", "5", "10080"] {
        let line = format!("service logs probe --since {minutes} --lines 7");
        let reply = ask(host, &line).expect("ok");
        assert!(reply.json["stdout"].as_str().is_some_and(|text| text.contains("just now")));
        assert_eq!(reply.json["changed"], false);
        let argv = reply.argv().expect("an argv");
        let since = format!("--since=-{minutes}min");
        assert!(argv.contains(&since.as_str()) && argv.contains(&"--lines=7"), "{argv:?}");
        assert_eq!(ask(host, &format!("{line} --dry-run")).expect("ok").argv(), Some(argv));
    }
    let reply = ask(host, "service logs probe").expect("ok");
    let argv = reply.argv().expect("an argv");
    assert!(!argv.iter().any(|word| word.starts_with("--since")), "{argv:?}");
    for bad in [
        "0",
        "10081",
        "-1",
        "+5",
        " 5",
        "5 ",
        "5m",
        "1e3",
        "0x10",
        "1.5",
        "",
        "yesterday",
        "today",
        "2020-01-01",
        "٣",
        "4294967297",
        "99999999999999999999",
        "5;id",
        "@0",
        "-5min",
    ] {
        let flag = format!("--since={bad}");
        for words in [
            vec!["service", "logs", "probe", flag.as_str()],
            vec!["service", "logs", "probe", flag.as_str(), "--dry-run"],
        ] {
            let reply = host.helper(&words).expect("invalid_argument");
            let hint = reply.json["hint"].as_str().expect("a hint");
            assert!(hint.contains("1 to 10080"), "{bad}: {hint}");
        }
    }
    // The last lines of that time, in their order, not the first.
    unit(
        host,
        "probe",
        "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'for i in 1 2 3 4 5; do echo number $i; done'\n",
    );
    host.root("systemctl start probe; journalctl --sync").ok();
    // In whatever order the journal got what the unit printed and what systemd says of it.
    let last = host.root("journalctl --quiet --output=cat --unit=probe --lines=4").ok();
    for since in ["", " --since 5"] {
        let reply = ask(host, &format!("service logs probe --lines 4{since}")).expect("ok");
        let text = reply.json["stdout"].as_str().expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        for (line, last) in lines.iter().zip(last.lines()) {
            assert!(line.ends_with(last), "{since}: {text}");
        }
    }
    // Only of a log, and with nothing else that journalctl knows.
    for line in [
        "service status probe --since 5",
        "service restart probe --since 5",
        "service stop probe --lines 5",
        "service logs probe --since",
        "service logs probe --since 5 --since 6",
        "service logs probe --follow",
        "service logs probe -f",
        "service logs probe --until 5",
        "service logs probe nginx",
        "service logs",
        "package plan install git --since 5",
        "package install git --lines 5",
    ] {
        ask(host, line).expect("usage");
    }
});

host_once!(a_unit_that_writes_all_the_time_holds_nobody_up, ready_test_policy, |host| {
    unit(
        host,
        "slow",
        "[Service]\nLogRateLimitIntervalSec=0\nExecStart=/bin/sh -c 'while :; do echo tick; done'\n",
    );
    ask(host, "service start slow").expect("ok");
    for line in ["--lines 1000", "--lines 1000 --since 10080", "--lines 1 --since 1", ""] {
        let reply = ask(host, format!("service logs slow {line}").trim_end()).expect("ok");
        let text = reply.json["stdout"].as_str().expect("text");
        assert!(!text.is_empty() && text.lines().all(|line| line.contains("tick")), "{line}");
        assert!(text.lines().count() <= 1000, "{line}");
    }
    ask(host, "service restart slow").expect("ok");
    ask(host, "service stop slow").expect("ok");
});

/// Writes to the journal what its own lines look like, in one message of many lines, under the
/// name and the process id of the manager, with escapes and with what turns the text around.
const FORGER: &str = r"
import socket, struct, sys
to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
def say(message, extra=b''):
    to.sendto(b'MESSAGE\n' + struct.pack('<Q', len(message)) + message + b'\n' + extra,
              '/run/systemd/journal/socket')
forged = b'2026-01-01T00:00:00+0000 host systemd[1]: nginx.service: Deactivated successfully.'
say(b'\n'.join([b'first'] + [forged] * 60),
    b'SYSLOG_IDENTIFIER=systemd\nSYSLOG_PID=1\nUNIT=nginx.service\n')
say(b'\x1b[31mred\x1b[0m \x1b]0;title\x07 \xe2\x80\xaeturned\xe2\x81\xa6 \xff\xfe \x00 \r over')
say(b'A' * 150000)
raise SystemExit(4)
";

host_once!(no_text_of_a_unit_gets_out_of_the_log, ready_test_policy, |host| {
    host.write("/usr/local/lib/forger.py", FORGER);
    unit(host, "probe", "[Service]\nExecStart=/usr/bin/python3 /usr/local/lib/forger.py\n");
    let reply = ask(host, "service start probe").expect("unhealthy");
    assert_eq!(reply.json["operation"]["name"], "probe.service");
    assert_eq!(reply.json["unit"]["exit_status"], 4);
    let lines = log_of(&reply);
    assert!(lines.len() <= 10, "{} lines: {lines:#?}", lines.len());
    for line in &lines {
        let odd = line.chars().find(|c| c.is_control() || matches!(c, '\u{202e}' | '\u{2066}'));
        assert_eq!(odd, None, "{line:?}");
        assert!(line.len() < 4096, "a line of {} bytes", line.len());
        // What stands where the manager's own lines stand is the manager's.
        if !line.starts_with(' ') {
            assert!(!line.contains("systemd[1]: nginx.service"), "{line}");
        }
    }
    // As the log itself shows it.
    let reply = ask(host, "service logs probe --lines 1000").expect("ok");
    let text = reply.json["stdout"].as_str().expect("text");
    let odd = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    assert_eq!(odd, None);
    assert!(text.len() <= 65_536);
    // Nor does it get into another unit's.
    let reply = ask(host, "service logs nginx --lines 1000").expect("ok");
    assert!(!reply.json["stdout"].as_str().expect("text").contains("red"), "{:#}", reply.json);

    // A line without an end.
    unit(
        host,
        "probe",
        "[Service]\nExecStart=/bin/sh -c 'head -c 10000000 /dev/zero | tr \"\\\\0\" a; echo; echo last words; exit 1'\n",
    );
    let reply = ask(host, "service start probe").expect("unhealthy");
    assert!(log_of(&reply).len() <= 10);
    assert!(reply.stdout.len() < 100_000, "a reply of {} bytes", reply.stdout.len());
});

host_once!(a_log_is_the_units_by_whatever_name, ready_test_policy, |host| {
    unit(
        host,
        "mariadb",
        "[Unit]\nConditionPathExists=!/run/no\n[Service]\nExecStart=/bin/sh -c 'echo out of cheese; sleep 1; exit 3'\n[Install]\nWantedBy=multi-user.target\nAlias=probe.service\n",
    );
    host.root("systemctl enable -q mariadb").ok();
    let reply = ask(host, "service start probe").expect("unhealthy");
    assert!(reply.json["log"].to_string().contains("out of cheese"), "{:#}", reply.json);
    let reply = ask(host, "service logs probe").expect("ok");
    assert!(reply.json["stdout"].as_str().is_some_and(|text| text.contains("out of cheese")));
    let surface = host.root("sm policy surface").ok();
    assert!(surface.contains("\"--unit=mariadb.service\""), "it is run and not on the surface");
    // A condition is found by it too.
    host.root("touch /run/no; systemctl reset-failed").ok();
    let reply = ask(host, "service start probe").expect("ok");
    assert_eq!(reply.json["changed"], false, "{:#}", reply.json);
    assert!(reply.json["warnings"].to_string().contains("ondition"), "{:#}", reply.json);
});

host_once!(there_is_no_log_of_what_is_not_there, ready_test_policy, |host| {
    for line in ["service logs forker", "service logs forker --since 5"] {
        let reply = ask(host, line).expect("command_failed");
        assert!(told(&reply).contains("no unit forker.service"), "{}", told(&reply));
        assert_eq!(reply.json["changed"], false);
    }
    // One that has not written anything is there, and one that is gone has left its log.
    unit(host, "forker", "[Service]\nExecStart=/bin/echo last words\n");
    ask(host, "service logs forker --lines 5").expect("ok");
    host.root("systemctl start forker; sleep 0.5; rm /etc/systemd/system/forker.service; systemctl daemon-reload").ok();
    let reply = ask(host, "service logs forker").expect("ok");
    assert!(reply.json["stdout"].as_str().is_some_and(|text| text.contains("last words")));
});

host_once!(an_empty_log_of_a_masked_unit_says_why, ready_test_policy, |host| {
    host.root("systemctl mask -q masked").ok();
    let reply = ask(host, "service logs masked").expect("ok");
    assert!(reply.json["warnings"].to_string().contains("is masked"), "{:#}", reply.json);
    // What has logged something is shown, whatever it is now.
    unit(host, "probe", "[Service]\nType=oneshot\nExecStart=/bin/echo here\n");
    host.root("systemctl start probe; journalctl --sync; rm /etc/systemd/system/probe.service; systemctl mask -q probe").ok();
    let reply = ask(host, "service logs probe").expect("ok");
    assert!(reply.json["warnings"].is_null(), "{:#}", reply.json);
    assert!(reply.json["stdout"].as_str().is_some_and(|text| text.contains("here")));
});
