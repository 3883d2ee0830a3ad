//! An inventory by standard input is what it is in a file, in whatever form.

use crate::terminal::at_terminal;
use crate::{Fleet, INVENTORY, PASSWORD, is_done, is_untouched};
use serde_json::Value;

const YAML: &str = "\
all:
  vars: {ansible_user: deploy}
  children:
    web:
      hosts:
        web[1:3]: {ansible_port: 2222}
    db:
      hosts:
        db1: {ansible_host: 192.0.2.7, ansible_ssh_private_key_file: ~/.ssh/db}
";

const INI: &str = "\
[web]
web[1:3] ansible_port=2222

[db]
db1 ansible_host=192.0.2.7 ansible_ssh_private_key_file=~/.ssh/db

[all:vars]
ansible_user=deploy
";

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn every_form_is_read_from_a_pipe_as_from_a_file() {
    let fleet = Fleet::bare(1);
    let controller = fleet.controller();
    controller.write("/home/admin/a.yml", YAML);
    controller.write("/home/admin/a.ini", INI);
    let list = |script: &str| -> Value {
        let script = format!("sm fleet list --json {script}");
        let done = controller.command("admin", &["/bin/bash", "-c", &script]).run();
        serde_json::from_str(&done.ok()).expect("JSON")
    };
    // Without the lines, which are another form's, and where it was read from.
    let hosts = |answer: &Value| -> Vec<Value> {
        let mut hosts = answer["hosts"].as_array().expect("hosts").clone();
        for host in &mut hosts {
            host.as_object_mut().expect("an object").remove("line");
        }
        hosts.sort_by_key(|host| host["host"].to_string());
        hosts
    };
    let expected = hosts(&list("-i a.yml"));
    assert_eq!(expected.len(), 4);
    for script in [
        "-i - <a.yml",
        "-i - <a.ini",
        "-i a.ini",
        "--inventory=- < <(ansible-inventory -i a.yml --list)",
        "-i - < <(ansible-inventory -i a.ini --list)",
        "-i /dev/stdin < <(ansible-inventory -i a.ini --list)",
        "-i - < <(ansible-inventory -i a.ini --list --yaml)",
    ] {
        let answer = list(script);
        assert_eq!(hosts(&answer), expected, "{script}");
        let from = ["-i /dev/stdin", "-i a.ini"].into_iter().find(|from| script.starts_with(from));
        let from = from.map_or("-", |from| &from[3..]);
        assert_eq!(answer["inventory"], from, "{script}");
    }
    let some = list("-i - --limit 'web:!web2' <a.ini");
    let some = some["hosts"].as_array().expect("hosts");
    assert_eq!(some.iter().map(|host| &host["host"]).collect::<Vec<_>>(), ["web1", "web3"]);

    // What is wrong is told as of a file, and nothing in it is no inventory.
    for (script, says) in [
        ("-i - <<<'web1 ansible_port=ssh'", "standard input:1: web1"),
        ("-i - </dev/null", "it has no hosts"),
        ("-i - <<<'{\"_meta\": {\"hostvars\": {}}}'", "it has no hosts"),
        ("-i - <<<'[web]'", "it has no hosts"),
        ("-i - <&-", "standard input"),
    ] {
        let script = format!("sm fleet list --json {script}");
        let done = controller.command("admin", &["/bin/bash", "-c", &script]).run();
        let answer: Value = serde_json::from_str(&done.stdout_text()).expect("JSON");
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(answer["success"] == false && error.contains(says), "{script}: {answer:#}");
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_password_is_asked_at_the_terminal_while_the_inventory_is_piped() {
    let fleet = Fleet::bare(2);
    let asked = "sudo's password, tried on web1 first: ";
    let script = format!("sm bootstrap-cluster --json --inventory - <{INVENTORY}");
    let typed = format!("{PASSWORD}\n");
    let seen = at_terminal(&fleet, &["/bin/bash", "-c", &script], &[(asked, &typed)]);
    drop(seen.report().exit(0).expect(&["web1 done ok", "web2 done ok"]));
    assert!(seen.echoes && !seen.shown.contains("not accept"), "{}", seen.shown);
    fleet.hosts.iter().for_each(|host| is_done(&fleet, host, "admin"));

    // Both cannot come by the same descriptor; a descriptor of its own is one.
    for host in &fleet.hosts {
        host.root("sm setup-sudo --user admin --remove; rm -r /usr/local/bin/sm* /run/sm /var/lib/sm /var/log/sm /etc/sm 2>/dev/null; true").ok();
    }
    let run = |more: &str| {
        let script = format!("sm bootstrap-cluster --json --inventory - {more} <{INVENTORY}");
        crate::Report::of(&fleet.command(&["/bin/bash", "-c", &script], &[]).run())
    };
    let report = run("--password-fd 0").exit(2);
    assert!(report.json["hint"].as_str().is_some_and(|hint| hint.contains("--password-fd 3")));
    fleet.hosts.iter().for_each(is_untouched);
    let report = run(&format!("--password-fd 3 3<<<{PASSWORD}")).exit(0);
    drop(report.expect(&["web1 done ok", "web2 done ok"]));
}
