//! Nothing outside of what comes back is touched, whatever others do meanwhile.

use crate::host::{Host, Reply, Sudo, host_once, wait_until};
use crate::offer::offer;
use crate::tree::Kept;
use crate::{SITE, ask, done, dpkg_is_clean, go_on, id, set_up, stopped, undone};
use std::process::{Child, Stdio};

/// A package with a folder that `other` owns, in which there are files with the names of others.
const OWNED: &str = "mkdir -p usr/share/owned/in
for name in passwd shadow .bashrc a b {1..300}; do echo $name $VERSION >usr/share/owned/in/$name; done
chown -R other: usr/share/owned";

fn policy() -> String {
    let names = "[packages.names]\nsm-undo-owned = {}\n";
    SITE.replace("[packages.names]\n", names)
        .replace("[services]", "[limits]\nlock_seconds = 1\n[services]")
}

/// Runs a script as an account, until it is killed.
fn beside(host: &Host, user: &str, script: &str) -> Child {
    let mut command = host.command(user, &["bash", "-c", script]).into_command();
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("nsenter")
}

/// What nobody may touch.
fn outside(host: &Host) -> String {
    host.root("cd /; stat -c '%n %i %Y %Z %a %U' etc/passwd etc/shadow root root/.bashrc etc; sha256sum etc/passwd etc/shadow root/.bashrc").ok()
}

host_once!(a_folder_that_is_swapped_leads_nowhere, bare_btrfs, |host| {
    set_up(host, &policy());
    for version in ["1", "2"] {
        offer(host, "sm-undo-owned", version, &OWNED.replace("$VERSION", version));
    }
    let outside_before = outside(host);
    // The folder, a link to /etc, one to /root, and none, in turn, as fast as it goes.
    let script = "cd /usr/share/owned; mv in kept; touch /tmp/racing
        while :; do
            for to in /etc /root /nowhere; do ln -sfn $to in; rm in; done
            mv -T kept in; mv -T in kept
        done";
    let mut codes = Vec::new();
    for (line, call) in [
        ("package upgrade sm-undo-owned", "renameat2"),
        ("package install sm-undo-owned", "unlinkat"),
    ] {
        for _ in 0..4 {
            let prepare = "rm -rf /usr/share/owned; apt-get -qq remove --yes sm-undo-owned";
            host.root(prepare).ok();
            if line.contains("upgrade") {
                host.root("apt-get -qq install --yes --allow-downgrades sm-undo-owned=1").ok();
            }
            let request = id(&ask(host, line).expect("ok"));
            // It has looked at everything, and begins to put things back.
            let undo = stopped(host, &request, call);
            host.root("rm -f /tmp/racing").ok();
            let mut racing = beside(host, "other", script);
            wait_until("it races", || host.exists("/tmp/racing"));
            codes.push(go_on(host, undo)["code"].to_string());
            host.root("pkill -KILL -u other bash").ok();
            let _ = racing.wait();
            // Times of folders in which apt has made names are other ones.
            let of_files = |text: &str| -> Vec<String> {
                let lines = text.lines().filter(|line| !line.starts_with("etc "));
                lines.map(str::to_owned).collect()
            };
            assert_eq!(of_files(&outside(host)), of_files(&outside_before), "{line}");
            let names =
                ["/etc/a", "/etc/in", "/etc/.bashrc", "/root/a", "/root/passwd", "/nowhere"];
            assert!(names.iter().all(|name| !host.exists(name)), "{line}");
        }
    }
    println!("{codes:?}");
});

