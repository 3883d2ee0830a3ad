//! One connection to one host: the system's ssh, with the user's own configuration, agent and
//! known hosts, and a conversation with a shell at its other end.
//!
//! Whatever an account's profile prints, and whatever a host says that was not asked, is dropped:
//! what counts are lines that begin with a word that nobody could know before.

use crate::admin::fleet::arguments::{Manner, arguments};
use crate::admin::fleet::inventory::host::Host;
use crate::admin::fleet::words::Words;
use crate::output::text::one_line;
use crate::system::kernel;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const SSH: &str = "/usr/bin/ssh";

/// How much a host may print in all, asked or not, and at most in one line: many times the longest reply of
/// the helper.
const MOST: usize = 4 << 20;

/// How much is kept of what comes on standard error, and in front of hello: its end.
const SAID: usize = 4096;

/// Why a conversation ended.
#[derive(Debug)]
pub enum Lost {
    /// ssh could not be started.
    NotStarted(io::Error),
    /// ssh ended, or the host closed the connection.
    Ended(Option<ExitStatus>),
    /// Nothing that was waited for came in time.
    Late,
    /// The host prints without end.
    Endless,
    /// Something else runs there than what was asked for.
    Instead(Instead),
}

/// What a host says.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// A line that was meant for us, without the word that marks it.
    Line(String),
    /// sudo asks for the password.
    Prompt,
}

/// A connection. Dropping it ends it; what runs on the host sees its standard input end.
#[derive(Debug)]
pub struct Session {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    word: String,
    unread: Vec<u8>,
    /// How much of it has no line break.
    searched: usize,
    printed: usize,
    /// How much it may print in all.
    most: usize,
    message: Vec<u8>,
    prompts: usize,
    /// ssh says that the host has let us in.
    is_let_in: bool,
    /// What came in front of hello and is not ours; nothing is kept of what comes behind it.
    before_hello: Option<Vec<u8>>,
}

