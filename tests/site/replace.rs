//! In mode `replace` the site policy is the policy; what is compiled in is its ceiling, checks the
//! servers it knows, and allows nothing by itself.

use crate::host::{host_once, intents};
use crate::{FILE, ask, install, site, text};

const MINE: &str = "schema = 1
[services]
actions = [\"restart\", \"status\", \"logs\"]
[services.units]
mine = {}
nginx = { actions = [\"restart\", \"status\"] }
[packages]
actions = [\"install\"]
maintenance = [\"update\"]
names.jq = {}
";

host_once!(the_site_policy_is_the_policy, bare, |host| {
    install(host, "SM_SITE_BIN", "policy/site.toml");
    host.write("/etc/systemd/system/mine.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    host.root("systemctl daemon-reload").ok();
    // Where there never was one, the compiled one holds, which allows nothing.
    let before = intents(host);
    for line in ["service status nginx", "service restart mine", "package update"] {
        ask(host, line).expect("denied");
    }
    assert_eq!(host.root("sm policy surface").ok().trim(), "{}");
    assert_eq!(intents(host), before);

    site(host, MINE);
    for (line, code) in [
        ("service restart mine", "ok"),
        ("service logs mine", "ok"),
        ("service status nginx", "ok"),
        ("service logs nginx", "denied"),
        ("service stop mine", "denied"),
        ("service status caddy", "denied"),
        ("--dry-run package install jq", "ok"),
        ("--dry-run package remove jq", "denied"),
        ("--dry-run package install git", "denied"),
        ("--dry-run package update", "ok"),
        ("--dry-run package upgrade", "denied"),
    ] {
        assert_eq!(ask(host, line).code(), code, "{line}");
    }
    let surface = host.root("sm policy surface").ok();
    assert!(surface.contains("mine.service") && !surface.contains("caddy"), "{surface}");

    // The compiled check holds for a unit that it knows, unless the file says its own.
    host.write("/etc/nginx/conf.d/broken.conf", "what is this\n");
    ask(host, "service restart nginx").expect("check_failed");
    site(host, &MINE.replace("nginx = { ", "nginx = { check = [\"/bin/true\"], "));
    let reply = ask(host, "--dry-run service restart nginx").expect("ok").json;
    assert!(reply["argv"].to_string().contains("restart"), "{reply}");
    assert!(!host.root("sm policy surface").ok().contains("\"-t\""));
    // A program of its own is believed as every other one.
    host.root("install -m 0777 /bin/true /usr/local/bin/anyone; rm /etc/nginx/conf.d/broken.conf")
        .ok();
    site(host, &MINE.replace("nginx = { ", "nginx = { check = [\"/usr/local/bin/anyone\"], "));
    ask(host, "service restart nginx").expect("untrusted_path");
});

host_once!(no_moment_without_the_policy_is_wider, bare, |host| {
    install(host, "SM_SITE_BIN", "policy/site.toml");
    site(host, MINE);
    ask(host, "service status nginx").expect("ok");
    for gone in [format!("rm {FILE}"), "rm -r /etc/sm".to_owned()] {
        host.root(&gone).ok();
        let reply = ask(host, "service status nginx").expect("policy_invalid");
        assert!(text(&reply, "hint").contains("sm policy edit"), "{reply:?}");
        ask(host, "service stop nginx").expect("policy_invalid");
        site(host, MINE);
        ask(host, "service status nginx").expect("ok");
    }
    for broken in ["", "schema = 1\n[service]\n", "schema = 1\n[services]\nactions = [\"re"] {
        site(host, broken);
        ask(host, "service status nginx").expect("policy_invalid");
    }
    site(host, MINE);
    host.root("sm policy revert").ok();
    ask(host, "service status nginx").expect("denied");
});

host_once!(the_never_list_is_its_ceiling, bare, |host| {
    install(host, "SM_SITE_BIN", "policy/site.toml");
    let before = intents(host);
    for (rest, name) in [
        ("[services]\nactions = [\"start\"]\nunits.debug-shell = {}\n", "debug-shell"),
        (
            "[services]\nactions = [\"start\"]\nunits.\"user@\" = { instances = [\"0\"] }\n",
            "user@0",
        ),
        ("[packages]\nactions = [\"install\"]\nnames.bash = {}\n", "bash"),
        (
            "[services]\nactions = [\"start\"]\nunits.a = { check = [\"/bin/sh\", \"-c\", \"id\"] }\n",
            "shell",
        ),
    ] {
        site(host, &format!("schema = 1\n{rest}"));
        let reply = ask(host, "service status nginx").expect("policy_invalid");
        assert!(text(&reply, "error").contains(name), "{reply:?}");
    }
    assert_eq!(intents(host), before);
});

host_once!(a_link_is_no_way_around_a_compiled_check, bare, |host| {
    install(host, "SM_SITE_BIN", "policy/site.toml");
    host.root("ln -s /lib/systemd/system/nginx.service /etc/systemd/system/web.service; systemctl daemon-reload").ok();
    site(host, "schema = 1\n[services]\nactions = [\"restart\", \"status\"]\nunits.web = {}\n");
    ask(host, "service restart web").expect("ok");
    host.write("/etc/nginx/conf.d/broken.conf", "what is this\n");
    ask(host, "service restart web").expect("check_failed");
});
