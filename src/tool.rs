//! The host's own tools, as the administrator's commands run them.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
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

/// What is read of each stream at most, in bytes.
const MOST: u64 = 4 << 20;

/// Longer than any tool takes that is not stuck: a directory service may answer late, and
/// systemd after its 90 s.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs it to its end, or ends it when it is stuck.
///
/// # Errors
/// What the kernel says; `TimedOut` where it was stuck.
pub fn output(command: Command) -> io::Result<Output> {
    output_within(command, PATIENCE)
}

/// Runs it to its end, or ends it when the time is up.
///
/// # Errors
/// What the kernel says; `TimedOut` where it was not done in time.
pub fn output_within(mut command: Command, limit: Duration) -> io::Result<Output> {
    let end = Instant::now() + limit;
    let late = || io::Error::new(io::ErrorKind::TimedOut, format!("not done in {limit:?}"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (stdout, stderr) = (read_all(child.stdout.take()), read_all(child.stderr.take()));
    let left = || end.saturating_duration_since(Instant::now());
    // Both, or what it left behind holds the pipes and is not waited for.
    let take = |from: &Receiver<Vec<u8>>| match from.recv_timeout(left()) {
        Ok(bytes) => Ok(bytes),
        Err(RecvTimeoutError::Disconnected) => Ok(Vec::new()),
        Err(RecvTimeoutError::Timeout) => Err(late()),
    };
    let read = take(&stdout).and_then(|out| take(&stderr).map(|err| (out, err)));
    let ended = read.and_then(|read| Ok((wait(&mut child, end)?.ok_or_else(late)?, read)));
    match ended {
        Ok((status, (stdout, stderr))) => Ok(Output { status, stdout, stderr }),
        Err(error) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(error)
        }
    }
}

fn read_all(stream: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (to, from) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(stream) = stream {
            let mut stream = stream.take(MOST);
            // What came before an error is what there is.
            let _ = stream.read_to_end(&mut bytes);
            // The rest is read and dropped, so that it is not ended by a closed pipe.
            let _ = io::copy(&mut stream.into_inner(), &mut io::sink());
        }
        let _ = to.send(bytes);
    });
    from
}

fn wait(child: &mut std::process::Child, end: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        match child.try_wait()? {
            None if Instant::now() < end => thread::sleep(Duration::from_millis(2)),
            other => return Ok(other),
        }
    }
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
    fn what_does_not_end_is_ended_and_what_it_left_is_not_waited_for() {
        for script in ["exec sleep 1000", "sleep 5 & exit 0", "exec cat /dev/zero"] {
            let late = output_within(shell(script), Duration::from_millis(100));
            assert_eq!(late.expect_err(script).kind(), io::ErrorKind::TimedOut, "{script}");
        }
    }
}
