//! Somebody else works on the packages: waited for, and then planned anew.

use std::thread;

use crate::arch::set_up;
use crate::host::{Host, Reply, events, host_once, intents, wait_until};
use crate::offered::{planned, state};
use crate::{ask, somebody_else};

const DPKG: [&str; 3] =
    ["/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/cache/apt/archives/lock"];
const LISTS: &str = "/var/lib/apt/lists/lock";
const PACMAN: &str = "/var/lib/pacman/db.lck";

/// Somebody who holds a lock until told to go.
struct Holder<'h> {
    host: &'h Host,
    pid: String,
}

impl<'h> Holder<'h> {
    /// Before it goes it runs `then`, a line of shell.
    fn of(host: &'h Host, lock: &str, then: &str) -> Self {
        let script = format!(
            "import fcntl, os, time
f = open('{lock}', 'a')
if '{lock}' != '{PACMAN}': fcntl.lockf(f, fcntl.LOCK_EX)
open('/run/held.new', 'w').write(str(os.getpid()))
os.rename('/run/held.new', '/run/held')
while not os.path.exists('/run/go'): time.sleep(0.05)
os.environ['DPKG_FRONTEND_LOCKED'] = '1'
os.system('''{then}''')
if '{lock}' == '{PACMAN}': os.remove('{lock}')
f.close()
os.remove('/run/held')
"
        );
        host.root("rm -f /run/held /run/go").ok();
        host.write("/run/holder", script);
        host.root("exec setsid -f python3 /run/holder >/dev/null 2>&1").ok();
        wait_until("the lock is held", || host.exists("/run/held"));
        Self { host, pid: host.read("/run/held") }
    }

    fn goes(self) {
        self.host.write("/run/go", "");
        wait_until("the lock is given up", || !self.host.exists("/run/held"));
    }
}

/// The reply of who asks while the lock is held, and what came before its holder went.
fn waits(holder: Holder<'_>, line: &str) -> Reply {
    let host = holder.host;
    let before = intents(host);
    thread::scope(|scope| {
        let asked = scope.spawn(|| ask(host, line));
        wait_until("it was asked", || intents(host) > before);
        assert!(!asked.is_finished(), "it did not wait");
        holder.goes();
        asked.join().expect("a reply")
    })
}

#[track_caller]
fn is_busy(holder: &Holder<'_>, line: &str) {
    let host = holder.host;
    let before = state(host);
    let reply = ask(host, line).expect("busy");
    assert_eq!(reply.exit, 4);
    assert!(reply.json["retry_after_s"].as_u64().is_some_and(|seconds| seconds > 0), "{line}");
    let error = reply.json["error"].as_str().expect("an error");
    let who = format!("python3 (process {})", holder.pid);
    assert!(error.contains(&who), "{line}: {error} does not name {who}");
    assert!(reply.json["returncode"].is_null() && reply.json["changed"] != true, "{line}");
    assert_eq!(state(host), before, "{line}");
    let ends = events(host, &reply.json["request_id"]);
    assert!(ends == "intent ok, result busy" || ends == "refused busy", "{line}: {ends}");
}

host_once!(who_works_on_the_packages_is_waited_for, ready_test_policy, |host| {
    host.root("apt-get -qq --yes install sm-test-base").ok();
    for lock in DPKG {
        let holder = Holder::of(host, lock, "");
        is_busy(&holder, "package install sm-test-old --timeout 1");
        is_busy(&holder, "package remove sm-test-base --timeout 1");
        is_busy(&holder, "package upgrade --timeout 1");
        // To look takes no lock, and what does not need it is not kept waiting.
        let plan = ask(host, "package plan install sm-test-old").expect("ok");
        assert_eq!(planned(&plan), "install sm-test-old 2");
        ask(host, "package update").expect("ok");
        let reply = waits(holder, "package install sm-test-old").expect("ok");
        assert_eq!(planned(&reply), "install sm-test-old 2", "{lock}");
        assert!(host.has_package("sm-test-old"), "{lock}");
        host.root("apt-get -qq --yes remove sm-test-old").ok();
    }
    let holder = Holder::of(host, LISTS, "");
    is_busy(&holder, "package update --timeout 1");
    ask(host, "package install sm-test-old").expect("ok");
    waits(holder, "package update").expect("ok");
    let holder = Holder::of(host, DPKG[2], "");
    is_busy(&holder, "package autoclean --timeout 1");
    ask(host, "package repair").expect("ok");
    holder.goes();
    let holder = Holder::of(host, DPKG[0], "");
    is_busy(&holder, "package repair --timeout 1");
    holder.goes();
});

