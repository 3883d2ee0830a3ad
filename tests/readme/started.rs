//! The first minute, as docs/getting-started.md has it: each command as it is written, and each
//! wrong step with the answer that the page promises.

use super::host::{Host, Run, host_test, repository};

const PAGE: &str = include_str!("../../docs/getting-started.md");

/// The commands of the page, a block each.
fn blocks() -> Vec<&'static str> {
    PAGE.split("```sh\n")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once("```")?.0.trim()))
        .collect()
}

/// The wrong steps, with what the page says is answered.
fn wrong_steps() -> Vec<(&'static str, &'static str)> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `sm"));
    rows.map(|row| {
        let mut spans = row.split('`').skip(1).step_by(2);
        let (did, says) = (spans.next().expect("a command"), row.rsplit('`').nth(1));
        (did, says.expect("an answer"))
    })
    .collect()
}

/// What was said, on both streams.
fn said(run: Run) -> String {
    let done = run.run();
    format!("{}{}", done.stdout_text(), done.stderr_text())
}

// Steps 1 to 5 are run with the package that they install: tests/packaging/debian/first_use.rs.
host_test!(from_the_source_to_a_restarted_nginx, bare, |host| {
    let [trial, .., source] = blocks()[..] else { panic!("{:?}", blocks()) };
    assert_eq!(trial, "packaging/try", "tests/packaging runs it");
    let [build, install, rule] = source.lines().collect::<Vec<_>>()[..] else {
        panic!("three lines: {source}")
    };
    assert!(build.starts_with("packaging/build "), "{build}");
    // The program is built already; the rest is as it stands, by an administrator with sudo.
    let source = repository();
    host.write(
        "/home/admin/sm",
        std::fs::read(std::env::var_os("SM_BIN").expect("SM_BIN: run tests/run"))
            .expect("the program"),
    );
    host.root("install -D -m 0755 /home/admin/sm /home/admin/source/target/release/sm").ok();
    copy(host, &source.join("packaging"));
    let admin = |line: &str| {
        let command = line.strip_prefix("sudo ").expect("a command for root");
        let script = format!("cd ~/source && echo admin | sudo -S -p '' {command}");
        host.command("admin", &["/bin/bash", "-c", &script])
    };
    admin(install).run().ok();

    let before =
        |did: &str| did.ends_with("nginx") && did.starts_with("sm-helper service restart nginx");
    let steps = wrong_steps();
    assert!(steps.len() >= 10, "{steps:?}");
    let (first, says) = steps.iter().find(|(did, _)| before(did)).expect("the first row");
    let answer = host.agent(first).stdout_text();
    assert!(answer.contains(says), "{first}: {answer}");

    let printed = admin(rule).run().ok();
    let shown = PAGE
        .split("```\n")
        .find(|block| block.starts_with("account agent may"))
        .expect("it is shown");
    assert_eq!(printed, shown.replace("/usr/bin/", "/usr/local/bin/"));
    let main_pid = host.main_pid("nginx");
    let reply = host.agent(first).ok();
    assert!(reply.contains("\"success\":true,\"code\":\"ok\""), "{reply}");
    assert_ne!(host.main_pid("nginx"), main_pid);
    let tail = admin("sudo sm audit tail").run().ok();
    assert!(tail.contains("service restart nginx"), "{tail}");

    for (did, says) in steps.into_iter().filter(|(did, _)| !before(did)) {
        let account =
            if did == "sm setup-sudo" || did.ends_with("agnet") { "root" } else { "agent" };
        let answer = said(host.command(account, &["/bin/bash", "-c", did]));
        assert!(answer.contains(says), "{did}: {answer}");
    }
});

fn copy(host: &Host, folder: &std::path::Path) {
    let done = std::process::Command::new("cp")
        .arg("-a")
        .arg(folder)
        .arg(host.path("/home/admin/source/"))
        .status()
        .expect("cp runs");
    assert!(done.success());
}

host_test!(what_is_no_policy_stops_everything, |host| {
    host.root("mkdir -p /etc/sm; echo stopped > /etc/sm/policy.toml").ok();
    host.helper(&["service", "status", "nginx"]).expect("policy_invalid");
    host.root("sm policy revert").ok();
    host.helper(&["service", "status", "nginx"]).expect("ok");
});
