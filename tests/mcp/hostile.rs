//! Nothing that a client sends ends the server or fills it.

use crate::eras::meta;
use crate::session::{Session, result};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The code of the error that a line gets.
fn refused(session: &mut Session, line: &[u8]) -> Value {
    session.send_raw(line);
    session.send_raw(b"\n");
    let answer = session.next();
    assert!(answer["error"]["code"].is_i64(), "{answer}");
    answer
}

#[test]
fn what_is_no_message_gets_an_error_and_the_next_call_works() {
    let deep = |what: &str| what.repeat(100_000);
    let mut session = Session::open(&[]);
    for line in [
        "nonsense",
        "{",
        "null",
        "7",
        "\"text\"",
        "[]",
        "[1,2]",
        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":[],"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1e400,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":null}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":7}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":{}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":"b"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"no/such/method"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"resources/list"}"#,
        &deep("["),
        &deep("{\"a\":"),
        &format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{}"#, deep("[")),
    ] {
        refused(&mut session, line.as_bytes());
    }
    refused(&mut session, b"\xff\xfe\x00");
    session.works();
}

#[test]
fn before_anything_is_agreed_to_nothing_ends_it_either() {
    for line in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#,
        r#"{"jsonrpc":"2.0","id":"a","method":"initialize","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":"a","method":"tools/call"}"#,
        "nonsense",
        "",
    ] {
        let mut session = Session::start(&[]);
        session.send(line);
        session.initialize("2025-06-18");
        session.works();
    }
}

#[test]
fn ten_megabytes_are_not_kept_and_their_request_is_answered() {
    let mut session = Session::open(&[]);
    let long = format!(
        r#"{{"jsonrpc":"2.0","id":"long","method":"tools/call","params":{{"name":"{}"}}}}"#,
        "x".repeat(10_000_000)
    );
    let answer = refused(&mut session, long.as_bytes());
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!("long"), &json!(-32600)));
    session.works();
    assert!(session.most_memory() < 20_000, "{} kB", session.most_memory());
}

#[test]
fn half_a_character_and_null_are_taken_for_what_they_mean() {
    let mut session = Session::open(&[]);
    session.send(r#"{"jsonrpc":"2.0","id":"s","method":"tools/call","params":{"name":"service_status","arguments":{"name":"a.service","reason":"\ud83d"}}}"#);
    assert_eq!(result(&session.next())["code"], "ok");
    assert_eq!(
        session.asked().last().map(String::as_str),
        Some("service status a.service --reason=\u{fffd}")
    );
    session.send(r#"{"jsonrpc":"2.0","id":"n","method":"tools/call","params":{"name":"service_status","arguments":null}}"#);
    assert_eq!(result(&session.next())["code"], "usage");
    session.works();
}

#[test]
fn half_a_line_is_waited_for() {
    let mut session = Session::open(&[]);
    session.send_raw(br#"{"jsonrpc":"2.0","id":"half","#);
    session.send_raw(b"\"method\":\"ping\"}\r\n\n  \n");
    assert_eq!(session.next(), json!({"jsonrpc": "2.0", "id": "half", "result": {}}));
    // The last one counts without its end.
    session.send_raw(br#"{"jsonrpc":"2.0","id":"last","method":"ping"}"#);
    session.close();
    assert_eq!(session.next()["id"], "last");
    assert_eq!(session.ended(), 0);
}

#[test]
fn a_thousand_calls_at_once_are_each_answered_once() {
    let mut session = Session::open(&[]);
    session.make_quick();
    let ids: Vec<i64> =
        (0..1000).map(|_| session.call("service_status", json!({"name": "a.service"}))).collect();
    let mut answered = BTreeSet::new();
    while answered.len() < ids.len() {
        let answer = session.next();
        assert_eq!(result(&answer)["code"], "ok");
        assert!(answered.insert(answer["id"].as_i64().expect("an id")), "{answer}");
    }
    // What there is was asked for once for all of them, and not by each.
    let asked = session.asked();
    let listed = asked.iter().filter(|line| *line == "list --schema").count();
    assert!(listed <= 2, "{listed}");
    session.works();
}

#[test]
fn two_requests_with_one_id_are_not_mixed_up() {
    let mut session = Session::open(&[]);
    let slow = r#"{"jsonrpc":"2.0","id":"same","method":"tools/call","params":{"name":"service_status","arguments":{"name":"slow.service"}}}"#;
    session.send(slow);
    assert_eq!(refused(&mut session, slow.as_bytes())["error"]["code"], -32600);
    session.touch("done");
    assert_eq!(result(&session.next())["code"], "ok");
    // It may have it again afterwards.
    session.send(slow);
    assert_eq!(result(&session.next())["code"], "ok");
}

#[test]
fn whoever_waits_for_changes_a_thousand_times_leaves_room_for_calls() {
    let mut session = Session::start(&[]);
    let listen = json!({"_meta": meta("2026-07-28"), "notifications": {"toolsListChanged": true}});
    let ids: Vec<i64> =
        (0..1000).map(|_| session.request("subscriptions/listen", &listen)).collect();
    let answers: Vec<Value> = ids.iter().map(|_| session.next()).collect();
    let refused = answers.iter().filter(|answer| answer["error"]["code"] == -32603).count();
    assert_eq!(refused, 1000 - 64);
    let call = json!({"_meta": meta("2026-07-28"), "name": "service_status", "arguments": {"name": "a.service"}});
    assert_eq!(result(&session.ask("tools/call", &call))["code"], "ok");
}

#[test]
fn it_ends_where_nobody_reads() {
    let mut session = Session::open(&[]);
    assert_eq!(session.stop_reading(), 0);
}

#[test]
fn a_client_that_reads_nothing_is_not_collected_for() {
    let mut session = Session::open(&[]);
    session.flood(50_000);
    session.works();
    // 50 MB were sent.
    assert!(session.most_memory() < 40_000, "{} kB", session.most_memory());
}

/// Lines as a fuzzer makes them: parts of messages in another order. The figure of a long run is in
/// docs/agents.md.
#[test]
fn no_mixture_of_parts_ends_it() {
    const PARTS: [&str; 24] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\"jsonrpc\":\"2.0\"",
        "\"id\":-1",
        "\"id\":\"x\"",
        "\"id\":null",
        "\"method\":\"tools/call\"",
        "\"method\":\"initialize\"",
        "\"method\":\"ping\"",
        "\"params\":{",
        "\"name\":",
        "\"service_status\"",
        "\"arguments\":{",
        "\"a.service\"",
        "\\ud83d",
        "null",
        "1e999",
        "\u{1f600}",
    ];
    let seconds =
        std::env::var("SM_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(seconds);
    let mut state = std::process::id() as u64 | 1;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("small")
    };
    let mut lines = 0_u64;
    let mut session = Session::open(&[]);
    while std::time::Instant::now() < end {
        for _ in 0..200 {
            let mut line = String::new();
            for _ in 0..random(14) {
                line += PARTS[random(PARTS.len())];
            }
            // Whole more often than chance has it.
            if random(2) == 0 {
                line = format!(
                    "{{\"jsonrpc\":\"2.0\",\"id\":\"f{}\",\"method\":\"tools/call\",\"params\":{{{line}}}}}",
                    random(9)
                );
            }
            session.send(&line);
            lines += 1;
        }
        let id = session.request("ping", &json!({}));
        session.answer(id);
    }
    session.works();
    println!("{lines} lines");
}
