//! The role with `sm_policy`: whole, believed, or not at all.

use crate::host::{Host, Sudo};
use crate::{Site, everything};

const NARROW: &str = "schema = 1\n\n[services]\nactions = [\"status\"]\n\n[services.units.nginx]\n";
const PLACE: &str = "/etc/sm/policy.toml";

/// The role's variables with this text as the policy.
fn with(policy: &str) -> String {
    let policy = policy.replace('\n', "\n  ");
    format!("sm_binary: /usr/local/bin/sm\nsm_users: [agent]\nsm_policy: |\n  {policy}")
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_policy_is_in_force_when_the_role_is_done() {
    let wanted = |sudo| Host::wanted(sudo).bare();
    let site = Site::of([wanted(Sudo::Classic), wanted(Sudo::Rs).arch()]);
    let hosts = &site.hosts;
    site.role(&with(NARROW), &["--check"]).ok().changed(hosts, 3);
    assert!(!hosts[0].exists("/etc/sm"));
    site.role(&with(NARROW), &[]).ok().changed(hosts, 3);
    for host in hosts {
        assert_eq!(host.read(PLACE), NARROW);
        assert_eq!(host.root(&format!("stat -c '%U:%G %a' {PLACE}")).ok(), "root:root 644\n");
        host.helper(&["service", "status", "nginx"]).expect("ok");
        host.helper(&["service", "restart", "nginx"]).expect("denied");
    }
    site.role(&with(NARROW), &[]).ok().changed(hosts, 0);

    // From a file, beside the playbook.
    let more = NARROW.replace("\"status\"", "\"status\", \"restart\"");
    site.network.controller.write("/home/admin/policy.toml", &more);
    let file = "sm_binary: /usr/local/bin/sm\nsm_users: [agent]\nsm_policy: policy.toml";
    let checked = site.role(file, &["--check", "--diff"]).ok().changed(hosts, 1);
    let shown = checked.done.stdout_text();
    assert!(shown.contains("+actions = [\"status\", \"restart\"]"), "{shown}");
    assert_eq!(hosts[0].read(PLACE), NARROW);
    site.role(file, &[]).ok().changed(hosts, 1);
    for host in hosts {
        assert_eq!(host.read(PLACE), more);
        host.helper(&["service", "restart", "nginx"]).expect("ok");
    }
    site.role(file, &[]).ok().changed(hosts, 0);

    // Whom it belongs to counts as much as what is in it.
    hosts[0].root(&format!("chmod 0666 {PLACE}")).ok();
    hosts[1].root(&format!("chown agent {PLACE}")).ok();
    site.role(file, &["--check"]).ok().changed(hosts, 1);
    site.role(file, &[]).ok().changed(hosts, 1);
    for host in hosts {
        assert_eq!(host.root(&format!("stat -c '%U:%G %a' {PLACE}")).ok(), "root:root 644\n");
    }

    // Without a word of it, it stays; absent, it goes.
    let silent = "sm_binary: /usr/local/bin/sm\nsm_users: [agent]";
    site.role(silent, &[]).ok().changed(hosts, 0);
    site.role("sm_state: absent", &[]).ok().changed(hosts, 2);
    assert!(hosts.iter().all(|host| !host.exists(PLACE)));
    site.role("sm_state: absent", &[]).ok().changed(hosts, 0);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_broken_policy_is_refused_and_the_old_one_stays() {
    let site = Site::of([Host::wanted(Sudo::Classic).bare()]);
    let host = &site.hosts[0];
    let broken = NARROW.replace("nginx", "\"ngin*\"");
    let fresh = everything(host);
    // The controller's own program says so where the host has none yet.
    site.role(&with(&broken), &["--check"]).failed("ngin*");
    assert_eq!(everything(host), fresh);

    site.role(&with(NARROW), &[]).ok();
    let before = everything(host);
    let policies = [
        (broken.as_str(), "ngin*"),
        (&NARROW.replace("actions", "action"), "actions"),
        ("schema = 2\n", "schema must be 1"),
        ("this is\nno TOML\n", "this is not TOML"),
        // A policy by itself, and refused by this program, which lets a site only narrow.
        (&format!("{NARROW}check = [\"/usr/bin/true\"]\n"), "check"),
    ];
    for (policy, why) in policies {
        site.role(&with(policy), &[]).failed(why);
        assert_eq!(host.read(PLACE), NARROW);
        host.helper(&["service", "status", "nginx"]).expect("ok");
    }
    // Also where the controller cannot run what it installs: then the host's own program says so.
    site.network.controller.root("install -m 0644 /usr/local/bin/sm /home/admin/foreign").ok();
    let elsewhere = with(&broken).replace("/usr/local/bin/sm", "/home/admin/foreign");
    site.role(&elsewhere, &["--check"]).failed("ngin*");
    let own = |text: &str| {
        let ours = |line: &&str| line.contains("/etc/sm") || line.contains("sudoers");
        // The folder's time is that of the copy that came and went.
        text.lines()
            .filter(ours)
            .filter(|l| !l.contains("/etc/sm d"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(own(&everything(host)), own(&before));
}
