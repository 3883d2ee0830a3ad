//! The role: the program and the ways in through sudo, put in place, mended, taken away.

use crate::host::{Host, Sudo};
use crate::{Site, everything};

const WANTED: &str = "sm_binary: /usr/local/bin/sm\nsm_users: [agent]\nsm_groups: [helpers]";
const PROGRAMS: &str = "stat -c '%n %U:%G %a %h %F' /usr/local/bin/sm*";

fn is_set_up(host: &Host) {
    assert_eq!(
        host.root(PROGRAMS).ok(),
        "/usr/local/bin/sm root:root 755 1 regular file\n\
         /usr/local/bin/sm-helper root:root 755 1 regular file\n"
    );
    host.root("cmp /usr/local/bin/sm /usr/local/bin/sm-helper").ok();
    host.root("sm setup-sudo --check --user agent && sm setup-sudo --check --group helpers").ok();
    let rules = host.root("stat -c '%n %U:%G %a' /etc/sudoers.d/sm-*").ok();
    assert_eq!(
        rules,
        "/etc/sudoers.d/sm-%helpers root:root 440\n/etc/sudoers.d/sm-agent root:root 440\n"
    );
    for user in ["agent", "other"] {
        host.helper_as(user, &["service", "status", "nginx"]).expect("ok");
    }
    host.command("agent", &["sudo", "-n", "id"]).run().stderr_text();
    assert_ne!(host.agent("sudo -n id").status, Some(0));
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn hosts_are_set_up_once_mended_and_cleared() {
    let site = Site::of_each_kind();
    let hosts = &site.hosts;
    for host in hosts {
        host.root("groupadd helpers && usermod -aG helpers other").ok();
    }
    let before: Vec<String> = hosts.iter().map(everything).collect();
    let as_before = || hosts.iter().map(everything).collect::<Vec<_>>() == before;

    // In check mode: said, and not done.
    site.role(WANTED, &["--check", "--diff"]).ok().changed(hosts, 2);
    assert!(as_before(), "check mode has changed a fresh host");

    site.role(WANTED, &[]).ok().changed(hosts, 2);
    hosts.iter().for_each(is_set_up);
    // Again: nothing to do, and nothing done.
    let set_up: Vec<String> = hosts.iter().map(everything).collect();
    site.role(WANTED, &["--check"]).ok().changed(hosts, 0);
    site.role(WANTED, &[]).ok().changed(hosts, 0);
    for (host, before) in hosts.iter().zip(&set_up) {
        let own = |text: &str| {
            let ours = |line: &&str| line.contains("sudoers") || line.contains("/usr/local");
            text.lines().filter(ours).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(own(&everything(host)), own(before));
    }

    // An exact drop-in is as good, and stays one when it is mended.
    hosts[0].root("sm setup-sudo --user agent --exact").ok();
    site.role(WANTED, &[]).ok().changed(hosts, 0);

    // What somebody has changed is seen, and mended.
    hosts[0].root("echo 'agent ALL=(ALL) NOPASSWD: ALL' >>/etc/sudoers.d/sm-agent").ok();
    hosts[1].root("cd /usr/local/bin; rm sm-helper; ln -s sm sm-helper; chmod 775 sm").ok();
    hosts[2].root("rm /etc/sudoers.d/sm-%helpers; chmod 0444 /etc/sudoers.d/sm-agent").ok();
    let checked = site.role(WANTED, &["--check", "--diff"]);
    let checked = checked.changed(&hosts[..1], 1).changed(&hosts[2..], 1);
    // The program of that host is not one to believe before it is replaced.
    assert_eq!(checked.count(&hosts[1], "failed"), 1, "{}", checked.done);
    assert!(hosts[0].read("/etc/sudoers.d/sm-agent").contains("NOPASSWD: ALL"));
    site.role(WANTED, &[]).ok().changed(hosts, 1);
    hosts.iter().for_each(is_set_up);
    assert!(
        hosts[0].read("/etc/sudoers.d/sm-agent").starts_with("# Made by sm setup-sudo --exact ")
    );

    // What is made by hand, or for another installation, is not the role's to take away.
    let mine = "agent ALL=(root) /usr/local/bin/sm-helper";
    let other = "# Made by sm setup-sudo\nagent ALL=(root) /opt/sm/bin/sm-helper";
    for host in hosts {
        for (name, text) in [("sm-mine", mine), ("sm-opt", other)] {
            host.root(&format!("umask 337; echo -e '{text}' >/etc/sudoers.d/{name}")).ok();
        }
    }
    let before: Vec<String> = hosts.iter().map(everything).collect();
    site.role("sm_state: absent", &["--check"]).ok().changed(hosts, 2);
    for (host, before) in hosts.iter().zip(&before) {
        assert_eq!(&everything(host), before);
    }
    site.role("sm_state: absent", &[]).ok().changed(hosts, 2);
    for host in hosts {
        let left = host.root("ls -A /usr/local/bin /etc/sudoers.d /var/log/sm").ok();
        assert!(left.contains("sm-mine\nsm-opt\n") && left.contains("audit.jsonl"), "{left}");
        assert!(!left.contains("sm-agent") && !left.contains("sm-%") && !left.contains("sm\n"));
        assert!(!host.exists("/usr/local/bin/sm-helper"));
    }
    site.role("sm_state: absent", &[]).ok().changed(hosts, 0);
    site.role("sm_state: absent", &["--check"]).ok().changed(hosts, 0);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_can_not_be_done_is_said_and_replaces_nothing() {
    let site = Site::of([Host::wanted(Sudo::Classic)]);
    let host = &site.hosts[0];
    let before = host.root("sha256sum /usr/local/bin/*").ok();
    let same = || assert_eq!(host.root("sha256sum /usr/local/bin/*").ok(), before);

    // A program of another architecture: only its header, which is what the kernel looks at.
    let foreign = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xf3\0\x01\0\0\0";
    site.network.controller.write("/home/admin/foreign", [&foreign[..], &[0; 4096]].concat());
    site.role("sm_binary: /home/admin/foreign\nsm_users: [agent]", &[]).failed("Exec format error");
    same();

    let said = "nobody-such";
    let nobody = "sm_binary: /usr/local/bin/sm\nsm_users: [agent, nobody-such]";
    site.role(nobody, &["--check"]).failed(said);
    assert!(!host.exists("/etc/sudoers.d/sm-agent"));
    site.role(nobody, &[]).failed(said);
    site.role("sm_binary: /usr/local/bin/sm\nsm_users: [root]", &[]).failed("is root already");
    site.role("sm_users: [agent]", &[]).failed("sm_binary must name the program");
    site.role("sm_way: door\nsm_binary: x", &[]).failed("value of sm_way must be one of");
    let group = "sm_binary: /usr/local/bin/sm\nsm_way: broker\nsm_groups: [sudo]";
    site.role(group, &[]).failed("the broker accepts only accounts");
    // Nobody is named: nothing would be in place at the end, and that is no success.
    let binary = "sm_binary: /usr/local/bin/sm";
    for nobody in [
        "",
        "\nsm_users: []",
        "\nsm_users: ['']\nsm_groups: ['']",
        "\nsm_way: broker",
        "\nsm_way: both\nsm_groups: [sudo]",
    ] {
        let all = format!("{binary}{nobody}");
        site.role(&all, &[]).failed("sm_users or sm_groups must name who may use the helper");
        site.role(&all, &["--check"])
            .failed("sm_users or sm_groups must name who may use the helper");
    }
    let module =
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - sm_setup:\n        what: sudo\n";
    site.play(module, &[]).failed("name who may use the helper");
    // A rule that comes after ours and takes it back again: making ours anew would not help.
    host.let_in("agent");
    host.root("umask 337; echo 'agent ALL=(root) !ALL' >/etc/sudoers.d/zz-never").ok();
    let back = "sm_binary: /usr/local/bin/sm\nsm_users: [agent]";
    site.role(back, &["--check"]).failed("sudo does not allow agent to run");
    // sudo's configuration was broken before, by somebody else: said, and left alone.
    host.write("/etc/sudoers.d/zz-broken", "this is no rule\n");
    let group = "sm_binary: /usr/local/bin/sm\nsm_groups: [sudo]";
    site.network
        .controller
        .root("sed -i 's/admin ansible_become=true/root/' /home/admin/inventory")
        .ok();
    site.role(group, &[]).failed("zz-broken");
    assert!(!host.exists("/etc/sudoers.d/sm-%sudo"));
    same();
}