impl Session {
    /// Starts ssh, which connects and asks for our shell.
    ///
    /// # Errors
    /// If ssh cannot be started.
    pub fn connect(host: &Host, manner: &Manner<'_>) -> Result<Self, Lost> {
        let word = format!("sm-{}", uuid::Uuid::new_v4().simple());
        let mut command = Command::new(SSH);
        command
            .args(arguments(host, manner))
            .arg(format!("{GREETING}{word}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env("LC_ALL", "C")
            // Nor through a window.
            .env("SSH_ASKPASS_REQUIRE", "never");
        // Ctrl-C is for us, and a question at the terminal for nobody.
        kernel::in_new_session(&mut command);
        let mut child = command.spawn().map_err(Lost::NotStarted)?;
        let session = Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            child,
            word,
            unread: Vec::new(),
            searched: 0,
            printed: 0,
            most: MOST,
            message: Vec::new(),
            prompts: 0,
            is_let_in: false,
            before_hello: Some(Vec::new()),
        };
        if let Some(stdin) = &session.stdin {
            kernel::nonblocking(stdin.as_fd()).map_err(Lost::NotStarted)?;
        }
        Ok(session)
    }

    /// The word that marks what the host says to us.
    pub fn mark(&self) -> &str {
        &self.word
    }

    /// The host may print as much as this in all, in bytes; of a line, as much as by default.
    pub fn allow(&mut self, most: usize) {
        self.most = most;
    }

    /// Whether the host has let us in.
    pub fn is_let_in(&self) -> bool {
        self.is_let_in
    }

    /// Hello was said: whatever came before is of no interest any more.
    pub fn begin(&mut self) {
        self.before_hello = None;
        self.message.clear();
    }

    /// The host sees the end of its input.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Sends a script to a shell that waits for one.
    ///
    /// # Errors
    /// If the connection is lost.
    pub fn send_script(&mut self, script: &str, deadline: Instant) -> Result<(), Lost> {
        self.send(format!("{}\n{script}", script.len()).as_bytes(), deadline)
    }

    /// Sends it all.
    ///
    /// # Errors
    /// If the connection is lost.
    pub fn send(&mut self, mut bytes: &[u8], deadline: Instant) -> Result<(), Lost> {
        while !bytes.is_empty() {
            let Some(stdin) = &mut self.stdin else { return Err(self.ended()) };
            match stdin.write(bytes) {
                Ok(sent) => bytes = &bytes[sent..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // Also reads, lest both sides wait for the other to read.
                    self.wait(true, deadline)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(self.ended()),
            }
        }
        Ok(())
    }

    /// The next thing that the host says to us.
    ///
    /// # Errors
    /// If the connection is lost, or nothing comes in time.
    pub fn next(&mut self, deadline: Instant) -> Result<Said, Lost> {
        loop {
            if let Some(line) = self.line()? {
                return Ok(Said::Line(line));
            }
            if self.prompts > 0 {
                self.prompts -= 1;
                return Ok(Said::Prompt);
            }
            if self.stdout.is_none() {
                return Err(self.ended());
            }
            self.wait(false, deadline)?;
        }
    }

    /// Waits for a line that begins with `first`, and gives the rest of it; all others, and
    /// prompts, are of no interest.
    ///
    /// # Errors
    /// If the connection is lost, or it does not come in time.
    pub fn expect(&mut self, first: &str, deadline: Instant) -> Result<String, Lost> {
        loop {
            if let Said::Line(line) = self.next(deadline)?
                && let Some(rest) = line.strip_prefix(first)
            {
                return Ok(rest.trim_start().to_owned());
            }
        }
    }

    /// What came that is not ours: in front of hello, and on standard error.
    pub fn words(&mut self) -> Words {
        // What ssh says last may still be in the pipe.
        let soon = Instant::now() + Duration::from_millis(50);
        while self.stderr.is_some() && self.wait(false, soon).is_ok() {}
        let mut before = Vec::new();
        if let Some(lines) = &mut self.before_hello {
            // Also a line without an end.
            lines.extend_from_slice(&self.unread);
            before.clone_from(lines);
        }
        Words::of(&before, &self.word).and(Words::of(&self.message, &self.word))
    }

    /// Waits until something came, or something can be sent.
    fn wait(&mut self, to_send: bool, deadline: Instant) -> Result<(), Lost> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Lost::Late);
        }
        let mut polled = Vec::with_capacity(3);
        polled.extend(self.stdout.as_ref().map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN)));
        polled.extend(self.stderr.as_ref().map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN)));
        if to_send {
            polled
                .extend(self.stdin.as_ref().map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLOUT)));
        }
        let timeout = PollTimeout::try_from(left.min(Duration::from_secs(60)).as_millis() + 1);
        match poll(&mut polled, timeout.unwrap_or(PollTimeout::MAX)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return Err(Lost::Ended(None)),
        }
        let came = |fd: &PollFd<'_>| fd.any().unwrap_or(false);
        let mut polled = polled.iter().map(came);
        let out = self.stdout.is_some() && polled.next().unwrap_or(false);
        let err = self.stderr.is_some() && polled.next().unwrap_or(false);
        if out {
            read(&mut self.stdout, &mut self.unread);
        }
        if err {
            let before = self.message.len();
            read(&mut self.stderr, &mut self.message);
            self.look_at_errors(before);
        }
        Ok(())
    }

    /// sudo's prompt has no newline behind it, and comes where the errors come; so does what ssh
    /// says.
    fn look_at_errors(&mut self, before: usize) {
        let prompt = format!("{}-password", self.word).into_bytes();
        let count = |text: &[u8]| {
            let from = before.saturating_sub(text.len() - 1).min(self.message.len());
            self.message[from..].windows(text.len()).filter(|bytes| *bytes == text).count()
        };
        let (prompts, let_in) = (count(&prompt), count(b"Authenticated to "));
        self.prompts += prompts;
        self.is_let_in |= let_in > 0;
        self.printed += self.message.len() - before;
        keep_the_end(&mut self.message);
    }

    /// The next line for us out of what was read.
    fn line(&mut self) -> Result<Option<String>, Lost> {
        while let Some(more) = memchr::memchr(b'\n', &self.unread[self.searched..]) {
            let end = self.searched + more;
            let line: Vec<u8> = self.unread.drain(..=end).collect();
            self.searched = 0;
            let line = String::from_utf8_lossy(&line[..end]);
            self.printed += end + 1;
            if self.printed > self.most {
                return Err(Lost::Endless);
            }
            if let Some(rest) = line.strip_prefix(&self.word)
                && let Some(rest) = rest.strip_prefix(' ')
            {
                return Ok(Some(rest.trim_end().to_owned()));
            }
            if let Some(before) = &mut self.before_hello {
                if line.contains(&self.word) {
                    return Err(Lost::Instead(Instead::Echo));
                }
                before.extend_from_slice(line.as_bytes());
                before.push(b'\n');
                keep_the_end(before);
            }
        }
        self.searched = self.unread.len();
        let is_endless = self.printed + self.unread.len() > self.most || self.unread.len() > MOST;
        if is_endless { Err(Lost::Endless) } else { Ok(None) }
    }

    fn ended(&mut self) -> Lost {
        self.stdin = None;
        // It has closed its end, so it ends; and if it does not, dropping it ends it.
        for _ in 0..50 {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Lost::Ended(Some(status));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Lost::Ended(None)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The host's side sees the end of its input, whatever becomes of ssh.
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Of what is too long, its end.
fn keep_the_end(bytes: &mut Vec<u8>) {
    if bytes.len() > 2 * SAID {
        bytes.drain(..bytes.len() - SAID);
    }
}

/// Reads what there is; none any more at the end.
fn read<R: Read>(from: &mut Option<R>, to: &mut Vec<u8>) {
    let mut buffer = [0; 16384];
    let Some(reader) = from else { return };
    match reader.read(&mut buffer) {
        Ok(0) => *from = None,
        Ok(count) => to.extend_from_slice(&buffer[..count]),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
        Err(_) => *from = None,
    }
}

/// Any shell reads this, for there is nothing in the quotation marks that one of them would take
/// for its own. It reads a script whole before it runs it. Two hours: a person may look for a
/// password that long.
pub const GREETING: &str = r#"timeout -s KILL 7200 /bin/sh -c 'echo; echo "$1 hello"; IFS= read -r n && case $n in sh*) IFS= read -r n;; esac && eval "$(head -c "$n")"' sm "#;
/// What runs on a host instead of what it was asked to run.
#[derive(Debug, PartialEq, Eq)]
pub enum Instead {
    /// A shell, which its command line names.
    Shell {
        /// The command line.
        command: String,
        /// sshd was told to run it: by `ForceCommand`, or by `command=` of the key.
        is_forced: bool,
    },
    /// Something that gives back what it reads.
    Echo,
    /// Something that reads all that comes, and lets our shell begin at its end.
    Reader,
}
impl Instead {
    pub fn of(line: &str) -> Option<Self> {
        let (forced, command) = line.strip_prefix("instead ")?.split_once(':')?;
        // If there is no /proc it has no name.
        let command = if command.is_empty() { "SHELL" } else { command };
        Some(Self::Shell { command: one_line(command, 100), is_forced: forced == "forced" })
    }
}
