//! One connection to one host: the system's ssh, with the user's own configuration, agent and
//! known hosts, and a conversation with a shell at its other end.
//!
//! Whatever an account's profile prints, and whatever a host says that was not asked, is dropped:
//! what counts are lines that begin with a word that nobody could know before.

use super::inventory::Host;
use crate::helper::text::one_line;
use crate::sys;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const SSH: &str = "/usr/bin/ssh";

/// Before everything else, since ssh takes the first value that it finds (`ssh_config(5)`).
/// Nothing is asked, nobody's agent or screen is lent to a host, and what the user's configuration
/// starts for a person at a terminal is left out. A host that has vanished is noticed in 15 s.
const OPTIONS: [&str; 19] = [
    // What keeps a conversation from being one. OpenSSH before 8.7 does not have these; the other two
    // are what configurations tell ssh to ignore, which this takes the place of.
    "IgnoreUnknown=SessionType,StdinNull,ForkAfterAuthentication,UseKeychain,GSSAPI*",
    "SessionType=default",
    "StdinNull=no",
    "ForkAfterAuthentication=no",
    "BatchMode=yes",
    "ConnectTimeout=3",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "Tunnel=no",
    // One connection for each host, and no other process that outlives it.
    "ControlMaster=no",
    "ControlPath=none",
    "NoHostAuthenticationForLocalhost=no",
    "LogLevel=ERROR",
];

/// Any shell reads this, for there is nothing in the quotation marks that one of them would take
/// for its own. It reads a script whole before it runs it. Two hours: a person may look for a
/// password that long.
const GREETING: &str = r#"timeout -s KILL 7200 /bin/sh -c 'echo; echo "$1 hello"; IFS= read -r n && eval "$(head -c "$n")"' sm "#;

/// How long a host has to let us in and say hello; ssh itself waits 3 s for the connection.
const TO_SAY_HELLO: Duration = Duration::from_secs(30);

/// How much a host may print in all, asked or not: many times the longest reply of the helper.
const MOST: usize = 4 << 20;

/// How much of what comes on standard error is kept: its end.
const SAID: usize = 4096;

/// How hosts are reached that the inventory does not say.
#[derive(Debug, Clone, Copy)]
pub struct Manner<'m> {
    /// Log in as this account, whatever the inventory says.
    pub user: Option<&'m str>,
    /// Trust a host's key the first time it is seen.
    pub accept_new_host_keys: bool,
}

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
    printed: usize,
    said: Vec<u8>,
    prompts: usize,
}

