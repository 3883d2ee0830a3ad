//! `-v` and `SM_LOG`: what is done is said on standard error, and the helper never says anything.

use crate::host::{Reply, host_once, host_test};

/// A line of a step: its level, what it is, and how long it took.
#[track_caller]
fn steps(stderr: &str) -> usize {
    let is_time = |word: &str| {
        let number = word.trim_end_matches(|c: char| c.is_alphabetic() || c == 'µ');
        number.len() < word.len() && number.parse::<f64>().is_ok()
    };
    let timed = |line: &&str| line.split(' ').next_back().is_some_and(is_time);
    for line in stderr.lines() {
        assert!(line.starts_with(" INFO ") || line.starts_with("DEBUG "), "{line} in: {stderr}");
    }
    stderr.lines().filter(|line| line.starts_with(" INFO ")).filter(timed).count()
}

host_once!(the_steps_are_on_standard_error_and_the_answer_stays_as_it_is, |host| {
    for line in ["sm setup-sudo --user agent", "sm setup-sudo --user agent --check", "sm doctor"] {
        let (plain, json) = (host.root(line), host.root(&format!("{line} --json")));
        for (said, wanted) in [
            (format!("{line} --json -v"), &json),
            (format!("SM_LOG=info {line} --json"), &json),
            (format!("sm -v {}", line.strip_prefix("sm ").unwrap_or(line)), &plain),
        ] {
            let done = host.root(&said);
            assert_eq!(done.status, wanted.status, "{said}: {done}");
            if wanted.stdout != json.stdout && line.contains("setup") {
                assert_eq!(done.stdout_text(), wanted.stdout_text(), "{said}");
            }
            assert!(done.stdout_text().lines().all(|line| !line.contains(" INFO ")), "{done}");
            let stderr = done.stderr_text();
            let stderr = stderr.split("sm: ").next().unwrap_or_default();
            assert!(steps(stderr) > 0, "{said}: {done}");
            assert!(!stderr.contains("DEBUG"), "{said}: {done}");
            assert!(stderr.contains("sudo -n -l"), "{said}: {done}");
        }
    }
    let done = host.root("sm doctor -vv");
    assert!(done.stderr_text().contains("DEBUG /usr/bin/systemctl "), "{done}");

    // A mistake in it is said, and the work is done.
    let done = host.root("SM_LOG=$'fr\\eob' sm policy show --json");
    assert_eq!(done.status, Some(0), "{done}");
    assert!(done.stderr_text().starts_with("sm: warning: SM_LOG=fr\\u{1b}ob: "), "{done}");
    assert_eq!(host.root("SM_LOG= sm policy show").stderr_text(), "");
});

host_test!(the_helper_says_nothing_whatever_its_environment_says, |host| {
    // Also where somebody has sudo pass it on.
    let keep = "echo 'Defaults env_keep += \"SM_LOG\"' >/etc/sudoers.d/keep; chmod 0440 /etc/sudoers.d/keep";
    host.root(keep).ok();
    for line in ["sm-helper", "sudo -n sm-helper", "sm helper"] {
        for request in ["service status nginx", "service restart dbus", "version", "-v version"] {
            let done = host.agent(&format!("export SM_LOG=trace; {line} {request}"));
            assert_eq!(done.stderr_text(), "", "{line} {request}: {done}");
            assert_eq!(done.stdout_text().lines().count(), 1, "{line} {request}: {done}");
            drop(Reply::of(&done));
        }
    }
    // Where it asks sudo why it was refused, as the administrator's commands do.
    let script = "export SM_LOG=trace; sm-helper service status nginx";
    let done = host.command("other", &["bash", "-c", script]).run();
    assert_eq!(done.stderr_text(), "", "{done}");
    drop(Reply::of(&done).expect("not_privileged"));
    let done = host.root("SM_LOG=trace sm helper service status nginx");
    assert_eq!(done.stderr_text(), "", "{done}");
});
