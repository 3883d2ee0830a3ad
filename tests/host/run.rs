//! Running commands in a host.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::{Host, Reply};

/// No command in a host takes longer; one that does has hung.
const LIMIT: Duration = Duration::from_secs(300);

/// What a finished command has left.
#[derive(Debug)]
pub struct Done {
    /// The exit status, unless a signal ended it.
    pub status: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// All of its standard output.
    pub stdout: Vec<u8>,
    /// All of its standard error.
    pub stderr: Vec<u8>,
    command: String,
}

impl Done {
    /// Standard output as text, after exit status 0; else a panic that shows everything.
    #[track_caller]
    pub fn ok(&self) -> String {
        assert_eq!(self.status, Some(0), "{self}");
        self.stdout_text()
    }

    /// Standard output, invalid bytes replaced.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error, invalid bytes replaced.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.status, self.signal) {
            (Some(status), _) => writeln!(f, "{}: exit status {status}", self.command)?,
            (None, signal) => writeln!(f, "{}: signal {signal:?}", self.command)?,
        }
        write!(f, "stdout: {}\nstderr: {}", self.stdout_text(), self.stderr_text())
    }
}

/// How commands are traced while `Host::execs_during` is at work.
#[derive(Debug, Default)]
pub(super) struct Tracing {
    /// The traces made so far: the host's file, and the euid that the command began with.
    pub files: Vec<(String, u32)>,
}

/// A command in a host, still to be run; see [`Host::command`].
#[derive(Debug)]
pub struct Run<'host> {
    host: &'host Host,
    user: String,
    argv: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    cwd: Option<OsString>,
    stdin: Option<Stdio>,
}

