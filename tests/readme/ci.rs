//! What docs/ci.md tells those who keep a policy in a repository, as it is written there.

use super::host::{Done, Host, host_test};

const PAGE: &str = include_str!("../../docs/ci.md");

/// The blocks of the page in this language.
fn blocks(language: &str) -> Vec<&'static str> {
    let begin = format!("```{language}\n");
    PAGE.split(begin.as_str()).skip(1).filter_map(|rest| Some(rest.split_once("```")?.0)).collect()
}

/// The script in a container: an account of a user namespace of its own, no capability, no network,
/// nothing of systemd, nothing but the folder to write to.
fn container(host: &Host) -> Done {
    host.agent(
        "cd ~/hosts && bwrap --unshare-all --cap-drop ALL --ro-bind / / --tmpfs /run --tmpfs /tmp --proc /proc \
         --dev /dev --bind ~/hosts ~/hosts --chdir ~/hosts sh check-policy",
    )
}

/// The script as root of a container, which has no capability and gets none.
fn as_root(host: &Host) -> Done {
    host.root(
        "cd /home/agent/hosts && \
         setpriv --reuid=0 --no-new-privs --bounding-set -all,+dac_override --inh-caps -all sh check-policy",
    )
}

host_test!(the_recipe_works, |host| {
    let policy = blocks("toml")[0];
    let [surface, script, explain] = blocks("sh")[..] else { panic!("other blocks") };
    host.root("install -d -o agent /home/agent/hosts").ok();
    for (name, text) in [("policy.toml", policy), ("check-policy", script)] {
        host.write(format!("/home/agent/hosts/{name}"), text);
    }
    host.agent(&format!("cd ~/hosts; {surface}")).ok();
    container(host).ok();
    let explained = host.agent(&format!("cd ~/hosts; {explain}")).ok();
    assert!(explained.contains("\"allowed\":true"), "{explained}");

    // A change that nobody saw is shown, and fails.
    let wider = policy.replace("[\"reload\", ", "[\"stop\", \"reload\", ");
    assert_ne!(wider, policy);
    host.write("/home/agent/hosts/policy.toml", &wider);
    let done = container(host);
    assert_eq!(done.status, Some(1), "{done}");
    let shown = done.stdout_text();
    assert!(shown.contains("\n+\"service stop nginx.service\": "), "{done}");
    // So does a mistake.
    host.write(
        "/home/agent/hosts/policy.toml",
        policy.replace("[packages.names.git]", "[packages.names.\"*\"]"),
    );
    let done = container(host);
    assert_eq!(done.status, Some(1), "{done}");
    assert!(done.stderr_text().contains("policy.toml:11:"), "{done}");

    // As the site policy of the image it is what a dry run asks.
    host.write("/home/agent/hosts/policy.toml", policy);
    host.root(
        "install -D -m 0644 -o root -g root /home/agent/hosts/policy.toml /etc/sm/policy.toml",
    )
    .ok();
    as_root(host).ok();
    host.write(
        "/etc/sm/policy.toml",
        policy.replace("[packages.names.git]", "[packages.names.curl]"),
    );
    assert_eq!(as_root(host).status, Some(3));
});