impl Session {
    /// Connects, and has the host read `script` with `/bin/sh`. Gives the session as soon as the
    /// host has said hello.
    ///
    /// # Errors
    /// Why not, and what ssh said.
    pub fn open(host: &Host, manner: &Manner<'_>, script: &str) -> Result<Self, (Lost, String)> {
        let deadline = Instant::now() + TO_SAY_HELLO;
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
        sys::in_new_session(&mut command);
        let mut child =
            command.spawn().map_err(|error| (Lost::NotStarted(error), String::new()))?;
        let mut session = Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            child,
            word,
            unread: Vec::new(),
            printed: 0,
            said: Vec::new(),
            prompts: 0,
        };
        let greeted = session
            .stdin
            .as_ref()
            .map_or(Ok(()), |stdin| sys::nonblocking(stdin.as_fd()))
            .map_err(Lost::NotStarted)
            .and_then(|()| session.expect("hello", deadline))
            .and_then(|_| session.send_script(script, deadline));
        match greeted {
            Ok(()) => Ok(session),
            Err(lost) => Err((lost, session.said())),
        }
    }

    /// Sends a script to a shell that waits for one.
    ///
    /// # Errors
    /// Where the connection is lost.
    pub fn send_script(&mut self, script: &str, deadline: Instant) -> Result<(), Lost> {
        self.send(format!("{}\n{script}", script.len()).as_bytes(), deadline)
    }

    /// Sends it all.
    ///
    /// # Errors
    /// Where the connection is lost.
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
    /// Where the connection is lost, or nothing comes in time.
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
    /// Where the connection is lost, or it does not come in time.
    pub fn expect(&mut self, first: &str, deadline: Instant) -> Result<String, Lost> {
        loop {
            if let Said::Line(line) = self.next(deadline)?
                && let Some(rest) = line.strip_prefix(first)
            {
                return Ok(rest.trim_start().to_owned());
            }
        }
    }

    /// What came on standard error, its end, on one line.
    pub fn said(&mut self) -> String {
        // What ssh says last may still be in the pipe.
        let soon = Instant::now() + Duration::from_millis(50);
        while self.stderr.is_some() && self.wait(false, soon).is_ok() {}
        let text = String::from_utf8_lossy(&self.said);
        let prompt = format!("{}-password", self.word);
        let lines: Vec<&str> = text
            .lines()
            // sudo's prompt has no newline behind it; ssh frames its warnings in `@`.
            .map(|line| line.rsplit(&prompt).next().unwrap_or_default())
            .map(|line| line.trim_matches(|each: char| each == '@' || each.is_whitespace()))
            .filter(|line| !line.is_empty() && !line.contains(&self.word))
            .collect();
        one_line(&lines.join("; "), 400)
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
            let before = self.said.len();
            read(&mut self.stderr, &mut self.said);
            self.look_for_prompts(before);
        }
        Ok(())
    }

    /// sudo's prompt has no newline behind it, and comes where the errors come.
    fn look_for_prompts(&mut self, before: usize) {
        let prompt = format!("{}-password", self.word).into_bytes();
        let from = before.saturating_sub(prompt.len() - 1);
        let new = self.said[from..].windows(prompt.len()).filter(|bytes| *bytes == prompt).count();
        self.prompts += new;
        self.printed += self.said.len() - before;
        if self.said.len() > 2 * SAID {
            self.said.drain(..self.said.len() - SAID);
        }
    }

    /// The next line for us out of what was read.
    fn line(&mut self) -> Result<Option<String>, Lost> {
        while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.unread.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line[..end]);
            self.printed += end + 1;
            if self.printed > MOST {
                return Err(Lost::Endless);
            }
            if let Some(rest) = line.strip_prefix(&self.word)
                && let Some(rest) = rest.strip_prefix(' ')
            {
                return Ok(Some(rest.trim_end().to_owned()));
            }
        }
        if self.printed + self.unread.len() > MOST { Err(Lost::Endless) } else { Ok(None) }
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

/// ssh's arguments, up to the destination. Every value is behind an option that takes it, and the
/// destination behind `--`.
fn arguments(host: &Host, manner: &Manner<'_>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["-T".into()];
    let mut option = |text: OsString| arguments.extend(["-o".into(), text]);
    let checking = if manner.accept_new_host_keys { "accept-new" } else { "yes" };
    option(format!("StrictHostKeyChecking={checking}").into());
    OPTIONS.iter().for_each(|text| option(text.into()));
    if let Some(port) = host.port {
        option(format!("Port={port}").into());
    }
    if let Some(user) = manner.user.or(host.user.as_deref()) {
        option(format!("User={user}").into());
    }
    if let Some(identity) = &host.identity {
        arguments.extend(["-i".into(), identity.into()]);
    }
    arguments.extend(host.ssh_arguments.iter().cloned());
    arguments.extend(["--".into(), OsString::from(&host.address)]);
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Host {
        Host {
            alias: "web1".into(),
            address: "10.0.0.1".into(),
            port: Some(2222),
            user: Some("deploy".into()),
            identity: Some("/home/me/.ssh/id".into()),
            ssh_arguments: vec!["-o".into(), "ProxyJump=bastion".into()],
            offline: false,
            line: 1,
            refused: None,
        }
    }

    fn words(manner: &Manner<'_>) -> Vec<String> {
        let words = arguments(&host(), manner);
        words.iter().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn our_options_come_first_and_the_destination_is_behind_the_dashes() {
        let words = words(&Manner { user: None, accept_new_host_keys: false });
        assert_eq!(words[..3], ["-T", "-o", "StrictHostKeyChecking=yes"]);
        assert_eq!(words[words.len() - 2..], ["--", "10.0.0.1"]);
        let place = |word: &str| words.iter().position(|other| other == word).expect(word);
        assert!(place("BatchMode=yes") < place("ProxyJump=bastion"));
        assert!(place("User=deploy") < place("ProxyJump=bastion"));
        assert_eq!(words[place("-i") + 1], "/home/me/.ssh/id");
    }

    #[test]
    fn another_account_and_new_keys_only_where_somebody_says_so() {
        let words = words(&Manner { user: Some("agent"), accept_new_host_keys: true });
        assert!(words.contains(&"User=agent".to_owned()));
        assert!(!words.contains(&"User=deploy".to_owned()));
        assert!(words.contains(&"StrictHostKeyChecking=accept-new".to_owned()));
    }
}
