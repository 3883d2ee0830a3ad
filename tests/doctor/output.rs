//! The answer: for people, for programs, and for who is not root.

use crate::case::Doctor;
use crate::host::{Host, Sudo, host_test};
use std::collections::BTreeMap;

/// All that it could have changed: what it only writes to see whether it can is gone again, and
/// its own requests and the broker are recorded.
fn state(host: &Host) -> String {
    let but = "-not -name '*.lock' -not -name audit.head -not -path '/run/sm/rate*' -not -path /run/sm/probe -not -path /var/lib/sm";
    host.root(&format!(
        "find /etc /usr/local /var/lib/sm /run/sm {but} -printf '%p %i %u:%g %m %T@\\n' | sort; ls -A /var/lib/sm /var/log/sm"
    ))
    .ok()
}

host_test!(a_host_that_is_set_up_is_well, all, |host| {
    host.helper(&["service", "restart", "nginx"]).expect("ok");
    let doctor = Doctor::of(host);
    assert_eq!((doctor.exit, doctor.wrong().len()), (0, 0), "{:#?}", doctor.wrong());
    // It is asked again and again, and changes nothing but the record of its requests.
    let before = state(host);
    let again = Doctor::of(host);
    assert!(again.wrong().is_empty());
    let after = state(host);
    assert_eq!(before, after);
});

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn before_anything_is_set_up_that_is_all_there_is_to_say() {
    for host in [Host::boot(Sudo::Classic), Host::boot_arch(Sudo::Rs)] {
        let doctor = Doctor::of(&host);
        let nobody = BTreeMap::from([("drop_ins", "warning")]);
        assert_eq!(doctor.wrong(), nobody, "{:#?}", doctor.rows);
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn people_get_what_is_wrong_last_with_what_it_means_and_what_mends_it() {
    let host = Host::ready(Sudo::Classic);
    let well = host.root("sm doctor");
    assert!(well.ok().trim_end().ends_with("0 problems, 0 warnings, 47 ok"), "{well}");
    host.root("groupadd docker; usermod -aG docker agent; usermod -aG adm agent").ok();
    let done = host.root("sm doctor");
    assert_eq!(done.status, Some(1), "{done}");
    let text = done.stdout_text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "ok       46 checks; to list each: sm doctor -v", "{text}");
    assert!(lines[1].starts_with("warning  account_groups"), "{text}");
    let at = lines.iter().position(|line| line.starts_with("problem  account_groups"));
    let at = at.unwrap_or_else(|| panic!("no problem: {text}"));
    let meaning = lines[at + 1].trim_start();
    assert!(meaning.starts_with("membership in this group bypasses"), "{text}");
    assert_eq!(lines[at + 2].trim(), "fix: gpasswd --delete agent docker", "{text}");
    assert_eq!(at + 4, lines.len(), "{text}");
    assert_eq!(lines.last(), Some(&"1 problem, 1 warning, 46 ok"), "{text}");
    assert!(!text.contains('\x1b'), "colours where there is no terminal: {text:?}");
    // Each, where it is asked for, and still what is wrong last.
    let all = host.root("sm doctor -v").stdout_text();
    let words: Vec<&str> = all.lines().filter_map(|line| line.split(' ').next()).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    assert_eq!(words[..46], ["ok"; 46], "{all}");
    assert_eq!(words[46..], ["warning", "problem", "1"], "{all}");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(said.starts_with("sm: 1 problem on this host"), "{said}");
    // With warnings alone it is well.
    host.root("gpasswd --delete agent docker").ok();
    assert_eq!(host.root("sm doctor").status, Some(0));
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_terminal_has_colours_unless_they_are_not_wanted() {
    let host = Host::ready(Sudo::Classic);
    let on = |set: &str| host.root(&format!("{set} script -qec 'sm doctor' /dev/null")).ok();
    assert!(on("").contains("\x1b[32mok"), "{}", on(""));
    assert!(!on("NO_COLOR=1").contains('\x1b'));
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn without_root_it_says_so_and_calls_nothing_ok() {
    let host = Host::ready(Sudo::Classic);
    let done = host.agent("sm doctor --json");
    assert_eq!(done.status, Some(5), "{done}");
    let json: serde_json::Value = serde_json::from_slice(&done.stdout).expect("one object");
    assert_eq!((&json["code"], &json["success"]), (&"not_privileged".into(), &false.into()));
    assert_eq!(json["hint"], "run: sudo /usr/local/bin/sm doctor --json");
    assert!(json.get("checks").is_none(), "{json:#}");
    // The helper's name does not reach it.
    let done = host.agent("sm-helper doctor");
    assert_eq!(done.status, Some(2), "{done}");
}
