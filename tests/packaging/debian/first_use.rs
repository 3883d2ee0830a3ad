//! From a fresh host to an agent that may do three things to one unit: the commands of the README and
//! of docs/getting-started.md, with the package that they install, and nothing besides.

use super::{Packages, SITE};
use crate::host::actions::ON_A_UNIT;
use crate::host::{Host, Reply, host_test};
use serde_json::{Value, json};

const README: &str = include_str!("../../../README.md");
const PAGE: &str = include_str!("../../../docs/getting-started.md");

/// All that the commands grant.
const GRANTED: [&str; 3] = ["restart", "status", "logs"];

/// What is not done to a unit.
const OTHERS: [&str; 14] = [
    "service daemon-reload",
    "task run deploy",
    "task run myapp",
    "package install git",
    "package remove nginx",
    "package upgrade sm-helper-site",
    "package plan install git",
    "package plan upgrade",
    "package update",
    "package upgrade",
    "package autoremove",
    "package autoclean",
    "package repair",
    "package remove sm-helper-site",
];

/// The commands of root's in a page, in the order of their blocks; the build comes first, and its
/// packages are there.
fn commands(page: &str) -> Vec<String> {
    let page = page.split_once("## On your own host").expect("the section").1;
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let lines = blocks.flat_map(|(block, _)| block.lines());
    let of_root = lines.map(|line| line.split(" #").next().unwrap_or(line).trim());
    let of_root = of_root.map(|line| line.strip_prefix("sudo ").unwrap_or(line).to_owned());
    let mut commands: Vec<String> = of_root.take(4).collect();
    assert_eq!(commands.remove(0), "packaging/deb");
    commands
}

/// The three, which both pages have.
fn three() -> Vec<String> {
    let three = commands(README);
    assert_eq!(three, commands(PAGE));
    three
}

/// A unit that an administrator has made before.
fn myapp(host: &Host) {
    host.write(
        "/etc/systemd/system/myapp.service",
        "[Unit]\nDescription=My app\n[Service]\nExecStart=/bin/sh -c 'echo serving; exec sleep 1000'\n\
         [Install]\nWantedBy=multi-user.target\n",
    );
    host.root("systemctl daemon-reload && systemctl start myapp").ok();
}

/// The package where `packaging/deb` leaves it, below the folder in which the commands are typed.
fn built(host: &Host) {
    host.fetch();
    let version = env!("CARGO_PKG_VERSION");
    host.root(&format!(
        "mkdir -p /root/target/debian && mv /srv/{SITE}.deb /root/target/debian/{SITE}_{version}-1_amd64.deb && rm /srv/*.deb"
    ))
    .ok();
}

/// What sudo lets the account run, a line each.
fn rights(host: &Host, account: &str) -> Vec<String> {
    let listed = host.root(&format!("sudo -l -U {account}")).stdout_text();
    let (_, commands) = listed.split_once("may run the following commands").unwrap_or_default();
    commands.lines().skip(1).map(|line| line.trim().to_owned()).filter(|l| !l.is_empty()).collect()
}

