//! The policies of docs/from-nopasswd.md on a real host: what the account can do under each, and what
//! it cannot; and what the sudoers lines that they replace allow besides.

use crate::host::{Host, Sudo, host_once, repository};
use crate::{ask, install, site, text};

/// A policy, what works under it, and what is denied.
struct Grant {
    name: &'static str,
    works: &'static [&'static str],
    denied: &'static [&'static str],
}

const GRANTS: [Grant; 11] = [
    Grant {
        name: "restart-one-app",
        works: &["service restart myapp", "service status myapp"],
        denied: &["service stop myapp", "service logs myapp", "service restart web"],
    },
    Grant {
        name: "app-and-nginx",
        works: &["service restart myapp", "service reload nginx", "service status nginx"],
        denied: &["service reload myapp", "service restart nginx", "service stop nginx"],
    },
    Grant {
        name: "three-units",
        works: &[
            "service restart web",
            "service stop worker",
            "service start worker",
            "service status beat",
        ],
        denied: &["service restart myapp", "service enable web", "service restart ssh"],
    },
    Grant {
        name: "one-instance",
        works: &["service restart app@4000", "service restart app@4001", "service status app@4000"],
        denied: &["service restart app@4002", "service restart app", "service stop app@4000"],
    },
    Grant {
        name: "own-deploy-script",
        works: &["task run deploy --reason release"],
        denied: &["task run other", "service restart myapp"],
    },
    Grant {
        name: "nginx-test",
        works: &["task run nginx-test"],
        denied: &["service reload nginx", "service status nginx", "task run nginx"],
    },
    Grant {
        name: "reload-nginx-checked",
        works: &["service reload nginx", "service status nginx"],
        denied: &["service restart nginx", "service stop nginx", "task run nginx-test"],
    },
    Grant {
        name: "apt-upgrade",
        works: &["package update", "package upgrade", "package plan upgrade"],
        denied: &["package install git", "package remove git", "package autoremove"],
    },
    Grant {
        name: "logs-of-a-unit",
        works: &["service logs myapp", "service status myapp"],
        denied: &["service logs ssh", "service restart myapp"],
    },
    Grant {
        name: "reload-and-restart",
        works: &["service daemon-reload", "service restart myapp", "service status myapp"],
        denied: &["service stop myapp", "service restart web", "service enable myapp"],
    },
    Grant {
        name: "compose-restart",
        works: &["task run restart-web"],
        denied: &["task run restart-db", "service restart docker", "service status myapp"],
    },
];

fn example(name: &str) -> String {
    let file = repository().join(format!("policy/examples/{name}.toml"));
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file:?}: {error}"))
}

fn program(host: &Host, path: &str, script: &str) {
    host.write(path, format!("#!/bin/sh\n{script}"));
    host.root(&format!("chmod 0755 {path}")).ok();
}

/// What the policies name, as an administrator has it.
fn furnish(host: &Host) {
    for name in ["myapp", "web", "worker", "beat", "app@"] {
        host.write(
            format!("/etc/systemd/system/{name}.service"),
            "[Service]\nExecStart=/bin/sh -c 'echo serving; exec sleep 1000'\n",
        );
    }
    host.root("systemctl daemon-reload; systemctl start myapp web worker beat app@4000 app@4002; useradd deploy")
        .ok();
    program(host, "/usr/local/sbin/deploy", "echo deploying as $(id -un) in $PWD, $# arguments\n");
    // Docker is not on the hosts of tests. This shows with which arguments it would be run, where
    // and as whom, and nothing of what Docker then does.
    program(host, "/usr/bin/docker", "echo \"$(id -un) in $PWD:\" docker \"$@\"\n");
    let page = include_str!("../../docs/from-nopasswd.md");
    let scripts = page.split("```sh\n#!/bin/sh\n").nth(1).expect("the script of the page");
    program(host, "/usr/local/sbin/restart-web", scripts.split("```").next().expect("its end"));
}

