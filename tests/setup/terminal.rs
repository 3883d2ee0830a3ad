//! What runs at a terminal.

use crate::host::{Done, Host, Reply, host_test};

/// Runs its arguments at a terminal of their own, types the first wherever a password is asked
/// for, and prints what the terminal showed. What nobody waits for is not typed: sudo 1.9.13 may
/// not end over it.
const TERMINAL: &str = r#"
import os, re, sys
pid, fd = os.forkpty()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
shown = b""
while True:
    try:
        part = os.read(fd, 4096)
    except OSError:
        break
    if not part:
        break
    shown += part
    if re.search(rb"assword[^\n]*: \Z", shown):
        os.write(fd, sys.argv[1].encode() + b"\n")
sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

/// Runs it as the account, who types this password wherever one is asked for.
pub fn at_terminal(host: &Host, account: &str, password: &str, command: &[&str]) -> Done {
    host.command(account, &[&["python3", "-c", TERMINAL, password], command].concat()).run()
}

host_test!(at_a_terminal_the_reply_is_indented_and_help_and_usage_are_text, |host| {
    let shown = |words: &[&str]| {
        let argv = [&["/usr/local/bin/sm-helper"], words].concat();
        at_terminal(host, "agent", "", &argv)
    };
    // Answered here, and passed on from root; `--pretty` makes no difference.
    for words in [&["version"][..], &["service", "status", "nginx"], &["list", "--pretty"]] {
        let done = shown(words);
        assert!(done.stdout_text().starts_with("{\n  \"schema\": 1,\n"), "{done}");
        drop(Reply::of(&done).expect("ok"));
        // Into a pipe it is one line, also where the rest is a terminal.
        let line = format!("sm-helper {} | cat", words.join(" "));
        let piped = at_terminal(host, "agent", "", &["bash", "-c", &line]);
        let lines = if words.contains(&"--pretty") { 3..=usize::MAX } else { 1..=1 };
        assert!(lines.contains(&piped.stdout_text().lines().count()), "{piped}");
    }
    let help = shown(&["--help"]);
    assert_eq!(help.status, Some(0));
    assert!(help.stdout_text().contains("\n\nUsage: sm-helper "), "{help}");
    for way in [&["/usr/local/bin/sm-helper"][..], &["sudo", "-n", "/usr/local/bin/sm-helper"]] {
        let usage = at_terminal(host, "agent", "", &[way, &["service", "frob"]].concat());
        assert_eq!(usage.status, Some(2), "{usage}");
        assert!(usage.stdout_text().starts_with("sm-helper: "), "{usage}");
        assert!(!usage.stdout_text().contains("{\""), "{usage}");
    }
    let refused = shown(&["service", "restart", "dbus"]);
    assert!(refused.stdout_text().contains("\n  \"code\": \"denied\","), "{refused}");
});
