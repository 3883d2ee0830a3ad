//! In mode `narrow`, that of the default policy, nothing comes in.

use crate::host::host_once;
use crate::{ask, site, text};

/// All that a site policy might try to bring.
const GREEDY: &str = "schema = 1
[site]
mode = \"extend\"
[limits]
rate = { count = 1000, per_seconds = 86400 }
output_bytes = 1048576
timeout_seconds = { service = 86400, package = 86400 }
[services]
actions = [\"start\", \"stop\", \"restart\", \"reload\", \"enable\", \"disable\", \"status\", \"logs\"]
[services.units]
nginx = {}
cron = {}
dbus = {}
[packages]
actions = [\"install\", \"remove\", \"upgrade\"]
maintenance = [\"update\", \"upgrade\", \"autoremove\", \"autoclean\"]
allow_removals = true
[packages.names]
curl = { pacman = \"bash\" }
bash = {}
jq = {}
[callers.\"user:agent\"]
services = [\"nginx\", \"cron\", \"dbus\"]
packages = [\"curl\", \"bash\", \"jq\"]
maintenance = [\"update\", \"upgrade\", \"autoremove\", \"autoclean\"]
";

host_once!(nothing_that_is_not_compiled_in_comes_in, |host| {
    site(host, GREEDY);
    for line in [
        "service restart cron",
        "service status dbus",
        "service logs nginx",
        "package install bash",
        "package install jq",
        "service restart docker",
        "package install git",
    ] {
        ask(host, line).expect("denied");
        ask(host, &format!("--dry-run {line}")).expect("denied");
    }
    // What both have is done as the compiled policy says, check and all.
    host.write("/etc/nginx/conf.d/broken.conf", "what is this\n");
    ask(host, "service reload nginx").expect("check_failed");
    host.root("rm /etc/nginx/conf.d/broken.conf").ok();
    ask(host, "service reload nginx").expect("ok");
    let curl = ask(host, "--dry-run package install curl").expect("ok");
    assert_eq!(curl.argv().and_then(|argv| argv.last().copied()), Some("curl"));
    let slow = ask(host, "--dry-run --timeout 80000 service reload nginx").expect("ok");
    assert!(slow.json["warnings"].to_string().contains("120"), "{:#}", slow.json);

    let limits = &ask(host, "list").expect("ok").json["limits"];
    assert_eq!(limits["timeout_seconds"]["service"], 120);
    assert_eq!(limits["timeout_seconds"]["package"], 1800);
    assert_eq!(limits["output_bytes"], 65536);
    // A large number over a day is not the stricter one: all of it may be spent at once.
    assert!(limits["rate"]["count"].as_u64() <= Some(30), "{limits}");

    let added = host.root("sm --json policy diff").ok();
    let added: serde_json::Value = serde_json::from_str(&added).expect("an object");
    assert_eq!(added["added"].as_array().map(Vec::len), Some(0), "{added:#}");
});

// Whatever it is, no window of the compiled policy's length may see more than that one allows.
host_once!(a_rate_of_the_site_is_never_the_larger_one, |host| {
    for (count, seconds) in
        [(1000_u64, 86400_u64), (100, 600), (9, 19), (5, 10), (30, 61), (31, 60), (1, 1)]
    {
        site(
            host,
            &format!(
                "schema = 1\n[limits]\nrate = {{ count = {count}, per_seconds = {seconds} }}\n"
            ),
        );
        let limits = ask(host, "list").expect("ok").json["limits"]["rate"].clone();
        let (has, over) =
            (limits["count"].as_u64().unwrap_or(0), limits["per_seconds"].as_u64().unwrap_or(0));
        // As many windows as it takes to cover the compiled one's minute.
        assert!(has * 60_u64.div_ceil(over) <= 30, "{count} in {seconds} s: {limits}");
        assert!(has * seconds.div_ceil(over) <= count, "{count} in {seconds} s: {limits}");
    }
});

host_once!(a_check_of_its_own_is_refused_with_its_line, |host| {
    site(
        host,
        "schema = 1\n[services]\nactions = [\"reload\"]\n[services.units.nginx]\ncheck = [\"/bin/true\"]\n",
    );
    let reply = ask(host, "service reload nginx").expect("policy_invalid");
    assert!(text(&reply, "error").contains("policy.toml:4:"), "{:#}", reply.json);
});

host_once!(it_takes_away_and_asks_for_reasons, |host| {
    site(
        host,
        "schema = 1
[limits]
timeout_seconds = { service = 7 }
[services]
actions = [\"restart\", \"reload\", \"status\"]
require_reason = true
[services.units]
nginx = {}
ssh = { actions = [\"status\"], require_reason = false }
[packages]
actions = [\"install\"]
maintenance = [\"update\"]
[packages.names]
git = {}
curl = { require_reason = true }
",
    );
    for (line, code) in [
        ("service stop nginx", "denied"),
        ("service restart fail2ban", "denied"),
        ("service restart ssh", "denied"),
        ("service status ssh", "ok"),
        ("service reload nginx", "reason_required"),
        ("service reload nginx --reason new-site", "ok"),
        ("package remove git", "denied"),
        ("package upgrade", "denied"),
        ("--dry-run package update", "ok"),
        ("--dry-run package install git", "ok"),
        ("--dry-run package install curl", "reason_required"),
        ("--dry-run package install curl --reason x", "ok"),
    ] {
        let reply = ask(host, line);
        assert_eq!(reply.code(), code, "{line}: {:#}", reply.json);
        if code == "reason_required" {
            assert!(text(&reply, "hint").contains("--reason"), "{:#}", reply.json);
        }
    }
    let reason = ["service", "reload", "nginx", "--reason", "a\nb"];
    host.helper(&reason).expect("invalid_argument");
    let list = ask(host, "list").expect("ok").json;
    assert_eq!(list["services"]["nginx.service"]["require_reason"], true, "{list:#}");
    assert_eq!(list["services"]["ssh.service"]["require_reason"], false, "{list:#}");
    assert_eq!(list["limits"]["timeout_seconds"]["service"], 7);
});
