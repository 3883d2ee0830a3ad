//! The other places a record goes to, each the real thing.

use serde_json::Value;

use crate::chain::{audit, unlimited_starts};
use crate::host::{Host, Sudo, log, wait_until};

fn journal(host: &Host, matches: &str) -> Vec<Value> {
    host.root("journalctl --sync").ok();
    let text = host.root(&format!("journalctl -o json -t sm-helper {matches}")).stdout_text();
    text.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect()
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_journal_has_each_record_with_its_fields() {
    let host = Host::ready(Sudo::Classic);
    let reason = "a \"quoted\" ünï reason";
    let denied = host.helper(&["service", "restart", "sshd"]).expect("denied");
    let done = host.helper(&["service", "restart", "nginx", "--reason", reason]).expect("ok");

    let found = journal(&host, "SM_CODE=denied");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["SM_REQUEST_ID"], denied.json["request_id"]);
    assert_eq!((&found[0]["SM_USER"], &found[0]["_UID"]), (&"agent".into(), &"0".into()));
    let entries = journal(
        &host,
        &format!("SM_REQUEST_ID={}", done.json["request_id"].as_str().expect("an id")),
    );
    assert_eq!(entries.len(), 2, "{entries:#?}");
    for entry in &entries {
        assert_eq!(entry["SM_REASON"], reason);
        assert_eq!(entry["SM_OPERATION"], "service restart nginx.service");
        let record: Value =
            serde_json::from_str(entry["SM_RECORD"].as_str().expect("a record")).expect("JSON");
        assert!(log(&host).contains(&record), "{record:#}");
    }

    // Under the same name, and with the head of another chain: it is not root's.
    let fake = r"printf 'MESSAGE=x\nSYSLOG_IDENTIFIER=sm-helper\nSM_SEQ=999\nSM_HASH=0\nSM_CODE=ok\n_UID=0\n' >/home/agent/fake
        logger --journald=/home/agent/fake; logger -t sm-helper SM_SEQ=998
        echo '<3>hello' | systemd-cat -t sm-helper; cat /home/agent/fake | logger -t sm-helper";
    host.agent(fake);
    assert_eq!(journal(&host, "SM_SEQ=999").len(), 1, "the forged entry did not arrive");
    let (exit, found) = audit(&host, "verify");
    assert_eq!((exit, &found["journal_agrees"]), (0, &true.into()), "{found:#}");
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_caller_cannot_outshout_the_journal() {
    let host = Host::ready(Sudo::Classic);
    // Root's own process prints its reply under the identifier, so that each entry has root's id.
    let shout = "for i in {1..40}; do systemd-cat -t sm-helper sudo -n /usr/local/bin/sm-helper version; done
        for i in {1..300}; do echo x; done | systemd-cat -t sm-helper";
    host.agent(shout);
    let shouted = journal(&host, "_UID=0 _TRANSPORT=stdout").len();
    assert!(shouted >= 40, "only {shouted} entries arrived");
    let (exit, found) = audit(&host, "verify");
    assert_eq!((exit, &found["journal_agrees"]), (0, &true.into()), "{found:#}");
    host.root("sed -i '$d' /var/log/sm/audit.jsonl; rm /var/lib/sm/audit.head").ok();
    let (exit, found) = audit(&host, "verify");
    let error = found["error"].as_str().unwrap_or_default();
    assert_eq!(exit, 1, "{found:#}");
    assert!(error.contains("but the journal has"), "{error}");
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_missing_journal_is_a_warning_and_syslog_takes_its_place() {
    let host = Host::ready(Sudo::Classic);
    unlimited_starts(&host);
    host.helper(&["service", "status", "nginx"]).expect("ok");
    let warned =
        |reply: &crate::host::Reply| reply.json["warnings"].to_string().contains("journal");
    let restart = || {
        let before = host.main_pid("nginx");
        let reply = host.helper(&["service", "restart", "nginx"]).expect("ok");
        assert_ne!(before, host.main_pid("nginx"));
        reply
    };
    let stop = "systemctl stop systemd-journald-dev-log.socket systemd-journald-audit.socket \
                systemd-journald.socket systemd-journald.service 2>&1; pgrep systemd-journal && exit 1; true";

    // Killed: its sockets stay, and nobody reads them. Their queue fills, and that holds nobody up.
    host.root("systemctl kill -s STOP systemd-journald; true").ok();
    let replies: Vec<_> = (0..2).map(|_| restart()).collect();
    assert_eq!(replies.len(), 2);
    host.root("systemctl kill -s CONT systemd-journald").ok();

    host.root(stop).ok();
    host.root("rm -f /run/systemd/journal/socket /dev/log").ok();
    assert!(warned(&restart()), "there is neither a journal nor syslog");
    let list = host.helper(&["service", "restart", "nope"]).expect("denied");
    assert!(warned(&list), "{:#}", list.json);

    // A socket that nobody listens to any more.
    host.root("systemd-notify --help >/dev/null; perl -MSocket -e 'socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, sockaddr_un(\"/run/systemd/journal/socket\"))' && test -S /run/systemd/journal/socket").ok();
    let stale = restart();
    assert!(warned(&stale), "nobody listens: {:#}", stale.json);
    host.root("rm /run/systemd/journal/socket").ok();

    // A syslog: a real datagram socket, and what arrives there.
    let listen = r#"perl -MSocket -e '
        socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, sockaddr_un("/dev/log")) or die;
        open(O, ">", "/root/syslog"); O->autoflush(1); open(R, ">", "/root/ready"); close(R);
        while (defined(recv(S, my $m, 65536, 0))) { print O "$m\n" }' -MIO::Handle"#;
    let mut listener =
        host.command("root", &["/bin/bash", "-c", listen]).into_command().spawn().expect("perl");
    wait_until("somebody listens on /dev/log", || host.exists("/root/ready"));
    let reply = restart();
    let refused = host.helper(&["service", "restart", "a\nb"]).expect("invalid_argument");
    host.root("pkill -x perl").ok();
    listener.wait().expect("perl ends");
    assert!(!warned(&reply) && !warned(&refused), "{:#}", reply.json);
    let said = host.read("/root/syslog");
    let ours: Vec<&str> = said.lines().filter(|line| line.contains(">sm-helper[")).collect();
    assert_eq!(ours.len(), 3, "{said}");
    // authpriv (10) and notice (5).
    assert!(ours.iter().all(|line| line.starts_with("<85>sm-helper[")), "{said}");
    for (line, event) in ours.iter().zip(["intent", "result", "refused"]) {
        let record = line.split_once(": ").expect("a tag").1;
        let record: Value = serde_json::from_str(record).expect("the record");
        assert_eq!(record["event"], event);
        assert!(log(&host).contains(&record));
    }
    let (exit, found) = audit(&host, "verify");
    assert_eq!(exit, 0, "{found:#}");
}
