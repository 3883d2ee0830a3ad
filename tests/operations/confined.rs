//! Where sudo cannot work: in a unit with `NoNewPrivileges=yes`, and in bubblewrap. There the
//! broker's socket is the way in, and who insists on sudo is told why not.

use crate::host::{Done, Host, Reply, events, host_once, host_test, records};

/// As a service manager's own sandbox has it.
const UNIT: &[&str] = &[
    "systemd-run",
    "--quiet",
    "--collect",
    "--wait",
    "--pipe",
    "--property=User=agent",
    "--property=NoNewPrivileges=yes",
];

/// All namespaces of its own, a user namespace among them; of the host the programs and the
/// socket's folder, no account database, no other part of /run.
const BUBBLEWRAP: &[&str] = &[
    "bwrap",
    "--unshare-all",
    "--die-with-parent",
    "--ro-bind",
    "/usr",
    "/usr",
    "--symlink",
    "usr/lib",
    "/lib",
    "--symlink",
    "usr/lib64",
    "/lib64",
    "--dev",
    "/dev",
    "--ro-bind",
    "/proc",
    "/proc",
    "--ro-bind",
    "/run/sm",
    "/run/sm",
];

/// The host as it is, save that it cannot be written to.
const WHOLE: &[&str] =
    &["bwrap", "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--dev", "/dev"];

fn run(host: &Host, user: &str, confined: &[&str], words: &str) -> Done {
    let helper = ["/usr/local/bin/sm-helper"].into_iter().chain(words.split(' '));
    let argv: Vec<&str> = confined.iter().copied().chain(helper).collect();
    host.command(user, &argv).run()
}

#[track_caller]
fn is_served(host: &Host, user: &str, confined: &[&str]) {
    // The premise: whoever runs here cannot become root.
    let premise: Vec<&str> = confined
        .iter()
        .copied()
        .chain(["/usr/bin/grep", "NoNewPrivs:", "/proc/self/status"])
        .collect();
    let premise = host.command(user, &premise).run().ok();
    assert_eq!(premise.split_whitespace().last(), Some("1"), "{premise}");

    let ask = |words: &str| Reply::of(&run(host, user, confined, words));
    for via in ["", " --via socket"] {
        let before = host.main_pid("nginx");
        let reply = ask(&format!("service restart nginx{via}")).expect("ok");
        let now = host.main_pid("nginx");
        assert!(now != 0 && now != before, "{before} {now}");
        assert_eq!(reply.json["unit"]["main_pid"], now);
        assert_eq!(events(host, &reply.json["request_id"]), "intent ok, result ok");
        let reply = ask(&format!("service status nginx{via}")).expect("ok");
        assert_eq!(reply.json["unit"]["active_state"], "active");
        let list = ask(&format!("list{via}")).expect("ok");
        // Who asks what there is needs no root and answers itself, with the names that it sees.
        let named = if confined == BUBBLEWRAP { "1000" } else { "agent" };
        assert_eq!(list.json["user"], named);
        ask(&format!("service restart cron{via}")).expect("denied");
    }
    ask("package install git").expect("ok");
    assert!(host.has_package("git"));
    ask("package remove git").expect("ok");
    assert!(!host.has_package("git"));
    // It was the account itself that asked, whatever it calls itself in there.
    let asked = ask("service status nginx").expect("ok");
    for record in records(host, &asked.json["request_id"]) {
        let caller = &record["caller"];
        assert_eq!(caller["user"], "agent", "{record:#}");
        assert_eq!(caller["via"], "socket", "{record:#}");
    }

    let nginx = host.main_pid("nginx");
    let reply = ask("service restart nginx --via sudo").expect("not_privileged");
    let told = crate::told(&reply);
    println!("{told}");
    // To allow more in sudoers would not help.
    assert!(told.contains("--via") && told.contains("setup-broker"), "{told}");
    assert!(!told.contains("setup-sudo"), "{told}");
    assert_eq!(host.main_pid("nginx"), nginx);
}

/// Both ways in are open to `agent`, so that only where it runs can be what is in sudo's way.
fn open_both(host: &Host) {
    host.root("sm setup-broker --user agent").ok();
    host.write("/etc/dpkg/dpkg.cfg.d/fast", "force-unsafe-io\n");
    Reply::of(&run(host, "agent", &["env"], "service status nginx --via sudo")).expect("ok");
}

host_test!(a_unit_without_new_privileges_is_served, |host| {
    open_both(host);
    is_served(host, "root", UNIT);
});

host_test!(a_caller_in_bubblewrap_is_served, |host| {
    open_both(host);
    is_served(host, "agent", BUBBLEWRAP);
    is_served(host, "agent", WHOLE);
});

host_once!(a_sandbox_without_the_sockets_folder_is_not_served, |host| {
    open_both(host);
    let hidden: Vec<&str> = WHOLE.iter().copied().chain(["--tmpfs", "/run"]).collect();
    let nginx = host.main_pid("nginx");
    for (via, words) in [("auto", "sudo"), ("socket", "/run/sm/sm.sock")] {
        let line = format!("service restart nginx --via {via}");
        let reply = Reply::of(&run(host, "agent", &hidden, &line)).expect("not_privileged");
        let told = crate::told(&reply);
        println!("{told}");
        assert!(told.contains(words) && told.contains("/run/sm/sm.sock"), "{told}");
    }
    assert_eq!(host.main_pid("nginx"), nginx);
});
