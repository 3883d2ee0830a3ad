//! Who may approve besides root: `[approvals] approvers`.

use crate::host::{Done, Host, answer, host_once, host_test, wait_until};
use crate::{SITE, ask, listed, site, sm, waits};
use serde_json::Value;

const DROP_IN: &str = "/etc/sudoers.d/sm-@approvers";

fn named(host: &Host, approvers: &str) {
    site(host, &format!("{SITE}[approvals]\napprovers = [{approvers}]\n"));
}

/// Runs `sm` as an account, without sudo in front.
#[track_caller]
fn sm_as(host: &Host, user: &str, words: &[&str]) -> (i32, Value) {
    answer(&host.command(user, &[&["sm", "--json"], words].concat()).run())
}

/// Runs a command of the rules by hand, with this line on standard input.
fn by_hand(host: &Host, user: &str, command: &str, line: &str) -> Done {
    let script = format!("printf '%s\\n' '{line}' | sudo -n sm --flags-on-stdin {command}");
    host.command(user, &["/bin/bash", "-c", &script]).run()
}

/// Whether sudo itself has refused, with nothing of the program's.
fn is_refused_by_sudo(done: &Done) -> bool {
    let said = String::from_utf8_lossy(&done.stderr);
    // As sudo and sudo-rs say it.
    done.stdout.is_empty() && ["required", "can't do that"].iter().any(|why| said.contains(why))
}

host_test!(who_is_named_approves_and_nothing_else, |host| {
    host.root("systemctl start nginx; groupadd sre; gpasswd -a admin sre").ok();
    named(host, "\"user:other\", \"group:sre\", \"user:gone\", \"user:other\"");
    let (exit, said) = sm(host, "setup-sudo --user agent");
    assert_eq!((exit, &said["changed"]), (0, &true.into()), "{said:#}");
    assert_eq!(said["approvers"], serde_json::json!(["group sre", "account other"]), "{said:#}");
    let warnings = said["warnings"].to_string();
    assert!(warnings.contains("the account gone in [approvals] approvers"), "{said:#}");
    let rules: Vec<String> = ["%sre", "other"]
        .iter()
        .flat_map(|who| {
            ["approvals", "approve", "decline"].map(|command| {
                format!("{who} ALL=(root) NOPASSWD: NOSETENV: /usr/local/bin/sm --flags-on-stdin {command}")
            })
        })
        .collect();
    let text = host.read(DROP_IN);
    let written: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(written, rules);
    assert_eq!(host.root(&format!("stat -c %U:%G:%a {DROP_IN}")).ok(), "root:root:440\n");
    assert_eq!(sm(host, "setup-sudo --user agent").1["changed"], false);
    assert_eq!(sm(host, "setup-sudo --user agent --check").0, 0);

    // One approves, one in the group declines, and what they say is in the log as theirs.
    let id = waits(host, "service restart nginx");
    let (exit, seen) = sm_as(host, "other", &["approvals"]);
    assert_eq!((exit, &seen["approvals"][0]["id"]), (0, &id.as_str().into()), "{seen:#}");
    let (exit, said) = sm_as(host, "other", &["approve", &id, "--for", "10m", "--yes"]);
    assert_eq!((exit, &said["approval"]["by"]), (0, &"other".into()), "{said:#}");
    ask(host, "service restart nginx").expect("ok");
    let id = waits(host, "service stop nginx");
    let (exit, said) = sm_as(host, "admin", &["decline", &id, "--reason", "not on a Friday"]);
    assert_eq!((exit, &said["approval"]["by"]), (0, &"admin".into()), "{said:#}");
    let denied = ask(host, "service stop nginx").expect("denied");
    assert!(denied.json["error"].to_string().contains("not on a Friday"), "{:#}", denied.json);
    let log = host.read("/var/log/sm/audit.jsonl");
    let line = log.lines().find(|line| line.contains("\"decline\"")).expect("a record");
    assert!(line.contains("\"user\":\"admin\"") && line.contains("\"via\":\"sudo\""), "{line}");

    // Whom nobody has named is told so, and sudo itself refuses what is not a line of the file.
    assert_eq!(sm_as(host, "agent", &["approve", &id, "--yes"]).1["code"], "not_privileged");
    for line in
        ["approve x --yes", "approvals", "--flags-on-stdin grants", "--flags-on-stdin approve x"]
    {
        let words = [&["sudo", "-n", "sm"], &line.split(' ').collect::<Vec<_>>()[..]].concat();
        let done = host.command("other", &words).run();
        assert!(is_refused_by_sudo(&done), "{line}: {done}");
    }
    let done = by_hand(host, "agent", "approvals", "{\"schema\":1,\"arguments\":[\"approvals\"]}");
    assert!(is_refused_by_sudo(&done), "{done}");
});

