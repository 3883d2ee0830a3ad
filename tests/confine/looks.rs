//! What only looks, what has the service manager do the work, and what a policy checks with.

use crate::host::{Host, host_once, host_test};
use crate::{
    PROGRAM, ask, capabilities, not_refused, only, put_before, put_program, put_tries, tried,
    tried_in,
};

/// CAP_DAC_READ_SEARCH alone.
const READS: u64 = 1 << 2;

/// No confinement but that of `tries.py` itself: the tests mean something only where this holds.
#[track_caller]
fn root_can_do_it(host: &Host) {
    let free = tried(&host.root(PROGRAM).stderr_text());
    for name in ["sudoers", "log", "outside", "mode", "inet", "unshare-mount", "mount", "ptrace"] {
        assert_eq!(free[name], "OK", "root itself: {free:#?}");
    }
    // What is left is asked of the kernel in a way that it does not like.
    let refused = free.len() - not_refused(&free).len();
    assert!(refused < 12, "root itself: {free:#?}");
}

host_test!(what_asks_systemd_reads_and_no_more, all, |host| {
    put_tries(host);
    root_can_do_it(host);
    put_before(host, "/usr/bin/systemctl");
    for line in ["service status nginx", "service restart nginx", "service stop nginx"] {
        let reply = ask(host, line).expect("ok");
        let tried = tried_in(&reply);
        only(&tried, &["unix"]);
        assert_eq!(capabilities(&tried, "CapBnd") & !READS, 0, "{line}");
        assert_eq!(capabilities(&tried, "CapEff") & !READS, 0, "{line}");
        assert!(reply.json["warnings"].is_null(), "all of it is to be had here: {reply:?}");
    }
    assert_eq!(host.main_pid("nginx"), 0);
});

host_test!(what_reads_the_journal_reads_and_no_more, ready_test_policy, all, |host| {
    put_tries(host);
    put_before(host, "/usr/bin/journalctl");
    only(&tried_in(&ask(host, "service logs nginx").expect("ok")), &["unix"]);
});

host_test!(a_simulation_writes_its_own_alone, all, |host| {
    put_tries(host);
    // What a simulation prints is in no reply: it writes where its cache is.
    host.root("mv /usr/bin/apt-get /usr/bin/apt-get.real").ok();
    let script =
        format!("#!/bin/sh\n{PROGRAM} 2>/var/cache/apt/tried\nexec /usr/bin/apt-get.real \"$@\"\n");
    put_program(host, "/usr/bin/apt-get", &script);
    ask(host, "package plan install git").expect("ok");
    let tried = tried(&host.read("/var/cache/apt/tried"));
    // Of its own.
    only(&tried, &["tmp", "unix"]);
    assert!(!host.exists("/tmp/.tried"));
    // It makes its cache anew as ever.
    host.root("rm -f /var/cache/apt/*.bin; mv /usr/bin/apt-get.real /usr/bin/apt-get").ok();
    ask(host, "package plan install git").expect("ok");
    assert!(host.exists("/var/cache/apt/pkgcache.bin"));
    // All that it needs is in there.
    let reply = ask(host, "package plan remove git").expect("ok");
    assert!(reply.json["warnings"].is_null(), "{reply:?}");
});

host_test!(a_check_changes_no_program_and_no_setting, ready_test_policy, all, |host| {
    put_tries(host);
    let unit = "[Service]\nExecStart=/bin/sleep 1000\n";
    host.write("/etc/systemd/system/guarded.service", unit);
    host.root("systemctl daemon-reload").ok();
    put_program(host, "/usr/local/sbin/guard", &format!("#!/bin/sh\n{PROGRAM}\nexit 3\n"));
    let tried = tried_in(&ask(host, "service restart guarded").expect("check_failed"));
    // Where it logs and listens is the settings' choice, and it may look whether a process is there.
    let wide =
        ["home", "root", "srv", "var", "run", "tmp", "fifo", "unix", "inet", "inet6", "kill"];
    only(&tried, &wide);
    // CAP_SYS_MODULE, CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_MKNOD.
    for dropped in [16, 19, 21, 27] {
        assert_eq!(capabilities(&tried, "CapBnd") & (1 << dropped), 0, "{dropped}");
    }
});

// A check that has to write and to listen does both.
host_once!(nginx_is_tested_as_before, |host| {
    host.root("rm -rf /var/lib/nginx/body /var/log/nginx/*; systemctl stop nginx").ok();
    ask(host, "service start nginx").expect("ok");
    for path in ["/var/lib/nginx/body", "/var/log/nginx/access.log"] {
        assert!(host.exists(path), "{path}");
    }
    let port = "listen 127.0.0.1:81;";
    let site = format!("server {{ {port} access_log /srv/site/access.log; }}\n");
    host.root("mkdir /srv/site").ok();
    host.write("/etc/nginx/conf.d/site.conf", site);
    ask(host, "service reload nginx").expect("ok");
    assert!(host.exists("/srv/site/access.log"));
});

// `systemctl enable` has a child of its own write the links of init scripts.
host_once!(a_unit_with_an_init_script_is_enabled_and_disabled, |host| {
    assert!(host.exists("/etc/init.d/nginx"), "the image's nginx has one");
    for (action, link) in [("disable", "K01nginx"), ("enable", "S01nginx")] {
        ask(host, &format!("service {action} nginx")).expect("ok");
        assert!(host.exists(format!("/etc/rc3.d/{link}")), "{action}");
    }
});
