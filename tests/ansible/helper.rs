//! The module `sm_helper`: the reply as facts, and a task that ends as the operation did.

use serde_json::Value;

use crate::Site;
use crate::host::{Host, Sudo};

/// What comes of each of these tasks on the only host, asked as `agent`, one after the other
/// whatever comes of them: the result, with what the fact `sm_helper` was then.
fn ask_all(site: &Site, tasks: &[&str], arguments: &[&str]) -> Vec<Value> {
    let mut play = String::from(
        "- hosts: all\n  gather_facts: false\n  vars: {ansible_user: agent, ansible_become: false}\n  tasks:\n",
    );
    let mut all = String::new();
    for (number, task) in tasks.iter().enumerate() {
        play.push_str(&format!(
            "    - sm_helper: {task}\n      register: r{number}\n      ignore_errors: true\n    \
             - set_fact: {{f{number}: \"{{{{ ansible_facts.sm_helper | default('none') }}}}\"}}\n"
        ));
        all.push_str(&format!("{{'result': r{number}, 'fact': f{number}}}, "));
    }
    play.push_str(&format!(
        "    - copy: {{dest: /home/admin/said.json, content: \"{{{{ [{all}] | to_json }}}}\"}}\n      \
         delegate_to: localhost\n      check_mode: false\n      vars: {{ansible_user: admin}}\n"
    ));
    let played = site.play(&play, arguments).ok();
    let said = site.network.controller.read("/home/admin/said.json");
    let said: Vec<Value> =
        serde_json::from_str(&said).unwrap_or_else(|_| panic!("{}", played.done));
    let mut results = Vec::new();
    for said in said {
        let (result, fact) = (&said["result"], &said["fact"]);
        if result["failed"] == false && !result["reply"].is_null() {
            assert_eq!(fact, &result["reply"], "{said:#}");
        }
        results.push(result.clone());
    }
    assert_eq!(results.len(), tasks.len());
    results
}

fn ask(site: &Site, task: &str, arguments: &[&str]) -> Value {
    ask_all(site, &[task], arguments).remove(0)
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_reply_is_what_the_task_comes_to() {
    let site = Site::of([Host::wanted(Sudo::Classic)]);
    let host = &site.hosts[0];
    host.let_in("agent");

    let before = host.main_pid("nginx");
    let done = ask(&site, "{service: nginx, action: restart, reason: 'it''s \"due\"'}", &[]);
    assert_eq!((&done["reply"]["code"], &done["changed"]), (&"ok".into(), &true.into()));
    assert_eq!(done["reply"]["unit"]["active_state"], "active");
    assert_ne!(host.main_pid("nginx"), before);
    let record = host.root("tail -n 1 /var/log/sm/audit.jsonl").ok();
    assert!(record.contains(r#""reason":"it's \"due\"""#), "{record}");

    let done = ask(&site, "{service: nginx, action: start}", &[]);
    assert_eq!((&done["reply"]["code"], &done["changed"]), (&"ok".into(), &false.into()));
    let done = ask(&site, "{argv: [service, status, nginx]}", &[]);
    assert_eq!((&done["reply"]["code"], &done["changed"]), (&"ok".into(), &false.into()));

    // A refusal is a failure, with the code to branch on.
    let cases = [
        ("{service: dbus, action: stop}", "denied"),
        ("{service: 'nginx; touch /tmp/owned', action: stop}", "invalid_argument"),
        // It would be a flag, were it not a name.
        ("{service: --help, action: status}", "invalid_argument"),
        ("{argv: [service, frob, nginx]}", "usage"),
        // Whether there is a way is not asked for a dry run.
        ("{service: nginx, action: restart, via: socket}", "not_privileged"),
    ];
    for (arguments, cases) in [(&[][..], &cases[..]), (&["--check"], &cases[..4])] {
        let tasks: Vec<&str> = cases.iter().map(|(task, _)| *task).collect();
        for ((_, code), refused) in cases.iter().zip(ask_all(&site, &tasks, arguments)) {
            assert_eq!(refused["failed"], true, "{refused:#}");
            assert_eq!(refused["changed"], false, "{refused:#}");
            assert_eq!(refused["reply"]["code"], *code, "{refused:#}");
            let msg = refused["msg"].as_str().expect("a text");
            assert!(msg.starts_with(&format!("{code}: ")), "{msg}");
        }
    }
    assert!(!host.exists("/tmp/owned"));
    let wrong = ["{service: nginx}", "{action: stop}", "{service: a, package: b, action: stop}"];
    for wrong in ask_all(&site, &wrong, &[]) {
        assert_eq!(wrong["failed"], true, "{wrong:#}");
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn check_mode_foretells_what_would_change_and_does_nothing() {
    let site = Site::of([Host::wanted(Sudo::Classic)]);
    let host = &site.hosts[0];
    let foretold = |cases: &[(&str, bool)]| {
        let tasks: Vec<&str> = cases.iter().map(|(task, _)| *task).collect();
        for ((task, changes), said) in cases.iter().zip(ask_all(&site, &tasks, &["--check"])) {
            assert_eq!(said["reply"]["dry_run"], true, "{said:#}");
            assert_eq!(said["changed"], *changes, "{task}: {said:#}");
        }
    };
    // Nobody may look, so it is not known to change nothing.
    foretold(&[("{service: nginx, action: start}", true)]);
    host.let_in("agent");

    let before = host.main_pid("nginx");
    foretold(&[
        ("{service: nginx, action: start}", false),
        ("{service: nginx, action: stop}", true),
        ("{service: nginx, action: restart}", true),
        ("{service: nginx, action: enable}", false),
        ("{service: nginx, action: disable}", true),
        ("{service: nginx, action: status}", false),
        ("{package: git, action: install}", true),
        ("{package: git, action: remove}", false),
        ("{package: curl, action: upgrade}", false),
        ("{argv: [package, plan, install, git]}", false),
        ("{argv: [package, autoremove]}", false),
        ("{argv: [package, update]}", true),
    ]);
    assert_eq!(host.main_pid("nginx"), before);
    assert!(!host.has_package("git"));

    // And the other way round. What was foretold is what comes.
    host.root("apt-get -qq install --yes git && systemctl disable --now nginx").ok();
    let cases = [
        ("{service: nginx, action: stop}", false),
        ("{service: nginx, action: start}", true),
        ("{service: nginx, action: disable}", false),
        ("{service: nginx, action: enable}", true),
        ("{package: git, action: install}", false),
        ("{package: git, action: remove}", true),
    ];
    foretold(&cases);
    for ((task, changes), done) in
        cases.iter().zip(ask_all(&site, &cases.map(|(task, _)| task), &[]))
    {
        assert_eq!(done["changed"], *changes, "{task}: {done:#}");
    }

    // A package's program is asked where there is no other.
    host.root("mv /usr/local/bin/sm* /usr/bin; sm setup-sudo --user agent").ok();
    let said = ask(&site, "{service: nginx, action: restart}", &[]);
    assert_eq!(said["cmd"][0], "/usr/bin/sm-helper", "{said:#}");
    assert_eq!(said["changed"], true, "{said:#}");

    // Where the program is not there yet there is nobody to ask.
    host.root("rm /usr/bin/sm-helper").ok();
    let said = ask(&site, "{service: nginx, action: restart}", &["--check"]);
    assert_eq!(said["skipped"], true, "{said:#}");
    let said = ask(&site, "{service: nginx, action: restart}", &[]);
    assert_eq!(said["failed"], true, "{said:#}");
    assert!(said["msg"].as_str().is_some_and(|msg| msg.contains("not installed")), "{said:#}");
}
