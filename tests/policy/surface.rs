//! `sm policy surface`: finite, complete and exact.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

use crate::actions::ON_A_UNIT;
use crate::{json, sm};

fn surface() -> Map<String, Value> {
    let output = sm(&["policy", "surface"]);
    let text: Value = serde_json::from_slice(&output.stdout).expect("the text is JSON as well");
    let (_, answer) = json(&["policy", "surface", "--json"]);
    assert_eq!(answer["surface"], text);
    text.as_object().expect("an object").clone()
}

#[test]
fn the_surface_is_an_array_of_argv_arrays_for_each_operation() {
    let surface = surface();
    assert!(surface.len() >= 49, "{} operations", surface.len());
    for (operation, commands) in &surface {
        let commands = commands.as_array().expect("an array");
        assert!(!commands.is_empty(), "{operation}");
        for command in commands {
            let words: Vec<&str> = command
                .as_array()
                .expect("an argv")
                .iter()
                .map(|word| word.as_str().expect("a word"))
                .collect();
            assert!(
                words[0].starts_with('/') && !words[0].contains(".."),
                "{operation}: {words:?}"
            );
            let shells = ["/bin/sh", "/bin/bash", "/usr/bin/env", "/usr/bin/sudo", "/usr/bin/sh"];
            assert!(!shells.contains(&words[0]), "{operation}: {words:?}");
            // The name stands whole, as a word of its own, after `--`.
            let name = operation.split(' ').nth(2);
            if let (Some(name), Some(at)) = (name, words.iter().position(|word| *word == "--")) {
                assert_eq!(words[at + 1..], [name], "{operation}: {words:?}");
            }
            assert!(
                !words.iter().any(|word| word.contains('<')),
                "nothing is left open: {words:?}"
            );
        }
    }
    assert!(!surface.keys().any(|operation| operation.contains(" logs ")), "nobody granted logs");
}

/// Whatever is asked: allowed with an argv of the surface, or neither.
#[test]
fn what_dry_run_allows_is_the_surface_and_nothing_else() {
    let surface = surface();
    let (_, policy) = json(&["policy", "show", "--json"]);
    let listed = |key: &str| -> Vec<String> {
        policy[key]
            .as_array()
            .expect("an array")
            .iter()
            .map(|name| name.as_str().expect("a name").to_owned())
            .collect()
    };
    let mut requests: Vec<Vec<String>> = Vec::new();
    let mut names: BTreeSet<String> =
        listed("services").into_iter().chain(listed("packages")).collect();
    // Short forms, and names that are almost those of the policy or none of it.
    for odd in [
        "nginx",
        "ssh",
        "sshd",
        "dbus",
        "Nginx",
        "nginx.socket",
        "ngin",
        "nginxx",
        "docker",
        "dockerxio",
        "docker-io",
        "bash",
        "polkit",
        "systemd-journald",
        "git-all",
        "curl.service",
        "snapd.socket.service",
        "sudo",
    ] {
        names.insert(odd.to_owned());
    }
    for name in &names {
        for action in ON_A_UNIT {
            requests.push(["service", action, name].map(str::to_owned).to_vec());
        }
        for action in ["install", "remove", "upgrade"] {
            requests.push(["package", action, name].map(str::to_owned).to_vec());
            requests.push(["package", "plan", action, name].map(str::to_owned).to_vec());
        }
    }
    for action in ["update", "upgrade", "autoremove", "autoclean"] {
        requests.push(["package", action].map(str::to_owned).to_vec());
    }
    for action in ["upgrade", "autoremove"] {
        requests.push(["package", "plan", action].map(str::to_owned).to_vec());
    }

    let mut reached = BTreeSet::new();
    for request in &requests {
        let mut args = vec!["helper", "--dry-run"];
        args.extend(request.iter().map(String::as_str));
        let (_, reply) = json(&args);
        let operation = &reply["operation"];
        let name = operation["name"].as_str().map(|name| format!(" {name}")).unwrap_or_default();
        // A plan is made of what is run before the operation itself.
        let words: Vec<&str> =
            request.iter().map(String::as_str).filter(|word| *word != "plan").collect();
        let is_plan = words.len() < request.len();
        let key = format!("{} {}{name}", words[0], words[1]);
        match reply["code"].as_str() {
            Some("ok") => {
                let commands =
                    surface.get(&key).unwrap_or_else(|| panic!("{key} is not on the surface"));
                let all = commands.as_array().expect("an array");
                let argv = reply.get("argv").expect("an argv");
                assert_eq!(all.iter().filter(|each| *each == argv).count(), 1, "{key}: {argv}");
                let only_looks = ["--simulate", "--print"]
                    .iter()
                    .any(|word| argv.as_array().is_some_and(|argv| argv.contains(&(*word).into())));
                assert_eq!(is_plan, only_looks, "{key}: {argv}");
                if !is_plan {
                    reached.insert(key);
                }
            }
            // pacman has no plan of an upgrade.
            Some("unsupported") if is_plan => {}
            Some("denied" | "unsupported") => {
                assert!(!surface.contains_key(&key), "{key} is refused: {reply:#}")
            }
            _ => panic!("{reply:#}"),
        }
    }
    // A plan is part of what it is the plan for.
    for key in reached.iter().filter(|key| key.starts_with("package ")) {
        let mut args = vec!["helper", "--dry-run", "package", "plan"];
        args.extend(key.split(' ').skip(1));
        let (_, reply) = json(&args);
        if ["update", "autoclean"].contains(&args[4]) {
            assert_eq!(reply["code"], "usage", "{key}: {reply:#}");
            continue;
        }
        assert_eq!(reply["code"], "ok", "{key}: {reply:#}");
        let commands = surface[key].as_array().expect("an array");
        assert!(commands.contains(&reply["argv"]), "{key}: {reply:#}");
    }
    let all: BTreeSet<String> = surface.keys().cloned().collect();
    assert_eq!(
        all.difference(&reached).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "on the surface, but never allowed"
    );
}

#[test]
fn the_surface_has_packages_where_there_is_a_package_manager() {
    let packages = surface().keys().filter(|operation| operation.starts_with("package ")).count();
    let manager =
        ["/usr/bin/apt-get", "/usr/bin/pacman"].iter().any(|path| Path::new(path).exists());
    assert_eq!(packages > 30, manager, "{packages} operations");
}
