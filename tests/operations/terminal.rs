//! At a real terminal: what is typed there, and its end, do not end an operation.

use crate::host::gate::Gate;
use crate::host::{Reply, host_test};
use crate::told;
use serde_json::Value;

/// Runs a command at a new terminal; when the installation is in the middle, types keys or
/// hangs up; then lets the installation go on. Prints what came out of the terminal, then the
/// exit status.
const AT_TERMINAL: &str = r#"
import os, sys, time
keys, command = sys.argv[1].encode().decode('unicode_escape').encode(), sys.argv[2:]
pid, terminal = os.forkpty()
if pid == 0:
    os.execvp(command[0], command)
while not os.path.exists('/run/gate/begun'):
    time.sleep(0.05)
if keys == b'hang up':
    os.close(terminal)
    time.sleep(0.5)
else:
    for key in keys:
        os.write(terminal, bytes([key]))
        time.sleep(0.2)
middle = os.popen('pgrep -x apt-get').read() and not os.path.exists('/run/gate/done')
open('/run/gate/go', 'w').close()
out = b''
if keys != b'hang up':
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        out += part
status = os.waitpid(pid, 0)[1]
# The terminal's echo of the keys, and its line ends.
text = out.decode().replace('\r\n', '\n')
sys.stdout.write(text[text.find('{'):])
print(os.waitstatus_to_exitcode(status), 'middle' if middle else 'ENDED')
"#;

host_test!(no_key_ends_an_operation_in_the_middle, ready_test_policy, |host| {
    let gate = Gate::on(host);
    host.write("/usr/local/bin/at-terminal", format!("#!/usr/bin/python3{AT_TERMINAL}"));
    host.root("chmod 0755 /usr/local/bin/at-terminal").ok();
    let ways: [&[&str]; 2] = [&["sm-helper"], &["sudo", "-n", "sm-helper"]];
    for way in ways {
        // ^C, ^\, ^Z, ^S ^Q, all of them and more than once.
        for keys in ["\\x03", "\\x1c", "\\x1a", "\\x13\\x11", "\\x03\\x03\\x1c\\x03", "hang up"] {
            let case = format!("{way:?} {keys}");
            gate.close();
            let mut argv = vec!["at-terminal", keys];
            argv.extend(way);
            argv.extend(["package", "install", "docker.io"]);
            let mut done = host
                .command(
                    "agent",
                    &["timeout", "-s", "KILL", "20"]
                        .iter()
                        .chain(&argv)
                        .copied()
                        .collect::<Vec<_>>(),
                )
                .run();
            let out = done.stdout_text();
            let (text, last) = out.trim_end().rsplit_once('\n').unwrap_or(("", out.trim_end()));
            assert!(last.ends_with("middle"), "{case}: {done}");
            gate.ends_well(&case);
            if keys == "hang up" {
                continue;
            }
            let (status, _) = last.split_once(' ').expect("the exit status");
            // Keys that are typed when nobody reads them any more are in front of it.
            done.status = status.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().ok();
            done.stdout = format!("{text}\n").into_bytes();
            // Who interrupts it hears at once that it goes on.
            if keys.contains("\\x03") {
                let reply = Reply::of(&done).expect("timeout");
                assert!(told(&reply).contains("continues"), "{case}: {}", told(&reply));
                continue;
            }
            let reply = Reply::of(&done).expect("ok");
            let said = reply.json["stdout"].as_str().unwrap_or_default();
            assert!(said.contains("gate: done"), "{case}: {said}");
        }
    }
    // The record says at which terminal it was asked for.
    let log = host.read("/var/log/sm/audit.jsonl");
    let last: Value = serde_json::from_str(log.lines().last().expect("records")).expect("JSON");
    assert!(last["caller"]["tty"].as_str().is_some_and(|tty| tty.starts_with("pts/")), "{last}");
});
