//! `sm policy allow` and `sm policy deny`: one operation more or less, and nothing else.

use crate::host::{Done, Host, host_once};
use crate::{FILE, NGINX, ask, install, site};
use serde_json::Value;

const COMMENTED: &str = "# who wrote this
schema = 1 # the first

[services] # ours
actions = [\"restart\", \"status\"]

# the shop
[services.units.more]
";

fn change(host: &Host, line: &str) -> Done {
    host.root(&format!("sm policy {line}"))
}

fn json(done: &Done) -> Value {
    serde_json::from_str(&done.stdout_text()).unwrap_or_else(|error| panic!("{error}: {done}"))
}

/// The rights that an answer has in a list, as `operation for whom`.
fn rights(answer: &Value, list: &str) -> Vec<String> {
    let right = |right: &Value| {
        let text = |field: &str| right[field].as_str().unwrap_or_default().to_owned();
        format!("{} for {}", text("operation"), text("for"))
    };
    answer[list].as_array().into_iter().flatten().map(right).collect()
}

host_once!(the_policy_is_changed_in_place_and_what_changes_is_said, bare, |host| {
    install(host, "SM_EXTEND_BIN", "tests/policies/extend.toml");
    host.write("/etc/systemd/system/more.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    host.root("systemctl daemon-reload").ok();
    site(host, COMMENTED);
    ask(host, "service stop more").expect("denied");
    let dry = change(host, "allow service stop,restart more --dry-run").ok();
    assert!(dry.starts_with("+ service stop more.service for every caller\n"), "{dry}");
    assert_eq!(host.read(FILE), COMMENTED, "a dry run changes nothing");
    let done = change(host, "allow service stop,restart more").ok();
    assert!(done.starts_with("+ service stop more.service for every caller\n"), "{done}");
    assert!(!done.contains("restart"), "that was allowed before: {done}");
    assert_eq!(
        host.read(FILE),
        COMMENTED.replace("\"status\"]", "\"status\", \"stop\"]"),
        "comments and order stay"
    );
    assert_eq!(host.read("/etc/sm/policy.toml.old"), COMMENTED);
    assert_eq!(host.root(&format!("stat -c '%U:%G %a' {FILE}")).ok(), "root:root 644\n");
    assert_eq!(host.root("ls -A /etc/sm").ok(), "policy.toml\npolicy.toml.old\n");
    ask(host, "service stop more").expect("ok");
    // Once more there is nothing to do.
    let inode = host.root(&format!("stat -c '%i %Z' {FILE}")).ok();
    assert!(change(host, "allow service stop more").ok().contains("nothing was changed"));
    assert_eq!(host.root(&format!("stat -c '%i %Z' {FILE}")).ok(), inode);
    // For one account: who has it already keeps it, and nobody else gets it.
    host.root("sm setup-sudo --user other").ok();
    let done = change(host, "allow --user agent package install jq").ok();
    assert_eq!(done.lines().next(), Some("+ package install jq for agent"), "{done}");
    let dry = |account: &str, line: &str| {
        let done = host.root(&format!("runuser -u {account} -- sm-helper --dry-run {line}"));
        json(&done)["code"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(dry("agent", "package install jq"), "ok");
    assert_eq!(dry("other", "package install jq"), "denied");
    for account in ["agent", "other"] {
        assert_eq!(dry(account, "service stop more"), "ok", "{account}");
    }
    // What has no name is in two sections, and in one list of a caller's.
    let done = change(host, "allow --user agent service daemon-reload").ok();
    assert_eq!(done.lines().next(), Some("+ service daemon-reload for agent"), "{done}");
    assert_eq!(dry("agent", "service daemon-reload"), "ok");
    assert_eq!(dry("other", "service daemon-reload"), "denied");
    ask(host, "service daemon-reload").expect("ok");
    let done = change(host, "deny service daemon-reload").ok();
    assert_eq!(done.lines().next(), Some("- service daemon-reload for agent"), "{done}");
    ask(host, "service daemon-reload").expect("denied");
    // Where callers have parts, one has to be named.
    let which = change(host, "allow service reload more");
    assert_eq!(which.status, Some(2), "{which}");
    assert!(which.stderr_text().contains("sm policy allow --user agent service reload more"));
    // What would reach others too is not done.
    let before = host.read(FILE);
    let wider = change(host, "allow --user agent service reload more");
    assert_eq!(wider.status, Some(6), "{wider}");
    assert!(wider.stderr_text().contains("service reload more.service for other callers"));
    assert_eq!(host.read(FILE), before);
    let done = json(&host.root("sm --json policy deny service stop more"));
    assert_eq!(
        rights(&done, "removed"),
        ["service stop more.service for agent", "service stop more.service for other callers"]
    );
    ask(host, "service stop more").expect("denied");
    ask(host, "service status more").expect("ok");
});

host_once!(what_may_not_be_changed_is_refused_and_nothing_is_written, bare, |host| {
    install(host, "SM_EXTEND_BIN", "tests/policies/extend.toml");
    host.root("sm policy allow service restart more").ok();
    let before = host.read(FILE);
    for (line, status, message) in [
        ("allow service restart dbus", 6, "equivalent to full root"),
        ("allow service restart app@", 3, "is a template"),
        ("allow service frob more", 2, "there are: start, stop"),
        ("allow package install -- -y", 3, "is not a name"),
        ("allow restart more", 2, "service restart,status myapp"),
        ("allow service restart", 2, "no unit was named"),
        ("allow package install", 2, "none was named"),
        ("allow package update jq", 2, "for all packages at once"),
        ("allow --user no-such service restart more", 3, "no account no-such"),
        ("allow --group no-such service restart more", 3, "no group no-such"),
        ("allow --user agent --group agent service restart more", 2, "cannot be used with"),
        // What is compiled in stays, in this mode.
        ("deny service restart nginx", 6, "it can only add"),
    ] {
        let done = change(host, line);
        assert_eq!(done.status, Some(status), "{line}: {done}");
        assert!(done.stderr_text().contains(message), "{line}: {done}");
        assert_eq!(host.read(FILE), before, "{line}");
    }
    let agent = host.agent("sm policy allow service stop more");
    assert_eq!(agent.status, Some(5), "{agent}");
    assert!(agent.stderr_text().contains("sm policy allow service stop more"), "{agent}");
    // What is broken is fixed first.
    site(host, "schema = 1\nwhat is this\n");
    let done = change(host, "allow service restart more");
    assert_eq!((done.status, host.read(FILE).lines().count()), (Some(6), 2), "{done}");
    // One that is gone is not begun anew, which would be wider than none.
    host.root(&format!("rm {FILE}")).ok();
    let done = change(host, "allow service status more");
    assert_eq!(done.status, Some(6), "{done}");
    assert!(done.stderr_text().contains("sm policy revert") && !host.exists(FILE), "{done}");
});

// In mode `narrow` nothing can be added here; the answer is what to compile in.
host_once!(a_sealed_program_says_what_to_compile_in, |host| {
    let done = change(host, "allow service restart,status worker");
    assert_eq!(done.status, Some(6), "{done}");
    let text = done.stdout_text();
    for line in [
        "+ [services.units.worker]",
        "+ actions = [\"restart\", \"status\"]",
        "SM_POLICY=policy.toml packaging/build",
    ] {
        assert!(text.contains(line), "{line}: {done}");
    }
    assert!(done.stderr_text().contains("sm-helper-site"), "{done}");
    assert!(!host.exists(FILE));
    // What is compiled in can be taken away, and comes back.
    ask(host, "service stop nginx").expect("ok");
    assert!(change(host, "allow service stop nginx").ok().contains("nothing was changed"));
    assert!(!host.exists(FILE));
    let done = change(host, "deny service stop nginx").ok();
    assert_eq!(
        done.lines().next(),
        Some("- service stop nginx.service for every caller"),
        "{done}"
    );
    ask(host, "service stop nginx").expect("denied");
    ask(host, "service start nginx").expect("ok");
    ask(host, "package install curl --dry-run").expect("ok");
    let done = change(host, "allow service stop nginx").ok();
    assert_eq!(
        done.lines().next(),
        Some("+ service stop nginx.service for every caller"),
        "{done}"
    );
    site(host, NGINX);
    change(host, "deny service reload nginx").ok();
    ask(host, "service reload nginx").expect("denied");
});

host_once!(a_task_is_allowed_by_its_name_and_its_text_is_not_lost, bare, |host| {
    install(host, "SM_SITE_BIN", "policy/site.toml");
    host.write("/usr/local/sbin/deploy", "#!/bin/sh\necho deployed\n");
    host.root("chmod 0755 /usr/local/sbin/deploy; useradd ci").ok();
    // There is no command line to allow yet.
    let none = host.root("sm policy allow --user agent task run deploy");
    assert_eq!(none.status, Some(2), "{none}");
    for line in ["[tasks.deploy]", "argv = ["] {
        assert!(none.stderr_text().contains(line), "{none}");
    }
    let tasks = "schema = 1
[tasks.deploy] # ours
argv = [\"/usr/local/sbin/deploy\"]
[tasks.other]
argv = [\"/usr/local/sbin/deploy\", \"other\"]
";
    let made = host.root("sm policy init --task deploy=/usr/local/sbin/deploy --user agent").ok();
    assert!(made.contains("+ task run deploy for agent"), "{made}");
    ask(host, "task run deploy").expect("ok");
    ask(host, "task run other").expect("denied");
    for wrong in ["deploy", "deploy=deploy", "deploy=/bin/sh", "=/usr/local/sbin/deploy"] {
        let done = host.root(&format!("sm policy init --replace --task {wrong}"));
        assert_ne!(done.status, Some(0), "{done}");
    }
    site(host, tasks);
    // A table of one caller takes no task from the others.
    let done = host.root("sm policy allow --user ci service status nginx").ok();
    assert!(done.contains("+ service status nginx.service for ci"), "{done}");
    assert!(!done.contains("- "), "{done}");
    ask(host, "task run deploy").expect("ok");
    let done = host.root("sm policy deny --user agent task run deploy").ok();
    assert!(done.contains("- task run deploy for agent"), "{done}");
    ask(host, "task run deploy").expect("denied");
    ask(host, "task run other").expect("ok");
    host.root("sm policy allow --user agent task run deploy").ok();
    ask(host, "task run deploy").expect("ok");
    assert!(host.read("/etc/sm/policy.toml").contains("[tasks.deploy] # ours"), "it is kept");
    host.root("sm policy deny task run deploy").ok();
    ask(host, "task run deploy").expect("denied");
    ask(host, "task run other").expect("ok");
    for wrong in ["task stop deploy", "task run", "task run a/b"] {
        assert_ne!(host.root(&format!("sm policy allow {wrong}")).status, Some(0), "{wrong}");
    }
});
