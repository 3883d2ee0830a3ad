//! What runs while the package is upgraded comes to its end, also where it is the upgrade itself.

use super::{NARROW, NEXT, Packages, set_up};
use crate::host::{Host, Reply, events, host_test, intent_of, wait_until};

/// A unit that the policy names, and that takes until somebody lets it go on.
const UNIT: &str = "[Service]\nType=oneshot\nRemainAfterExit=yes\n\
    ExecStart=/bin/sh -c 'touch /run/begun; until test -e /run/go; do sleep 0.1; done'\n";

fn prepared(host: &Host) {
    host.fetch();
    host.apt_install(NARROW).ok();
    set_up(host);
}

host_test!(an_operation_under_way_is_finished_and_recorded, bare, |host| {
    prepared(host);
    host.write("/etc/systemd/system/docker.service", UNIT);
    host.root("systemctl daemon-reload").ok();
    for (way, name) in [("sudo", NEXT), ("socket", NARROW)] {
        host.root("systemctl stop docker; rm -f /run/begun /run/go").ok();
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| host.ask(&format!("--via {way} service start docker")));
            wait_until("it has begun", || host.exists("/run/begun"));
            let done = host.apt_install(name);
            assert_eq!(done.status, Some(0), "{way}: {done}");
            assert!(!asked.is_finished(), "{way}: it ended with the upgrade");
            host.write("/run/go", "");
            asked.join().expect("the caller").expect("ok");
        });
        let id = intent_of(host, "docker.service");
        assert_eq!(events(host, &id), "intent ok, result ok", "{way}");
        host.is_well(way);
    }
});

host_test!(the_helper_upgrades_itself, bare, |host| {
    prepared(host);
    host.root(&format!(
        "mkdir /srv/own && cp /srv/{NEXT}.deb /srv/own/ && cd /srv/own && apt-ftparchive packages . >Packages && \
         echo 'deb [trusted=yes] file:/srv/own ./' >/etc/apt/sources.list.d/own.list && apt-get -qq update"
    ))
    .ok();
    for way in ["socket", "sudo"] {
        host.apt_install(NARROW).ok();
        let done = host.agent(&format!("sm-helper --via {way} package upgrade"));
        let reply = Reply::of(&done).expect("ok");
        assert_eq!(reply.json["changed"], true, "{way}: {done}");
        assert_eq!(
            host.root("dpkg-query -Wf '${Version} ${Status}' sm-helper").ok(),
            "99-1 install ok installed",
            "{way}"
        );
        assert_eq!(events(host, &reply.json["request_id"]), "intent ok, result ok", "{way}");
        host.is_well(way);
    }
});
