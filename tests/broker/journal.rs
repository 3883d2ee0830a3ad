//! The journal has each record of what was asked over the socket: the unit that it comes from has a
//! bound of its own on what the journal takes.

use crate::host::{Host, log};
use crate::{broker_test, spoken};
use serde_json::Value;

/// One of each kind: an operation, a look, a question, a rehearsal, a refusal.
const KINDS: [&str; 6] = [
    r#""service","restart","nginx""#,
    r#""service","status","nginx""#,
    r#""list""#,
    r#""version""#,
    r#""service","restart","nginx","--dry-run""#,
    r#""service","restart","dbus""#,
];

#[track_caller]
fn asked(host: &Host, words: &str) -> Value {
    let line = format!(r#"{{"schema":1,"arguments":[{words}]}}"#);
    spoken(host, "agent", &format!("say(asked(b'''{line}\n'''))"))
}

/// What the journal has been told, field for field.
#[track_caller]
fn journal(host: &Host, field: &str) -> Vec<String> {
    let line = format!(
        "journalctl --sync; journalctl -q -o cat --output-fields={field} -t sm-helper _UID=0 _TRANSPORT=journal"
    );
    host.root(&line).ok().lines().map(str::to_owned).collect()
}

broker_test!(the_journal_has_each_record_that_the_log_has, |host| {
    for words in KINDS {
        asked(host, words);
    }
    let logged = log(host);
    let seqs: Vec<String> = logged.iter().map(|each| each["seq"].to_string()).collect();
    assert!(seqs.len() >= KINDS.len() + 2, "{logged:#?}");
    assert_eq!(journal(host, "SM_SEQ"), seqs);

    // So an end that was cut off shows.
    host.root("sed -i '$d' /var/log/sm/audit.jsonl; sed -i '$d' /var/log/sm/audit.jsonl").ok();
    host.root("rm /var/lib/sm/audit.head").ok();
    let found = host.root("sm audit verify");
    assert_eq!(found.status, Some(1), "{found}");
    assert!(format!("{found}").contains("but the journal has"), "{found}");
});

broker_test!(a_full_log_leaves_what_is_answered_to_the_journal, |host| {
    host.root("rm -rf /var/log/sm; mkdir -m 0750 /var/log/sm; mount -t tmpfs -o size=4k,mode=0750 none /var/log/sm; ! cp /bin/bash /var/log/sm/full 2>/dev/null").ok();
    for words in KINDS {
        let reply = asked(host, words);
        let said = reply.to_string();
        // An intent that the log does not take begins nothing, and the refusal is what is told.
        assert!(said.contains("the record was sent to the journal"), "{words}: {reply:#}");
        let ids = journal(host, "SM_REQUEST_ID");
        let id = reply["request_id"].as_str().expect("an id");
        assert_eq!(ids.iter().filter(|each| *each == id).count(), 1, "{words}: {ids:?}");
    }
});

broker_test!(what_it_does_is_in_the_journal_where_systemd_says_so_and_no_request_is, |host| {
    let said =
        |host: &Host| host.root("journalctl --sync; journalctl -q -o cat -t sm-broker _UID=0").ok();
    asked(host, r#""service","status","nginx""#);
    assert_eq!(said(host), "");
    host.root("systemctl set-environment SM_LOG=debug; systemctl stop sm-broker").ok();
    let reply = asked(host, r#""service","restart","nginx","--reason=Gurkentruppe""#);
    let lines = said(host);
    for step in ["INFO receive: ", "INFO answer uid "] {
        assert!(lines.contains(step), "{step} is not in: {lines}");
    }
    assert!(!lines.contains("Gurkentruppe"), "{lines}");
    assert_eq!(reply["success"], true, "{reply:#}");
    // A word that is none is no reason to refuse anything.
    host.root("systemctl set-environment SM_LOG=frob; systemctl stop sm-broker").ok();
    assert_eq!(asked(host, r#""version""#)["success"], true);
    assert_eq!(said(host), lines);
});

// What a caller could repeat for ever is one record, which has a budget, and no line of systemd's.
broker_test!(a_refusal_or_a_failure_is_no_failure_of_the_unit, |host| {
    host.root("sed -i s/nginx/absent/ /lib/systemd/system/nginx.service; systemctl daemon-reload")
        .ok();
    for words in KINDS.into_iter().chain([r#""service""#, r#""service","restart","nginx""#]) {
        asked(host, words);
    }
    assert_eq!(spoken(host, "agent", "say(asked(b'no request\\n'))")["code"], "usage");
    let lines =
        host.root("journalctl --sync; journalctl -q -o cat _PID=1 | grep 'sm-broker' || true");
    assert_eq!(lines.ok(), "");
});