host_test!(three_commands_let_an_agent_do_what_was_named_and_nothing_else, bare, |host| {
    built(host);
    myapp(host);
    for command in three() {
        // apt asks nothing of the account at the terminal, who is not there.
        host.root(&format!("export DEBIAN_FRONTEND=noninteractive; {}", apt_yes(&command))).ok();
    }

    let before = host.main_pid("myapp");
    let reply = host.ask("service restart myapp").expect("ok");
    assert_eq!(reply.json["unit"]["active_state"], "active", "{:#}", reply.json);
    assert_ne!(host.main_pid("myapp"), before, "it was restarted");
    let reply = host.ask("service status myapp").expect("ok");
    assert_eq!(reply.json["unit"]["active_state"], "active", "{:#}", reply.json);
    let reply = host.ask("service logs myapp").expect("ok");
    let log = reply.json["stdout"].as_str().unwrap_or_default();
    assert!(log.contains("serving"), "{log}");

    // Every other operation there is, on this unit, on others, and on the host.
    let mut others: Vec<String> = ["myapp", "nginx", "dbus", "sm.socket", "app@1"]
        .iter()
        .flat_map(|unit| ON_A_UNIT.iter().map(move |action| (*unit, *action)))
        .filter(|(unit, action)| *unit != "myapp" || !GRANTED.contains(action))
        .map(|(unit, action)| format!("service {action} {unit}"))
        .collect();
    others.extend(OTHERS.map(str::to_owned));
    let (pid, nginx) = (host.main_pid("myapp"), host.main_pid("nginx"));
    for line in &others {
        assert_eq!(host.ask(line).expect("denied").argv(), None, "{line}");
    }
    // The same for who writes sudo in front.
    for line in ["service stop myapp", "package install git"] {
        drop(Reply::of(&host.agent(&format!("sudo -n sm-helper {line}"))).expect("denied"));
    }
    assert_eq!((host.main_pid("myapp"), host.main_pid("nginx")), (pid, nginx));

    // What it is told that it may do, and all that can ever be run.
    let list = host.ask("list").expect("ok").json;
    let granted = json!({"myapp.service": {"actions": GRANTED, "require_reason": false}});
    assert_eq!(list["services"], granted, "{list:#}");
    for nothing in ["packages", "tasks"] {
        assert_eq!(list[nothing], json!({}), "{nothing}: {list:#}");
    }
    for nothing in ["maintenance", "service_maintenance"] {
        assert_eq!(list[nothing], json!([]), "{nothing}: {list:#}");
    }
    let surface: Value = serde_json::from_str(&host.root("sm policy surface").ok()).expect("JSON");
    assert_eq!(surface.as_object().map(|all| all.len()), Some(GRANTED.len()), "{surface:#}");

    // sudo lets the agent run the helper and nothing else, and nobody else anything of ours.
    let listed = rights(host, "agent");
    assert!(listed.len() == 1 && listed[0].ends_with(": /usr/bin/sm-helper"), "{listed:?}");
    assert_eq!(rights(host, "other"), Vec::<String>::new());
    assert_eq!(host.root("ls /etc/sudoers.d").ok(), "README\nsm-agent\n");
    for command in [
        "sm policy show",
        "sm helper service stop myapp",
        "sm policy allow service stop myapp",
        "systemctl restart myapp",
        "apt-get update",
        "sh -c true",
        "-u other sm-helper service restart myapp",
    ] {
        let done = host.agent(&format!("sudo -n {command}"));
        assert_ne!(done.status, Some(0), "{command}: {done}");
    }
    assert_ne!(host.root("systemctl is-active sm.socket").status, Some(0), "no other way in");
    // Another account gets nothing, and would not if sudo let it in.
    for setup in ["true", "sm setup-sudo --user other"] {
        host.root(setup).ok();
        for action in GRANTED {
            let reply = host.command("other", &["sm-helper", "service", action, "myapp"]).run();
            drop(Reply::of(&reply).expect("denied"));
        }
    }
    host.root("sm audit verify && visudo -c").ok();
});

/// The commands as the page has them, where apt may ask.
fn apt_yes(command: &str) -> String {
    command.replacen("apt install", "apt install --yes", 1)
}

host_test!(each_step_of_the_page_answers_as_it_is_shown, bare, |host| {
    built(host);
    myapp(host);
    let commands = three();
    let shown: Vec<&str> = PAGE.split("```\n").filter(|block| block.contains('\n')).collect();
    for command in &commands {
        let done = host.root(&format!(
            "export NO_COLOR=1 DEBIAN_FRONTEND=noninteractive; {}",
            apt_yes(command)
        ));
        done.ok();
        if command.starts_with("sm ") {
            let printed = done.stdout_text();
            assert!(shown.contains(&printed.as_str()), "{command} is shown otherwise: {printed}");
        }
    }
    host.ask("service restart myapp").expect("ok");
    let tail = host.root("sm audit tail").ok();
    assert!(tail.contains("service restart myapp"), "{tail}");
});
