//! The host's own settings for pacman: none makes an operation another one, or its output another.

use crate::arch::set_up;
use crate::ask;
use crate::host::{Host, host_test};
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

host_test!(no_setting_of_pacmans_makes_an_operation_another_one, bare_arch, |host| {
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

host_test!(a_configuration_file_that_pacman_kept_is_told, bare_arch, |host| {
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
