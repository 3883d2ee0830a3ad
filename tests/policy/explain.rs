//! `sm policy show` and `sm policy explain`: the policy in force, and which of its lines decides.

use crate::{json, repository, sm};

fn text(args: &[&str]) -> String {
    String::from_utf8(sm(args).stdout).expect("UTF-8")
}

#[test]
fn show_prints_the_policy_that_was_compiled_in() {
    let default =
        std::fs::read_to_string(repository().join("policy/default.toml")).expect("the policy");
    let shown = text(&["policy", "show"]);
    let (head, rest) = shown.split_once("\n\n").expect("a line, then the policy");
    assert_eq!(rest.trim_end(), default.trim_end());
    // First who may do what, a line for all of which the same is granted.
    assert!(head.starts_with("every caller may do:\n  service start,stop,"), "{head}");
    assert!(head.contains("\n  package install,remove,upgrade caddy curl docker.io "), "{head}");
    assert!(head.contains("\n  package update,upgrade,autoremove,autoclean\n"), "{head}");
    let lines = text(&["policy", "show", "--argv"]);
    let lines = lines.split("\n#").next().expect("what is in front of the policy");
    assert_eq!(lines, text(&["policy", "surface"]).trim_end());
    let (_, answer) = json(&["policy", "show", "--json"]);
    assert_eq!(answer["text"], default);
    assert!(
        head.contains("policy/default.toml")
            && head.contains(answer["sha256"].as_str().expect("a hash"))
    );
    let (_, version) = json(&["helper", "version"]);
    assert_eq!(version["policy"]["sha256"], answer["sha256"]);
    let services = "caddy.service docker.service fail2ban.service nginx.service snapd.service snapd.socket ssh.service";
    assert_eq!(answer["services"], serde_json::json!(services.split(' ').collect::<Vec<_>>()));
    let packages = "caddy curl docker.io fail2ban git htop nginx rsync snapd trash-cli ufw";
    assert_eq!(answer["packages"], serde_json::json!(packages.split(' ').collect::<Vec<_>>()));
    assert_eq!(answer["site_mode"], "narrow");
}

/// The request, the verdict, and the words of the lines of the policy that decide, in order.
const EXPLAINED: [(&str, &str, &[&str]); 12] = [
    ("service stop nginx", "ok", &["[services.units.nginx]", "actions = [\"start\""]),
    (
        "service restart snapd.socket",
        "ok",
        &["[services.units.\"snapd.socket\"]", "actions = [\"start\""],
    ),
    ("service logs nginx", "denied", &["actions = [\"start\""]),
    ("service stop dbus", "denied", &[]),
    ("service stop Nginx", "denied", &[]),
    ("package install curl", "ok", &["[packages.names.curl]", "actions = [\"install\""]),
    ("package install netcat", "denied", &[]),
    ("package autoremove", "ok", &["maintenance = ["]),
    ("package upgrade", "ok", &["maintenance = ["]),
    ("package upgrade git --reason why", "ok", &["[packages.names.git]", "actions = [\"install\""]),
    (
        "--dry-run service start nginx --timeout 5",
        "ok",
        &["[services.units.nginx]", "actions = [\"start\""],
    ),
    ("service status ssh.service", "ok", &["[services.units.ssh]", "actions = [\"start\""]),
];

#[test]
fn explain_names_the_lines_that_decide_and_the_argv() {
    let policy =
        std::fs::read_to_string(repository().join("policy/default.toml")).expect("the policy");
    let policy: Vec<&str> = policy.lines().collect();
    for (request, verdict, words) in EXPLAINED {
        let args: Vec<&str> = ["policy", "explain"].into_iter().chain(request.split(' ')).collect();
        let (exit, answer) = json(&[&args[..], &["--json"]].concat());
        if answer["verdict"] == "unsupported" {
            // A machine without a package manager that is known here.
            assert!(request.starts_with("package"), "{answer:#}");
            continue;
        }
        assert_eq!((exit, &answer["verdict"]), (0, &verdict.into()), "{request}: {answer:#}");
        assert_eq!(answer["allowed"], verdict == "ok");
        let lines = answer["lines"].as_array().expect("lines");
        assert_eq!(lines.len(), words.len(), "{request}: {answer:#}");
        let shown = text(&args);
        for (line, word) in lines.iter().zip(words) {
            let number = line["line"].as_u64().expect("a number");
            let there = policy[number as usize - 1];
            assert!(there.contains(word), "{request}: line {number} is {there}");
            assert_eq!(
                (&line["text"], &line["file"]),
                (&there.into(), &"policy/default.toml".into())
            );
            assert!(
                shown.contains(&format!("policy/default.toml:{number}: {}", there.trim())),
                "{shown}"
            );
        }
        if words.is_empty() {
            assert!(shown.contains("no line of policy/default.toml names it"), "{shown}");
        }
        // The argv is that of the request itself.
        let dry: Vec<&str> = ["helper", "--dry-run"]
            .into_iter()
            .chain(request.split(' ').filter(|word| *word != "--dry-run"))
            .collect();
        let (_, dry) = json(&dry);
        assert_eq!(
            (&dry["code"], dry.get("argv")),
            (&verdict.into(), answer.get("argv")),
            "{request}"
        );
        if let Some(argv) = answer.get("argv") {
            assert!(shown.contains(&argv.to_string()), "{shown}");
        }
    }
}

#[test]
fn what_is_no_request_can_not_be_explained() {
    for (request, code, exit) in [
        ("", "usage", 2),
        ("list", "usage", 2),
        ("service --help", "usage", 2),
        ("service", "usage", 2),
        ("service frob nginx", "usage", 2),
        ("service stop", "usage", 2),
        ("service stop nginx;reboot", "invalid_argument", 3),
        ("package install -y", "invalid_argument", 3),
    ] {
        let words = request.split(' ').filter(|word| !word.is_empty());
        let args: Vec<&str> = ["--json", "policy", "explain"].into_iter().chain(words).collect();
        let (got, answer) = json(&args);
        assert_eq!((got, &answer["code"]), (exit, &code.into()), "{request}: {answer:#}");
    }
}

#[test]
fn a_request_that_is_mistyped_is_answered_with_a_line_that_explains() {
    for (args, expected) in [
        (&["restart", "nginx"][..], "did you mean: sm policy explain service restart nginx"),
        (
            &["--package-manager", "pacman", "restart", "nginx"],
            "did you mean: sm policy explain ... service restart nginx",
        ),
        (&["service", "stop"], "usage: sm policy explain service stop <unit>"),
        (&["service", "stop", "nginx", "--user", "u"], "put --user in front of the request"),
    ] {
        let (_, answer) = json(&[&["--json", "policy", "explain"], args].concat());
        assert_eq!(answer["hint"], expected, "{args:?}: {answer:#}");
    }
}
