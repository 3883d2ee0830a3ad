//! What still runs what packages have replaced, and whether a boot is due.

use crate::host::{Host, Reply, Sudo, host_once};
use crate::{ask, unit};
use serde_json::{Value, json};

/// Offers a package with one program, and has the lists read.
fn offer(host: &Host, version: &str) {
    let control = format!(
        "Package: docker.io\\nVersion: {version}\\nArchitecture: all\\nMaintainer: tests <tests@localhost>\\nDescription: x\\n"
    );
    host.root(&format!(
        "set -e; rm -rf /tmp/made; mkdir -p /tmp/made/DEBIAN /tmp/made/usr/lib/made; printf '{control}' >/tmp/made/DEBIAN/control
         cp /bin/sleep /tmp/made/usr/lib/made/sleep; echo {version} >>/tmp/made/usr/lib/made/sleep
         dpkg-deb -Zgzip -b /tmp/made /srv/apt/docker.io_{version}_all.deb
         cd /srv/apt; apt-ftparchive packages . >Packages; rm -f Release; apt-get -qq update"
    ))
    .ok();
}

#[track_caller]
fn due(reply: &Reply) -> (Value, Value, Value) {
    let field = |name: &str| reply.json.get(name).cloned().unwrap_or_default();
    assert!(reply.json.get("warnings").is_none(), "{:#}", reply.json);
    (field("restart_needed"), field("restart_needed_others"), field("reboot_needed"))
}

host_once!(what_still_runs_old_code_is_told, ready_test_policy, all, |host| {
    offer(host, "1");
    let reply = ask(host, "package install docker.io").expect("ok");
    assert_eq!(due(&reply), (json!([]), Value::Null, json!(false)));
    // One that the caller may know of, as another account, and one that it may not.
    let service = |more: &str| format!("[Service]\n{more}\nExecStart=/usr/lib/made/sleep 1000\n");
    unit(host, "probe", &service("User=other\nPrivateTmp=yes\nProtectSystem=strict"));
    unit(host, "slow", &service("DynamicUser=yes"));
    unit(host, "secret", &service(""));
    host.root("systemctl start probe slow secret").ok();
    // Data that was removed is no code.
    host.root("cp /bin/sleep /usr/lib/made/data; systemd-run --quiet --unit=mapped -- python3 -c 'import mmap,time; f=open(\"/usr/lib/made/data\",\"r+b\"); m=mmap.mmap(f.fileno(),0,mmap.MAP_PRIVATE,mmap.PROT_READ); time.sleep(1000)'; sleep 1; rm /usr/lib/made/data").ok();
    // Who makes file systems of its own makes names of its own.
    host.root("systemd-run --quiet --unit=own -p User=agent -- unshare -Urm sh -c 'mount -t tmpfs none /opt; cp /bin/sleep /opt/own; /opt/own 1000 & sleep 1; rm /opt/own; touch /tmp/own; wait'").ok();
    crate::host::wait_until("it has begun", || host.root("test -e /tmp/own").status == Some(0));
    let reply = ask(host, "package install sm-test-base").expect("ok");
    assert_eq!(due(&reply), (json!([]), Value::Null, json!(false)));
    offer(host, "2");
    let reply = ask(host, "package upgrade docker.io").expect("ok");
    let both = json!(["probe.service", "slow.service"]);
    assert_eq!(due(&reply), (both, json!(1), json!(false)));
    assert!(!reply.json.to_string().contains("secret"), "{:#}", reply.json);
    // Also where nothing had to be done, until they are restarted.
    ask(host, "service restart slow").expect("ok");
    let reply = ask(host, "package upgrade docker.io").expect("ok");
    assert_eq!(reply.json["changed"], false);
    assert_eq!(due(&reply), (json!(["probe.service"]), json!(1), json!(false)));
    ask(host, "package remove docker.io").expect("ok");
    host.root("systemctl restart probe secret; systemctl stop probe secret slow; true").ok();
    host.root("echo >/run/reboot-required").ok();
    let reply = ask(host, "package remove docker.io").expect("ok");
    assert_eq!(due(&reply), (json!([]), Value::Null, json!(true)));
    // What only looks says nothing of it, nor what was refused.
    for line in ["package plan install docker.io", "package install zsh", "service status probe"] {
        let reply = ask(host, line);
        assert!(reply.json.get("reboot_needed").is_none(), "{line}: {:#}", reply.json);
    }
});

host_once!(a_newer_kernel_wants_a_boot, ready_test_policy, |host| {
    let is_due = || due(&ask(host, "package install sm-test-base").expect("ok")).2;
    let running = host.root("uname -r").ok().trim().to_owned();
    let newer = format!("9{running}");
    host.root(&format!("touch /boot/vmlinuz-{running} /boot/vmlinuz-{newer}")).ok();
    // A container has the kernel of another system.
    assert_eq!(is_due(), json!(false));
    host.root("rm /run/systemd/container").ok();
    assert_eq!(is_due(), json!(true));
    host.root(&format!("rm /boot/vmlinuz-{newer}; touch /boot/vmlinuz-9.9.9-another")).ok();
    assert_eq!(is_due(), json!(false));
    host.root(&format!(
        "mkdir -p /usr/lib/modules/{newer}; touch /usr/lib/modules/{newer}/vmlinuz"
    ))
    .ok();
    assert_eq!(is_due(), json!(true));
});

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn so_it_is_with_pacman() {
    let host = Host::ready_arch(Sudo::Classic);
    host.write(
        "/etc/systemd/system/nginx.service",
        "[Service]\nType=exec\nExecStart=/usr/lib/made/sleep 1000\n",
    );
    host.root("mkdir /usr/lib/made; cp /bin/sleep /usr/lib/made; systemctl daemon-reload; systemctl restart nginx").ok();
    host.root("cp /bin/sleep /usr/lib/made/new; mv /usr/lib/made/new /usr/lib/made/sleep").ok();
    let reply = ask(&host, "package install git").expect("ok");
    assert_eq!(due(&reply), (json!(["nginx.service"]), Value::Null, json!(false)));
}
