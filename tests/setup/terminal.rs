//! What runs at a terminal.

use crate::host::{Done, Host};

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
