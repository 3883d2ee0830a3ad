//! sudo's password: asked for at the terminal without echo or read from a descriptor, and wiped.
//!
//! Our own few lines and no library's, since what is typed shall go byte by byte into memory that
//! is neither swapped nor dumped, and Ctrl-C shall give the terminal its echo back.

use crate::request::code::{Code, Refusal};
use crate::system::kernel;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use zeroize::Zeroize;

/// The longest password, in bytes; sudo takes no more than 1023.
const LONGEST: usize = 1023;

/// A password, with a newline behind it. Wiped when it is dropped.
pub struct Secret {
    bytes: Box<[u8; LONGEST + 1]>,
    length: usize,
}

impl Secret {
    fn new() -> Self {
        // No core dump, and no debugger of another process of this account.
        let _ = nix::sys::prctl::set_dumpable(false);
        let mut bytes = Box::new([0; LONGEST + 1]);
        kernel::keep_in_memory(&mut bytes[..]);
        Self { bytes, length: 0 }
    }

    /// Takes one line, without its newline; none if nothing came.
    fn read(from: &mut impl Read, mut ready: impl FnMut() -> bool) -> Result<Self, Refusal> {
        let mut secret = Self::new();
        while ready() {
            let place = &mut secret.bytes[secret.length..=secret.length];
            match from.read(place) {
                Ok(0) => {
                    place[0] = b'\n';
                    return Ok(secret);
                }
                Ok(_) if place[0] == b'\n' => return Ok(secret),
                Ok(_) if secret.length == LONGEST - 1 => {
                    return Err(Refusal::new(
                        Code::InvalidArgument,
                        format!("the password is longer than {} bytes", LONGEST - 1),
                    ));
                }
                Ok(_) => secret.length += 1,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(Refusal::new(
                        Code::InvalidArgument,
                        format!("the password cannot be read: {error}"),
                    ));
                }
            }
        }
        Err(interrupted())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// What sudo reads.
    pub fn line(&self) -> &[u8] {
        &self.bytes[..=self.length]
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.bytes.zeroize();
        self.length = 0;
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

fn interrupted() -> Refusal {
    Refusal::new(Code::CommandFailed, "interrupted before the password was given")
}

/// The terminal with its echo off; on again when it is dropped.
struct Silent {
    terminal: File,
    before: Termios,
}

impl Silent {
    fn new(terminal: File) -> nix::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        silent.local_flags.insert(LocalFlags::ECHONL);
        // Also forgets what was typed before anything was asked.
        tcsetattr(&terminal, SetArg::TCSAFLUSH, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, SetArg::TCSANOW, &self.before);
    }
}

/// Asks at the terminal.
///
/// # Errors
/// `not_privileged` if there is none, or if somebody interrupts it.
pub fn ask(question: &str) -> Result<Secret, Refusal> {
    let no_terminal = || {
        Refusal::new(
            Code::NotPrivileged,
            "sudo's password is needed, and there is no terminal to ask for it",
        )
        .hint("run this at a terminal, or give the password with --password-fd N")
    };
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty");
    let mut silent =
        terminal.ok().and_then(|file| Silent::new(file).ok()).ok_or_else(no_terminal)?;
    write!(silent.terminal, "{question}").map_err(|_| no_terminal())?;
    let mut reader = silent.terminal.try_clone().map_err(|_| no_terminal())?;
    let waited = silent.terminal.as_fd();
    Secret::read(&mut reader, || {
        loop {
            if kernel::is_interrupted() {
                return false;
            }
            let mut polled = [PollFd::new(waited, PollFlags::POLLIN)];
            if poll(&mut polled, PollTimeout::from(200_u8)) == Ok(1) {
                return true;
            }
        }
    })
}

/// Reads it from a descriptor: one line, or all that comes.
///
/// # Errors
/// `invalid_argument` if it is empty.
pub fn read(file: &mut File) -> Result<Secret, Refusal> {
    let secret = Secret::read(file, || true)?;
    if secret.is_empty() {
        return Err(Refusal::new(Code::InvalidArgument, "--password-fd: it has no password"));
    }
    Ok(secret)
}
