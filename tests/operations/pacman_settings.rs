//! The host's own settings for pacman: none makes an operation another one, or its output another.

use crate::arch::set_up;
use crate::ask;
use crate::host::{Host, host_once};
use crate::offered::{does, does_nothing, planned, refuses};

/// `pacman.conf(5)`, what is printed and what is done around it. `Unknown` is no setting: pacman
/// says so on standard error, each time.
const SETTINGS: [&str; 10] = [
    "Color",
    "VerbosePkgLists",
    "ILoveCandy",
    "NoProgressBar",
    "CheckSpace",
    "UseSyslog",
    "ParallelDownloads = 3",
    "CleanMethod = KeepCurrent",
    "DisableDownloadTimeout",
    "Unknown",
];

fn older(host: &Host, name: &str) {
    host.root(&format!("pacman -U --noconfirm /srv/pacman/{name}-1-1-any.pkg.tar.zst")).ok();
}

host_once!(no_setting_of_pacmans_makes_an_operation_another_one, bare_arch, |host| {
    set_up(host);
    let lines = SETTINGS.join("\\n");
    host.root(&format!("sed -i 's/^\\[options\\]$/&\\n{lines}/' /etc/pacman.conf")).ok();
    does(host, "install sm-test-needs", "install sm-test-dep 1-1, install sm-test-needs 1-1");
    does_nothing(host, "install sm-test-needs");
    does(host, "remove sm-test-needs", "remove sm-test-needs 1-1");
    older(host, "sm-test-old");
    does(host, "upgrade sm-test-old", "upgrade sm-test-old 1-1>2-1");
    let plan = "install sm-test-rival 1-1, remove sm-test-old 2-1";
    refuses(host, "install sm-test-rival", plan, "also remove sm-test-old");
    let reply = ask(host, "package autoremove").expect("ok");
    assert_eq!(planned(&reply), "remove sm-test-dep 1-1");
    // The last package that there is.
    does(host, "remove sm-test-old", "remove sm-test-old 2-1");
    does(host, "install sm-test-base", "install sm-test-base 1-1");
});

host_once!(a_configuration_file_that_pacman_kept_is_told, bare_arch, |host| {
    set_up(host);
    older(host, "sm-test-conffile");
    host.write("/etc/sm-test.conf", "mine\n");
    for (line, beside) in [
        ("upgrade sm-test-conffile", "/etc/sm-test.conf.pacnew"),
        ("remove sm-test-conffile", "/etc/sm-test.conf.pacsave"),
    ] {
        let reply = ask(host, &format!("package {line}")).expect("ok");
        let told = reply.json["warnings"].to_string();
        assert!(told.contains(beside), "{line}: {:#}", reply.json);
        assert!(host.exists(beside));
    }
});

/// A package of two versions, with a configuration file that is not below `/etc` and one that is none,
/// in a repository of its own.
const ELSEWHERE: &str = "set -e
for version in 8 9; do
    tree=$(mktemp -d)
    mkdir -p $tree/opt/far $tree/usr/share/far /srv/own
    echo $version | tee $tree/opt/far/far.conf >$tree/usr/share/far/plain
    printf 'pkgname = sm-test-conffile\\npkgbase = sm-test-conffile\\npkgver = %s-1\\npkgdesc = x\\nsize = 9\\narch = any\\nbackup = opt/far/far.conf\\n' $version >$tree/.PKGINFO
    (cd $tree && tar -cf /srv/own/sm-test-conffile-$version-1-any.pkg.tar .PKGINFO opt usr)
done
cd /srv/own
repo-add -q own.db.tar.gz sm-test-conffile-9-1-any.pkg.tar
sed -i 's|^\\[disk\\]|[own]\\nServer = file:///srv/own\\n\\n&|; s|^\\[options\\]|&\\nNoUpgrade = usr/share/far/plain|' /etc/pacman.conf
pacman -Sy --noconfirm
pacman -U --noconfirm /srv/own/sm-test-conffile-8-1-any.pkg.tar
echo mine | tee /opt/far/far.conf >/usr/share/far/plain
";

host_once!(so_is_one_that_is_not_below_etc, bare_arch, |host| {
    set_up(host);
    host.root(ELSEWHERE).ok();
    for (line, all) in [
        (
            "upgrade sm-test-conffile",
            &["/opt/far/far.conf.pacnew", "/usr/share/far/plain.pacnew"][..],
        ),
        ("remove sm-test-conffile", &["/opt/far/far.conf.pacsave"]),
    ] {
        let reply = ask(host, &format!("package {line}")).expect("ok");
        let told = reply.json["warnings"].to_string();
        for beside in all {
            assert!(host.exists(beside), "{line}: {beside}: {:#}", reply.json);
            assert!(told.contains(beside), "{line}: {beside}: {:#}", reply.json);
        }
    }
});

// pacman's own sentence says nothing, and its questions, which it answers itself, are no cause.
host_once!(what_fetches_for_pacman_has_the_word_where_it_fails, bare_arch, |host| {
    set_up(host);
    let fetcher = "#!/bin/sh\necho 'fetcher: no route to host' >&2\nexit 7\n";
    host.write("/usr/local/bin/fetcher", fetcher);
    host.root("chmod 755 /usr/local/bin/fetcher").ok();
    let vague = "error: failed to commit transaction (error invoking external downloader)";
    for (command, says) in [
        ("/bin/false", vague.to_owned()),
        ("/usr/local/bin/fetcher %u %o", format!("{vague}: fetcher: no route to host")),
    ] {
        host.root(&format!(
            "sed -i '/^XferCommand/d; s|^\\[options\\]|&\\nXferCommand = {command}|' /etc/pacman.conf"
        ))
        .ok();
        let reply = ask(host, "package install sm-test-base").expect("command_failed");
        let error = reply.json["error"].as_str().expect("an error");
        assert!(error.ends_with(&says), "{command}: {:#}", reply.json);
        assert!(reply.json["hint"].to_string().contains("XferCommand"), "{:#}", reply.json);
        let reply = ask(host, "package update");
        assert!(!reply.json.to_string().contains("[Y/n]\""), "{:#}", reply.json);
    }
});
