//! A second reading of the chain, which shares nothing with the program's own: a defect in how it
//! writes must not be forgiven by the same defect in how it reads.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::host::Host;

pub const FILE: &str = "/var/log/sm/audit.jsonl";

/// How many records there are, or the first thing that is wrong with them.
pub fn check(text: &str) -> Result<usize, String> {
    let body = text.strip_suffix('\n').ok_or("the last line has no end")?;
    let mut prev = "0".repeat(64);
    for (at, line) in body.split('\n').enumerate() {
        let wrong = |what: &str| Err(format!("record {}: {what}: {line}", at + 1));
        let Ok(record) = serde_json::from_str::<Value>(line) else { return wrong("not JSON") };
        let Some((before, hash)) = line.rsplit_once(",\"hash\":\"") else {
            return wrong("no hash at its end");
        };
        let digest = Sha256::digest(format!("{before}}}").as_bytes());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        if hash != format!("{digest}\"}}") || record["hash"] != digest.as_str() {
            return wrong("another hash");
        }
        if record["seq"] != at as u64 + 1 {
            return wrong("a gap");
        }
        if record["prev"] != prev.as_str() {
            return wrong("a fork");
        }
        prev = digest;
    }
    Ok(body.split('\n').count())
}

/// Records that follow from this one, until they take so many bytes.
pub fn chained(last: &str, bytes: u64) -> String {
    let last: Value = serde_json::from_str(last).expect("a record");
    let mut seq = last["seq"].as_u64().expect("a number");
    let mut prev = last["hash"].as_str().expect("a hash").to_owned();
    let mut text = String::new();
    let words = "x".repeat(3000);
    while (text.len() as u64) < bytes {
        seq += 1;
        let record = format!(
            "{{\"seq\":{seq},\"time\":\"2026-11-21T19:30:00.123456Z\",\"event\":\"refused\",\"caller\":{{\"user\":\"agent\"}},\"code\":\"usage\",\"asked\":[\"{words}\"],\"prev\":\"{prev}\""
        );
        let digest = Sha256::digest(format!("{record}}}").as_bytes());
        prev = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        text += &format!("{record},\"hash\":\"{prev}\"}}\n");
    }
    text
}

/// `sm audit ARGS --json` as root: the exit status and the object.
#[track_caller]
pub fn audit(host: &Host, arguments: &str) -> (i32, Value) {
    let done = host.root(&format!("sm audit {arguments} --json"));
    let object = serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{done}"));
    (done.status.unwrap_or_else(|| panic!("{done}")), object)
}

/// Both readings must find nothing wrong; gives the number of records.
#[track_caller]
pub fn intact(host: &Host) -> usize {
    let count = check(&host.read(FILE)).unwrap_or_else(|wrong| panic!("{wrong}"));
    let (exit, found) = audit(host, "verify");
    assert_eq!((exit, &found["success"]), (0, &Value::Bool(true)), "{found:#}");
    assert_eq!(found["records"], count, "{found:#}");
    count
}

/// nginx may be restarted as often as a test wants, which systemd else takes for a loop.
pub fn unlimited_starts(host: &Host) {
    host.root("mkdir -p /etc/systemd/system/nginx.service.d").ok();
    let unit = "[Unit]\nStartLimitIntervalSec=0\n";
    host.write("/etc/systemd/system/nginx.service.d/often.conf", unit);
    host.root("systemctl daemon-reload").ok();
}

#[test]
fn the_second_reading_sees_what_is_wrong() {
    let line = |seq: u64, prev: &str| {
        let body = format!("{{\"seq\":{seq},\"prev\":\"{prev}\"");
        let hash = Sha256::digest(format!("{body}}}").as_bytes());
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        (format!("{body},\"hash\":\"{hash}\"}}\n"), hash)
    };
    let (first, hash) = line(1, &"0".repeat(64));
    let (second, _) = line(2, &hash);
    let (fork, _) = line(2, &"1".repeat(64));
    let (gap, _) = line(3, &hash);
    assert_eq!(check(&format!("{first}{second}")), Ok(2));
    for bad in [format!("{first}{fork}"), format!("{first}{gap}"), second.clone()] {
        assert!(check(&bad).is_err(), "{bad}");
    }
    assert!(check(first.trim_end()).is_err());
    assert!(check(&first.replace(":1,", ":01,")).is_err());
}
