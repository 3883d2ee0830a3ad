//! Nothing that the caller can do gives it more.

use crate::host::{Reply, Sudo, host_test, intents};
use crate::{rate, reload};

const ATTEMPTS: [(&str, &str); 16] = [
    ("removing the state", "rm -rf /run/sm/rate /run/sm 2>/dev/null; $ask"),
    ("replacing a file", "(echo >/run/sm/rate/1000.changes) 2>/dev/null; $ask"),
    ("moving the folder away", "mv /run/sm /tmp/ 2>/dev/null; $ask"),
    ("a terminal of its own", "set -o pipefail; script -qec \"$ask\" /dev/null | tr -d '\\r'"),
    ("a login shell", "bash -lc \"$ask\""),
    ("another session", "setsid --wait $ask"),
    ("a forged sudo", "SUDO_UID=0 SUDO_GID=0 SUDO_USER=root $ask"),
    ("another account's number", "SUDO_UID=1001 SUDO_USER=other $ask"),
    (
        "sudo with a forged environment",
        "SUDO_UID=1001 SUDO_GID=1001 SUDO_USER=other sudo -n /usr/local/bin/$ask",
    ),
    ("another directory", "cd /tmp && $ask"),
    ("another time zone", "TZ=Pacific/Kiritimati $ask"),
    ("no files to write", "ulimit -f 0; $ask"),
    ("no niceness", "nice -n 19 $ask"),
    ("another group", "sg agent -c \"$ask\""),
    ("a new user namespace", "unshare --user --map-root-user $ask"),
    (
        "a namespace with another clock",
        "unshare --user --map-root-user --time --boottime 100000 --fork $ask",
    ),
];

host_test!(the_caller_cannot_reset_it, all, |host| {
    host.limit_the_rate();
    rate(host, 2, 3600);
    reload(host).expect("ok");
    reload(host).expect("ok");
    reload(host).expect("rate_limited");
    let before = intents(host);
    for (what, script) in ATTEMPTS {
        if script.contains("sudo -n") && host.sudo == Sudo::Unused {
            continue;
        }
        let script = script.replace("$ask", "sm-helper service reload nginx");
        let done = host.agent(&script);
        let is_namespace = what.contains("namespace");
        if is_namespace {
            // Root of its own namespace is nobody here; some kernels do not even let it try.
            let text = done.stdout_text();
            assert!(!text.contains("\"success\":true"), "{what}: {done}");
        } else if what == "no files to write" {
            // Where root itself may not lift a limit, nothing is run either.
            let reply = Reply::of(&done);
            assert!(["rate_limited", "unsupported"].contains(&reply.code()), "{what}: {done}");
        } else {
            assert_eq!(Reply::of(&done).code(), "rate_limited", "{what}: {done}");
        }
    }
    assert_eq!(intents(host), before, "nothing was begun");
    reload(host).expect("rate_limited");
});
