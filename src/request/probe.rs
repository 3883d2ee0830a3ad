//! A request that root itself makes as an account, to see whether sudo lets it through: nothing that
//! the account has asked for, and so not recorded or counted as its own.
//!
//! Root writes down, where nobody else can, which process tries and with which words; the helper
//! that sudo starts for it finds that process among its ancestors.

use crate::system::proc::{Field, Stat};
use crate::system::state;
use nix::unistd::{getpid, getppid};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};

/// Where it is written down, for as long as its lock is held.
const FILE: &str = "/run/sm/probe";

/// The most ancestors that are looked at: sudo is one or two, and its caller the next.
const MOST: usize = 16;

/// A process, which no other one will ever be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    pid: i32,
    /// When it began, in ticks since the boot.
    began: u64,
}

impl Process {
    fn of(pid: i32) -> Option<Self> {
        Some(Self { pid, began: Stat::of(pid)?.field(Field::Began)? })
    }
}

/// The word that what this process starts is a probe; it holds until the value is dropped.
#[derive(Debug)]
pub struct Announced(File);

impl Announced {
    /// Announces a request of these words, after every other one that is under way.
    ///
    /// # Errors
    /// If the file is not root's own, or cannot be written.
    pub fn new(words: &[impl AsRef<OsStr>]) -> io::Result<Self> {
        state::folder("/run/sm", 0o755, "root")?;
        let mut file = state::locked(FILE)?;
        let own = Process::of(getpid().as_raw()).ok_or(io::ErrorKind::NotFound)?;
        file.set_len(0)?;
        file.write_all(&text(own, words))?;
        Ok(Self(file))
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        let _ = self.0.set_len(0);
    }
}

/// The process of root's that tries, if a request of these words is its probe.
pub fn prober(words: impl Iterator<Item = impl AsRef<OsStr>>) -> Option<i32> {
    let announced = std::fs::read(FILE).ok().filter(|text| !text.is_empty())?;
    let words: Vec<_> = words.collect();
    let mut pid = getppid().as_raw();
    for _ in 0..MOST {
        let process = Process::of(pid)?;
        if text(process, &words) == announced {
            return Some(pid);
        }
        pid = Stat::of(pid)?.field(Field::Parent).filter(|parent| *parent > 1)?;
    }
    None
}

fn text(process: Process, words: &[impl AsRef<OsStr>]) -> Vec<u8> {
    let mut text = format!("{} {}", process.pid, process.began).into_bytes();
    for word in words {
        text.push(0);
        text.extend_from_slice(word.as_ref().as_encoded_bytes());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_process_or_other_words_are_another_text() {
        let process = Process::of(getpid().as_raw()).expect("this process");
        let words = ["service", "status", "nginx.service"];
        let wanted = text(process, &words);
        assert_eq!(wanted, text(process, &words));
        for other in [
            text(Process { pid: process.pid + 1, ..process }, &words),
            text(Process { began: process.began + 1, ..process }, &words),
            text(process, &["service", "stop", "nginx.service"]),
            text(process, &["service", "status"]),
            text(process, &["service status nginx.service"]),
        ] {
            assert_ne!(wanted, other);
        }
    }
}
