//! In mode `extend` a site policy adds, up to what would be all of root.

use crate::host::{host_once, intents};
use crate::{ask, install, site, text};

/// Shells, interpreters, what decides who is root, what all stands on, and this program.
const NEVER_PACKAGES: &str = "bash bash-static dash zsh zsh-static fish ksh mksh tcsh csh busybox \
    busybox-static sash rbash nushell elvish xonsh yash posh perl perl-base perl:amd64 \
    perl-modules-5.36 python python3 python3-minimal python3:any python3.11 python3.11-minimal \
    python2 pypy3 ruby ruby3.1 nodejs node deno bun lua5.4 luajit php php8.2-cli php-cli tcl \
    expect guile guile-3.0 gawk mawk original-awk screen tmux sudo sudo:amd64 sudo-ldap sudo-rs \
    doas opendoas polkit polkitd pkexec policykit-1 dbus dbus-broker dbus-daemon systemd \
    systemd-sysv systemd-container udev login passwd shadow util-linux coreutils apt dpkg pacman \
    libc6 libc6:amd64 libc-bin glibc libpam-modules libnss-systemd base-files init cron at sm \
    sm-helper linux-image-amd64";

const NEVER_UNITS: &str = "dbus dbus.socket dbus-broker polkit polkitd debug-shell emergency \
    emergency.target rescue rescue.target systemd-logind systemd-x@y systemd-journald.socket \
    dbus-org.freedesktop.login1 dbus-org.freedesktop.hostname1 user@0 user@1000 user-0.slice \
    getty@tty1 autovt@tty1 serial-getty@ttyS0 console-getty container-getty@0 sm.socket sm-broker sm@0 \
    sudo init.scope session-1.scope runlevel1.target";

