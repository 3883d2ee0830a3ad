//! Tasks of a site policy: what it may add, what it may not, and who gets which.

use crate::host::{Host, host_once};
use crate::{ask, install, site, text};
use serde_json::Value;

fn script(host: &Host) {
    host.write("/usr/local/sbin/own", "#!/bin/sh\necho ran as $(id -un)\n");
    host.root("chmod 0755 /usr/local/sbin/own").ok();
}

fn json(host: &Host, line: &str) -> Value {
    serde_json::from_str(&host.root(&format!("sm --json {line}")).stdout_text()).expect("an object")
}

const OWN: &str = "schema = 1
[tasks.own]
argv = [\"/usr/local/sbin/own\"]
description = \"What this is for\"
[tasks.second]
argv = [\"/usr/local/sbin/own\", \"second\"]
user = \"other\"
[callers.\"user:agent\"]
tasks = [\"own\"]
";

host_once!(a_site_policy_adds_tasks_and_gives_them_to_some, bare, |host| {
    install(host, "SM_EXTEND_BIN", "tests/policies/extend.toml");
    script(host);
    ask(host, "task run own").expect("denied");
    site(host, OWN);
    assert_eq!(text(&ask(host, "task run own").expect("ok"), "stdout"), "ran as root\n");
    ask(host, "task run second").expect("denied");
    // Whom no rule of the site's names is asked of both policies.
    let list = ask(host, "list").expect("ok").json;
    assert_eq!(
        list["tasks"].as_object().map(|all| all.keys().collect::<Vec<_>>()),
        Some(vec![&"own".to_owned()])
    );
    assert_eq!(list["tasks"]["own"]["description"], "What this is for");
    let schema = ask(host, "list --schema").expect("ok").json;
    let tool = &schema["$defs"]["task_own"];
    assert_eq!(schema["operations"]["task_own"], "task run own");
    assert!(
        tool["description"].as_str().is_some_and(|text| text.starts_with("What this is for. "))
    );
    assert!(tool["properties"].get("name").is_none(), "{tool}");
    assert_eq!(tool["properties"]["timeout"]["maximum"], 600);
    let surface = json(host, "policy surface")["surface"].clone();
    assert_eq!(surface["task run own"], serde_json::json!([["/usr/local/sbin/own"]]));
    assert_eq!(surface["task run second"], serde_json::json!([["/usr/local/sbin/own", "second"]]));
    let diff = json(host, "policy diff");
    assert!(diff["added"].to_string().contains("task run own"), "{diff:#}");
    let explained = host.root("sm policy explain --user agent task run own").ok();
    let runs = "runs as root in /, for at most 600 s, confined: writes nothing, has no network:";
    assert!(explained.contains(runs), "{explained}");
    assert!(host.root("sm policy check --site /etc/sm/policy.toml").ok().contains("2 tasks"));
    // What is wrong on this host an administrator is told.
    assert!(!host.root("sm doctor").stdout_text().contains("the task own"));
    host.root("chown agent /usr/local/sbin/own").ok();
    let doctor = json(host, "doctor");
    let rows = doctor["checks"].as_array().expect("checks");
    let row = rows.iter().find(|row| row["id"] == "tasks").expect("the check");
    assert_eq!(row["status"], "problem", "{row:#}");
    assert!(
        row.to_string().contains("chown --no-dereference root:root /usr/local/sbin/own"),
        "{row:#}"
    );
});

host_once!(a_site_policy_adds_no_shell_by_a_task, bare, |host| {
    install(host, "SM_EXTEND_BIN", "tests/policies/extend.toml");
    let task = |argv: &str| format!("schema = 1\n[tasks.own]\nargv = {argv}\n");
    for argv in [
        "[\"/bin/sh\", \"-c\", \"id\"]",
        "[\"/usr/bin/python3\", \"/srv/x.py\"]",
        "[\"/usr/bin/env\", \"x\"]",
        "[\"/usr/bin/sudo\", \"-u\", \"other\", \"id\"]",
        "[\"/usr/bin/su\", \"other\"]",
        "[\"/usr/bin/find\", \"/\", \"-exec\", \"id\", \";\"]",
        "[\"/usr/bin/xargs\", \"id\"]",
        "[\"/usr/bin/timeout\", \"5\", \"id\"]",
        "[\"/usr/local/bin/busybox\", \"sh\"]",
        "[\"/usr/local/bin/sm-helper\", \"list\"]",
    ] {
        site(host, &task(argv));
        let reply = ask(host, "--dry-run service status nginx").expect("policy_invalid");
        let error = text(&reply, "error");
        assert!(
            error.contains("policy.toml:2:1: a task in a site policy cannot be a shell"),
            "{argv}: {error}"
        );
    }
    // Nor by a name that leads to one.
    for (link, to) in [("/usr/local/sbin/own", "/bin/sh"), ("/usr/local/sbin/own", "/usr/bin/perl")]
    {
        host.root(&format!("rm -f {link}; ln -s {to} {link}")).ok();
        site(host, &task(&format!("[\"{link}\", \"-c\", \"touch /run/ran\"]")));
        let reply = ask(host, "task run own").expect("denied");
        assert!(text(&reply, "error").contains("a task in a site policy cannot be a shell"));
        assert!(!host.exists("/run/ran"));
    }
});

host_once!(a_site_policy_that_narrows_changes_no_task, ready_test_policy, |host| {
    host.write("/usr/local/sbin/script", "#!/bin/sh\nsleep 3\n");
    host.root("chmod 0755 /usr/local/sbin/script").ok();
    site(host, "schema = 1\n[tasks.script]\nargv = [\"/usr/local/sbin/script\"]\n");
    ask(host, "--dry-run task run script").expect("ok");
    ask(host, "--dry-run task run nginx-test").expect("denied");
    // The shorter time of both.
    site(
        host,
        "schema = 1\n[tasks.script]\nargv = [\"/usr/local/sbin/script\"]\ntimeout_seconds = 1\nrequire_reason = true\n",
    );
    ask(host, "task run script").expect("reason_required");
    ask(host, "task run script --reason why").expect("timeout");
    for other in [
        "argv = [\"/usr/local/sbin/script\", \"more\"]",
        "argv = [\"/usr/local/sbin/script\"]\nuser = \"other\"",
        "argv = [\"/usr/local/sbin/script\"]\ndirectory = \"/srv\"",
        "argv = [\"/usr/local/sbin/script\"]\nenvironment = { A = \"b\" }",
        "argv = [\"/usr/local/sbin/script\"]\non_timeout = \"continue\"",
    ] {
        site(host, &format!("schema = 1\n[tasks.script]\n{other}\n"));
        let reply = ask(host, "task run script").expect("policy_invalid");
        assert!(
            text(&reply, "error")
                .contains("policy.toml:2:1: the compiled policy has a task script that"),
            "{other}"
        );
    }
    site(host, "schema = 1\n[tasks.mine]\nargv = [\"/usr/local/sbin/script\"]\n");
    ask(host, "task run mine").expect("denied");
    let checked = json(host, "policy check /etc/sm/policy.toml");
    assert!(
        checked["warnings"].to_string().contains("policy.toml:2: the task mine has no effect"),
        "{checked:#}"
    );
});
