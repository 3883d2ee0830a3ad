//! Whatever is done to a record, `verify` names the first that does not fit.

use crate::chain::{FILE, audit};
use crate::host::{Host, Sudo};

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_first_record_that_does_not_fit_is_named() {
    let host = Host::ready(Sudo::Classic);
    host.root("rm -r /var/log/sm /var/lib/sm").ok();
    for _ in 0..6 {
        host.helper(&["service", "status", "nginx"]).expect("ok");
    }
    // Else the end that the journal knows would be what is named.
    host.root("journalctl --rotate; journalctl --vacuum-time=1s").ok();
    let whole = host.read(FILE);
    let lines: Vec<&str> = whole.lines().collect();
    let count = lines.len();
    assert_eq!(count, 12);
    let other = lines[5].replace("\"user\":\"agent\"", "\"user\":\"admin\"");
    assert_ne!(other, lines[5]);
    // The log after it was touched, and the line that is named then.
    let mut cases: Vec<(String, Vec<String>, usize)> = Vec::new();
    let owned = || lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    for at in 0..count {
        let mut changed = owned();
        let byte = changed[at].len() / 2;
        let old = changed[at].as_bytes()[byte];
        let new = if old == b'x' { "y" } else { "x" };
        changed[at].replace_range(byte..=byte, new);
        cases.push((format!("a byte of {} changed", at + 1), changed, at + 1));
        if at + 1 < count {
            let mut dropped = owned();
            dropped.remove(at);
            // Without the first the log looks as after a rotation, but for its head.
            if at > 0 {
                cases.push((format!("{} dropped", at + 1), dropped, at + 1));
            }
            let mut swapped = owned();
            swapped.swap(at, at + 1);
            cases.push((
                format!("{} and the next swapped", at + 1),
                swapped,
                if at == 0 { 2 } else { at + 1 },
            ));
        }
        let mut doubled = owned();
        doubled.insert(at, lines[at].to_owned());
        cases.push((format!("{} twice", at + 1), doubled, at + 2));
        let mut text = owned();
        text.insert(at, "not a record".to_owned());
        cases.push((format!("text before {}", at + 1), text, at + 1));
        let mut empty = owned();
        empty.insert(at, String::new());
        cases.push((format!("an empty line before {}", at + 1), empty, at + 1));
        let mut spaced = owned();
        spaced[at].push(' ');
        cases.push((format!("a space after {}", at + 1), spaced, at + 1));
    }
    let mut forged = owned();
    forged[5] = other;
    cases.push(("another user in 6".to_owned(), forged, 6));

    // One shell for all: a shell each would take longer than the checks.
    for (at, (_, lines, _)) in cases.iter().enumerate() {
        host.write(format!("/root/case.{at}"), lines.join("\n") + "\n");
    }
    let script = format!(
        "for i in $(seq 0 {}); do cat /root/case.$i >{FILE}; sm audit verify --json; done",
        cases.len() - 1
    );
    let answers = host.root(&script).stdout_text();
    let answers: Vec<serde_json::Value> = serde_json::Deserializer::from_str(&answers)
        .into_iter()
        .map(|answer| answer.expect("an answer"))
        .collect();
    assert_eq!(answers.len(), cases.len());
    let mut wrong = Vec::new();
    for ((what, _, line), answer) in cases.iter().zip(&answers) {
        let error = answer["error"].as_str().unwrap_or("none");
        if answer["success"] == true || !error.starts_with(&format!("{FILE}:{line} ")) {
            wrong.push(format!("{what}: line {line} should be named: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    host.write(FILE, &whole);
    assert_eq!(audit(&host, "verify").0, 0);

    // The first record dropped: the rest fits, but no rotated file holds what was before it.
    host.write(FILE, lines[1..].join("\n") + "\n");
    let (exit, found) = audit(&host, "verify");
    assert_eq!(exit, 1, "{found:#}");
}
