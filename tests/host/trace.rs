//! Who executed what, read from traces as strace writes them.

use crate::host::parse_trace;

const SUDO: &str = r#"
10 execve("\x2f\x73", ["\x73", "\x5b\x22"], ["\x41\x3d"]) = 0
10 execve("\x2f\x6e", ["\x6e"], []) = -1 ENOENT (No such file or directory)
10 setresuid(-1, 0, -1) = 0
10 clone(child_stack=NULL, flags=SIGCHLD, child_tidptr=0x7f) = 11
10 setuid(1000 <unfinished ...>
11 execve("\x2f\x74", ["\x74", "\xff"], [] <unfinished ...>
10 <... setuid resumed>) = 0
11 <... execve resumed>) = 0
10 execve("\x2f\x75", ["\x75"], []) = 0
10 +++ exited with 0 +++
"#;

#[test]
fn executions_have_the_rights_they_were_made_with() {
    let root = |path: &str| (path == "/s").then_some(0);
    let execs = parse_trace(SUDO, 1000, root);
    let seen: Vec<_> = execs
        .iter()
        .map(|exec| (exec.pid, exec.path.as_str(), exec.by, exec.euid, &exec.argv[..]))
        .collect();
    let argv = |args: &[&str]| args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        seen,
        [
            (10, "/s", 1000, 0, &argv(&["s", "[\""])[..]),
            (11, "/t", 0, 0, &argv(&["t", "\u{fffd}"])[..]),
            (10, "/u", 1000, 1000, &argv(&["u"])[..]),
        ]
    );
    assert_eq!(execs[0].env, ["A="]);
}

#[test]
fn a_child_seen_before_its_fork_returned_inherits() {
    let trace = "7 execve(\"\\x2f\\x73\", [], []) = 0\n\
                 7 vfork( <unfinished ...>\n\
                 8 execve(\"\\x2f\\x74\", [], []) = 0\n\
                 7 <... vfork resumed>) = 8\n";
    let execs = parse_trace(trace, 1000, |path| (path == "/s").then_some(0));
    assert_eq!(execs[1].by, 0);
}
