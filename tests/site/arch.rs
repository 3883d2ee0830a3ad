//! `policy/examples/arch-agent.toml` on a host with pacman.

use crate::host::host_once;
use crate::{ask, install, text};

host_once!(the_policy_for_an_agent_on_arch_works, bare_arch, |host| {
    install(host, "SM_ARCH_BIN", "policy/examples/arch-agent.toml");
    for name in ["jq", "git", "curl"] {
        let line = format!("package install {name}");
        let reply = ask(host, &line).expect("reason_required");
        assert!(text(&reply, "hint").contains("--reason"), "{:#}", reply.json);
        assert_ne!(host.root(&format!("pacman -Q {name}")).status, Some(0), "{name}");
        let reply = ask(host, &format!("{line} --reason deploy-42")).expect("ok");
        let argv = reply.argv().expect("an argv");
        assert_eq!((argv[0], argv.last().copied()), ("/usr/bin/pacman", Some(name)));
        host.root(&format!("pacman -Q {name}")).ok();
    }
    let log = host.read("/var/log/sm/audit.jsonl");
    assert_eq!(log.matches("\"reason\":\"deploy-42\"").count(), 6, "intent and result of each");
    let python = ask(host, "--dry-run package install python3 --reason x").expect("ok");
    assert_eq!(python.argv().and_then(|argv| argv.last().copied()), Some("python"));
    assert_eq!(python.json["operation"]["name"], "python3");
    ask(host, "package install python --reason x").expect("denied");
    ask(host, "package install bash --reason x").expect("denied");
    let update = ask(host, "package update").expect("unsupported");
    assert!(text(&update, "hint").contains("package upgrade"), "{:#}", update.json);
    for unit in ["nginx", "redis", "postgres", "mysql", "docker", "podman", "ssh", "sshd", "auditd"]
    {
        ask(host, &format!("--dry-run service restart {unit}")).expect("ok");
    }
    ask(host, "service restart dbus").expect("denied");
    let list = ask(host, "list").expect("ok").json;
    assert_eq!(list["services"].as_object().map(serde_json::Map::len), Some(9), "{list:#}");
    assert_eq!(list["packages"].as_object().map(serde_json::Map::len), Some(13), "{list:#}");
    let reasons = list["packages"].as_object().into_iter().flatten();
    assert!(reasons.into_iter().all(|(_, row)| row["require_reason"] == true), "{list:#}");
});
