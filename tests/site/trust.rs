//! It is believed only where nobody but root can have written it.

use crate::host::{host_once, intents};
use crate::{FILE, NGINX, ask, site, text};

/// What is wrong, and how it came about.
const WRONG: [(&str, &str); 19] = [
    ("the file is another's", "chown agent $f"),
    ("its group can write it", "chmod 0664 $f"),
    ("all can write it", "chmod 0646 $f"),
    ("another account may, by an access list", "chmod 0664 $f; chgrp agent $f"),
    ("the folder is another's", "chown agent /etc/sm"),
    ("all can write the folder", "chmod 1777 /etc/sm"),
    (
        "it leads to a file of another's",
        "cp $f /home/agent/p; chown agent /home/agent/p; ln -sf /home/agent/p $f",
    ),
    ("it leads through a folder of another's", "cp $f /home/agent/p; ln -sf /home/agent/p $f"),
    ("it leads to nothing", "ln -sf /nowhere $f"),
    ("it leads to itself", "rm $f; ln -s $f $f"),
    ("the folder leads to another's", "mv /etc/sm /home/agent/sm; ln -s /home/agent/sm /etc/sm"),
    (
        "it is another's file by another name",
        "cp $f /home/agent/p; chown agent /home/agent/p; ln -f /home/agent/p $f || { rm $f; cp -p /home/agent/p $f; }",
    ),
    ("it is a fifo", "rm $f; mkfifo $f"),
    ("it is a folder", "rm $f; mkdir $f"),
    ("it is a device", "rm $f; mknod -m 644 $f c 1 3"),
    ("the folder is a file", "rm -r /etc/sm; echo >/etc/sm"),
    ("it is 100 MB", "truncate -s 100M $f"),
    ("it is not UTF-8", "printf 'schema = 1 # \\377\\n' >$f"),
    ("it is empty", ": >$f"),
];

host_once!(a_site_policy_that_others_could_have_written_refuses_everything, |host| {
    let again = "rm -rf /etc/sm /home/agent/sm /home/agent/p";
    for (what, script) in WRONG {
        host.root(again).ok();
        site(host, NGINX);
        ask(host, "service reload nginx").expect("ok");
        let before = (intents(host), host.main_pid("nginx"));
        host.root(&format!("set -e; f={FILE}; {script}")).ok();

        // A fifo must not hold it up.
        let argv = ["timeout", "10", "sm-helper", "service", "restart", "nginx"];
        let reply = crate::host::Reply::of(&host.agent_argv(&argv));
        assert_eq!((reply.code(), reply.exit), ("policy_invalid", 6), "{what}: {:#}", reply.json);
        assert!(text(&reply, "error").contains("/sm"), "{what}: {}", reply.json["error"]);
        assert!(text(&reply, "hint").contains("sm policy edit"), "{what}");
        let rehearsed = ask(host, "--dry-run service restart nginx");
        assert_eq!(rehearsed.code(), "policy_invalid", "{what}: {:#}", rehearsed.json);
        assert_eq!(rehearsed.json["error"], reply.json["error"], "{what}");
        ask(host, "list").expect("policy_invalid");
        ask(host, "version").expect("ok");
        assert_eq!((intents(host), host.main_pid("nginx")), before, "{what}: nothing was run");

        let id = text(&reply, "request_id");
        let log = host.read("/var/log/sm/audit.jsonl");
        let record = log.lines().find(|line| line.contains(id));
        let record = record.unwrap_or_else(|| panic!("{what}: it is not recorded"));
        assert!(record.contains("policy_invalid") && record.contains("\"refused\""), "{record}");
    }
    host.root(again).ok();
    host.root("sm policy revert").ok();
    ask(host, "service restart nginx").expect("ok");
});

// Who can remove the file must not get more by it than the file gave.
host_once!(taking_an_untrusted_site_policy_away_gives_nothing, |host| {
    for (what, script) in [
        ("all can write the folder", "chmod 0777 /etc/sm"),
        ("the folder is the agent's", "chown agent /etc/sm"),
        (
            "the folder leads to the agent's",
            "mv /etc/sm /home/agent/sm; ln -s /home/agent/sm /etc/sm; chown -R agent /home/agent/sm",
        ),
        ("the folder leads to nothing", "rm -r /etc/sm; ln -s /home/agent/sm /etc/sm"),
    ] {
        host.root("rm -rf /etc/sm /home/agent/sm").ok();
        site(host, NGINX);
        ask(host, "service stop nginx").expect("denied");
        host.root(script).ok();
        ask(host, "service stop nginx").expect("policy_invalid");
        host.agent("rm -f /etc/sm/policy.toml");
        let reply = ask(host, "service stop nginx");
        assert_eq!(reply.code(), "policy_invalid", "{what}: {:#}", reply.json);
    }
});

host_once!(what_is_wrong_is_said_with_its_place, |host| {
    for (wrong, place, hint) in [
        ("[services]\nactons = [\"status\"]\n", "policy.toml:3:1", "actions"),
        ("[services]\nactions = [\"statsu\"]\n", "policy.toml:3:12", "status"),
        ("[srvices]\nactions = []\n", "policy.toml:2:2", "services"),
        ("[services\n", "policy.toml:2:", ""),
        ("[limits]\nrate = { cuont = 1, per_seconds = 1 }\n", "policy.toml:3:10", "count"),
        ("[callers.\"usr:agent\"]\n", "policy.toml:2:10", "user:agent"),
        ("[callers.\"user:agent\"]\nservice = []\n", "policy.toml:3:1", "services"),
        ("[services]\nactions = []\n[services.units.\"nginx*\"]\n", "policy.toml:4:", ""),
    ] {
        site(host, &format!("schema = 1\n{wrong}"));
        for line in ["service status nginx", "--dry-run service status nginx"] {
            let reply = ask(host, line).expect("policy_invalid");
            let said = format!("{} {}", text(&reply, "error"), text(&reply, "hint"));
            assert!(said.contains(place) && said.contains(hint), "{wrong:?}: {said}");
        }
    }
});

host_once!(a_change_is_in_force_with_the_next_request, |host| {
    ask(host, "--dry-run service stop nginx").expect("ok");
    site(host, NGINX);
    ask(host, "service stop nginx").expect("denied");
    ask(host, "--dry-run service stop nginx").expect("denied");
    site(host, &NGINX.replace("\"restart\"", "\"restart\", \"stop\""));
    ask(host, "--dry-run service stop nginx").expect("ok");
    site(host, "schema = 1\n");
    ask(host, "service status nginx").expect("denied");
    host.root("sm policy revert").ok();
    ask(host, "service status nginx").expect("ok");
    // A link that root made to where only root writes is as good as the file.
    host.write("/etc/elsewhere.toml", NGINX);
    host.root(&format!("ln -s /etc/elsewhere.toml {FILE}")).ok();
    ask(host, "service stop nginx").expect("denied");
    ask(host, "service status nginx").expect("ok");
});
