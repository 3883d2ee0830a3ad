//! What the tests have in common that send the log to another host with a packaged configuration.

use std::fs;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::host::{Host, repository, wait_until};

/// A certificate for each end, by one authority, and one by another.
const CERTIFICATES: &str = r#"
set -e
mkdir -p /root/tls && cd /root/tls
new() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout $1.key "${@:2}"; }
new authority -x509 -out ca.pem -days 2
new stranger -x509 -out stranger.pem -days 2 -addext subjectAltName=DNS:sender.example.com
for name in sender receiver; do
    new $name -out $name.csr
    echo "subjectAltName=DNS:$name.example.com" >$name.ext
    openssl x509 -req -in $name.csr -CA ca.pem -CAkey authority.key -CAcreateserial -days 2 -extfile $name.ext -out $name.pem
done 2>&1
"#;

/// Makes certificates for a sender and a receiver on this host, in `/root/tls`.
pub fn certify(host: &Host) {
    host.root(CERTIFICATES).ok();
}

/// Records that follow from this one, as long as those of refusals are.
pub fn more(last: &str, count: u64) -> Vec<String> {
    let last: Value = serde_json::from_str(last).expect("a record");
    let seq = last["seq"].as_u64().expect("a number");
    let mut prev = last["hash"].as_str().expect("a hash").to_owned();
    let next = |seq| {
        let words = "x".repeat(400);
        let body = format!(
            "{{\"seq\":{seq},\"time\":\"2026-11-21T19:30:00.123456Z\",\"event\":\"refused\",\"caller\":{{\"user\":\"agent\"}},\"code\":\"usage\",\"asked\":[\"{words} | ] \\\\ \u{202e}\"],\"prev\":\"{prev}\""
        );
        let digest = Sha256::digest(format!("{body}}}").as_bytes());
        prev = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{body},\"hash\":\"{prev}\"}}\n")
    };
    (seq + 1..=seq + count).map(next).collect()
}

/// A packaged configuration, in which each of `changes` is made: what there is to fill in.
#[track_caller]
pub fn filled_in(file: &str, changes: &[(&str, &str)]) -> String {
    let path = repository().join("packaging/siem").join(file);
    let mut text = fs::read_to_string(path).expect("the configuration");
    for (from, to) in changes {
        assert!(text.contains(from), "{file}: {from}");
        text = text.replace(from, to);
    }
    text
}

/// Copies a certificate, its key and that of the authority from `made` to these files of a host.
pub fn hand_out(made: &Host, name: &str, to: &Host, [ca, cert, key]: [&str; 3]) {
    for (from, to_file) in
        [("ca.pem".to_owned(), ca), (format!("{name}.pem"), cert), (format!("{name}.key"), key)]
    {
        let text = made.read(format!("/root/tls/{from}"));
        to.write(to_file, text);
    }
}

/// Kills all processes of a service, as it is at work, and starts it again.
pub fn kill(host: &Host, unit: &str) {
    let before = host.main_pid(unit);
    assert_ne!(before, 0, "{unit} does not run");
    host.root(&format!("systemctl kill --signal=KILL {unit}")).ok();
    wait_until("its end", || host.main_pid(unit) != before);
    let start = format!("systemctl reset-failed; systemctl start {unit}");
    wait_until("its start", || host.root(&start).status == Some(0));
}