host_test!(the_line_is_for_the_command_that_sudo_has_seen, |host| {
    named(host, "\"user:other\"");
    host.root("sm setup-sudo --approvers").ok();
    let id = waits(host, "service restart nginx");
    for words in [
        vec!["grant", "--user", "other", "service", "stop", "nginx"],
        vec!["approvals"],
        vec!["policy", "edit"],
        vec!["helper", "service", "restart", "nginx"],
        vec!["setup-sudo", "--user", "other", "--approvers"],
        vec!["--json", "decline", &id],
        vec!["--flags-on-stdin", "approve"],
        vec![],
    ] {
        let line = serde_json::json!({"schema": 1, "arguments": words}).to_string();
        let done = by_hand(host, "other", "approve", &line);
        assert_eq!(done.status, Some(2), "{words:?}: {done}");
    }
    for line in ["", "x", "{\"schema\":2,\"arguments\":[]}", "{\"schema\":1,\"arguments\":[1]}"] {
        assert_eq!(by_hand(host, "other", "approve", line).status, Some(2), "{line}");
    }
    // Nor what is no pipe, or never ends.
    for input in ["</dev/zero", "<<<x", "<&-", "< <(sleep 30)", "< <(yes)"] {
        let script = format!("sudo -n sm --flags-on-stdin approve {input}");
        let done = host.command("other", &["/bin/bash", "-c", &script]).run();
        assert_eq!(done.status, Some(2), "{input}: {done}");
    }
    assert_eq!(listed(host), [(id, "pending".to_owned())]);
    assert_eq!(sm(host, "grants").1["grants"], serde_json::json!([]));
});

host_once!(who_is_named_no_more_does_not_approve, |host| {
    named(host, "\"user:other\"");
    host.root("sm setup-sudo --approvers").ok();
    let id = waits(host, "service restart nginx");
    // The rule is still there, and root's side does not go by it.
    site(host, SITE);
    let line = serde_json::json!({"schema": 1, "arguments": ["--json", "approve", id, "--yes"]});
    let (exit, said) = answer(&by_hand(host, "other", "approve", &line.to_string()));
    assert_eq!((exit, &said["code"]), (3, &"denied".into()), "{said:#}");
    assert_eq!(listed(host)[0].1, "pending");
    let log = host.read("/var/log/sm/audit.jsonl");
    let last = log.lines().last().expect("a record");
    assert!(last.contains("\"denied\"") && last.contains("\"approve\""), "{last}");
    let (exit, said) = sm(host, "setup-sudo --approvers --check");
    assert_eq!(exit, 1, "{said:#}");
    assert!(said["error"].to_string().contains("still there"), "{said:#}");
    let found = host.root("sm doctor; true").ok();
    assert!(found.contains("sm-@approvers is still there"), "{found}");
    // The next run takes it away; and all that are there go together.
    assert_eq!(sm(host, "setup-sudo --user agent").1["changed"], true);
    host.root(&format!("! test -e {DROP_IN}")).ok();
    named(host, "\"user:other\"");
    host.root("sm setup-sudo --approvers").ok();
    let (_, said) = sm(host, "setup-sudo --remove --all");
    assert!(said["removed"].to_string().contains(DROP_IN), "{said:#}");
    host.root(&format!("! test -e {DROP_IN}")).ok();
});

