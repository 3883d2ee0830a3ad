//! How many operations can be undone in a row.

use crate::host::host_once;
use crate::tree::Kept;
use crate::{SITE, ask, done, dpkg_is_clean, set_up, site, undone};

/// Small packages.
const NAMES: [&str; 10] = [
    "htop",
    "sm-test-base",
    "sm-test-big",
    "sm-test-conffile",
    "sm-test-dep",
    "sm-test-old",
    "sm-test-probe",
    "sm-test-secret",
    "rsync",
    "sm-test-rival",
];

fn policy(keep: u32) -> String {
    let names: String = NAMES.iter().map(|name| format!("{name} = {{}}\n")).collect();
    let without = SITE.split("[packages.names]").next().unwrap_or_default();
    format!("{without}[packages.names]\n{names}").replace("keep = 50", &format!("keep = {keep}"))
}

host_once!(twenty_are_undone_in_a_row, bare_btrfs, |host| {
    set_up(host, &policy(50));
    let before = Kept::now(host);
    let mut requests = Vec::new();
    for names in NAMES.chunks(2) {
        for action in ["install", "remove"] {
            for name in names {
                requests.push(done(host, &format!("package {action} {name}")));
            }
        }
    }
    assert_eq!(requests.len(), 20);
    for request in requests.iter().rev() {
        undone(host, request);
    }
    dpkg_is_clean(host);
    before.assert_same(host);
});

host_once!(so_many_are_kept_and_no_more, bare_btrfs, |host| {
    set_up(host, &policy(3));
    let requests: Vec<_> =
        NAMES[..4].iter().map(|name| done(host, &format!("package install {name}"))).collect();
    let count = || host.root("ls /.sm-snapshots | grep -vc json").ok();
    assert_eq!(count(), "6\n");
    let listed = host.root("ls /var/lib/sm/undo").ok();
    assert!(!listed.contains(&requests[0]) && listed.contains(&requests[1]), "{listed}");
    // An undo takes the place of what it undoes.
    for request in requests[1..].iter().rev() {
        undone(host, request);
    }
    assert_eq!(count(), "6\n");
    dpkg_is_clean(host);
    let now = Kept::now(host);
    let reply = ask(host, &format!("undo {}", requests[0])).expect("not_found");
    let hint = reply.json["hint"].to_string();
    assert!(hint.contains("is kept as long as its snapshots"), "{hint}");
    now.assert_same(host);
    // Fewer are kept from now on.
    site(host, &policy(1));
    done(host, "package install sm-test-old");
    assert_eq!(count(), "2\n");
});
