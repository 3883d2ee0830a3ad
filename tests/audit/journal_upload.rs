//! The journal is sent to another host by systemd-journal-upload, with the configuration that is
//! packaged: its records are the log.

use crate::chain::{FILE, check};
use crate::host::{Host, Network, Sudo, wait_until};
use crate::sent::{certify, filled_in, hand_out, kill, more};

const TLS: [&str; 3] = [
    "/etc/ssl/certs/sm-audit-ca.pem",
    "/etc/ssl/certs/sm-audit.pem",
    "/etc/ssl/private/sm-audit.key",
];

/// Gives the records of a file to the journal, as sm gives them: a datagram for each.
const TELL: &str = r#"python3 -c '
import json, socket, sys
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.connect("/run/systemd/journal/socket")
for line in open(sys.argv[1], newline="\n"):
    line = line.rstrip("\n")
    record = json.loads(line)
    fields = {"MESSAGE": "a record", "PRIORITY": "5", "SYSLOG_IDENTIFIER": "sm-helper",
              "SM_SEQ": str(record["seq"]), "SM_HASH": record["hash"], "SM_RECORD": line}
    out = b""
    for name, value in fields.items():
        value = value.encode()
        out += name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
    journal.send(out)
'"#;

const SYSTEMD: &str = "/etc/systemd";

/// Puts packaged files where they say that they go, and the certificate of this name.
fn install(host: &Host, made: &Host, name: &str, files: &[(&str, &str)], changes: &[(&str, &str)]) {
    host.root("apt-get -qq install --yes --no-install-recommends systemd-journal-remote").ok();
    hand_out(made, name, host, TLS);
    host.root(&format!("chmod 600 {}", TLS[2])).ok();
    for (number, (file, folder)) in files.iter().enumerate() {
        host.root(&format!("mkdir -p {folder}")).ok();
        let changes = if number == 0 { changes } else { &[] };
        host.write(format!("{folder}/sm.conf"), filled_in(&format!("journal/{file}"), changes));
    }
    host.root("systemctl daemon-reload").ok();
}

/// The records at the other end, each once, as the packaged file says.
fn received(receiver: &Host) -> String {
    let text = filled_in("journal/remote.nginx.conf", &[]);
    let (_, command) = text.split_once("#     journalctl").expect("the command");
    let (command, _) = command.split_once("\n# A sender").expect("its end");
    let command = command.replace("\\\n#", "").replace(" _HOSTNAME=web1", "");
    receiver.root(&format!("journalctl {command}")).stdout_text()
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn every_record_in_the_journal_arrives_though_the_receiver_is_killed() {
    const RECORDS: u64 = 10_000;
    const PARTS: usize = 5;
    let network = Network::of(1);
    let [receiver] = network.boot([Host::wanted(Sudo::Classic)]);
    let sender = &network.controller;
    certify(sender);
    // A flood, where root's own requests are a few in a minute.
    sender.root("mkdir -p /etc/systemd/journald.conf.d; printf '[Journal]\nStorage=persistent\nRateLimitIntervalSec=0\n' >/etc/systemd/journald.conf.d/test.conf; systemctl restart systemd-journald").ok();
    let name = format!("{} receiver.example.com other.example.com", receiver.address());
    sender.root(&format!("echo '{name}' >>/etc/hosts")).ok();
    let files = [
        ("remote.nginx.conf", "/etc/nginx/conf.d"),
        ("remote.socket.conf", &format!("{SYSTEMD}/system/systemd-journal-remote.socket.d")),
        ("remote.service.conf", &format!("{SYSTEMD}/system/systemd-journal-remote.service.d")),
    ];
    install(&receiver, sender, "receiver", &files, &[]);
    receiver.root("systemctl enable --now systemd-journal-remote.socket").ok();
    receiver.root("nginx -t && systemctl reload nginx").ok();
    sender.root("sm-helper version").ok();

    // A receiver with another name gets nothing, nor does a sender whose certificate is another
    // authority's.
    let url = |name: &str| format!("https://{name}.example.com:19532");
    let example = "https://siem.example.com:19532";
    let upload = |name: &str, certificate: &str| {
        let files = [
            ("upload.conf", &*format!("{SYSTEMD}/journal-upload.conf.d")),
            ("upload.service.conf", &*format!("{SYSTEMD}/system/systemd-journal-upload.service.d")),
        ];
        install(sender, sender, certificate, &files, &[(example, &url(name))]);
        sender.root("systemctl restart systemd-journal-upload").ok();
    };
    let told = |what: &str| {
        sender.root("journalctl -u systemd-journal-upload").stdout_text().contains(what)
    };
    upload("other", "sender");
    wait_until("a refusal of its name", || told("no alternative certificate subject name"));
    upload("receiver", "stranger");
    wait_until("a refusal of the sender", || told("failed with code 400"));
    assert_eq!(received(&receiver), "");
    upload("receiver", "sender");

    let last = sender.read(FILE).lines().last().expect("a record").to_owned();
    let new = more(&last, RECORDS);
    let mut all = sender.read(FILE);
    for (number, part) in new.chunks(new.len() / PARTS).enumerate() {
        let text = part.concat();
        sender.write("/root/part", &text);
        sender.root(&format!("{TELL} /root/part")).ok();
        all.push_str(&text);
        match number {
            0 => kill(sender, "systemd-journal-upload"),
            1 | 3 => kill(&receiver, "systemd-journal-remote"),
            2 => kill(&receiver, "nginx"),
            _ => {}
        }
    }
    let last = new.last().expect("a record");
    wait_until("the last of them", || received(&receiver).ends_with(last));
    let found = received(&receiver);
    assert!(found == all, "{} of {} records", found.lines().count(), all.lines().count());
    assert_eq!(check(&found), Ok(all.lines().count()));
}
