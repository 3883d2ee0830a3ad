//! `--check`: in place or not, and what differs; and whatever differs is mended by a run.

use crate::answer::{DROP_IN, RULE, SM, drop_ins, setup_sudo, state, sudo_works};
use crate::host::host_once;

/// What was done to the drop-in, the state that must be found, and what must be said of it.
const WRONG: [(&str, &str, &[&str]); 10] = [
    ("rm FILE", "missing", &["does not exist", "+ agent ALL=(root) NOPASSWD: NOSETENV:"]),
    (
        "sed -i s/NOSETENV/SETENV/ FILE",
        "stale",
        &["- agent ALL=(root) NOPASSWD: SETENV:", "+ agent ALL=(root) NOPASSWD: NOSETENV:"],
    ),
    (
        "sed -i s,/local,, FILE",
        "stale",
        &["- agent ALL=(root) NOPASSWD: NOSETENV: /usr/bin/sm-helper"],
    ),
    (
        "echo 'agent ALL=(root) NOPASSWD: ALL' >>FILE",
        "stale",
        &["- agent ALL=(root) NOPASSWD: ALL"],
    ),
    ("echo 'bad bad bad' >>FILE", "stale", &["- bad bad bad"]),
    (": >FILE", "stale", &["+ agent ALL=(root) NOPASSWD: NOSETENV:"]),
    ("chmod 0644 FILE", "exposed", &["0644"]),
    ("chown agent FILE", "exposed", &["agent"]),
    ("chgrp agent FILE", "exposed", &["agent"]),
    ("mv FILE /root/rule; ln -s /root/rule FILE", "stale", &["not a file"]),
];

host_once!(what_is_not_as_it_should_be_is_found_with_the_difference_and_mended, |host| {
    setup_sudo(host, &["--check", "--user", "agent"]).expect("ok", 0);
    let mut wrong = Vec::new();
    for (done, found, words) in WRONG {
        host.root(&done.replace("FILE", DROP_IN)).ok();
        let before = state(host);
        let answer = setup_sudo(host, &["--check", "--user", "agent"]);
        let text = host.command("root", &[SM, "setup-sudo", "--check", "--user", "agent"]).run();
        let unchanged = state(host) == before;
        let said = format!("{}{}", answer.json["error"], answer.json["difference"]);
        let lacks: Vec<_> = words.iter().filter(|word| !said.contains(**word)).collect();
        let hint = answer.json["hint"].as_str().unwrap_or_default();
        if answer.exit != 1
            || answer.json["state"] != found
            || !lacks.is_empty()
            || answer.json["difference"].as_str().is_none_or(str::is_empty)
            || text.status != Some(1)
            || !unchanged
            || !hint.contains("sm setup-sudo --user agent")
        {
            wrong.push(format!(
                "check after `{done}`: lacks {lacks:?}, unchanged {unchanged}: {:#}",
                answer.json
            ));
        }
        // A run mends it, whatever it was: it is our own file.
        let mended = setup_sudo(host, &["--user", "agent"]);
        let check = setup_sudo(host, &["--check", "--user", "agent"]);
        if mended.exit != 0 || mended.json["changed"] != true || check.exit != 0 {
            wrong.push(format!("not mended after `{done}`: {:#}", mended.json));
            host.root(&format!("rm -rf {DROP_IN}; sm setup-sudo --user agent")).ok();
        }
        assert_eq!(
            (host.read(DROP_IN).as_str(), drop_ins(host)),
            (RULE, vec!["sm-agent".to_owned()])
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    sudo_works(host);
});

host_once!(check_for_another_place_of_the_program_is_stale, |host| {
    host.root("mkdir /opt/sm && cp /usr/local/bin/sm* /opt/sm").ok();
    let found = crate::answer::setup_sudo_of(host, "/opt/sm/sm", &["--check", "--user", "agent"]);
    assert_eq!((found.exit, &found.json["state"]), (1, &"stale".into()), "{:#}", found.json);
});
