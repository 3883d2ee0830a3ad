//! A policy of 100,000 names, and what is kept of it.

use crate::host::{Host, host_once};
use crate::{FILE, ask};
use std::ops::Range;

const CACHE: &str = "/var/lib/sm/policy.cache";

/// 100,000 packages and one unit that may be asked for its status, and more where it says so.
fn large(actions: &str) -> String {
    let mut text = format!(
        "schema = 1\n[services]\nactions = [{actions}]\n[services.units.nginx]\n[packages]\nactions = [\"install\"]\n[packages.names]\ncurl = {{}}\n"
    );
    text.extend((0..100_000).map(|number| format!("a-package-{number:05} = {{}}\n")));
    text.push_str("git = {}\n");
    text
}

/// As old as a policy that nobody has changed of late.
fn settle(host: &Host) {
    std::thread::sleep(std::time::Duration::from_millis(300));
    ask(host, "service status nginx");
}

host_once!(what_is_kept_of_a_large_policy_is_never_stale, |host| {
    let (narrow, wide) = (large("\"status\""), large("\"status\", \"reload\""));
    host.root("install -d -m 0755 /etc/sm").ok();
    host.write(FILE, &narrow);
    settle(host);
    assert!(host.exists(CACHE), "it is kept");
    assert_eq!(
        host.root(&format!("stat -c '%U %a' {CACHE} && stat -c '%U %a' /var/lib/sm")).ok(),
        "root 600\nroot 700\n"
    );
    for (line, code) in [
        ("service status nginx", "ok"),
        ("service reload nginx", "denied"),
        ("--dry-run package install curl", "ok"),
        ("--dry-run package install git", "ok"),
        ("--dry-run package install htop", "denied"),
        ("package install a-package-00000", "denied"),
        ("package install a-package-100000", "denied"),
    ] {
        ask(host, line).expect(code);
    }

    // Changed in place, twice at once, by a rename, with the times of before.
    host.write(FILE, &wide);
    ask(host, "service reload nginx").expect("ok");
    host.write(FILE, &narrow);
    ask(host, "service reload nginx").expect("denied");
    host.write("/etc/sm/other", &wide);
    host.root(&format!(
        "touch -r {FILE} /etc/sm/other; mv {FILE} /etc/sm/mine; mv /etc/sm/other {FILE}"
    ))
    .ok();
    ask(host, "service reload nginx").expect("ok");
    host.root(&format!("mv /etc/sm/mine {FILE}")).ok();
    ask(host, "service reload nginx").expect("denied");
    settle(host);
    // As long as before, and with its times.
    let same = narrow.replace("git = {}", "gix = {}");
    host.root(&format!("touch -r {FILE} /run/times")).ok();
    host.write(FILE, &same);
    host.root(&format!("touch -r /run/times {FILE}")).ok();
    ask(host, "package remove git").expect("denied");
    let reply = host.root("sm-helper --dry-run package install git");
    assert!(reply.stdout_text().contains("\"denied\""), "{reply}");
    // What can no longer be trusted is not, whatever is kept of it.
    settle(host);
    host.root(&format!("chmod 0666 {FILE}")).ok();
    ask(host, "service status nginx").expect("policy_invalid");
});

host_once!(who_edits_a_large_policy_has_it_kept, |host| {
    host.write("/root/large", large("\"status\""));
    host.root("EDITOR='cp /root/large' sm policy edit").ok();
    assert!(host.exists(CACHE), "the next request finds it");
    ask(host, "service status nginx").expect("ok");
    let before = host.root(&format!("stat -c %i {CACHE}")).ok();
    host.root("sm policy allow service reload nginx").ok();
    ask(host, "service reload nginx").expect("ok");
    assert_ne!(host.root(&format!("stat -c %i {CACHE}")).ok(), before, "it is made anew");
});

/// Where the part is that says of which file it was made: seven numbers and a text, as postcard writes
/// them. It begins what is at the end, before eight bytes that say how long that is.
fn identity(kept: &[u8]) -> Range<usize> {
    let (rest, length) = kept.split_last_chunk().expect("eight bytes");
    let begin = rest.len() - usize::try_from(u64::from_le_bytes(*length)).expect("a length");
    let mut at = begin;
    let mut number = || {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            value |= usize::from(kept[at] & 0x7f).checked_shl(shift).unwrap_or(0);
            at += 1;
            if kept[at - 1] & 0x80 == 0 {
                break;
            }
        }
        value
    };
    for _ in 0..7 {
        number();
    }
    let length = number();
    begin..at + length
}

host_once!(what_others_could_have_kept_is_not_used, |host| {
    host.root("install -d -m 0755 /etc/sm").ok();
    let kept_of = |actions: &str| {
        host.write(FILE, large(actions));
        settle(host);
        std::fs::read(host.path(CACHE)).expect("it is kept")
    };
    let wide = kept_of("\"status\", \"reload\"");
    let narrow = kept_of("\"status\"");
    // It says of the narrow policy what the wide one says.
    let (true_one, own) = (&narrow[identity(&narrow)], identity(&wide));
    let end = [true_one, &wide[own.end..wide.len() - 8]].concat();
    let length = (end.len() as u64).to_le_bytes();
    let lie = [&wide[..own.start], &end, &length].concat();
    host.write("/root/lie", &lie);
    let plant = format!("rm -rf {CACHE}; install -m 600 /root/lie {CACHE}");
    host.root(&plant).ok();
    ask(host, "service reload nginx").expect("ok"); // so the lie is a good one

    for (what, script) in [
        ("another's", "chown agent $c"),
        ("open to all", "chmod 0644 $c"),
        ("open to its group", "chmod 0640 $c"),
        ("a link", "mv $c /root/c; ln -s /root/c $c"),
        ("garbage", "head -c 100000 /dev/urandom >$c"),
        ("cut short", "truncate -s 5000 $c"),
        ("empty", ": >$c"),
        ("a folder", "rm $c; mkdir $c"),
        ("a fifo", "rm $c; mkfifo -m 600 $c"),
    ] {
        host.root(&format!("set -e; {plant}; c={CACHE}; {script}")).ok();
        let reply = ask(host, "service reload nginx");
        assert_eq!(reply.code(), "denied", "{what}: {:#}", reply.json);
        ask(host, "service status nginx").expect("ok");
    }
    for script in [
        "cat /var/lib/sm/policy.cache",
        "ls /var/lib/sm",
        "touch /var/lib/sm/policy.cache.new",
        "mv /var/lib/sm /tmp/",
    ] {
        assert_ne!(host.agent(script).status, Some(0), "{script}");
    }
});