host_once!(a_hard_link_to_roots_file_is_not_written, bare_btrfs, |host| {
    set_up(host, &policy());
    offer(host, "sm-undo-owned", "1", &OWNED.replace("$VERSION", "1"));
    host.write("/usr/share/secret", "root's own\n");
    host.root("chmod 0600 /usr/share/secret; sysctl -qw fs.protected_hardlinks=0 || true");
    let secret = || host.root("stat -c '%a %U %Y' /usr/share/secret; cat /usr/share/secret").ok();
    let before = secret();
    let request = done(host, "package install sm-undo-owned");
    // As an account could where links are not protected: a name of its own for root's file.
    host.root("cd /usr/share/owned/in; rm -f a b; ln ../../secret a; ln -s /usr/share/secret b")
        .ok();
    let reply = ask(host, &format!("undo {request}")).expect("plan_refused");
    assert!(reply.json["error"].to_string().contains("/usr/share/owned/in/a"), "{:#}", reply.json);
    assert_eq!(secret(), before);
    host.root(&format!("sm undo --yes --force {request}")).ok();
    assert_eq!(secret(), before);
    assert!(!host.exists("/usr/share/owned/in/a"));
    dpkg_is_clean(host);
});

host_once!(what_an_agent_makes_meanwhile_costs_nothing, bare_btrfs, |host| {
    set_up(host, &policy());
    let before = Kept::now(host);
    host.agent(
        "mkdir many; cd many; for i in {1..100}; do mkdir $i; (cd $i; touch {1..1000}); done",
    )
    .ok();
    let request = done(host, "package install sm-test-old");
    host.agent("rm -r many; mkdir more; cd more; for i in {1..100}; do mkdir $i; (cd $i; touch {1..1000}); done").ok();
    undone(host, &request);
    before.assert_same(host);
    assert!(!host.exists("/home/agent/many"));
    assert_eq!(host.agent("find more -type f | wc -l").ok(), "100000\n");
});

host_once!(one_at_a_time, bare_btrfs, |host| {
    set_up(host, &policy());
    offer(
        host,
        "sm-undo-owned",
        "1",
        "script postinst <<'END'\nwhile [ ! -e /srv/go-on ]; do sleep 0.02; done\nEND",
    );
    let request = done(host, "package install sm-test-conffile");
    // While apt is at work.
    let mut apt = beside(host, "root", "apt-get -qq install --yes sm-undo-owned");
    wait_until("its script waits", || {
        host.root("pgrep -f [s]m-undo-owned.postinst").status == Some(0)
    });
    let reply = ask(host, &format!("undo {request}")).expect("busy");
    assert_ne!(reply.json["changed"], true, "{:#}", reply.json);
    host.root("touch /srv/go-on").ok();
    assert!(apt.wait().expect("its end").success());

    // While another undo is.
    let before = Kept::now(host);
    let request = done(host, "package install htop");
    let first = stopped(host, &request, "renameat2");
    let reply = ask(host, &format!("undo {request}")).expect("busy");
    assert_ne!(reply.json["changed"], true, "{:#}", reply.json);
    let reply = ask(host, "package install sm-test-old").expect("busy");
    assert_ne!(reply.json["changed"], true, "{:#}", reply.json);
    assert_eq!(go_on(host, first)["code"], "ok");
    let reply = ask(host, &format!("undo {request}")).expect("ok");
    assert_eq!(reply.json["changed"], false, "{:#}", reply.json);
    dpkg_is_clean(host);
    before.assert_same(host);
});

host_once!(a_confined_caller_gets_no_more_and_no_less, bare_btrfs, all, |host| {
    set_up(host, &policy());
    let before = Kept::now(host);
    let request = done(host, "package install sm-test-conffile");
    // It sees a package manager's state, snapshots and a history that are its own.
    let own = "set -e; for at in /var/lib/dpkg /var/lib/sm /.sm-snapshots; do mount -t tmpfs none $at; done
        exec sm-helper undo $0";
    let argv = [
        "unshare",
        "--user",
        "--map-current-user",
        "--keep-caps",
        "--mount",
        "bash",
        "-c",
        own,
        &request,
    ];
    let reply = Reply::of(&host.agent_argv(&argv));
    match host.sudo {
        // sudo takes nobody's word for who they are.
        Sudo::Classic | Sudo::Rs => {
            assert_eq!(reply.json["success"], false, "{:#}", reply.json);
            assert!(host.exists("/etc/sm-test.conf"));
            undone(host, &request);
        }
        Sudo::Unused => assert_eq!(reply.code(), "ok", "{:#}", reply.json),
    }
    dpkg_is_clean(host);
    before.assert_same(host);
});
