//! No word of the caller's becomes a record, a field of one, or the end of one.

use serde_json::Value;

use crate::chain::{FILE, intact};
use crate::host::{host_test, log};

const FAKE: &str =
    r#"{"seq":99,"time":"2026-01-01T00:00:00.000000Z","event":"result","prev":"","hash":""}"#;

host_test!(a_caller_can_neither_forge_nor_split_a_record, |host| {
    let long = "é\"\\".repeat(40);
    let reasons = [
        r#"","code":"ok","event":"result","hash":"0"}"#,
        r#"\","hash":"\u000a{"#,
        r"\n\r\u2028 \\",
        "\u{2028}{\"seq\":1}\u{2029}\u{85}",
        "ünïcödé 漢字 😀 \u{202e}desrever",
        FAKE,
        &long,
    ];
    for reason in reasons {
        let before = log(host).len();
        let reply = host.helper(&["service", "status", "nginx", "--reason", reason]);
        let new = log(host).split_off(before);
        assert!(!new.is_empty(), "{reason:?}: {:#}", reply.json);
        if reply.code() == "ok" {
            assert_eq!(new.len(), 2);
            assert!(new.iter().all(|record| record["reason"] == reason), "{new:#?}");
        } else {
            reply.expect("invalid_argument");
            assert_eq!((new.len(), &new[0]["event"]), (1, &Value::from("refused")), "{new:#?}");
        }
    }
    let names =
        [format!("nginx\n{FAKE}"), FAKE.into(), "nginx\",\"code\":\"ok".into(), "\\".into()];
    for name in &names {
        let before = log(host).len();
        let reply = host.helper(&["service", "restart", name]).expect("invalid_argument");
        let new = log(host).split_off(before);
        assert_eq!(new.len(), 1, "{name:?}");
        assert_eq!(new[0]["request_id"], reply.json["request_id"]);
        assert_eq!(
            (&new[0]["code"], &new[0]["seq"]),
            (&"invalid_argument".into(), &(before + 1).into())
        );
    }
    // Whoever sudo runs it for is who it says, whatever the caller puts into the environment.
    let script = "SUDO_USER=root SUDO_UID=0 SUDO_GID=0 sudo -n /usr/local/bin/sm-helper service restart nope";
    host.agent(script);
    let last = log(host).pop().expect("a record");
    assert_eq!((&last["caller"]["user"], &last["caller"]["uid"]), (&"agent".into(), &1000.into()));
    // And nobody but root writes to the log, or sees it without being a member of adm.
    for command in ["echo >>", "cat", "rm -f", "truncate -s0", "ls", "ln -f /etc/passwd"] {
        assert_ne!(host.agent(&format!("{command} {FILE}")).status, Some(0), "{command}");
    }
    let modes = "stat -c '%U:%G %a' /var/log/sm /var/log/sm/audit.jsonl /var/lib/sm; stat -c %a /var/lib/sm/*";
    let modes = host.root(modes).ok();
    assert!(modes.starts_with("root:adm 750\nroot:adm 640\nroot:root 700\n600\n"), "{modes}");
    intact(host);
});
