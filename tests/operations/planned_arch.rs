//! The same through pacman, which tells less of it before.

use crate::arch::set_up;
use crate::ask;
use crate::host::{Host, host_once};
use crate::offered::{changed, does, does_nothing, planned, refuses, state};

/// Installs a version that the repository does not offer any more.
fn older(host: &Host, name: &str) {
    host.root(&format!("pacman -U --noconfirm /srv/pacman/{name}-1-1-any.pkg.tar.zst")).ok();
}

fn option(host: &Host, line: &str) {
    host.root(&format!("sed -i 's/^\\[options\\]$/&\\n{line}/' /etc/pacman.conf")).ok();
}

/// Does something that there is no plan of before.
#[track_caller]
fn does_unplanned(host: &Host, line: &str, plan: &str) {
    ask(host, &format!("package plan {line}")).expect("unsupported");
    let really = changed(host, || {
        let reply = ask(host, &format!("package {line}")).expect("ok");
        assert_eq!(planned(&reply), plan, "{line}");
        assert_eq!(reply.json["changed"], true, "{line}");
    });
    assert_eq!(really, plan, "{line}");
}

host_once!(what_pacman_plans_is_what_is_done, bare_arch, |host| {
    set_up(host);
    does(host, "install sm-test-needs", "install sm-test-dep 1-1, install sm-test-needs 1-1");
    does(host, "remove sm-test-needs", "remove sm-test-needs 1-1");
    // The last package that there is.
    does_unplanned(host, "autoremove", "remove sm-test-dep 1-1");
    older(host, "sm-test-old");
    older(host, "sm-test-conffile");
    does_nothing(host, "install sm-test-old");
    does(host, "upgrade sm-test-old", "upgrade sm-test-old 1-1>2-1");
    does_unplanned(host, "upgrade", "upgrade sm-test-conffile 1-1>2-1");
    does(host, "install docker.io", "install docker 24.0-1");
    does_nothing(host, "install docker.io");
    does_nothing(host, "upgrade docker.io");

    // One that came as another's dependency stays that.
    host.root("pacman -D --asdeps docker").ok();
    does_nothing(host, "install docker.io");
    assert!(host.root("pacman -Qdq").ok().contains("docker\n"));
});

host_once!(pacman_takes_nothing_away_that_was_not_named, bare_arch, |host| {
    set_up(host);
    older(host, "sm-test-old");
    let plan = "install sm-test-rival 1-1, remove sm-test-old 1-1";
    refuses(host, "install sm-test-rival", plan, "also remove sm-test-old");
    // What needs it is never removed along, known or not.
    host.root("pacman -S --noconfirm --asdeps sm-test-dependant2").ok();
    let why = "required by sm-test-dependant2";
    refuses(host, "remove sm-test-base", "", why);
});

host_once!(pacman_makes_nothing_older, bare_arch, |host| {
    set_up(host);
    host.root("pacman -S --noconfirm sm-test-old").ok();
    refuses(host, "install sm-test-needs-old-1", "", "'sm-test-old=1' required by");
    let disk = "[disk]\\nServer = file:\\/\\/\\/srv\\/pacman";
    let older = disk.replace("disk", "older");
    let repositories = |first: &str, second: &str| {
        host.root(&format!(
            "sed -i -e '/^\\[disk\\]/,$d' /etc/pacman.conf; printf '{first}\\n{second}\\n' | sed 's/\\\\//g' >>/etc/pacman.conf; pacman -Sy"
        ))
        .ok();
    };
    repositories(disk, &older);
    let plan = "downgrade sm-test-old 2-1>1-1, install sm-test-needs-old-1 1-1";
    let why = "downgrade sm-test-old";
    refuses(host, "install sm-test-needs-old-1", plan, why);
    repositories(&older, disk);
    refuses(host, "upgrade sm-test-old", "downgrade sm-test-old 2-1>1-1", why);
    does_nothing(host, "install sm-test-old");
});

host_once!(what_pacman_is_told_to_keep_stays, bare_arch, |host| {
    set_up(host);
    option(host, "IgnorePkg = sm-test-old\\nHoldPkg = sm-test-base");
    let held = "sm-test-old, which is held";
    refuses(host, "install sm-test-old", "install sm-test-old 2-1", held);
    older(host, "sm-test-old");
    refuses(host, "upgrade sm-test-old", "upgrade sm-test-old 1-1>2-1", held);
    let before = state(host);
    let reply = ask(host, "package upgrade").expect("ok");
    assert_eq!((planned(&reply).as_str(), &reply.json["changed"]), ("", &false.into()));
    assert_eq!(state(host), before);
    does(host, "install sm-test-base", "install sm-test-base 1-1");
    refuses(host, "remove sm-test-base", "remove sm-test-base 1-1", "HoldPkg");
});
