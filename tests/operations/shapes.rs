//! The shape of what comes back, whatever is asked for.

use serde_json::{Value, json};

use crate::ask;
use crate::host::{Reply, host_once, host_test};

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> =
        value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

host_once!(what_there_is_can_be_asked, |host| {
    let list = ask(host, "list").expect("ok");
    assert_eq!(list.json["user"], "agent");
    assert_eq!(list.json["package_manager"], "apt");
    let services = ["caddy", "docker", "fail2ban", "nginx", "snapd", "ssh"];
    let mut units: Vec<String> = services.map(|name| format!("{name}.service")).into();
    units.push("snapd.socket".into());
    units.sort_unstable();
    assert_eq!(keys(&list.json["services"]), units);
    let packages = "caddy curl docker.io fail2ban git htop nginx rsync snapd trash-cli ufw";
    assert_eq!(keys(&list.json["packages"]).join(" "), packages);
    let all = json!(["start", "stop", "restart", "reload", "enable", "disable", "status"]);
    assert_eq!(list.json["services"]["nginx.service"]["actions"], all);
    assert_eq!(list.json["packages"]["git"]["actions"], json!(["install", "remove", "upgrade"]));
    assert_eq!(list.json["packages"]["git"]["require_reason"], false);
    assert_eq!(list.json["maintenance"], json!(["update", "upgrade", "autoremove", "autoclean"]));
    assert_eq!(list.json["service_maintenance"], json!([]));

    // The same through sudo, by root itself and by who is not set up, each under its name.
    let same = |reply: Reply, user: &str| {
        let reply = reply.expect("ok");
        assert_eq!(reply.json["user"], user);
        assert_eq!(reply.json["services"], list.json["services"]);
    };
    same(Reply::of(&host.agent("sudo -n sm-helper list")), "agent");
    same(host.helper_as("root", &["list"]), "root");
    same(host.helper_as("other", &["list"]), "other");

    let version = ask(host, "version").expect("ok");
    assert_eq!(version.json["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(version.json["policy"]["sha256"].as_str().map(str::len), Some(64));

    for line in [
        "--help",
        "-h",
        "service --help",
        "service restart --help",
        "package --help",
        "--help --pretty",
    ] {
        let reply = ask(host, line).expect("ok");
        let help = reply.json["help"].as_array().expect("lines");
        assert!(
            help.iter().any(|text| text.as_str().is_some_and(|text| text.contains("Usage"))),
            "{line}"
        );
        assert!(!reply.json.to_string().contains("\\u001b"), "{line}: colour");
    }
});

host_test!(flags_stand_before_and_after, |host| {
    let plain = ask(host, "service status nginx --dry-run").expect("ok");
    for line in [
        "--dry-run service status nginx",
        "service --dry-run status nginx",
        "service status --dry-run nginx",
        "service status nginx --dry-run",
        "--dry-run --reason why service --timeout 5 status nginx --via sudo",
        "service status nginx --reason=why --timeout=5 --dry-run --via=auto",
        "service status nginx.service --dry-run",
        "service status --dry-run -- nginx",
    ] {
        let reply = ask(host, line).expect("ok");
        assert_eq!(reply.argv(), plain.argv(), "{line}");
        assert_eq!(reply.json["dry_run"], true, "{line}");
        assert_eq!(reply.json["operation"], plain.json["operation"], "{line}");
        assert_eq!(reply.stdout.iter().filter(|byte| **byte == b'\n').count(), 1, "{line}");
    }
    // A flag twice, one that is none, one without its value.
    for line in [
        "--reason a --reason b service status nginx",
        "service status nginx --frob",
        "service status nginx --timeout",
        "service status nginx --via teleport",
        "--dry-run=yes service status nginx",
    ] {
        ask(host, line).expect("usage");
    }
    // Indented, through every way out.
    for (line, code) in [
        ("--pretty service status nginx", "ok"),
        ("service status nginx --pretty", "ok"),
        ("package --pretty install nmap", "denied"),
        ("--pretty list", "ok"),
        ("--pretty version", "ok"),
        ("service status docker --pretty", "command_failed"),
        ("service status ngi/nx --pretty", "invalid_argument"),
        ("--pretty --via socket service status nginx", "not_privileged"),
        ("--pretty frobnicate", "usage"),
        ("service --pretty", "usage"),
        ("--help --pretty", "ok"),
    ] {
        let reply = ask(host, line).expect(code);
        let text = String::from_utf8(reply.stdout).expect("UTF-8");
        assert!(
            text.starts_with("{\n  \"schema\": 1,\n") && text.ends_with("\n}\n"),
            "{line}: {text}"
        );
    }
});

host_once!(what_is_said_twice_is_left_out_if_that_is_asked_for, |host| {
    let whole = ask(host, "service status nginx").expect("ok");
    let id = whole.json["request_id"].as_str().expect("an id");
    // Not the harness's own reading of a reply, which wants `schema`.
    let brief = |line: &str| -> (Vec<u8>, Value) {
        let words = std::iter::once("sm-helper").chain(line.split(' ')).collect::<Vec<_>>();
        let printed = host.agent_argv(&words).stdout;
        let read = serde_json::from_slice(&printed).expect("JSON");
        (printed, read)
    };
    for line in [
        "--brief service status nginx".to_owned(),
        "service status nginx --brief --pretty".to_owned(),
        "service status nginx --brief --via sudo".to_owned(),
        format!("--brief result {id}"),
    ] {
        let (printed, reply) = brief(&line);
        assert_eq!(reply["unit"]["active_state"], "active", "{line}");
        assert!(reply["request_id"].is_string() && reply["success"] == true, "{line}");
        for field in ["schema", "operation", "stdout", "stderr", "stdout_truncated"] {
            assert!(reply.get(field).is_none(), "{field}: {line}");
        }
        let is_pretty = line.contains("pretty");
        assert!(is_pretty || printed.len() * 3 < whole.stdout.len() * 2, "{reply}");
        assert_eq!(printed.starts_with(b"{\n  "), is_pretty, "{line}");
    }
    // A refusal is whole.
    let denied = brief("service restart dbus --brief").1;
    assert_eq!((&denied["code"], &denied["success"]), (&json!("denied"), &json!(false)));
    assert!(denied["error"].is_string() && denied["hint"].is_string());
    assert_eq!(brief("frobnicate --brief").1["code"], "usage");
});

host_once!(a_timeout_can_only_be_lowered, |host| {
    let warned =
        |line: &str| ask(host, line).expect("ok").json["warnings"][0].as_str().map(str::to_owned);
    for line in [
        "--timeout 121 service status nginx",
        "--timeout 86400 service reload nginx",
        "--timeout 1801 package autoclean",
    ] {
        for way in ["", " --dry-run"] {
            let warning = warned(&format!("{line}{way}"));
            assert!(warning.is_some_and(|text| text.contains("policy")), "{line}{way}");
        }
    }
    for line in [
        "--timeout 120 service status nginx",
        "--timeout 1 service status nginx",
        "--timeout 1800 package autoclean",
    ] {
        assert_eq!(warned(line), None, "{line}");
    }
    for bad in ["0", "-1", "1.5", "86401", "1s", "", "forever", "99999999999999999999999"] {
        host.helper(&["service", "status", "nginx", "--timeout", bad]).expect("invalid_argument");
    }
});
