//! The log is sent to another host by rsyslog, with the configuration that is packaged.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::Write as _;

use crate::chain::{FILE, check};
use crate::host::{Host, Network, Sudo, wait_until};
use crate::sent::{certify, filled_in, hand_out, kill, more};

/// Installs rsyslog with one of the configurations, for this name, in which `from` is `to`.
fn configure(host: &Host, tls: &Host, file: &str, name: &str, from: &str, to: &str) {
    host.root("apt-get -qq install --yes --no-install-recommends rsyslog rsyslog-relp").ok();
    host.root("mkdir -p /etc/rsyslog.d/tls").ok();
    let files = ["ca.pem", "cert.pem", "key.pem"].map(|file| format!("/etc/rsyslog.d/tls/{file}"));
    hand_out(tls, name, host, files.each_ref().map(String::as_str));
    host.write("/etc/rsyslog.d/sm.conf", filled_in(&format!("rsyslog/{file}"), &[(from, to)]));
    host.root("rsyslogd -N1").ok();
    host.root("systemctl restart rsyslog").ok();
}

/// What the other end has, each record once: it can get one again that it had not acknowledged.
fn received(receiver: &Host) -> String {
    let text = receiver.root("cat /var/log/sm-audit/*.jsonl").stdout_text();
    let mut seen = HashSet::new();
    text.split_inclusive('\n').filter(|line| seen.insert(*line)).collect()
}

/// How many lines it has, at the least as many as records.
fn lines(receiver: &Host) -> usize {
    let count = receiver.root("cat /var/log/sm-audit/*.jsonl | wc -l").ok();
    count.trim().parse().expect("a number")
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn every_record_arrives_though_the_receiver_is_killed() {
    const RECORDS: u64 = 10_000;
    const PARTS: usize = 5;
    let network = Network::of(1);
    let [receiver] = network.boot([Host::wanted(Sudo::Classic)]);
    let sender = &network.controller;
    sender.root("sm-helper version").ok();
    certify(sender);
    configure(
        &receiver,
        sender,
        "receiver.conf",
        "receiver",
        "*.example.com",
        "sender.example.com",
    );
    let target = format!("target=\"{}\"", receiver.address());
    let example = "target=\"siem.example.com\"";
    // A receiver with another name gets nothing.
    configure(sender, sender, "sm-audit.conf", "sender", example, &target);
    sender.root("sm-helper version").ok();
    let told = || sender.root("cat /var/log/syslog; journalctl -u rsyslog").stdout_text();
    wait_until("a refusal", || told().contains("authentication error"));
    assert_eq!(received(&receiver), "");
    let text = sender.read("/etc/rsyslog.d/sm.conf");
    let text = text.replace("siem.example.com", "receiver.example.com");
    sender.write("/etc/rsyslog.d/sm.conf", text);
    // What came meanwhile counts as sent.
    // It would wait a minute and a half for what it cannot send.
    sender.root("systemctl kill --signal=KILL rsyslog; systemctl stop syslog.socket rsyslog").ok();
    sender.root("rm /var/spool/rsyslog/imfile-state*; systemctl start rsyslog").ok();

    let last = sender.read(FILE).lines().last().expect("a record").to_owned();
    let new = more(&last, RECORDS);
    let mut all = sender.read(FILE);
    for (number, part) in new.chunks(new.len() / PARTS).enumerate() {
        let text = part.concat();
        let mut log = OpenOptions::new().append(true).open(sender.path(FILE)).expect("the log");
        log.write_all(text.as_bytes()).expect("written");
        // It is at work, whose process goes at once; systemd starts another one.
        wait_until("some of them", || lines(&receiver) > all.lines().count());
        all.push_str(&text);
        if number % 2 == 1 {
            kill(&receiver, "rsyslog");
        }
        if number == 0 {
            kill(sender, "rsyslog");
        }
        if number == 2 {
            sender
                .root(&format!("mv {FILE} {FILE}.1; install -g adm -m 0640 /dev/null {FILE}"))
                .ok();
        }
    }
    wait_until("all of them", || received(&receiver).lines().count() >= all.lines().count());
    let found = received(&receiver);
    assert!(found == all, "{} of {} records", found.lines().count(), all.lines().count());
    assert_eq!(check(&found), Ok(all.lines().count()));
}