const MORE: &str = "schema = 1
[services]
actions = [\"restart\", \"status\"]
[services.units]
more = {}
explained = { require_reason = true }
[packages]
actions = [\"install\"]
[packages.names]
jq = {}
";

host_once!(it_adds_and_keeps_what_is_compiled_in, bare, |host| {
    install(host, "SM_EXTEND_BIN", "tests/policies/extend.toml");
    host.write("/etc/systemd/system/more.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    host.root("cp /etc/systemd/system/more.service /etc/systemd/system/explained.service; systemctl daemon-reload").ok();
    ask(host, "service restart more").expect("denied");
    site(host, MORE);
    ask(host, "service restart more").expect("ok");
    ask(host, "service stop more").expect("denied");
    ask(host, "service restart explained").expect("reason_required");
    ask(host, "service restart explained --reason why").expect("ok");
    ask(host, "--dry-run package install jq").expect("ok");
    ask(host, "package remove jq").expect("denied");
    ask(host, "service stop nginx").expect("ok");
    ask(host, "service start nginx").expect("ok");
    ask(host, "service restart cron").expect("denied");
    let diff: serde_json::Value =
        serde_json::from_str(&host.root("sm --json policy diff").ok()).expect("an object");
    // What looks at all units of the policy looks at more of them.
    let mut removed = diff["removed"].as_array().expect("an array").iter();
    assert!(
        removed.all(|line| line.to_string().contains("SubState,NeedDaemonReload\\\",\\\"caddy")),
        "{diff:#}"
    );
    assert!(diff["added"].to_string().contains("more.service"), "{diff:#}");
    assert!(host.root("sm policy surface").ok().contains("explained.service"));

    // Naming a unit that is compiled in does not take its check away.
    site(host, "schema = 1\n[services]\nactions = [\"reload\"]\n[services.units.nginx]\n");
    host.write("/etc/nginx/conf.d/broken.conf", "what is this\n");
    ask(host, "service reload nginx").expect("check_failed");
});

host_once!(what_would_be_all_of_root_is_never_added, bare, |host| {
    install(host, "SM_EXTEND_BIN", "tests/policies/extend.toml");
    let mut added = Vec::new();
    let packages = NEVER_PACKAGES.split_whitespace().map(|name| {
        (format!("[packages]\nactions = [\"install\"]\n[packages.names.\"{name}\"]\n"), name)
    });
    let units = NEVER_UNITS.split_whitespace().map(|name| {
        (format!("[services]\nactions = [\"start\"]\n[services.units.\"{name}\"]\n"), name)
    });
    // The name for pacman is one too.
    let other = "[packages]\nactions = [\"install\"]\n[packages.names.jq]\npacman = \"bash\"\n";
    let before = intents(host);
    for (table, name) in packages.chain(units).chain([(other.to_owned(), "bash")]) {
        site(host, &format!("schema = 1\n{table}"));
        let reply = ask(host, "--dry-run service status nginx");
        if reply.code() != "policy_invalid" {
            added.push(name);
            continue;
        }
        let error = text(&reply, "error");
        assert!(error.contains("policy.toml:4:") && error.contains(name), "{name}: {error}");
    }
    assert!(added.is_empty(), "these could be added: {}", added.join(" "));
    // Nor by way of a check, which root runs.
    for program in ["/bin/sh", "/usr/bin/bash", "/usr/bin/python3", "/usr/bin/env"] {
        site(
            host,
            &format!(
                "schema = 1\n[services]\nactions = [\"restart\"]\n[services.units.nginx]\ncheck = [\"{program}\", \"-c\", \"id\"]\n"
            ),
        );
        let reply = ask(host, "service restart nginx");
        assert_eq!(reply.code(), "policy_invalid", "{program}: {:#}", reply.json);
    }
    assert_eq!(intents(host), before);
});

host_once!(with_mode_off_nobody_reads_it, bare, |host| {
    install(host, "SM_OFF_BIN", "policy/examples/status-only.toml");
    for text in [
        "schema = 1\n",
        "what is this",
        "schema = 1\n[services]\nactions = [\"stop\"]\n[services.units.nginx]\n",
    ] {
        site(host, text);
        ask(host, "service status nginx").expect("ok");
        ask(host, "service stop nginx").expect("denied");
    }
    host.root("chown agent /etc/sm/policy.toml").ok();
    ask(host, "service status nginx").expect("ok");
    let done = host.command("root", &["sm", "policy", "edit"]).env("EDITOR", "true").run();
    let said = format!("{}{}", done.stdout_text(), done.stderr_text());
    assert!(said.contains("off"), "an administrator is told that it has no say: {done}");
});

host_once!(what_it_cannot_take_away_is_said, bare, |host| {
    install(host, "SM_EXTEND_BIN", "tests/policies/extend.toml");
    site(
        host,
        "schema = 1
[services]
actions = [\"status\"]
[services.units]
nginx = {}
[packages]
actions = [\"install\"]
[packages.names]
curl = { actions = [] }
",
    );
    ask(host, "service stop nginx").expect("ok");
    let checked = host.root("sm policy check --strict /etc/sm/policy.toml");
    assert_eq!(checked.status, Some(1), "{checked}");
    for line in ["sm policy check /etc/sm/policy.toml", "sm policy diff", "sm status"] {
        let done = host.root(line).ok();
        for place in ["5: nginx.service has no effect", "9: curl has no effect"] {
            assert!(done.contains(&format!("/etc/sm/policy.toml:{place}")), "{line}: {done}");
        }
    }
    let doctor = host.root("sm doctor").stdout_text();
    assert!(doctor.contains("may believe that it does"), "{doctor}");
    assert!(!doctor.contains("refused until the site policy can be read"), "{doctor}");
    for line in ["service status nginx", "service stop nginx"] {
        let explained = host.root(&format!("sm policy explain {line}")).ok();
        let place = "/etc/sm/policy.toml:5: nginx.service has no effect";
        assert!(explained.contains(place), "{explained}");
    }
    let explained = host.root("sm policy explain service stop caddy").ok();
    assert!(!explained.contains("has no effect"), "{explained}");
});

host_once!(a_file_that_is_not_read_is_said, bare, |host| {
    install(host, "SM_OFF_BIN", "policy/examples/status-only.toml");
    host.root("sm policy explain service status nginx").ok();
    site(host, MORE);
    let checked = host.root("sm policy check --strict /etc/sm/policy.toml");
    assert_eq!(checked.status, Some(1), "{checked}");
    let commands = [
        "sm policy check /etc/sm/policy.toml",
        "sm policy diff",
        "sm policy explain service status nginx",
        "sm status",
    ];
    for line in commands {
        let done = host.root(line).ok();
        assert!(done.contains("/etc/sm/policy.toml:1: this file has no effect"), "{line}: {done}");
    }
});
