//! What a policy grants that is root by another name on this host is said, and nothing else.

use crate::host::{Host, host_once, host_test};
use crate::{FILE, install, site};

/// A service, what is in its file, the actions that the policy grants, and what must be in the
/// warning about it; nothing where there must be none.
///
/// `/srv/run` and the folder `/srv/own` are the agent's.
const CASES: &[(&str, &str, &str, &[&str])] = &[
    (
        "well",
        "ExecStart=/bin/true\nWorkingDirectory=/srv\nEnvironmentFile=-/etc/default/none",
        "restart",
        &[],
    ),
    // What it runs.
    (
        "program",
        "ExecStart=/srv/run",
        "restart",
        &["is root by another name for agent", "runs /srv/run as root"],
    ),
    ("script", "ExecStart=/bin/sh -eu /srv/run /srv/data", "restart", &["runs /srv/run as root"]),
    ("script-of-theirs", "ExecStart=/srv/script", "restart", &["/srv/own/sh as root"]),
    (
        "in-folder",
        "ExecStart=/srv/own/bin/run",
        "restart",
        &["runs /srv/own/bin/run as root, and agent can write to /srv/own on"],
    ),
    (
        "by-link",
        "ExecStart=/usr/local/bin/link",
        "restart",
        &["runs /usr/local/bin/link as root, and agent can write to /srv/run on"],
    ),
    (
        "missing",
        "ExecStart=/bin/true\nExecStartPre=-/srv/own/later",
        "restart",
        &["runs /srv/own/later as root"],
    ),
    ("hidden", "ExecStart=/root/own/run", "restart", &[]),
    ("in-tmp", "ExecStart=/tmp/run", "restart", &[]),
    ("of-team", "ExecStart=/srv/team", "restart", &["runs /srv/team as root"]),
    ("of-others", "ExecStart=/srv/others", "restart", &[]),
    ("by-list", "ExecStart=/srv/list", "restart", &["runs /srv/list as root"]),
    ("by-masked-list", "ExecStart=/srv/masked", "restart", &[]),
    // As whom.
    (
        "as-www",
        "ExecStart=/srv/run\nUser=www-data",
        "restart",
        &["gives agent the rights of www-data", "as www-data"],
    ),
    ("as-own", "ExecStart=/srv/run\nUser=agent\nWorkingDirectory=/srv/own", "restart", &[]),
    (
        "plus",
        "ExecStart=/bin/true\nExecStartPre=+/srv/run\nUser=agent",
        "restart",
        &["is root by another name", "runs /srv/run as root"],
    ),
    ("dynamic", "ExecStart=/srv/run\nDynamicUser=yes", "restart", &["the rights of dynamic"]),
    // What else it obeys.
    (
        "environment",
        "ExecStart=/bin/true\nEnvironmentFile=-/srv/own/env",
        "restart",
        &["from /srv/own/env", "root by another name"],
    ),
    (
        "folder",
        "ExecStart=/bin/true\nWorkingDirectory=/srv/own",
        "restart",
        &["runs as root in /srv/own"],
    ),
    (
        "folder-too",
        "ExecStart=/srv/own/run\nWorkingDirectory=/srv/own",
        "restart",
        &["runs /srv/own/run as root"],
    ),
    (
        "file",
        "ExecStart=/bin/true",
        "restart",
        &["/etc/systemd/system/file.service says what root runs"],
    ),
    (
        "file-as-own",
        "ExecStart=/bin/true\nUser=agent",
        "restart",
        &["file-as-own.service says what root runs"],
    ),
    (
        "drop-in",
        "ExecStart=/bin/true",
        "restart",
        &["/etc/systemd/system/drop-in.service.d says what root runs"],
    ),
    (
        "generated",
        "ExecStart=/bin/true\n[Unit]\nSourcePath=/srv/own/app.container",
        "restart",
        &["/srv/own/app.container says what root runs"],
    ),
    // By what.
    ("only-status", "ExecStart=/srv/run", "status\", \"logs\", \"disable", &[]),
    ("only-reload", "ExecStart=/srv/run\nExecReload=/bin/true", "reload", &[]),
    (
        "reloads",
        "ExecStart=/bin/true\nExecReload=/srv/run",
        "reload",
        &["`service reload reloads.service`"],
    ),
    ("only-stop", "ExecStart=/srv/run\nExecStop=/bin/true", "stop", &[]),
    (
        "stops",
        "ExecStart=/bin/true\nExecStopPost=/srv/run",
        "stop",
        &["`service stop stops.service`"],
    ),
    (
        "enables",
        "ExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target",
        "enable",
        &["`service enable enables.service`"],
    ),
];