host_once!(what_changed_while_it_waited_is_planned_for, ready_test_policy, |host| {
    let installs = "dpkg -i /srv/apt/sm-test-dep_1_all.deb";
    let holder = Holder::of(host, DPKG[0], installs);
    let reply = waits(holder, "package install sm-test-needs").expect("ok");
    assert_eq!(planned(&reply), "install sm-test-needs 1");
    // It can be done by now, or be forbidden.
    let installs = "dpkg -i /srv/apt/sm-test-base_1_all.deb";
    let reply = waits(Holder::of(host, DPKG[0], installs), "package install sm-test-base");
    let reply = reply.expect("ok");
    assert_eq!((planned(&reply).as_str(), &reply.json["changed"]), ("", &false.into()));
    let installs = "dpkg -i /srv/apt/sm-test-old_1_all.deb";
    let reply = waits(Holder::of(host, DPKG[0], installs), "package install sm-test-rival");
    let reply = reply.expect("plan_refused");
    assert_eq!(planned(&reply), "install sm-test-rival 1, remove sm-test-old 1");
    assert!(host.has_package("sm-test-old") && !host.has_package("sm-test-rival"));
});

/// Puts a script in the place of apt-get, which is `$real` in it.
fn instead_of_apt(host: &Host, script: &str) {
    let script =
        format!("#!/bin/bash\nreal=/usr/bin/apt-get.real\n{script}\nexec \"$real\" \"$@\"\n");
    host.root("[ -e /usr/bin/apt-get.real ] || mv /usr/bin/apt-get /usr/bin/apt-get.real").ok();
    host.write("/usr/bin/apt-get", script);
    host.root("chmod 0755 /usr/bin/apt-get; rm -f /run/once").ok();
}

host_once!(who_is_quicker_is_planned_for_too, ready_test_policy, |host| {
    // Another package comes after the plan was made, and before it is begun.
    somebody_else(host, "quicker", "touch /run/once; dpkg -i /srv/apt/sm-test-dep_1_all.deb");
    instead_of_apt(
        host,
        r#"if [[ " $* " == *" --simulate "* && ! -e /run/once ]]; then
            "$real" "$@"; exec systemctl start quicker
        fi"#,
    );
    let reply = ask(host, "package install sm-test-needs").expect("ok");
    assert!(host.exists("/run/once"));
    assert_eq!(planned(&reply), "install sm-test-needs 1");

    // Somebody takes the lock at the very moment.
    host.write("/run/quick", "import fcntl,time; f=open('/var/lib/dpkg/lock-frontend','a'); fcntl.lockf(f,fcntl.LOCK_EX); open('/run/once','w'); time.sleep(1)");
    instead_of_apt(
        host,
        r#"if [[ " $* " != *" --simulate "* && ! -e /run/once ]]; then
            setsid -f python3 /run/quick >/dev/null 2>&1; until [[ -e /run/once ]]; do sleep 0.05; done
        fi"#,
    );
    let reply = ask(host, "package install sm-test-old").expect("ok");
    assert!(host.exists("/run/once"));
    assert_eq!(
        (planned(&reply).as_str(), &reply.json["changed"]),
        ("install sm-test-old 2", &true.into())
    );

    // And where others never leave it alone, nothing is done.
    somebody_else(host, "restless", "mktemp -p /var/lib/apt/lists");
    instead_of_apt(
        host,
        r#"if [[ " $* " == *" --simulate "* ]]; then
            "$real" "$@"; exec systemctl start restless
        else touch /run/begun; fi"#,
    );
    let reply = ask(host, "package install sm-test-base").expect("busy");
    assert!(reply.json["retry_after_s"].is_number(), "{:#}", reply.json);
    assert!(!host.has_package("sm-test-base") && !host.exists("/run/begun"));
});

host_once!(who_works_with_pacman_is_waited_for, bare_arch, |host| {
    set_up(host);
    let holder = Holder::of(host, PACMAN, "");
    is_busy(&holder, "package install sm-test-old --timeout 1");
    is_busy(&holder, "package upgrade --timeout 1");
    // pacman takes its lock to say what it would do.
    is_busy(&holder, "package plan install sm-test-old");
    let reply = waits(holder, "package install sm-test-old").expect("ok");
    assert_eq!(planned(&reply), "install sm-test-old 2-1");
    // What comes meanwhile is planned for.
    let installs = "rm /var/lib/pacman/db.lck; pacman -S --noconfirm --asdeps sm-test-dep; touch /var/lib/pacman/db.lck";
    let reply = waits(Holder::of(host, PACMAN, installs), "package install sm-test-needs");
    assert_eq!(planned(&reply.expect("ok")), "install sm-test-needs 1-1");
    assert!(!host.exists(PACMAN));
});

host_once!(a_lock_that_pacman_left_behind_is_not_taken_away, bare_arch, |host| {
    set_up(host);
    host.write(PACMAN, "");
    for line in [
        "install git",
        "install git --timeout 1",
        "upgrade",
        "autoremove",
        "autoclean",
        "plan install git",
    ] {
        let before = state(host);
        let reply = ask(host, &format!("package {line}")).expect("plan_refused");
        let text = |key: &str| reply.json[key].as_str().unwrap_or_default();
        assert!(text("error").contains(PACMAN), "{line}: {:#}", reply.json);
        assert!(text("hint").contains("rm /var/lib/pacman/db.lck"), "{line}: {:#}", reply.json);
        assert!(reply.json["retry_after_s"].is_null(), "to wait does not help: {:#}", reply.json);
        assert_eq!(state(host), before, "{line}");
    }
    host.root("rm /var/lib/pacman/db.lck").ok();
    ask(host, "package install git").expect("ok");
});