impl Run<'_> {
    /// Add to the environment, which else is only what a login gives.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().into(), value.as_ref().into()));
        self
    }

    /// Another working directory than the account's home.
    pub fn cwd(mut self, path: impl AsRef<OsStr>) -> Self {
        self.cwd = Some(path.as_ref().into());
        self
    }

    /// Another standard input than /dev/null.
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.stdin = Some(stdin.into());
        self
    }

    /// The command line for this machine, for a test that wants the process itself. It is
    /// not traced.
    pub fn into_command(mut self) -> Command {
        self.host.forget_the_rate();
        let mut command = self.entering();
        command.args(self.becoming()).args(self.environment()).args(&self.argv);
        command.stdin(self.stdin.take().unwrap_or_else(Stdio::null));
        command
    }

    /// Run it to its end.
    pub fn run(mut self) -> Done {
        self.host.forget_the_rate();
        let trace = self.host.next_trace(self.uid());
        let mut command = self.entering();
        match trace {
            None => command.args(self.becoming()).args(self.environment()),
            Some(file) => {
                command.args(self.environment()).arg("strace").args(super::exec::STRACE);
                command.args(["-o", &file]);
                // strace stays root, else the kernel would not honour a setuid bit.
                if self.user != "root" {
                    command.args(["-u", &self.user]);
                }
                command.arg("--")
            }
        };
        command.args(&self.argv);
        command.stdin(self.stdin.take().unwrap_or_else(Stdio::null));
        let shown = self.argv.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>();
        let shown = shown.join(" ").chars().take(500).collect::<String>();

        let output = self.host.output(&mut command);
        Done {
            status: output.status.code(),
            signal: output.status.signal(),
            stdout: output.stdout,
            stderr: output.stderr,
            command: format!("{} ran {shown}", self.user),
        }
    }

    fn uid(&self) -> u32 {
        let passwd = self.host.read("/etc/passwd");
        let mut fields = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let entry = fields.find(|entry| entry[0] == self.user);
        let entry = entry.unwrap_or_else(|| panic!("the host has no account {}", self.user));
        entry[2].parse().expect("a number as the uid in /etc/passwd")
    }

    /// Into the host, in a session without a terminal.
    fn entering(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.host.pid()));
        command.args(["--all", "--", "/usr/bin/setsid", "--wait"]);
        command
    }

    fn becoming(&self) -> Vec<OsString> {
        if self.user == "root" {
            return vec![];
        }
        let user = &self.user;
        let argv = ["/usr/bin/setpriv", "--init-groups", "--inh-caps=-all"];
        let ids = [format!("--reuid={user}"), format!("--regid={user}"), "--".into()];
        argv.iter().map(OsString::from).chain(ids.map(OsString::from)).collect()
    }

    /// What a login gives, and what was asked for.
    fn environment(&self) -> Vec<OsString> {
        let (home, path) = match self.user.as_str() {
            "root" => ("/root".to_owned(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"),
            user => (format!("/home/{user}"), "/usr/local/bin:/usr/bin:/bin"),
        };
        let cwd = self.cwd.clone().unwrap_or_else(|| home.clone().into());
        let mut argv: Vec<OsString> = vec!["/usr/bin/env".into(), "-i".into(), "-C".into(), cwd];
        let user = &self.user;
        argv.extend(
            [
                format!("HOME={home}"),
                format!("USER={user}"),
                format!("LOGNAME={user}"),
                format!("PATH={path}"),
                "SHELL=/bin/bash".into(),
                "LANG=C.UTF-8".into(),
                "TERM=dumb".into(),
            ]
            .map(OsString::from),
        );
        for (name, value) in &self.env {
            let mut both = name.clone();
            both.push("=");
            both.push(value);
            argv.push(both);
        }
        argv
    }
}

impl Host {
    /// A command as an account: exactly this argv, no shell. `run()` runs it.
    pub fn command(&self, user: &str, argv: &[impl AsRef<OsStr>]) -> Run<'_> {
        let argv = argv.iter().map(|arg| arg.as_ref().into()).collect();
        Run { host: self, user: user.into(), argv, env: vec![], cwd: None, stdin: None }
    }

    /// A bash script as root.
    pub fn root(&self, script: &str) -> Done {
        self.command("root", &["/bin/bash", "-c", script]).run()
    }

    /// A bash script as `agent`.
    pub fn agent(&self, script: &str) -> Done {
        self.command("agent", &["/bin/bash", "-c", script]).run()
    }

    /// A command as `agent`, exactly this argv, any bytes.
    pub fn agent_argv(&self, argv: &[impl AsRef<OsStr>]) -> Done {
        self.command("agent", argv).run()
    }

    /// From here on the rate limit holds. Before, each command begins with a fresh budget: what
    /// the limit does has tests of its own, and the others ask more often than anybody should.
    pub fn limit_the_rate(&self) {
        self.rate_limited.store(true, Ordering::Relaxed);
    }

    fn forget_the_rate(&self) {
        if self.rate_limited.load(Ordering::Relaxed) {
            return;
        }
        // Not the folder: a request of another thread may be about to open a file in it.
        for file in fs::read_dir(self.path("/run/sm/rate")).into_iter().flatten().flatten() {
            let _ = fs::remove_file(file.path());
        }
    }

    /// `sm-helper ARGS` as `agent`. Whatever the arguments are, there must be one reply.
    #[track_caller]
    pub fn helper(&self, args: &[impl AsRef<OsStr>]) -> Reply {
        self.helper_as("agent", args)
    }

    /// `sm-helper ARGS` as another account.
    #[track_caller]
    pub fn helper_as(&self, user: &str, args: &[impl AsRef<OsStr>]) -> Reply {
        let mut argv: Vec<&OsStr> = vec!["/usr/local/bin/sm-helper".as_ref()];
        argv.extend(args.iter().map(AsRef::as_ref));
        Reply::of(&self.command(user, &argv).run())
    }

    /// Where the next command is to be traced to, if it is.
    fn next_trace(&self, uid: u32) -> Option<String> {
        let mut tracing = self.tracing.lock().unwrap_or_else(PoisonError::into_inner);
        let tracing = tracing.as_mut()?;
        let file = format!("/run/trace.{}", tracing.files.len());
        tracing.files.push((file.clone(), uid));
        Some(file)
    }

    /// Run to the end, or end the host and panic.
    fn output(&self, command: &mut Command) -> Output {
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run nsenter: {error}"));
        // Both: the pipes may be held by anything in the host, and nsenter stops itself
        // with its child, as when the host goes down.
        let pids = [self.pid().to_string(), child.id().to_string()];
        let (ended, end) = mpsc::channel::<()>();
        let watch = thread::spawn(move || {
            let late = end.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout);
            if late {
                let _ = Command::new("kill").arg("-KILL").args(pids).status();
            }
            late
        });
        let output = child.wait_with_output().expect("the output of nsenter");
        drop(ended);
        let late = watch.join().expect("the watching thread does not panic");
        assert!(!late, "{command:?} took longer than {LIMIT:?}");
        output
    }

    /// Take a file out of the host.
    pub(super) fn take(&self, path: &str) -> Option<String> {
        let path = self.path(path);
        let content = fs::read(&path).ok()?;
        let _ = fs::remove_file(&path);
        Some(String::from_utf8_lossy(&content).into_owned())
    }
}