/// The files of the agent's, and what only looks as if it were.
const FILES: &str = "
    groupadd team; groupadd others; usermod -aG team agent
    install -o agent /bin/true /srv/run
    install -d -o agent /srv/own; install -D /bin/true /srv/own/bin/run
    install -D -o agent /bin/true /root/own/run; chmod 0700 /root; install /bin/true /tmp/run
    ln -s /srv/run /usr/local/bin/link; printf '#!/srv/own/sh\n' >/srv/script; chmod 0755 /srv/script
    install -g team -m 0775 /bin/true /srv/team; install -g others -m 0775 /bin/true /srv/others
    install /bin/true /srv/list; install /bin/true /srv/masked
    cd /etc/systemd/system; chown agent file.service file-as-own.service enables.service
    install -d -o agent drop-in.service.d
    systemctl daemon-reload";

/// Gives the agent a place in the list of a file, with what the mask leaves of it.
const LISTS: &str = r#"python3 - <<'END'
import os, pwd, struct
uid = pwd.getpwnam("agent").pw_uid
for file, mask in ("/srv/list", 7), ("/srv/masked", 5):
    entries = (1, 7, -1), (2, 7, uid), (4, 5, -1), (16, mask, -1), (32, 5, -1)
    value = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *one) for one in entries)
    os.setxattr(file, "system.posix_acl_access", value)
END"#;

const ALL: &str =
    "\"start\", \"stop\", \"restart\", \"reload\", \"enable\", \"disable\", \"status\", \"logs\"";

fn prepare(host: &Host) {
    for (name, unit, ..) in CASES {
        host.write(
            format!("/etc/systemd/system/{name}.service"),
            format!("[Service]\nType=oneshot\n{unit}\n"),
        );
    }
    host.root(FILES).ok();
    host.root(LISTS).ok();
}

/// A policy of all cases, the first in its fifth line.
fn policy(callers: &str) -> String {
    let units = CASES
        .iter()
        .map(|(name, _, actions, _)| format!("{name} = {{ actions = [\"{actions}\"] }}\n"));
    format!(
        "schema = 1\n[services]\nactions = [{ALL}]\n[services.units]\n{}{callers}",
        units.collect::<String>()
    )
}

/// The warnings of `sm policy check`.
#[track_caller]
fn warnings(host: &Host, arguments: &str) -> Vec<String> {
    let done = host.root(&format!("sm --json policy check {arguments}"));
    let answer: serde_json::Value = serde_json::from_str(&done.ok()).expect("JSON");
    let all = answer["warnings"].as_array().cloned().unwrap_or_default();
    all.iter().map(|one| one.as_str().expect("a text").to_owned()).collect()
}

