//! What the request itself needs is upgraded or removed by it: this program, sudo, the service
//! manager.

use crate::ask;
use crate::host::{Host, events, host_once, host_test};
use serde_json::Value;

/// `sm-helper`, which brings this program's files, in this version.
const MAKE: &str = r#"
set -e
rm -rf /tmp/own; mkdir -p /tmp/own/DEBIAN /tmp/own/usr/local/bin /srv/own
cp -a /usr/local/bin/sm /usr/local/bin/sm-helper /tmp/own/usr/local/bin
# Another file, though it does the same.
for each in sm sm-helper; do
    [[ -L /tmp/own/usr/local/bin/$each ]] || echo VERSION >>/tmp/own/usr/local/bin/$each
done
printf '%s\n' 'Package: sm-helper' 'Version: VERSION' 'Architecture: all' \
    'Maintainer: tests <tests@localhost>' 'Description: this program' >/tmp/own/DEBIAN/control
dpkg-deb -Zgzip -z1 -b /tmp/own /srv/own/sm-helper_VERSION_all.deb
cd /srv/own; apt-ftparchive packages . >Packages
echo 'deb [trusted=yes] file:/srv/own ./' >/etc/apt/sources.list.d/own.list; apt-get -qq update
"#;

#[track_caller]
fn recorded(host: &Host, id: &Value) {
    assert_eq!(events(host, id), "intent ok, result ok");
    host.root("sm audit verify").ok();
}

fn version(host: &Host, package: &str) -> String {
    host.root(&format!("dpkg-query -W -f '${{Version}}' {package}")).ok()
}

host_test!(the_program_upgrades_and_removes_itself, ready_test_policy, all, |host| {
    host.root(&MAKE.replace("VERSION", "1")).ok();
    host.root("apt-get -qq install --yes sm-helper").ok();
    host.root(&MAKE.replace("VERSION", "2")).ok();
    let inode = || host.root("stat -L -c %i /usr/local/bin/sm-helper").ok();
    let before = inode();

    let reply = ask(host, "package upgrade sm-helper").expect("ok");
    assert_eq!(reply.json["changed"], true, "{:#}", reply.json);
    assert_eq!(version(host, "sm-helper"), "2");
    assert_ne!(inode(), before, "the file that runs was replaced");
    recorded(host, &reply.json["request_id"]);
    // The new one answers.
    ask(host, "service status nginx").expect("ok");

    let reply = ask(host, "package remove sm-helper").expect("ok");
    assert_eq!(reply.json["changed"], true, "{:#}", reply.json);
    assert!(!host.exists("/usr/local/bin/sm-helper") && !host.exists("/usr/local/bin/sm"));
    assert_eq!(events(host, &reply.json["request_id"]), "intent ok, result ok");
});

host_test!(sudo_is_upgraded_through_sudo, ready_test_policy, |host| {
    host.root("/srv/bump sudo").ok();
    // With sudo-rs in its place the package's own sudo comes back.
    let reply = ask(host, "package upgrade sudo").expect("ok");
    assert!(version(host, "sudo").ends_with("+sm1"), "{:#}", reply.json);
    recorded(host, &reply.json["request_id"]);
    assert_eq!(host.root("dpkg --audit").ok(), "");
    ask(host, "service restart nginx").expect("ok");
});

host_once!(the_service_manager_is_upgraded_under_a_request, ready_test_policy, all, |host| {
    host.root("/srv/bump systemd").ok();
    let nginx = host.main_pid("nginx");
    let reply = ask(host, "package upgrade systemd").expect("ok");
    assert!(version(host, "systemd").ends_with("+sm1"), "{:#}", reply.json);
    recorded(host, &reply.json["request_id"]);
    assert_eq!(host.root("dpkg --audit").ok(), "");
    // It was executed anew, and its services are still there.
    assert_eq!(host.main_pid("nginx"), nginx);
    ask(host, "service restart nginx").expect("ok");
});
