//! One connection, one request, one reply, whatever comes over it.

use crate::host::{Host, log, records, wait_until};
use crate::{ask, broker_test, is_quiet, speak, spoken, told};

/// The code that a script's one reply has, after it was seen that it is recorded under its id
/// and that the host goes on answering.
#[track_caller]
fn code(host: &Host, script: &str) -> (String, String) {
    let reply = spoken(host, "agent", script);
    let records = records(host, &reply["request_id"]);
    assert!(!records.is_empty(), "not recorded: {script}: {reply:#}");
    for record in &records {
        assert_eq!(
            (&record["caller"]["user"], &record["caller"]["via"]),
            (&"agent".into(), &"socket".into())
        );
    }
    assert_eq!(records[records.len() - 1]["code"], reply["code"], "{script}");
    ask(host, "service status nginx").expect("ok");
    (reply["code"].as_str().expect("a code").to_owned(), told(&reply))
}

/// What is no request, and what is said of it.
const WRONG: [(&str, &str); 23] = [
    ("s = connect(); say(reply(s))", "no request arrived in 5 s"),
    ("s = connect(); s.sendall(b'{'); say(reply(s))", "no request arrived in 5 s"),
    (
        "s = connect()
def slow():
    for byte in STATUS:
        send(s, bytes([byte]))
        time.sleep(1)
threading.Thread(target=slow, daemon=True).start()
say(reply(s)); os._exit(0)",
        "no request arrived in 5 s",
    ),
    ("s = connect(); s.shutdown(socket.SHUT_WR); say(reply(s))", "closed without a request"),
    (
        "s = connect(); s.sendall(STATUS[:-3]); s.shutdown(socket.SHUT_WR); say(reply(s))",
        "this is not a request",
    ),
    ("say(asked(b'\\n' + STATUS + b'\\n'))", "this is not a request"),
    (
        "s = connect()\nfor i in range(1600): send(s, b'x' * 65536)\nsay(reply(s))",
        "larger than 65536",
    ),
    ("say(asked(b'x' * 65535 + b'\\n'))", "this is not a request"),
    ("say(asked(STATUS + b' ' * (65536 - len(STATUS)) + b'\\n'))", "larger than 65536"),
    ("say(asked(STATUS + b' ' * 65536))", "larger than 65536"),
    ("say(asked(b'[' * 60000 + b'\\n'))", "this is not a request"),
    (
        "say(asked(b'{\"schema\":1,\"arguments\":' + b'[' * 30000 + b']' * 30000 + b'}\\n'))",
        "this is not a request",
    ),
    (
        "say(asked(b'{\"schema\":1,\"arguments\":[],\"x\":' + b'{\"x\":' * 9000 + b'1' + b'}' * 9001 + b'\\n'))",
        "this is not a request",
    ),
    ("say(asked(b'\\0' * 4096 + b'\\n'))", "this is not a request"),
    (
        "say(asked(b'{\"schema\":1,\"arguments\":[\"service\",\"stat\\0us\",\"nginx\"]}\\n'))",
        "this is not a request",
    ),
    (
        "say(asked(b'{\"schema\":1,\"arguments\":[\"service\",\"status\",\"ngin\\xff\"]}\\n'))",
        "this is not a request",
    ),
    ("say(asked(bytes(range(11, 256)) * 200 + b'\\n'))", "this is not a request"),
    ("say(asked(b'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'))", "this is not a request"),
    ("say(asked(b'{\"schema\":\"1\",\"arguments\":[]}\\n'))", "this is not a request"),
    ("say(asked(b'{\"schema\":4294967297,\"arguments\":[]}\\n'))", "this is not a request"),
    ("say(asked(b'{\"schema\":0,\"arguments\":[\"version\"]}\\n'))", "schema must be 1"),
    ("say(asked(STATUS + STATUS + b'\\n'))", "this is not a request"),
    ("say(asked(b'null\\n'))", "this is not a request"),
];

broker_test!(what_is_no_request_is_answered_and_recorded, |host| {
    for (script, words) in WRONG {
        let (code, said) = code(host, script);
        assert_eq!(code, "usage", "{script}: {said}");
        assert!(said.contains(words), "{script}: {said}");
    }
    is_quiet(host);
});