/// That each case has its one warning, or none.
#[track_caller]
fn hold(file: &str, warnings: &[String]) {
    let mut wrong = Vec::new();
    for (at, (name, _, _, words)) in CASES.iter().enumerate() {
        let about: Vec<&String> =
            warnings.iter().filter(|one| one.contains(&format!(" {name}.service`"))).collect();
        let is_well = match &about[..] {
            [] => words.is_empty(),
            [one] => {
                let begin = format!("{file}:{}: `service ", at + 5);
                one.starts_with(&begin)
                    && !words.is_empty()
                    && words.iter().all(|word| one.contains(word))
            }
            _ => false,
        };
        if !is_well {
            wrong.push(format!("{name}: {about:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

host_once!(what_is_root_by_another_name_is_said_with_its_line, |host| {
    prepare(host);
    host.write("/root/p.toml", policy(""));
    hold("/root/p.toml", &warnings(host, "/root/p.toml"));
    host.root("sm policy check --strict /root/p.toml").ok();
    // By whom it is granted to.
    let names = CASES.iter().map(|(name, ..)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let callers = |whom: &str| {
        policy(&format!("[callers.\"{whom}\"]\nservices = [{names}]\n[callers.default]\n"))
    };
    for (whom, is_said) in
        [("user:agent", true), ("group:team", true), ("user:other", false), ("group:others", false)]
    {
        host.write("/root/p.toml", callers(whom));
        let said = warnings(host, "/root/p.toml");
        if is_said {
            hold("/root/p.toml", &said);
        } else {
            assert!(said.is_empty(), "{whom}: {said:#?}");
        }
    }
    // What a timer starts.
    host.write(
        "/etc/systemd/system/timed.service",
        "[Service]\nExecStart=/srv/run\nExecStop=/srv/run\n",
    );
    host.write("/etc/systemd/system/timed.timer", "[Timer]\nOnCalendar=daily\n");
    for (action, is_said) in [("start", true), ("stop", false)] {
        let policy = format!(
            "schema = 1\n[services]\nactions = [\"{action}\"]\n[services.units.\"timed.timer\"]\n"
        );
        host.write("/root/p.toml", policy);
        let said = warnings(host, "/root/p.toml");
        let words = "`service start timed.timer` is root by another name for agent: timed.service runs /srv/run";
        assert_eq!(said.iter().any(|one| one.contains(words)), is_said, "{said:#?}");
        assert_eq!(said.len(), usize::from(is_said), "{said:#?}");
    }
    // A folder of units is everything at once, and is said once.
    host.root("chmod o+w /etc/systemd/system").ok();
    host.write(
        "/root/p.toml",
        "schema = 1\n[services]\nactions = [\"restart\"]\n[services.units.well]\n",
    );
    let said = warnings(host, "/root/p.toml");
    assert!(said.len() == 1 && said[0].contains("can write to /etc/systemd/system"), "{said:#?}");
});

host_once!(whoever_changes_the_site_policy_is_told, bare, |host| {
    install(host, "SM_EXTEND_BIN", "tests/policies/extend.toml");
    prepare(host);
    site(host, &policy(""));
    hold(FILE, &warnings(host, FILE));
    host.write("/root/p.toml", policy(""));
    hold("/root/p.toml", &warnings(host, "--site /root/p.toml"));
    host.root(&format!("rm -f {FILE} /var/lib/sm/site-policy /run/sm/site-policy")).ok();
    let allowed = host.root("sm policy allow service restart program").ok();
    assert!(
        allowed.contains("`service restart program.service` is root by another name"),
        "{allowed}"
    );
    let well = host
        .root("sm policy allow service restart well; sm policy deny service restart program")
        .ok();
    assert!(
        well.ends_with(&well)
            && !well.trim_end().lines().last().unwrap_or_default().contains("another name"),
        "{well}"
    );
    host.write("/root/editor", format!("#!/bin/sh\ncat >\"$1\" <<'END'\n{}END\n", policy("")));
    host.root("chmod 0755 /root/editor").ok();
    let edited =
        host.command("root", &["sm", "policy", "edit"]).env("EDITOR", "/root/editor").run();
    let edited = edited.ok();
    assert!(
        edited.contains("`service restart program.service` is root by another name"),
        "{edited}"
    );
    let made = host.root("sm policy init --replace --unit program:restart").ok();
    assert!(made.contains("`service restart program.service` is root by another name"), "{made}");
    // What the compiled policy grants is said too.
    host.root("mkdir /etc/systemd/system/nginx.service.d; printf '[Service]\\nExecStartPre=/srv/run\\n' >/etc/systemd/system/nginx.service.d/x.conf; systemctl daemon-reload").ok();
    host.write("/root/p.toml", "schema = 1\n");
    let said = warnings(host, "--site /root/p.toml");
    let is_one = |one: &&String| one.starts_with("compiled in, tests/policies/extend.toml:");
    assert_eq!(said.iter().filter(is_one).count(), 1, "{said:#?}");
});

host_test!(a_service_that_does_what_it_is_told_is_said_of_those_it_listens_to, all, |host| {
    host.write(
        "/root/p.toml",
        "schema = 1\n[services]\nactions = [\"restart\"]\n[services.units]\ndocker = {}\nsnapd = {}\n",
    );
    assert!(warnings(host, "/root/p.toml").is_empty());
    host.root("groupadd docker; usermod -aG docker agent").ok();
    let said = warnings(host, "/root/p.toml");
    assert!(
        said.len() == 1
            && said[0].starts_with(
                "/root/p.toml:5: `service restart docker.service` is root by another name for agent"
            ),
        "{said:#?}"
    );
    host.root(
        "gpasswd --delete agent docker; install -D -o agent /dev/null /home/agent/.snap/auth.json",
    )
    .ok();
    let said = warnings(host, "/root/p.toml");
    assert!(
        said.len() == 1
            && said[0].starts_with(
                "/root/p.toml:6: `service restart snapd.service` is root by another name for agent"
            ),
        "{said:#?}"
    );
});
