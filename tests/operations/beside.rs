//! What happened beside a package operation is in `warnings`: configuration files that were kept,
//! and units that went down, named to whoever may know of them.

use crate::host::{Host, Reply, host_once};
use crate::offered::offer;
use crate::{ask, unit};

fn warnings(reply: &Reply) -> String {
    let all = reply.json["warnings"].as_array().into_iter().flatten();
    all.filter_map(|each| each.as_str()).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn done(host: &Host, line: &str) -> String {
    warnings(&ask(host, &format!("package {line}")).expect("ok"))
}

host_once!(a_configuration_file_that_was_kept_is_told, ready_test_policy, |host| {
    host.root("apt-get -qq install --yes sm-test-conffile=1").ok();
    // Of one that nobody changed there is nothing to say.
    assert_eq!(done(host, "upgrade sm-test-conffile"), "");
    host.root("apt-get -qq install --yes --allow-downgrades -o Dpkg::Options::=--force-confnew sm-test-conffile=1").ok();
    host.write("/etc/sm-test.conf", "mine\n");
    let told = done(host, "upgrade sm-test-conffile");
    assert!(told.contains("/etc/sm-test.conf was changed on this host and stays"), "{told}");
    assert!(told.contains("/etc/sm-test.conf.dpkg-dist"), "{told}");
    // It lies there still, and is no news.
    assert_eq!(done(host, "install sm-test-base"), "");
    // Nothing was changed, so nothing is told.
    assert_eq!(done(host, "install sm-test-base"), "");
});

/// A package with one configuration file.
fn offer_conffile(host: &Host, version: &str, path: &str) {
    let folder = path.rsplit_once('/').expect("a path").0;
    let control = format!(
        "Package: docker.io\\nVersion: {version}\\nArchitecture: all\\nMaintainer: tests <tests@localhost>\\nDescription: x\\n"
    );
    host.root(&format!(
        "set -e; rm -rf /tmp/made; mkdir -p /tmp/made/DEBIAN /tmp/made{folder}; printf '{control}' >/tmp/made/DEBIAN/control
         echo {path} >/tmp/made/DEBIAN/conffiles; echo {version} >/tmp/made{path}
         dpkg-deb -Zgzip -b /tmp/made /srv/apt/docker.io_{version}_all.deb
         cd /srv/apt; apt-ftparchive packages . >Packages; rm -f Release; apt-get -qq update"
    ))
    .ok();
}

host_once!(
    where_a_configuration_file_is_and_what_became_of_it_is_told,
    ready_test_policy,
    |host| {
        for (first, path) in [(1, "/opt/dd/x.conf"), (5, "/etc/dk.conf")] {
            let offer = |more: i32| offer_conffile(host, &(first + more).to_string(), path);
            offer(0);
            ask(host, "package install docker.io").expect("ok");
            host.write(path, "mine\n");
            offer(1);
            let told = done(host, "upgrade docker.io");
            assert!(told.contains(&format!("{path} was changed on this host and stays")), "{told}");
            assert!(told.contains(&format!("{path}.dpkg-dist")), "{told}");
            // What is not there does not stay.
            host.root(&format!("rm {path} {path}.dpkg-dist")).ok();
            offer(2);
            let told = done(host, "upgrade docker.io");
            assert!(!told.contains("and stays; "), "{told}");
            if host.exists(format!("{path}.dpkg-dist")) {
                assert!(told.contains(&format!("{path} was deleted on this host")), "{told}");
            }
            host.root("dpkg --purge docker.io").ok();
        }
    }
);

host_once!(
    a_unit_whose_file_was_changed_or_that_fails_again_and_again_is_told,
    ready_test_policy,
    |host| {
        up(host, "probe");
        let script = "echo '# more' >>/etc/systemd/system/probe.service; touch -d '+1 minute' /etc/systemd/system/probe.service";
        offer(host, "docker.io", "1", "", &[("postinst", script)]);
        let told = done(host, "install docker.io");
        // So it can be restarted by whoever had the package installed.
        assert!(!told.contains("probe.service"), "{told}");
        let is_unread = || host.root("systemctl show -P NeedDaemonReload probe").stdout_text();
        assert_eq!(is_unread().trim(), "no");
        ask(host, "service restart probe").expect("ok");
        // Somebody is at work on another one.
        up(host, "slow");
        host.root("apt-get -qq remove --yes docker.io; echo '# more' >>/etc/systemd/system/slow.service; touch -d '+1 minute' /etc/systemd/system/slow.service").ok();
        let told = done(host, "install docker.io");
        assert!(
            told.contains("probe.service runs, but its changed unit file was not read"),
            "{told}"
        );
        assert_eq!(is_unread().trim(), "yes");
        host.root(
            "systemctl stop slow; systemctl daemon-reload; apt-get -qq remove --yes docker.io",
        )
        .ok();
        unit(
            host,
            "probe",
            "[Service]\nRestart=always\nRestartSec=100\nExecStart=/bin/sh -c 'test ! -e /run/bad && exec sleep infinity; exit 1'\n",
        );
        host.root("systemctl restart probe").ok();
        let script = "touch /run/bad; systemctl restart probe; sleep 1; exit 0";
        offer(host, "docker.io", "2", "", &[("postinst", script)]);
        let told = done(host, "install docker.io");
        assert!(
            told.contains("probe.service was active before; it now fails and is restarted again"),
            "{told}"
        );
    }
);

/// A unit that stays up.
fn up(host: &Host, name: &str) {
    unit(host, name, "[Service]\nExecStart=/bin/sleep infinity\n");
    host.root(&format!("systemctl start {name}")).ok();
}

host_once!(a_unit_that_went_down_is_told, ready_test_policy, |host| {
    up(host, "probe");
    up(host, "slow");
    up(host, "nobodys");
    let script = "systemctl stop probe nobodys; systemctl kill -s KILL slow; sleep 0.5; exit 0";
    offer(host, "docker.io", "1", "", &[("postinst", script)]);
    let told = done(host, "install docker.io");
    assert!(told.contains("probe.service was active before and is inactive now"), "{told}");
    assert!(told.contains("slow.service was active before and has failed"), "{told}");
    assert!(!told.contains("nobodys") && !told.contains("nginx"), "{told}");
    // One that had failed before is no news, and one that is up again none either.
    host.root("systemctl start probe").ok();
    assert_eq!(done(host, "remove docker.io"), "");

    // Debian's nginx does not fail where its port is taken; and it is not there before.
    unit(host, "probe", "[Service]\nType=oneshot\nExecStart=/bin/false\n");
    let script = "systemctl restart probe || true";
    offer(host, "docker.io", "2", "", &[("postinst", script)]);
    let told = done(host, "install docker.io");
    assert!(told.contains("probe.service was active before and has failed"), "{told}");
});

host_once!(a_unit_of_others_is_counted, ready_test_policy, |host| {
    host.root("mkdir -p /etc/sm").ok();
    host.write(
        "/etc/sm/policy.toml",
        "schema = 1\n[services]\nactions = [\"status\"]\n[services.units]\nprobe = {}\nslow = {}\n[packages]\nactions = [\"install\"]\n[packages.names]\n\"docker.io\" = {}\n[callers.\"user:agent\"]\nservices = [\"slow\"]\npackages = [\"docker.io\"]\n",
    );
    up(host, "probe");
    up(host, "slow");
    offer(host, "docker.io", "1", "", &[("postinst", "systemctl stop probe slow")]);
    let told = done(host, "install docker.io");
    assert!(told.contains("slow.service was active before and is inactive now"), "{told}");
    assert!(told.contains("a unit that is not this caller's went down"), "{told}");
    assert!(!told.contains("probe"), "{told}");
});

host_once!(how_units_are_read_is_on_the_surface, ready_test_policy, |host| {
    let surface = host.root("sm policy surface").ok();
    let shows =
        surface.split("[\"/usr/bin/systemctl\",").skip(1).filter_map(|rest| rest.split(']').next());
    let mut lines: Vec<&str> = shows
        .filter(|line| line.contains("=LoadState,ActiveState,SubState,NeedDaemonReload\""))
        .collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("\"nginx.service\""), "{lines:?}");
});
