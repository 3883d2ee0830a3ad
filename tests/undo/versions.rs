//! Without snapshots an upgrade is undone by the versions that it replaced.

use crate::host::{Host, host_once};
use crate::{SITE, ask, id, set_up, sm, undone};

const ARCH: &str = "schema = 1
[packages]
actions = [\"install\", \"remove\", \"upgrade\"]
undo = true
[packages.names]
sm-test-old = {}
";

fn version(host: &Host) -> String {
    host.root("dpkg-query -W -f '${Version}' sm-test-old").ok()
}

#[track_caller]
fn upgraded(host: &Host, line: &str) -> String {
    let reply = ask(host, line).expect("ok");
    assert_eq!(reply.json["changed"], true, "{:#}", reply.json);
    id(&reply)
}

host_once!(apt_installs_the_older_version, bare, all, |host| {
    set_up(host, &SITE.replace("packages = true\n", ""));
    host.root("apt-get -qq install --yes sm-test-old=1").ok();
    let request = upgraded(host, "package upgrade sm-test-old");
    assert_eq!(version(host), "2");
    let (exit, shown) = sm(host, &format!("undo --dry-run {request}"));
    assert_eq!(
        (exit, shown["versions"].to_string().as_str()),
        (0, "[[\"sm-test-old\",\"1\"]]"),
        "{shown:#}"
    );
    let reply = undone(host, &request);
    assert_eq!(version(host), "1");
    assert_eq!(reply.json["changed"], true, "{:#}", reply.json);
    let argv = reply.argv().expect("an argv");
    assert_eq!(argv.last(), Some(&"sm-test-old=1"), "{argv:?}");
    let again = ask(host, &format!("undo {request}")).expect("ok");
    assert_eq!(again.json["changed"], false, "{:#}", again.json);

    // What is no longer to be had does not come back.
    let request = upgraded(host, "package upgrade sm-test-old");
    host.root("rm /srv/apt/sm-test-old_1_all.deb; cd /srv/apt; awk -v RS= -v ORS='\\n\\n' '!/Package: sm-test-old\\nVersion: 1\\n/' Packages >new; mv new Packages
        printf 'Origin: tests\\nDate: %s\\nSHA256:\\n %s %s Packages\\n' \"$(date -Ru)\" $(sha256sum Packages | cut -d' ' -f1) $(stat -c %s Packages) >Release
        apt-get -qq update").ok();
    let reply = ask(host, &format!("undo {request}"));
    assert_eq!(reply.json["success"], false, "{:#}", reply.json);
    assert!(reply.json["error"].to_string().contains("sm-test-old"), "{:#}", reply.json);
    assert_eq!(version(host), "2");
    // What was installed has no version before.
    let request = upgraded(host, "package install sm-test-conffile");
    let reply = ask(host, &format!("undo {request}")).expect("unsupported");
    assert!(reply.json["hint"].to_string().contains("package remove"), "{:#}", reply.json);
});

host_once!(pacman_installs_what_is_in_its_cache, bare_arch, |host| {
    set_up(host, ARCH);
    host.root("cp /srv/pacman/sm-test-old-1-1-any.pkg.tar.zst /var/cache/pacman/pkg/; pacman -U --noconfirm /var/cache/pacman/pkg/sm-test-old-1-1-any.pkg.tar.zst").ok();
    let request = upgraded(host, "package upgrade sm-test-old");
    assert_eq!(host.root("pacman -Q sm-test-old").ok(), "sm-test-old 2-1\n");
    undone(host, &request);
    assert_eq!(host.root("pacman -Q sm-test-old").ok(), "sm-test-old 1-1\n");
    let request = upgraded(host, "package upgrade sm-test-old");
    host.root("rm /var/cache/pacman/pkg/sm-test-old-1-*").ok();
    let reply = ask(host, &format!("undo {request}"));
    assert_eq!(reply.json["success"], false, "{:#}", reply.json);
    assert_eq!(host.root("pacman -Q sm-test-old").ok(), "sm-test-old 2-1\n");
});
