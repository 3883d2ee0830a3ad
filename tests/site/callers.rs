//! Who gets which part.

use crate::host::host_test;
use crate::{NGINX, ask, site};

const CALLERS: &str = "schema = 1
[services]
actions = [\"restart\", \"reload\", \"status\"]
[services.units]
nginx = {}
ssh = {}
[packages]
actions = [\"install\"]
maintenance = [\"update\", \"autoclean\"]
[packages.names]
git = {}
curl = {}
[callers.\"user:agent\"]
services = [\"nginx\"]
[callers.\"group:deploy\"]
packages = [\"git\"]
maintenance = [\"update\"]
[callers.\"group:agent\"]
packages = [\"curl\"]
[callers.\"group:nobodys\"]
services = [\"ssh\"]
";

/// What they ask, without running it.
const LINES: [&str; 7] = [
    "service reload nginx",
    "service status ssh",
    "package install git",
    "package install curl",
    "package install htop",
    "package update",
    "package autoclean",
];

host_test!(several_rules_give_what_any_of_them_gives, |host| {
    host.root("groupadd deploy; groupadd nobodys; sm setup-sudo --user other").ok();
    let gets = |user: &str, wanted: [bool; 7]| {
        for (line, wanted) in LINES.iter().zip(wanted) {
            let words: Vec<&str> = ["--dry-run"].into_iter().chain(line.split(' ')).collect();
            let code = if wanted { "ok" } else { "denied" };
            let own = host.helper_as(user, &words);
            assert_eq!(own.code(), code, "{user}: {line}: {:#}", own.json);
            // Root, for this account, says the same.
            let sudo = ["/usr/bin/sudo", "-n", "/usr/local/bin/sm-helper"];
            let argv: Vec<&str> = sudo.into_iter().chain(words).collect();
            let done = host.command(user, &argv).run();
            assert_eq!(crate::host::Reply::of(&done).code(), code, "{user}, by sudo: {line}");
            let explained =
                host.root(&format!("sm --json policy explain --user {user} {line}")).ok();
            let explained: serde_json::Value = serde_json::from_str(&explained).expect("an object");
            assert_eq!(explained["allowed"], wanted, "{user}: {line}: {explained:#}");
        }
    };
    let (yes, no) = (true, false);
    site(host, CALLERS);
    // Its name, and its primary group.
    gets("agent", [yes, no, no, yes, no, no, no]);
    // And a supplementary one.
    host.root("usermod -aG deploy agent").ok();
    gets("agent", [yes, no, yes, yes, no, yes, no]);
    // Named by none: all of it, unless there is a default.
    gets("other", [yes, yes, yes, yes, no, yes, yes]);
    site(host, &format!("{CALLERS}[callers.default]\nservices = [\"ssh\"]\n"));
    gets("other", [no, yes, no, no, no, no, no]);
    gets("agent", [yes, no, yes, yes, no, yes, no]);
    host.root("usermod -aG nobodys other").ok();
    gets("other", [no, yes, no, no, no, no, no]);

    // Root is a caller too, and nobody becomes another by what the environment says.
    let root = "sm-helper --dry-run service reload nginx";
    assert!(host.root(root).stdout_text().contains("\"denied\""));
    let forged = "SUDO_UID=0 SUDO_GID=0 SUDO_USER=agent sudo -n /usr/local/bin/sm-helper --dry-run service reload nginx";
    let done = host.command("other", &["/bin/bash", "-c", forged]).run();
    assert_eq!(crate::host::Reply::of(&done).code(), "denied", "{done}");

    // What a caller gets must be there to give.
    site(host, &format!("{NGINX}[callers.\"user:agent\"]\nservices = [\"cron\"]\n"));
    ask(host, "service reload nginx").expect("policy_invalid");
});

host_test!(a_group_that_is_gone_widens_nothing, |host| {
    host.root(
        "groupadd deploy; groupadd nobodys; usermod -aG deploy other; sm setup-sudo --user other",
    )
    .ok();
    site(host, CALLERS);
    let code = |line: &str| {
        let words: Vec<&str> = ["--dry-run"].into_iter().chain(line.split(' ')).collect();
        let own = host.helper_as("other", &words).code().to_owned();
        let sudo = ["/usr/bin/sudo", "-n", "/usr/local/bin/sm-helper"];
        let argv: Vec<&str> = sudo.into_iter().chain(words).collect();
        let by_sudo = crate::host::Reply::of(&host.command("other", &argv).run());
        assert_eq!(by_sudo.code(), own, "{line}");
        own
    };
    let all = || ["service reload nginx", "package install git"].map(code);
    assert_eq!(all(), ["denied", "ok"]);
    host.root("groupdel deploy").ok();
    assert_eq!(all(), ["policy_invalid", "ok"]);
    // Whom a table names is as before.
    ask(host, "service reload nginx").expect("ok");
    let checked = host.root("sm policy check /etc/sm/policy.toml").stdout_text();
    assert!(checked.contains("policy.toml:15: there is no group deploy"), "{checked}");
    // It is there again, and its member is not.
    host.root("groupadd deploy").ok();
    assert_eq!(all(), ["ok", "ok"]);
});