host_once!(each_common_grant_does_what_it_says_and_nothing_else, bare, |host| {
    install(host, "SM_SITE_BIN", "policy/site.toml");
    furnish(host);
    for Grant { name, works, denied } in &GRANTS {
        site(host, &example(name));
        // It takes effect as it stands, and no line of it is for nothing.
        host.root("sm policy check --site --strict /etc/sm/policy.toml").ok();
        for line in *works {
            let words: Vec<&str> = line.split(' ').collect();
            let reply = host.helper(&words);
            assert_eq!(reply.code(), "ok", "{name}: {line}: {:#}", reply.json);
        }
        for line in *denied {
            let reply = ask(host, line);
            assert_eq!((reply.code(), reply.argv()), ("denied", None), "{name}: {line}");
        }
        // What is granted to nobody is granted here neither.
        for line in ["service restart dbus", "package install tree", "task run sh"] {
            assert_eq!(ask(host, line).code(), "denied", "{name}: {line}");
        }
    }

    // What is said of some of them.
    site(host, &example("app-and-nginx"));
    host.write("/etc/nginx/conf.d/broken.conf", "what is this\n");
    let reply = ask(host, "service reload nginx").expect("check_failed");
    assert!(text(&reply, "stderr").contains("broken.conf"), "{:#}", reply.json);
    site(host, &example("nginx-test"));
    let reply = ask(host, "task run nginx-test").expect("command_failed");
    assert!(text(&reply, "stderr").contains("broken.conf"), "{:#}", reply.json);
    host.root("rm /etc/nginx/conf.d/broken.conf").ok();

    site(host, &example("own-deploy-script"));
    ask(host, "task run deploy").expect("reason_required");
    ask(host, "task run deploy --reason a --hook /tmp/mine").expect("usage");
    let reply = ask(host, "task run deploy --reason release").expect("ok");
    assert_eq!(text(&reply, "stdout"), "deploying as deploy in /, 0 arguments\n");
    host.root("chown deploy /usr/local/sbin/deploy").ok();
    ask(host, "task run deploy --reason release").expect("untrusted_path");

    site(host, &example("compose-restart"));
    host.root(
        "mkdir -p /home/agent/mine; echo 'services: {web: {}}' >/home/agent/mine/compose.yaml",
    )
    .ok();
    let asked =
        host.agent("cd ~/mine && DOCKER_HOST=tcp://evil sm-helper task run restart-web").ok();
    assert!(
        asked.contains("root in /: docker compose -f /srv/web/compose.yaml restart web\\n"),
        "{asked}"
    );

    site(host, &example("reload-and-restart"));
    host.root("echo '# new' >>/etc/systemd/system/myapp.service").ok();
    let reply = ask(host, "service restart myapp").expect("check_failed");
    assert!(text(&reply, "hint").contains("sm-helper service daemon-reload"), "{:#}", reply.json);
    ask(host, "service daemon-reload").expect("ok");
    ask(host, "service restart myapp").expect("ok");
});

/// A line of the page, and what it also allows.
const MATCHES_TOO: [(&str, &[&str]); 6] = [
    ("three-units", &["/bin/systemctl edit --full ssh web", "/bin/systemctl stop ssh web"]),
    ("one-instance", &["/bin/systemctl restart app@1 ssh docker"]),
    ("own-deploy-script", &["/usr/local/sbin/deploy --hook /tmp/mine"]),
    (
        "logs-of-a-unit",
        &[
            "/usr/bin/journalctl -u myapp -u ssh",
            "/usr/bin/journalctl -u myapp --vacuum-size=1",
            "/usr/bin/journalctl -u myapp --file /tmp/mine",
        ],
    ),
    ("", &["/usr/sbin/nginx -c /tmp/mine.conf"]),
    ("", &["/usr/bin/apt update -o APT::Update::Pre-Invoke::=sh"]),
];

// What the page says of its lines, asked of the sudo that has wildcards.
#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_lines_that_they_replace_allow_what_the_page_says() {
    let host = &Host::bare(Sudo::Classic);
    furnish(host);
    let more = ["agent ALL=NOPASSWD: /usr/sbin/nginx", "agent ALL=NOPASSWD: /usr/bin/apt update *"];
    let mut more = more.into_iter();
    for (name, allowed) in MATCHES_TOO {
        let line = match name {
            "" => more.next().expect("one for each").to_owned(),
            name => {
                let text = example(name);
                let line = text.lines().next().and_then(|line| line.strip_prefix("# "));
                let (_, rest) = line.and_then(|line| line.split_once(' ')).expect("a line");
                format!("agent {rest}")
            }
        };
        host.write("/etc/sudoers.d/old", format!("{line}\n"));
        host.root("chmod 0440 /etc/sudoers.d/old; visudo -cq").ok();
        for command in allowed {
            let done = host.agent(&format!("sudo -n -l {command}"));
            assert_eq!(done.status, Some(0), "{line}: {command}: {done}");
        }
        let done = host.agent("sudo -n -l /usr/bin/id");
        assert_ne!(done.status, Some(0), "{line}: {done}");
    }
    // Compose reads the file of the folder that the caller is in.
    let line = example("compose-restart");
    let line = line.lines().next().and_then(|line| line.strip_prefix("# ")).expect("a line");
    host.write("/etc/sudoers.d/old", format!("{line}\n"));
    let ran = host.agent("mkdir ~/mine && cd ~/mine && sudo -n docker compose restart web").ok();
    assert_eq!(ran, "root in /home/agent/mine: docker compose restart web\n");
}
