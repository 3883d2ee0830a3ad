//! The host's own tools, as the administrator's commands run them.

use crate::output::text::one_line;
use crate::system::pipes::{self, Kept, Printed, Until};
use crate::system::step;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Where a tool of the system is.
pub fn find(name: &str) -> Option<PathBuf> {
    find_in(&["/usr/sbin", "/usr/bin", "/sbin", "/bin"], name)
}

/// The first of these folders' files of this name.
pub fn find_in(folders: &[&str], name: &str) -> Option<PathBuf> {
    folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists())
}

/// A command with nothing of ours in its surroundings, which speaks English.
pub fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs([("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C.UTF-8")])
        .current_dir("/")
        .stdin(Stdio::null());
    command
}

/// What is kept of each stream: more than any tool prints, and of what it complains of the
/// beginning and the end.
const KEPT: Kept = Kept { stdout: 64 << 20, stderr: 128 << 10 };

/// Longer than any tool takes that is not stuck: a directory service may answer late, and
/// systemd after its 90 s.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs it to the end, or ends it when it is stuck.
///
/// # Errors
/// What the kernel says; `TimedOut` if it was stuck.
pub fn output(command: Command) -> io::Result<Output> {
    output_within(command, PATIENCE)
}

/// Runs it to the end, or ends it when the time is up.
///
/// # Errors
/// What the kernel says; `TimedOut` if it was not done in time, `InvalidData` if it printed
/// without end: a part of an answer is none.
pub fn output_within(mut command: Command, limit: Duration) -> io::Result<Output> {
    let began = Instant::now();
    let output = ended(&mut command, began + limit, limit);
    match &output {
        Ok(output) => step::ran(&command, &output.status.to_string(), began.elapsed()),
        Err(error) => step::ran(&command, &error.to_string(), began.elapsed()),
    }
    output
}

fn ended(command: &mut Command, end: Instant, limit: Duration) -> io::Result<Output> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    match pipes::read(&mut child, KEPT, Until::Ended(end)) {
        Ok(Printed { stdout_cut: true, .. }) => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "it kept printing"))
        }
        Ok(Printed { status, stdout, stderr, .. }) => Ok(Output { status, stdout, stderr }),
        Err(error) => {
            let _ = child.kill();
            let _ = child.wait();
            if error.kind() == io::ErrorKind::TimedOut {
                return Err(io::Error::new(error.kind(), format!("not done in {limit:?}")));
            }
            Err(error)
        }
    }
}

/// What a tool says of why it gave up, on one line of at most `most` characters: its last line,
/// which is the reason, and what it had complained of before. None if it said nothing.
pub fn complaint(stderr: &[u8], most: usize) -> Option<String> {
    let text = String::from_utf8_lossy(stderr);
    let is_marker = |line: &str| line.chars().all(|c| "^~".contains(c));
    let lines = text.lines().map(|line| line.trim().trim_start_matches("sudo: "));
    let mut lines: Vec<&str> = lines.filter(|line| !is_marker(line)).collect();
    let last = one_line(lines.pop()?, most);
    let before = lines.join("; ");
    let room = most.saturating_sub(last.chars().count());
    // Less than a few words of it says nothing.
    if before.is_empty() || room < 40 {
        return Some(last);
    }
    Some(format!("{last} (and before that: {})", one_line(&before, room)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = clean(Path::new("/bin/sh"));
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_it_printed_and_how_it_ended_is_known() {
        let output =
            output_within(shell("echo out; echo err >&2; exit 3"), Duration::from_secs(60));
        let output = output.expect("it ends");
        assert_eq!((output.status.code(), &output.stdout[..]), (Some(3), &b"out\n"[..]));
        assert_eq!(output.stderr, b"err\n");
    }

    #[test]
    fn the_last_line_comes_first_whatever_stands_before_it() {
        let noise = "/etc/sudoers.d/c:1:14: unknown setting: 'x'\nDefaults !x\n          ^~~\n";
        for count in [0, 1, 3, 700] {
            let message = format!("{}sudo: a password is required\n", noise.repeat(count));
            let message = complaint(message.as_bytes(), 300).expect("a reason");
            assert!(message.starts_with("a password is required"), "{message}");
            assert_eq!(message.contains("c:1:14"), count > 0, "{message}");
            assert!(message.chars().count() < 340, "{message}");
        }
        assert_eq!(complaint(b" \n\n", 300), None);
    }

    #[test]
    fn what_does_not_end_is_ended() {
        for script in ["exec sleep 1000", "exec sleep 1000 >/dev/null 2>&1", "exec cat /dev/zero"] {
            let late = output_within(shell(script), Duration::from_millis(100));
            assert_eq!(late.expect_err(script).kind(), io::ErrorKind::TimedOut, "{script}");
        }
    }
}
