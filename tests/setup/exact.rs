//! `--exact`: sudo itself lets through what the policy permits, and nothing else; and the helper
//! works as it does with the plain drop-in.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::answer::{DROP_IN, HELPER, setup_sudo, sudo_works};
use crate::host::{Host, Reply, Sudo, host_test, log, records};

/// Each operation that `sm policy surface` names, in every spelling that the drop-in has.
#[track_caller]
pub fn permitted(host: &Host) -> BTreeSet<String> {
    let surface: Value =
        serde_json::from_str(&host.root("sm policy surface --json").ok()).expect("JSON");
    let operations = surface["surface"].as_object().expect("an object").keys();
    let mut lines: BTreeSet<String> =
        ["list", "list --schema", "result", "--flags-on-stdin result", "version"]
            .map(str::to_owned)
            .into();
    for operation in operations {
        let mut whole = vec![operation.clone()];
        let action = operation.strip_prefix("package ").and_then(|rest| rest.split(' ').next());
        if let Some("install" | "remove" | "upgrade" | "autoremove") = action {
            whole.push(operation.replacen("package", "package plan", 1));
        }
        lines.extend(whole.iter().map(|line| format!("--flags-on-stdin {line}")));
        lines.extend(operation.strip_suffix(".service").map(str::to_owned));
        lines.extend(whole);
    }
    lines
}

/// What sudo lists for an account, behind the helper's name.
#[track_caller]
pub fn listed(host: &Host, account: &str) -> BTreeSet<String> {
    let text = host.root(&format!("sudo -n -l -U {account}")).ok();
    let rules = text.lines().filter_map(|line| line.trim().strip_prefix("(root) "));
    let words = rules.map(|rule| {
        let (tags, line) = rule.split_once(HELPER).unwrap_or_else(|| panic!("{rule}"));
        assert!(tags.contains("NOPASSWD:") && tags.contains("NOSETENV:"), "{rule}");
        line.trim().replace('\\', "")
    });
    words.collect()
}

host_test!(sudo_lets_through_what_the_policy_permits, |host| {
    let answer = setup_sudo(host, &["--user", "agent", "--exact"]).expect("ok", 0);
    for (field, value) in [("changed", true), ("exact", true), ("proved", true)] {
        assert_eq!(answer.json[field], value, "{field}: {:#}", answer.json);
    }
    for (field, value) in [("may_run_sm", false), ("only_listed", true)] {
        assert_eq!(answer.json[field], value, "{field}: {:#}", answer.json);
    }
    let permitted = permitted(host);
    assert!(permitted.len() > 100, "{permitted:?}");
    assert_eq!(listed(host, "agent"), permitted);
    assert!(listed(host, "other").is_empty());

    let text = host.read(DROP_IN);
    assert!(!text.contains(['*', '?', '[', '^']), "{text}");
    assert_eq!(
        host.root(&format!("stat -c '%U:%G %a %F' {DROP_IN}")).ok(),
        "root:root 440 regular file\n"
    );
    sudo_works(host);

    // Each of them, asked of sudo by the account itself.
    let all: String = permitted.iter().map(|line| format!("{line}\n")).collect();
    host.write("/run/permitted", all);
    let script = format!(
        "while read -r line; do sudo -n -l -- {HELPER} $line >/dev/null 2>&1 || echo \"$line\"; \
         done </run/permitted"
    );
    assert_eq!(host.agent(&script).ok(), "");

    // By the helper, and by whoever writes sudo in front.
    let before = host.main_pid("nginx");
    host.helper(&["service", "restart", "nginx"]).expect("ok");
    assert_ne!(before, host.main_pid("nginx"));
    for line in ["service status nginx", "service status nginx.service", "package plan install git"]
    {
        let argv: Vec<&str> =
            ["sudo", "-n", "sm-helper"].into_iter().chain(line.split(' ')).collect();
        Reply::of(&host.agent_argv(&argv)).expect("ok");
        host.helper(&argv[3..]).expect("ok");
    }
    for question in [&["list"][..], &["list", "--schema"], &["version"], &["list", "--pretty"]] {
        host.helper(question).expect("ok");
    }
    host.helper(&["package", "install", "htop"]).expect("ok");
    assert!(host.has_package("htop"));
});

/// What sudo must refuse, as bash reads it. `COPY` is the helper's file under another name.
const REFUSED: [&str; 38] = [
    "",
    "''",
    "service restart dbus",
    "service restart NGINX",
    "service restart nginx.servic",
    "service restart nginx.service.service",
    "service restart ./nginx",
    "service restart nginx caddy",
    "service restart nginx ''",
    "service restart '' nginx",
    "'' service restart nginx",
    "service restart $'nginx\\n'",
    "service restart $'nginx\\nservice restart nginx'",
    "service restart 'nginx*'",
    "service restart nginx --pretty",
    "--pretty service restart nginx",
    "service restart nginx --dry-run",
    "service restart nginx --reason x",
    "service restart -- nginx",
    "service restart",
    "service mask nginx",
    "SERVICE restart nginx",
    "package install vim",
    "package install git curl",
    "package install",
    "package update git",
    "package plan update",
    "helper",
    "helper service restart nginx",
    "setup-sudo",
    "--help",
    "list --pretty",
    "version --json",
    "--flags-on-stdin",
    "--flags-on-stdin service restart nginx",
    "--flags-on-stdin service restart dbus.service",
    "--flags-on-stdin --flags-on-stdin service restart nginx.service",
    "service --flags-on-stdin restart nginx.service",
];

