//! The role with `sm_way: broker`.

use crate::host::{Host, Sudo};
use crate::{Site, everything};

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_broker_is_set_up_once_mended_and_cleared() {
    let wanted = |sudo| Host::wanted(sudo).bare();
    let site = Site::of([wanted(Sudo::Classic), wanted(Sudo::Unused).arch()]);
    let hosts = &site.hosts;
    // Where there is no sudo at all it works too.
    hosts[1].root("rm /usr/bin/sudo /usr/sbin/visudo").ok();
    let wanted = "sm_binary: /usr/local/bin/sm\nsm_users: [agent, other]\nsm_way: broker";

    let before: Vec<String> = hosts.iter().map(everything).collect();
    site.role(wanted, &["--check"]).ok().changed(hosts, 2);
    assert_eq!(hosts.iter().map(everything).collect::<Vec<_>>(), before);
    site.role(wanted, &[]).ok().changed(hosts, 2);
    let works = |host: &Host| {
        host.root("sm setup-broker --check --user agent --user other").ok();
        assert!(!host.exists("/etc/sudoers.d/sm-agent"));
        for user in ["agent", "other"] {
            host.helper_as(user, &["--via", "socket", "service", "status", "nginx"]).expect("ok");
        }
    };
    hosts.iter().for_each(works);
    site.role(wanted, &["--check"]).ok().changed(hosts, 0);
    site.role(wanted, &[]).ok().changed(hosts, 0);

    hosts[0].root("gpasswd --delete other sm").ok();
    hosts[1].root("systemctl disable --now sm.socket").ok();
    site.role(wanted, &["--check"]).ok().changed(hosts, 1);
    assert_ne!(hosts[1].root("systemctl is-active sm.socket").status, Some(0));
    site.role(wanted, &[]).ok().changed(hosts, 1);
    hosts.iter().for_each(works);

    // What setup-broker does not mend is not passed over.
    let own = "mkdir /etc/systemd/system/sm.socket.d && cd /etc/systemd/system/sm.socket.d && \
               printf '[Socket]\\nSocketMode=0666\\n' >own.conf";
    hosts[0].root(own).ok();
    site.role(wanted, &[]).failed("changes the unit");
    hosts[0].root("rm -r /etc/systemd/system/sm.socket.d && systemctl daemon-reload").ok();

    site.role("sm_state: absent", &["--check"]).ok().changed(hosts, 2);
    hosts.iter().for_each(works);
    site.role("sm_state: absent", &[]).ok().changed(hosts, 2);
    for host in hosts {
        for gone in ["/run/sm/sm.sock", "/etc/systemd/system/sm.socket", "/usr/local/bin/sm"] {
            assert!(!host.exists(gone), "{gone}");
        }
        assert_eq!(host.root("getent group sm").status, Some(2));
    }
    site.role("sm_state: absent", &[]).ok().changed(hosts, 0);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn both_ways_at_once() {
    let site = Site::of([Host::wanted(Sudo::Rs).bare()]);
    let wanted = "sm_binary: /usr/local/bin/sm\nsm_users: [agent]\nsm_way: both";
    site.role(wanted, &[]).ok().changed(&site.hosts, 3);
    for way in ["sudo", "socket"] {
        site.hosts[0].helper(&["--via", way, "service", "status", "nginx"]).expect("ok");
    }
    site.role(wanted, &[]).ok().changed(&site.hosts, 0);
}