host_once!(an_approver_is_not_who_asked, |host| {
    host.root("systemctl start nginx").ok();
    host.let_in("other");
    named(host, "\"user:agent\", \"user:other\"");
    host.root("sm setup-sudo --approvers").ok();
    let id = waits(host, "service restart nginx");
    let (exit, said) = sm_as(host, "agent", &["approve", &id, "--yes"]);
    assert_eq!((exit, &said["code"]), (3, &"denied".into()), "{said:#}");
    assert_eq!(sm_as(host, "other", &["approve", &id, "--yes"]).0, 0);
    // It is nothing that the policy does not cover.
    let (_, said) = sm(host, "setup-sudo --user agent --check");
    assert_eq!(said["may_run_sm"], false, "{said:#}");
    let found = host.root("sm doctor; true").ok();
    assert!(!found.contains("/usr/local/bin/sm "), "{found}");
    // Another account, and the same login.
    let logged_in =
        |line: &str| host.root(&format!("echo 1000 >/proc/self/loginuid && exec {line}"));
    let done = logged_in("runuser -u agent -- sm-helper service stop nginx");
    let reply: Value = serde_json::from_slice(&done.stdout).expect("a reply");
    let id = reply["approval"]["id"].as_str().unwrap_or_else(|| panic!("{done}")).to_owned();
    let done = logged_in(&format!("runuser -u other -- sm --json approve {id} --yes"));
    let (exit, said) = answer(&done);
    assert_eq!((exit, &said["code"]), (3, &"denied".into()), "{said:#}");
    assert!(said["error"].to_string().contains("whoever logged in as"), "{said:#}");
    assert_eq!(sm_as(host, "other", &["approve", &id, "--yes"]).0, 0);
});

host_once!(an_approver_sees_all_of_it_and_is_asked_once_more, |host| {
    named(host, "\"user:other\"");
    host.root("sm setup-sudo --approvers").ok();
    let id = waits(host, "package install git");
    let sm = "/usr/local/bin/sm";
    for (typed, status, state) in [("n\n", 2, "pending"), ("y\n", 0, "approved")] {
        let plan = [("Approve this up to 3 times? [y/N] ", typed)];
        let seen =
            host.at_terminal("other", "xterm", &[sm, "approve", "--uses", "3", "--", &id], &plan);
        assert_eq!(seen.status, status, "{typed:?}: {}", seen.shown);
        assert!(seen.shown.contains("/usr/bin/apt-get"), "{}", seen.shown);
        assert!(
            seen.shown.contains("install   ") && seen.shown.contains("git 1:"),
            "{}",
            seen.shown
        );
        assert_eq!(listed(host)[0].1, state, "{}", seen.shown);
    }
    // Where nobody can be asked, nothing is approved.
    let id = waits(host, "service stop nginx");
    assert_eq!(sm_as(host, "other", &["approve", &id]).1["code"], "usage");
    // Without the rule it is said who can put it there.
    host.root(&format!("rm {DROP_IN}")).ok();
    let (_, said) = sm_as(host, "other", &["approve", &id, "--yes"]);
    assert_eq!(said["code"], "not_privileged");
    assert!(said["hint"].to_string().contains("sm setup-sudo --approvers"), "{said:#}");
});