/// Words that read like a permitted line once they are joined by blanks.
const JOINED: [&str; 4] = [
    "'service restart nginx'",
    "service 'restart nginx'",
    "'--flags-on-stdin service' restart nginx.service",
    "'list --schema'",
];

host_test!(sudo_itself_refuses_the_rest, |host| {
    setup_sudo(host, &["--user", "agent", "--exact"]).expect("ok", 0);
    let (before, pid) = (log(host).len(), host.main_pid("nginx"));
    let refused = |program: &str, words: &str| {
        let done = host.agent(&format!("sudo -n -- {program} {words} </dev/null"));
        (done.status == Some(1) && done.stdout.is_empty()).then_some(()).ok_or(format!("{done}"))
    };
    let mut wrong: Vec<String> =
        REFUSED.iter().filter_map(|words| refused(HELPER, words).err()).collect();
    // Another file with the same bytes; the same file by other names, with other words.
    host.agent(&format!("cp {HELPER} ~/sm-helper; mkdir ~/links; ln -s {HELPER} ~/links")).ok();
    for (program, words) in [
        ("~/sm-helper", "version"),
        ("/usr/local/bin/sm", "version"),
        ("/usr/local/bin/sm", "helper version"),
        ("~/links/sm-helper", "service restart dbus"),
        ("/usr/local/bin/../bin/sm-helper", "service restart dbus"),
        ("/proc/self/root/usr/local/bin/sm-helper", "service restart dbus"),
        (&format!("/usr/bin/env {HELPER}"), "version"),
        (&format!("-u other {HELPER}"), "version"),
        (&format!("-g sudo {HELPER}"), "version"),
    ] {
        wrong.extend(refused(program, words).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // sudo 1.9 compares the words joined by blanks (`sudoers(5)`): the helper refuses these then.
    for words in JOINED {
        let done = host.agent(&format!("sudo -n -- {HELPER} {words} </dev/null"));
        match host.sudo {
            Sudo::Rs => assert_eq!((done.status, done.stdout.len()), (Some(1), 0), "{done}"),
            Sudo::Classic | Sudo::Unused => drop(Reply::of(&done).expect("usage")),
        }
    }
    let reached = log(host)[before..].iter().filter(|record| record["code"] != "usage").count();
    assert_eq!((reached, host.main_pid("nginx")), (0, pid));
});

host_test!(a_refusal_of_sudos_is_told_as_the_policys, |host| {
    setup_sudo(host, &["--user", "agent", "--exact"]).expect("ok", 0);
    for (line, code, said) in [
        ("service restart dbus", "denied", "does not name the unit dbus.service"),
        ("service logs nginx", "denied", "logs"),
        ("package install vim", "denied", "does not name the package vim"),
        ("service restart nginx;reboot", "invalid_argument", "nginx;reboot"),
        ("package install -y", "invalid_argument", "-y"),
        ("service restart nginx --timeout 0", "invalid_argument", "0"),
        ("service restart dbus --reason why --pretty", "denied", "dbus.service"),
        ("package plan update", "usage", "no plan"),
    ] {
        let reply = host.helper(&line.split(' ').collect::<Vec<_>>()).expect(code);
        assert!(
            reply.json["error"].as_str().is_some_and(|error| error.contains(said)),
            "{reply:?}"
        );
        assert!(reply.json.get("argv").is_none(), "{:#}", reply.json);
        if code == "denied" {
            assert_eq!(reply.json["operation"]["kind"], line.split(' ').next().expect("a word"));
            // The same words as where nothing stands between.
            let dry: Vec<&str> = line.split(' ').chain(["--dry-run"]).collect();
            assert_eq!(host.helper(&dry).expect(code).json["error"], reply.json["error"]);
        }
    }
    // The site's policy has a say, too, also a broken one.
    host.root("mkdir -p /etc/sm; echo nonsense >/etc/sm/policy.toml").ok();
    host.helper(&["service", "restart", "dbus"]).expect("policy_invalid");
    host.helper(&["service", "restart", "nginx"]).expect("policy_invalid");
    setup_sudo(host, &["--user", "agent", "--exact"]).expect("policy_invalid", 6);
    setup_sudo(host, &["--user", "agent", "--check"]).expect("policy_invalid", 6);
});

host_test!(flags_work_and_sudo_never_sees_them, ready_test_policy, |host| {
    setup_sudo(host, &["--user", "agent", "--exact"]).expect("ok", 0);
    for (unit, runs) in [("explained", "sleep 1000"), ("probe", "echo one line")] {
        let text = format!("[Service]\nExecStart=/bin/{runs}\n");
        host.write(format!("/etc/systemd/system/{unit}.service"), text);
    }
    host.root("systemctl daemon-reload; systemctl start probe; journalctl --sync").ok();

    let restart = ["service", "restart", "explained"];
    host.helper(&restart).expect("reason_required");
    let reason = "it's \"odd\": a=b, \\ *? 日本 -- --dry-run --pretty";
    let words = [&restart[..], &["--reason", reason, "--timeout", "5", "--pretty"]].concat();
    let (reply, execs) = host.helper_traced(&words);
    let reply = reply.expect("ok");
    assert!(reply.stdout.starts_with(b"{\n  \"schema\": 1,\n"), "not indented: {reply:?}");
    let records = records(host, &reply.json["request_id"]);
    assert!(!records.is_empty() && records.iter().all(|record| record["reason"] == reason));
    let sudo = execs.iter().find(|exec| exec.path.ends_with("/sudo")).expect("sudo");
    let expected = [
        "-n",
        "-u",
        "root",
        "--",
        HELPER,
        "--flags-on-stdin",
        "service",
        "restart",
        "explained.service",
    ];
    assert_eq!(sudo.argv[1..], expected);
    let odd = |text: &String| text.contains("odd");
    assert!(execs[1..].iter().all(|exec| !exec.argv.iter().chain(&exec.env).any(odd)));
    assert!(!host.root("journalctl -q --no-pager -t sudo").stdout_text().contains("odd"));

    // What takes no name, and what has a hyphen.
    for words in [&["service", "daemon-reload"][..], &["service", "reset-failed", "probe"]] {
        let (reply, execs) = host.helper_traced(words);
        reply.expect("ok");
        let sudo = execs.iter().find(|exec| exec.path.ends_with("/sudo")).expect("sudo");
        assert!(sudo.argv.iter().any(|word| word == words[1]), "{:?}", sudo.argv);
    }

    // Without flags, and with all spellings and places of them.
    let (_, execs) = host.helper_traced(&["service", "status", "probe"]);
    let sudo = execs.iter().find(|exec| exec.path.ends_with("/sudo")).expect("sudo");
    let expected = ["-n", "-u", "root", "--", HELPER, "service", "status", "probe.service"];
    assert_eq!(sudo.argv[1..], expected);
    for line in [
        "--reason=why service restart explained.service",
        "service --timeout=6 restart explained --reason=--pretty",
        "--pretty package plan install git --timeout 5 --reason why",
    ] {
        host.helper(&line.split(' ').collect::<Vec<_>>()).expect("ok");
    }
    let longest = "\u{1d518}".repeat(500);
    host.helper(&["service", "restart", "explained", "--reason", &longest]).expect("ok");

    let reply =
        host.helper(&["service", "logs", "probe", "--lines", "7", "--since", "9"]).expect("ok");
    let argv = reply.argv().expect("an argv");
    assert!(argv.contains(&"--lines=7") && argv.contains(&"--since=-9min"), "{argv:?}");
    assert!(reply.json["stdout"].as_str().is_some_and(|text| text.contains("one line")));
    for bad in [["--lines", "1001"], ["--since", "0"]] {
        let words = ["service", "logs", "probe"];
        host.helper(&[&words[..], &bad].concat()).expect("invalid_argument");
    }

    // What takes longer than it was given.
    host.write(
        "/etc/systemd/system/hanging.service",
        "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n",
    );
    host.root("systemctl daemon-reload").ok();
    host.helper(&["service", "start", "hanging", "--timeout", "1"]).expect("timeout");
});

host_test!(names_with_what_sudoers_gives_a_meaning_are_let_through, boot, |host| {
    let program = std::env::var_os("SM_EXTEND_BIN").expect(
        "SM_EXTEND_BIN is not set: it names the program built with tests/policies/extend.toml; \
         tests/run builds it",
    );
    host.install(&std::path::PathBuf::from(program));
    host.root("mkdir -p /etc/sm").ok();
    let longest = "n".repeat(128);
    let names = ["libabc6:amd64", "a:b:c", "g++", "x.y_z@1-2", &longest];
    let tables = |kind: &str| -> String {
        names.iter().map(|name| format!("[{kind}.\"{name}\"]\n")).collect()
    };
    let text = format!(
        "schema = 1\n[services]\nactions = [\"status\"]\n{}[packages]\nactions = [\"install\"]\n{}",
        tables("services.units"),
        tables("packages.names"),
    );
    host.write("/etc/sm/policy.toml", text);
    setup_sudo(host, &["--user", "agent", "--exact"]).expect("ok", 0);
    assert_eq!(listed(host, "agent"), permitted(host));
    for name in names {
        for request in [["service", "status", name], ["package", "install", name]] {
            let reply = host.helper(&[&request[..], &["--reason", "why"]].concat());
            assert!(reply.argv().is_some(), "sudo has refused {request:?}: {:#}", reply.json);
        }
        let done = host.agent(&format!("sudo -n sm-helper service status {name:.9}:x"));
        assert_eq!((done.status, done.stdout.len()), (Some(1), 0), "{done}");
    }
});
