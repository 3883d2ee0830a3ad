//! What is run for a request is confined: a hostile program in each place tries what root can do, and is
//! refused all that it has no use for, whichever way the request came.

#[path = "../host/mod.rs"]
mod host;

mod lacking;
mod looks;
mod packages;
mod tasks;

use host::{Host, Reply};
use std::collections::{BTreeMap, BTreeSet};

/// `sm-helper LINE` as `agent`, the words split at spaces.
#[track_caller]
fn ask(host: &Host, line: &str) -> Reply {
    host.helper(&line.split(' ').collect::<Vec<_>>())
}

/// The hostile program.
const TRIES: &str = include_str!("tries.py");

/// Where a test puts it.
const PROGRAM: &str = "/usr/local/lib/tries";

/// How each of its tries ended.
type Tried = BTreeMap<String, String>;

/// Puts it there.
fn put_tries(host: &Host) {
    put_program(host, PROGRAM, TRIES);
    // For an account with no rights, all of it is there to be found.
    host.root(
        "mkdir -p /etc/sm /var/lib/sm /var/log/sm; touch /var/log/sm/audit.jsonl; mkfifo /run/fifo",
    )
    .ok();
}

fn put_program(host: &Host, path: &str, text: &str) {
    host.write(path, text);
    host.root(&format!("chmod 0755 {path}")).ok();
}

/// Has the program do it whenever it is run, before it does what it should.
fn put_before(host: &Host, program: &str) {
    host.root(&format!("mv {program} {program}.real")).ok();
    let script = format!("#!/bin/sh\n{PROGRAM} >/dev/null\nexec {program}.real \"$@\"\n");
    put_program(host, program, &script);
}

/// What it says of its tries.
fn tried(text: &str) -> Tried {
    let words = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let of = |words: Vec<&str>| match words[..] {
        ["tried", name, result] => Some((name.to_owned(), result.to_owned())),
        _ => None,
    };
    let tried: Tried = words.filter_map(of).collect();
    assert!(tried.len() > 40, "it did not get to the end: {text}");
    tried
}

/// The same, of what a reply has as the errors of what was run.
#[track_caller]
fn tried_in(reply: &Reply) -> Tried {
    tried(reply.json["stderr"].as_str().unwrap_or_else(|| panic!("nothing was run: {reply:?}")))
}

/// Those that were not refused.
fn not_refused(tried: &Tried) -> BTreeSet<&str> {
    const REFUSED: [&str; 6] = ["EPERM", "EACCES", "EBUSY", "EROFS", "EAFNOSUPPORT", "ENOSYS"];
    let names = tried.iter().filter(|(name, result)| {
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && !REFUSED.contains(&result.as_str())
    });
    names.map(|(name, _)| name.as_str()).collect()
}

/// Checks that exactly these were not refused, and that it could have nothing more from elsewhere.
#[track_caller]
fn only(tried: &Tried, allowed: &[&str]) {
    assert_eq!(not_refused(tried), allowed.iter().copied().collect(), "{tried:#?}");
    assert_eq!((tried["NoNewPrivs"].as_str(), tried["Seccomp"].as_str()), ("1", "2"));
}

/// The capabilities in a field of `proc(5)`'s `status`.
fn capabilities(tried: &Tried, field: &str) -> u64 {
    u64::from_str_radix(&tried[field], 16).expect("a number")
}
