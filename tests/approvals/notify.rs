//! Somebody hears of what waits.

use crate::host::{Host, Sudo, host_once};
use crate::{ask, id, site, sm};
use serde_json::Value;

const MAIL: &str = include_str!("../../packaging/examples/notify-mail");
const WEBHOOK: &str = include_str!("../../packaging/examples/notify-webhook");

/// Takes one request over HTTP, and leaves its body in a file.
const RECEIVER: &str = r#"
import http.server
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        open('/root/posted', 'wb').write(self.rfile.read(int(self.headers['Content-Length'])))
        self.send_response(204)
        self.end_headers()
http.server.HTTPServer(('127.0.0.1', 8080), Receiver).serve_forever()
"#;

fn policy(notify: &str) -> String {
    format!(
        "schema = 1\n[services]\nactions = [\"start\", \"stop\", \"restart\", \"reload\", \"enable\", \"disable\"]\napproval = true\n[services.units.nginx]\n[services.units.caddy]\n[approvals]\n{notify}\n"
    )
}

fn program(host: &Host, name: &str, text: &str) {
    host.write(format!("/usr/local/sbin/{name}"), text);
    host.root(&format!("chmod 0755 /usr/local/sbin/{name}")).ok();
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_mail_and_a_post_say_what_waits() {
    let Ok(built) = std::env::var("SM_EXTEND_BIN") else {
        panic!("SM_EXTEND_BIN is not set: run tests/run");
    };
    let host = Host::ready(Sudo::Classic);
    host.install(&std::path::PathBuf::from(built));
    program(&host, "notify-mail", MAIL);
    program(&host, "notify-webhook", WEBHOOK);
    host.write("/root/receiver.py", RECEIVER);
    host.root("ip link set lo up; systemd-run --quiet --unit mail -p StandardOutput=file:/root/mails /usr/bin/python3 -u -W ignore -m smtpd -n -c DebuggingServer 127.0.0.1:25; \
        systemd-run --quiet --unit post /usr/bin/python3 /root/receiver.py; for port in 25 8080; do until (: </dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.1; done; done")
        .ok();
    site(&host, &policy("notify = [\"/usr/local/sbin/notify-mail\"]"));
    let refused = host
        .helper(&["service", "stop", "nginx", "--reason", "line\u{a0}one"])
        .expect("approval_required");
    assert_eq!(refused.json.get("warnings"), None, "{:#}", refused.json);
    let mail = host.read("/root/mails");
    assert!(mail.contains("agent asks for: service stop nginx.service"), "{mail}");
    assert!(mail.contains(&format!("sm approve {}", id(&refused))), "{mail}");
    // The same again is told to nobody again.
    ask(&host, "service stop nginx").expect("approval_required");
    assert_eq!(host.read("/root/mails").matches("To approve it").count(), 1);

    site(
        &host,
        &policy(
            "notify = [\"/usr/local/sbin/notify-webhook\", \"http://127.0.0.1:8080/hook\"]\nnotify_user = \"daemon\"",
        ),
    );
    let refused = ask(&host, "service start nginx").expect("approval_required");
    assert_eq!(refused.json.get("warnings"), None, "{:#}", refused.json);
    let posted: Value = serde_json::from_str(&host.read("/root/posted")).expect("JSON");
    assert_eq!(posted["request"]["id"], id(&refused).as_str());
    assert_eq!(posted["request"]["state"], "pending");
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn who_is_told_has_no_rights_and_holds_nobody_up() {
    let Ok(built) = std::env::var("SM_EXTEND_BIN") else {
        panic!("SM_EXTEND_BIN is not set: run tests/run");
    };
    let host = Host::ready(Sudo::Classic);
    host.install(&std::path::PathBuf::from(built));
    let notify = "notify = [\"/usr/local/sbin/notify\"]";
    site(&host, &policy(notify));
    // What it prints shows what it is: nothing of it gets further than a part of a sentence.
    let wrong = "#!/bin/sh\nid -un >&2\nhead -c 3 >&2\ntouch /tmp/x /run/x /etc/x 2>/dev/null && echo WROTE >&2\ncat /etc/shadow >&2 2>/dev/null && echo READ >&2\nenv | grep -c SUDO >&2\nexit 7\n";
    let lines = ["stop nginx", "start nginx", "restart nginx", "reload nginx", "stop caddy"];
    let cases = [
        (wrong, "exit status 7: nobody"),
        ("#!/bin/sh\nkill -KILL $$\n", "killed by signal 9"),
        ("#!/bin/sh\nsleep 1000 & sleep 1000\n", "not done after 10 s"),
        ("no program", "neither a program nor a script"),
    ];
    for (line, (text, said)) in lines.iter().zip(cases) {
        program(&host, "notify", text);
        let reply = ask(&host, &format!("service {line}")).expect("approval_required");
        let warnings = reply.json["warnings"].to_string();
        assert!(warnings.contains(said), "{line}: {warnings}");
        assert!(!warnings.contains("WROTE") && !warnings.contains("READ"), "{warnings}");
    }
    assert_eq!(host.root("pgrep -x sleep").stdout_text(), "");
    // Others could change it: it is not run.
    program(&host, "notify", "#!/bin/sh\nexit 0\n");
    host.root("chown agent /usr/local/sbin/notify").ok();
    let reply = ask(&host, "service stop caddy").expect("approval_required");
    assert!(
        reply.json["warnings"].to_string().contains("/usr/local/sbin/notify"),
        "{:#}",
        reply.json
    );
    // Of a flood a few are told.
    program(&host, "notify", "#!/bin/sh\nexit 0\n");
    host.root("chown root /usr/local/sbin/notify").ok();
    let reply = ask(&host, "service start caddy").expect("approval_required");
    assert!(reply.json["warnings"].to_string().contains("too many"), "{:#}", reply.json);
    assert_eq!(sm(&host, "approvals").1["approvals"].as_array().map(Vec::len), Some(6));

    // Where it stands, too.
    for (wrong, said) in [
        ("\nnotify = [\"/bin/sh\"]", "policy.toml:9:1: a program to notify"),
        ("notify = [\"notify\"]", "absolute path"),
        ("notify = [\"/bin/sh\", \"-c\", \"x\"]", "cannot be a shell"),
        ("notify = []", "1 to 64 words"),
        ("notify = [\"/usr/local/sbin/notify\"]\nnotify_user = \"root\"", "must not be root"),
        (
            "notify = [\"/usr/local/sbin/notify\"]\nnotify_user = \"a:b\"",
            "not the name of an account",
        ),
        ("expires_minutes = 0", "between 1 and 10080"),
    ] {
        site(&host, &policy(wrong));
        let reply = ask(&host, "service stop nginx").expect("policy_invalid");
        assert!(reply.json["error"].to_string().contains(said), "{wrong}: {:#}", reply.json);
    }
}

// The usual build takes no command line from its site policy; who is told has no rights and gives none.
host_once!(a_site_policy_that_can_only_narrow_has_nobody_told, |host| {
    program(host, "notify", "#!/bin/sh\nexit 3\n");
    let notify = "notify = [\"/usr/local/sbin/notify\"]";
    site(host, &policy(notify));
    let reply = ask(host, "service restart nginx").expect("approval_required");
    let warnings = reply.json["warnings"].to_string();
    assert!(warnings.contains("approval: exit status 3\""), "{warnings}");
    for (text, wrong) in [
        (format!("{notify}\nnotify_user = \"daemon\""), "nor another account for it"),
        ("notify = [\"/bin/sh\", \"-c\", \"x\"]".to_owned(), "a program to notify"),
    ] {
        site(host, &policy(&text));
        let (exit, answer) = sm(host, "policy check --site /etc/sm/policy.toml");
        assert_eq!(exit, 1, "{answer:#}");
        assert!(answer["error"].to_string().contains(wrong), "{answer:#}");
    }
});