host_once!(what_an_approver_hands_down_changes_nothing, |host| {
    named(host, "\"user:other\"");
    host.root("sm setup-sudo --approvers; touch /etc/marked").ok();
    // Where root may not raise it again, nothing can be written, and nothing is approved.
    let id = waits(host, "service restart nginx");
    let script = format!("ulimit -f 0; /usr/local/bin/sm --json approve {id} --yes");
    let done = host.command("other", &["/bin/bash", "-c", &script]).run();
    let state = if done.status == Some(0) { "approved" } else { "pending" };
    assert_eq!(listed(host), [(id.clone(), state.to_owned())], "{done}");
    sm(host, &format!("decline {id}"));
    for surroundings in [
        "ulimit -S -f 0",
        "ulimit -S -n 12",
        "ulimit -c unlimited; umask 0",
        "cd /tmp; export LD_PRELOAD=/tmp/x.so PATH=/tmp BASH_ENV=/tmp/x COLUMNS=1",
        "exec 7</dev/zero 8>/tmp/left",
        "trap '' HUP INT TERM PIPE XFSZ",
        "exec >/dev/full",
    ] {
        host.root("rm /var/lib/sm/approvals.json").ok();
        let id = waits(host, "service restart nginx");
        let script = format!("{surroundings}; /usr/local/bin/sm approve {id} --yes");
        let done = host.command("other", &["/bin/bash", "-c", &script]).run();
        assert_eq!(listed(host)[0], (id.clone(), "approved".to_owned()), "{surroundings}: {done}");
        ask(host, "service restart nginx").expect("ok");
        let mode = host.root("stat -c %U:%a /var/lib/sm/approvals.json").ok();
        assert_eq!(mode, "root:600\n", "{surroundings}");
    }
});

host_once!(an_answer_is_roots_to_change, |host| {
    host.root("systemctl start nginx").ok();
    named(host, "\"user:other\"");
    host.root("sm setup-sudo --approvers").ok();
    let id = waits(host, "service restart nginx");
    assert_eq!(sm(host, &format!("decline {id} --reason no")).0, 0);
    let words = ["approve", &id, "--yes", "--for", "30d", "--uses", "1000"];
    let (exit, said) = sm_as(host, "other", &words);
    assert_eq!((exit, &said["code"]), (3, &"denied".into()), "{said:#}");
    ask(host, "service restart nginx").expect("denied");
    assert_eq!(sm(host, &format!("approve {id} --yes")).0, 0);
    // Nor does it get more of a yes.
    for words in [&words[..], &["decline", &id]] {
        assert_eq!(sm_as(host, "other", words).1["code"], "denied");
    }
    ask(host, "service restart nginx").expect("ok");
    ask(host, "service restart nginx").expect("approval_required");
});

host_once!(who_goes_on_looking_is_asked_again_and_again, |host| {
    named(host, "\"user:other\"");
    host.root("sm setup-sudo --approvers").ok();
    host.root("setsid -f runuser -u other -- sm approvals --follow >/root/seen 2>&1").ok();
    waits(host, "service restart nginx");
    wait_until("it is seen", || host.read("/root/seen").contains("service restart nginx"));
    // No key at its terminal stops root's part, which may have a lock that all requests wait for.
    let ignored = host.root("pid=$(pgrep -u root -f 'approvals$' | tail -n 1); sed -n 's/^SigIgn:\\t//p' /proc/$pid/status").ok();
    let ignored = u64::from_str_radix(ignored.trim(), 16).expect("a mask");
    for signal in [20, 21, 22] {
        assert!(ignored >> (signal - 1) & 1 == 1, "{signal} of {ignored:x}");
    }
    // Who looks is in the log.
    let log = host.read("/var/log/sm/audit.jsonl");
    let line = log.lines().find(|line| line.contains("\"--follow\"")).expect("a record");
    assert!(line.contains("\"user\":\"other\""), "{line}");
    site(host, SITE);
    waits(host, "service stop nginx");
    wait_until("it has ended", || host.root("! pgrep -u root -f 'approvals$'").status == Some(0));
    let seen = host.read("/root/seen");
    assert!(!seen.contains("service stop nginx") && seen.contains("is not among those"), "{seen}");
});

host_once!(an_approver_has_the_rate_of_others, |host| {
    named(host, "\"user:other\"");
    host.root("sm setup-sudo --approvers").ok();
    let codes = host
        .command("other", &["/bin/bash", "-c", "for n in {1..40}; do sm --json decline none; done"])
        .run()
        .stdout_text();
    let count = |code: &str| codes.matches(&format!("\"code\":\"{code}\"")).count();
    assert_eq!((count("not_found"), count("rate_limited")), (30, 10), "{codes:.1000}");
    // Root is not in the way of it, nor the other way round.
    let id = waits(host, "service restart nginx");
    assert_eq!(sm(host, &format!("approve {id} --yes")).0, 0);
});
