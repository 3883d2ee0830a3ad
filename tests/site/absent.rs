//! Where there was a site policy, a missing or half-written one refuses: no moment of saving or
//! deleting it is wider than it was.

use crate::host::{Done, Host, Reply, host_once, intents, repository};
use crate::{FILE, NGINX, ask, site, text};
use std::fs;

/// Its first half gives more than the whole of it.
const FIRST_HALF: &str = "schema = 1
[services]
actions = [\"stop\", \"status\"]
[services.units.nginx]
";
const SECOND_HALF: &str = "[callers.\"user:agent\"]
packages = []
";

/// How editors and scripts save a file; `ask` is where something forbidden is asked for.
const SAVES: [(&str, &str); 7] = [
    ("as vi does", "mv $f $f~; ask; : >$f; ask; cat $p >$f; ask; rm $f~"),
    ("as perl -i.bak does", "mv $f $f.bak; ask; perl -pe '' $f.bak >$f; ask; rm $f.bak"),
    ("as sed -i does", "sed -i s/x/x/ $f; ask"),
    ("removed and written", "rm $f; ask; cp $p $f; ask"),
    ("the folder removed and made", "rm -r /etc/sm; ask; install -d /etc/sm; ask; cp $p $f; ask"),
    ("in two halves", "exec 3>$f; ask; cat $p.1 >&3; ask; cat $p.2 >&3; ask; exec 3>&-; ask"),
    (
        "in two halves, appended",
        "cp $p.1 $p.3; exec 3>>$p.3; mv $p.3 $f; ask; cat $p.2 >&3; exec 3>&-; ask",
    ),
];

/// Runs a script as root in which `ask` has the agent ask for what the policy forbids; the replies.
fn replies(host: &Host, script: &str) -> Vec<String> {
    let asks =
        "ask() { runuser -u agent -- sm-helper service stop nginx >>/root/replies || true; }";
    host.root(&format!(
        "set -e; : >/root/replies; f={FILE}; p=/root/policy; {asks}; {script}; systemctl is-active nginx"
    ))
    .ok();
    host.read("/root/replies").lines().map(str::to_owned).collect()
}

host_once!(no_moment_of_saving_is_wider, |host| {
    host.write("/root/policy", format!("{FIRST_HALF}{SECOND_HALF}"));
    host.write("/root/policy.1", FIRST_HALF);
    host.write("/root/policy.2", SECOND_HALF);
    site(host, &format!("{FIRST_HALF}{SECOND_HALF}"));
    ask(host, "service stop nginx").expect("denied");
    let before = intents(host);
    for (how, script) in SAVES {
        let replies = replies(host, script);
        let codes: Vec<String> = replies
            .iter()
            .map(|reply| serde_json::from_str::<serde_json::Value>(reply).expect("a reply"))
            .map(|reply| reply["code"].as_str().unwrap_or_default().to_owned())
            .collect();
        let asked = script.matches("ask").count();
        assert_eq!(codes.len(), asked, "{how}: {replies:?}");
        assert!(
            codes.iter().all(|code| code == "policy_invalid" || code == "denied"),
            "{how}: {codes:?}"
        );
        assert_eq!(codes.last().map(String::as_str), Some("denied"), "{how}: {replies:?}");
    }
    assert_eq!(intents(host), before, "nothing was run");
});

fn revert(host: &Host) -> Done {
    host.root("sm policy revert")
}

host_once!(a_removed_one_refuses_until_an_administrator_says_that_none_is_wanted, |host| {
    ask(host, "service status nginx").expect("ok");
    site(host, &format!("{FIRST_HALF}{SECOND_HALF}"));
    ask(host, "service status nginx").expect("denied");
    for (what, script) in [
        ("the file", format!("rm {FILE}")),
        ("its folder", "rm -rf /etc/sm".to_owned()),
        ("what is kept of it in /run", "rm -r /run/sm".to_owned()),
    ] {
        host.root(&script).ok();
        let reply = ask(host, "service stop nginx").expect("policy_invalid");
        assert!(text(&reply, "hint").contains("sm policy revert"), "{what}: {:#}", reply.json);
        let rehearsed = ask(host, "--dry-run service stop nginx").expect("policy_invalid");
        assert_eq!(rehearsed.json["error"], reply.json["error"], "{what}");
        ask(host, "list").expect("policy_invalid");
        assert_eq!(host.root("sm policy show").status, Some(6), "{what}");
        let doctor = host.root("sm doctor");
        assert!(doctor.stdout_text().contains("sm policy revert"), "{what}: {doctor}");
    }
    assert_ne!(host.agent("sm policy revert").status, Some(0), "only root");
    ask(host, "service stop nginx").expect("policy_invalid");
    let done = revert(host);
    assert!(done.ok().contains("is no longer expected"), "{done}");
    ask(host, "service restart nginx").expect("ok");
    assert!(revert(host).ok().contains("there was no site policy"));

    // One that is there is kept beside it.
    let policy = format!("{FIRST_HALF}{SECOND_HALF}");
    site(host, &policy);
    ask(host, "service restart nginx").expect("denied");
    assert!(revert(host).ok().contains("policy.toml.old"));
    assert_eq!(host.read("/etc/sm/policy.toml.old"), policy);
    ask(host, "service restart nginx").expect("ok");
});

host_once!(a_rehearsal_before_any_request_says_what_it_cannot_know, |host| {
    // After a boot there is nothing in /run; with a package, what systemd-tmpfiles makes there.
    let boot = "rm -rf /run/sm";
    let packaged = format!("{boot}; systemd-tmpfiles --create /root/sm.conf");
    let tmpfiles = fs::read(repository().join("packaging/tmpfiles.d/sm.conf"));
    host.write("/root/sm.conf", tmpfiles.expect("the file"));
    let doubts = |reply: &Reply| reply.json["warnings"].to_string().contains("only root knows");
    let lines = ["--dry-run service stop nginx", "list", "list --schema"];

    for line in lines {
        host.root(boot).ok();
        assert!(doubts(&ask(host, line).expect("ok")), "{line}");
        host.root(&packaged).ok();
        assert!(!doubts(&ask(host, line).expect("ok")), "{line}: there was none");
        host.root(boot).ok();
        ask(host, "service status nginx").expect("ok");
        assert!(!doubts(&ask(host, line).expect("ok")), "{line}: root would know");
    }

    site(host, NGINX);
    host.root(boot).ok();
    ask(host, "service status nginx").expect("ok");
    for line in lines {
        host.root(boot).ok();
        assert!(!doubts(&ask(host, "--dry-run service restart nginx").expect("ok")), "it is there");
        host.root(&format!("rm -f {FILE}")).ok();
        assert!(doubts(&ask(host, line).expect("ok")), "{line}");
        host.root(&packaged).ok();
        ask(host, line).expect("policy_invalid");
        host.root(boot).ok();
        ask(host, "service status nginx").expect("policy_invalid");
        ask(host, line).expect("policy_invalid");
        site(host, NGINX);
    }
});