broker_test!(a_request_is_one_line_however_it_arrives, |host| {
    for script in [
        "say(asked(STATUS + b'\\n'))",
        "say(asked(STATUS + b'\\r\\n'))",
        "s = connect(); s.sendall(STATUS + b'\\n'); s.shutdown(socket.SHUT_WR); say(reply(s))",
        "s = connect(); s.sendall(STATUS); s.shutdown(socket.SHUT_WR); say(reply(s))",
        "s = connect()\nfor byte in STATUS + b'\\n': s.sendall(bytes([byte]))\nsay(reply(s))",
        // Exactly as large as one may be.
        "say(asked(STATUS + b' ' * (65535 - len(STATUS)) + b'\\n'))",
        // What follows is not read.
        "say(asked(STATUS + b'\\n' + STATUS + b'\\n'))",
        "say(asked(STATUS + b'\\n' + b'x' * 1000000))",
        "say(asked(STATUS + b'\\n\\0'))",
    ] {
        let before = log(host).len();
        let reply = spoken(host, "agent", script);
        assert_eq!(reply["code"], "ok", "{script}: {reply:#}");
        // An intent and its result: one request.
        assert_eq!(log(host).len() - before, 2, "{script}");
        is_quiet(host);
    }
    // The words are those of the command line, any text.
    for (words, expected) in [
        ("[]", "usage"),
        ("[\"\"]", "usage"),
        ("[\"service\",\"status\",\"ngi\\u0000nx\"]", "invalid_argument"),
        ("[\"service\",\"status\",\"\\ud83d\\ude00\"]", "invalid_argument"),
        ("[\"service\",\"stop\",\"dbus\"]", "denied"),
        ("[\"broker\"]", "usage"),
        ("[\"helper\",\"list\"]", "usage"),
        ("[\"setup-broker\",\"--user\",\"other\"]", "usage"),
        ("[\"list\"]", "ok"),
        ("[\"version\",\"--via\",\"sudo\"]", "ok"),
    ] {
        let line = words.replace('\\', "\\\\");
        let (code, said) =
            code(host, &format!("say(asked(b'''{{\"schema\":1,\"arguments\":{line}}}\\n'''))"));
        assert_eq!(code, expected, "{words}: {said}");
    }
    let many = "say(asked(b'{\"schema\":1,\"arguments\":[' + b'\"-\",' * 16000 + b'\"-\"]}\\n'))";
    assert_eq!(code(host, many).0, "usage");
});

broker_test!(who_vanishes_leaves_a_record_and_no_process, |host| {
    for (what, script, event) in [
        ("before sending", "connect().close()", "refused"),
        ("in the middle", "s = connect(); s.sendall(STATUS[:20]); s.close()", "refused"),
        ("after sending", "s = connect(); s.sendall(STATUS + b'\\n'); s.close()", "result"),
        (
            "and does not want to hear",
            "s = connect(); s.shutdown(socket.SHUT_RD); s.sendall(STATUS + b'\\n'); time.sleep(1)",
            "result",
        ),
        ("killed", "s = connect(); s.sendall(STATUS + b'\\n'); os.kill(os.getpid(), 9)", "result"),
    ] {
        let before = log(host).len();
        let _ = host.command("agent", &crate::python(script)).run();
        wait_until(what, || log(host)[before..].iter().any(|each| each["event"] == event));
        let log = log(host);
        let last = &log[log.len() - 1];
        assert_eq!(
            (&last["caller"]["uid"], &last["caller"]["via"]),
            (&1000.into(), &"socket".into()),
            "{what}"
        );
        ask(host, "service status nginx").expect("ok");
        is_quiet(host);
    }
    // Who does not read holds nothing either: the reply is in the kernel's hands.
    let text = speak(
        host,
        "agent",
        "held = [connect() for i in range(20)]
for s in held: s.sendall(STATUS + b'\\n')
for i in range(100):
    time.sleep(0.1)
    if not os.popen('pgrep -x sm --parent $(systemctl show -P MainPID sm-broker)').read(): break
say(b'quiet\\n' if i < 99 else b'held\\n')
for s in held: say(reply(s))",
    );
    let text = text.stdout_text();
    let (quiet, rest) = text.split_once('\n').expect("lines");
    assert_eq!(quiet, "quiet");
    assert_eq!(crate::replies(rest).iter().filter(|reply| reply["code"] == "ok").count(), 20);
});

// Whoever holds the other end of a pipe sees its end when nobody has it any more.
broker_test!(descriptors_that_are_sent_along_are_not_kept, |host| {
    for (count, with) in
        [(1, "STATUS + b'\\n'"), (253, "STATUS + b'\\n'"), (253, "b'{'"), (253, "b'x\\n'")]
    {
        let script = format!(
            "r, w = os.pipe()
s = connect()
fds = array.array('i', [w] * {count})
s.sendmsg([{with}], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
os.close(w)
answer = reply(s)
assert os.read(r, 1) == b'', 'somebody has it'
say(answer)"
        );
        let (code, said) = code(host, &script);
        assert_eq!(code == "ok", with.contains("STATUS"), "{with}: {said}");
    }
    // Sent after the request, by who never goes away.
    let script = "r, w = os.pipe()
s = connect()
s.sendall(STATUS + b'\\n')
for i in range(50):
    try: s.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [w]))])
    except (BrokenPipeError, ConnectionResetError): break
os.close(w)
answer = reply(s)
assert os.read(r, 1) == b'', 'somebody has it'
say(answer)";
    assert_eq!(code(host, script).0, "ok");
    is_quiet(host);
});
