//! Standard output: what of it is surely there, so that a state can say so.

use crate::admin::audit::export::state::Place;
use nix::fcntl::{FcntlArg, fcntl};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::time::Duration;

/// How much a file may have grown behind a state: far more than one batch.
const MOST_AHEAD: u64 = 64 << 20;

/// How much a pipe is to take at once, in bytes: what any account may ask for (`pipe(7)`).
const PIPE: i32 = 1 << 20;

/// Where events go.
pub struct Output {
    file: File,
    kind: Kind,
    /// What a process that was killed had already written behind the last state.
    ahead: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Pipe,
    Other,
}

impl Output {
    /// Standard output.
    ///
    /// # Errors
    /// If there is none.
    pub fn open() -> io::Result<Self> {
        // A descriptor of its own: that of `Stdout` breaks what is written at each line.
        Self::of(File::from(io::stdout().as_fd().try_clone_to_owned()?))
    }

    fn of(file: File) -> io::Result<Self> {
        let data = file.metadata()?;
        let kind = match data.file_type() {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_fifo() => {
                // Each time that it is full, two processes wait. It stays as it is where it may not grow.
                let _ = fcntl(&file, FcntlArg::F_SETPIPE_SZ(PIPE));
                Kind::Pipe
            }
            _ => Kind::Other,
        };
        Ok(Self { file, kind, ahead: Vec::new() })
    }

    /// Goes on behind the place at which a state was put. What is there already is not written
    /// again: it is compared with what would be. Another file, or one that is shorter by now, is a
    /// new one.
    ///
    /// # Errors
    /// If it cannot be read, or there is more than an export can have left.
    pub fn go_on(&mut self, before: Option<Place>) -> io::Result<()> {
        let Some(now) = self.place()? else { return Ok(()) };
        // Whatever opened it: nothing of it is written over.
        self.file.seek(SeekFrom::End(0))?;
        let Some(before) = before else { return Ok(()) };
        let is_same = (now.device, now.inode) == (before.device, before.inode);
        if !is_same || now.bytes <= before.bytes {
            return Ok(());
        }
        if now.bytes - before.bytes > MOST_AHEAD {
            return Err(io::Error::other("something else has been written to it"));
        }
        // The descriptor is seldom one that can be read.
        let mut own = File::open(format!("/proc/self/fd/{}", self.file.as_raw_fd()))?;
        own.seek(SeekFrom::Start(before.bytes))?;
        own.take(now.bytes - before.bytes).read_to_end(&mut self.ahead)?;
        Ok(())
    }

    /// Which file it is and where it ends; none if it is no file.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn place(&self) -> io::Result<Option<Place>> {
        if self.kind != Kind::File {
            return Ok(None);
        }
        let data = self.file.metadata()?;
        Ok(Some(Place { device: data.dev(), inode: data.ino(), bytes: data.len() }))
    }

    /// Writes the lines, as far as they are not there already.
    ///
    /// # Errors
    /// `AlreadyExists` if something else is there; else what the kernel says.
    pub fn write(&mut self, lines: &mut Vec<u8>) -> io::Result<()> {
        let known = self.ahead.len().min(lines.len());
        if self.ahead[..known] != lines[..known] {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.ahead.drain(..known);
        self.file.write_all(&lines[known..])?;
        lines.clear();
        Ok(())
    }

    /// Whether there is something behind the last state that was not written again.
    pub fn is_ahead(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// Waits until what was written is on disk, or the reader of a pipe has taken it.
    ///
    /// # Errors
    /// What the kernel says; `BrokenPipe` if the reader has gone with something left.
    pub fn settle(&self) -> io::Result<()> {
        const BETWEEN: Duration = Duration::from_millis(2);
        match self.kind {
            Kind::File => self.file.sync_data(),
            Kind::Pipe => {
                while rustix::io::ioctl_fionread(&self.file)? > 0 {
                    if has_no_reader(&self.file)? {
                        return Err(io::ErrorKind::BrokenPipe.into());
                    }
                    std::thread::sleep(BETWEEN);
                }
                Ok(())
            }
            Kind::Other => Ok(()),
        }
    }

    /// Whether nobody can read it any more, so that there is no use in waiting for more.
    pub fn is_closed(&self) -> bool {
        self.kind == Kind::Pipe && has_no_reader(&self.file).unwrap_or(false)
    }
}

/// A pipe whose other end is closed (`poll(2)`: `POLLERR`).
fn has_no_reader(pipe: &File) -> io::Result<bool> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let mut all = [PollFd::new(pipe.as_fd(), PollFlags::empty())];
    poll(&mut all, PollTimeout::ZERO)?;
    Ok(all[0].revents().is_some_and(|events| events.contains(PollFlags::POLLERR)))
}
