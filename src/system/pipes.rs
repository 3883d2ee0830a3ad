//! What a child prints on its two pipes, both read as it comes: read one after the other, a child
//! that fills the second before it ends the first would wait for ever, and so would we (`pipe(7)`).

use crate::system::kernel;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// How long the pipes of a child that has ended are still read: what it left behind may hold
/// their other ends for ever.
const DRAIN: Duration = Duration::from_millis(100);

/// How much is kept of each pipe, in bytes. The rest is read and dropped, lest the child be ended
/// by a closed pipe.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// Of standard output, from its beginning.
    pub stdout: usize,
    /// Of standard error: half of it from the beginning, half of it up to the end, if a tool
    /// says why it gave up.
    pub stderr: usize,
}

/// What a child has printed, and how it ended.
#[derive(Debug)]
pub struct Printed {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output, as far as it is kept.
    pub stdout: Vec<u8>,
    /// Whether that is not all of it.
    pub stdout_cut: bool,
    /// Its standard error; if the middle is dropped, a line `…` stands for it.
    pub stderr: Vec<u8>,
}

/// How long a child's pipes are read.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// Until it has ended, or this moment has come.
    Ended(Instant),
    /// Until its standard output is closed as well, by all that hold it: what sudo has run answers
    /// even if sudo itself is killed.
    OutputClosed,
}

/// Reads both pipes of the child and waits for its end. The child is not ended at a deadline.
///
/// # Errors
/// What the kernel says; `TimedOut` at the deadline.
pub fn read(child: &mut Child, kept: Kept, until: Until) -> io::Result<Printed> {
    // Both are had before the first wait: it is the child's, and not waited for yet.
    let pid = i32::try_from(child.id()).map_err(|_| io::Error::from(Errno::ESRCH))?;
    let ended = kernel::pidfd(Pid::from_raw(pid))?;
    let mut stdout = Pipe::new(child.stdout.take(), HeadTail::head(kept.stdout))?;
    let mut stderr = Pipe::new(child.stderr.take(), HeadTail::both(kept.stderr))?;
    // When to stop although a pipe is open.
    let mut end = match until {
        Until::Ended(deadline) => Some(deadline),
        Until::OutputClosed => None,
    };
    let mut is_draining = false;
    let mut status = None;
    loop {
        let is_enough =
            status.is_some() && (matches!(until, Until::Ended(_)) || stdout.is_closed());
        if is_enough && !is_draining {
            let drained = Instant::now() + DRAIN;
            end = Some(end.map_or(drained, |deadline| deadline.min(drained)));
            is_draining = true;
        }
        let is_over = stdout.is_closed() && stderr.is_closed() && status.is_some();
        let is_late = end.is_some_and(|end| Instant::now() >= end);
        match (is_over || is_late, status) {
            (true, Some(status)) => {
                let (stdout, stdout_cut) = stdout.text.whole();
                return Ok(Printed { status, stdout, stdout_cut, stderr: stderr.text.whole().0 });
            }
            (true, None) => return Err(io::ErrorKind::TimedOut.into()),
            (false, _) => {}
        }
        let watched = [stdout.fd(), stderr.fd(), status.is_none().then(|| ended.as_fd())];
        let [out, err, is_ended] = came(watched, end)?;
        if out {
            stdout.read();
        }
        if err {
            stderr.read();
        }
        if is_ended {
            status = Some(child.wait()?);
        }
    }
}

/// Waits until something came on one of these, or the time is up; says on which.
fn came<const N: usize>(
    watched: [Option<BorrowedFd<'_>>; N],
    end: Option<Instant>,
) -> io::Result<[bool; N]> {
    let mut polled: Vec<PollFd<'_>> =
        watched.iter().flatten().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    let timeout = match end {
        None => PollTimeout::NONE,
        // A part of a millisecond more, not less.
        Some(end) => PollTimeout::try_from(
            end.saturating_duration_since(Instant::now()) + Duration::from_millis(1),
        )
        .unwrap_or(PollTimeout::MAX),
    };
    match poll(&mut polled, timeout) {
        Ok(_) => {}
        Err(Errno::EINTR) => return Ok([false; N]),
        Err(error) => return Err(error.into()),
    }
    let mut polled = polled.iter();
    Ok(watched.map(|fd| {
        fd.is_some() && polled.next().is_some_and(|polled| polled.any().unwrap_or(false))
    }))
}

/// One of the pipes and what came through it.
struct Pipe<R> {
    open: Option<R>,
    text: HeadTail,
}

impl<R: Read + AsFd> Pipe<R> {
    fn new(pipe: Option<R>, text: HeadTail) -> io::Result<Self> {
        if let Some(pipe) = &pipe {
            kernel::nonblocking(pipe.as_fd())?;
        }
        Ok(Self { open: pipe, text })
    }

    fn is_closed(&self) -> bool {
        self.open.is_none()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.open.as_ref().map(AsFd::as_fd)
    }

    /// Reads once: the other pipe has its turn then.
    fn read(&mut self) {
        let mut bytes = [0; 16_384];
        let Some(pipe) = &mut self.open else { return };
        match pipe.read(&mut bytes) {
            Ok(0) => self.open = None,
            Ok(count) => self.text.push(&bytes[..count]),
            Err(error)
                if [io::ErrorKind::Interrupted, io::ErrorKind::WouldBlock]
                    .contains(&error.kind()) => {}
            // What came before an error is what there is.
            Err(_) => self.open = None,
        }
    }
}

/// The beginning and the end of a text.
struct HeadTail {
    head: Vec<u8>,
    head_room: usize,
    tail: Vec<u8>,
    tail_room: usize,
    is_cut: bool,
}

impl HeadTail {
    fn head(room: usize) -> Self {
        Self { head: Vec::new(), head_room: room, tail: Vec::new(), tail_room: 0, is_cut: false }
    }

    fn both(room: usize) -> Self {
        Self { tail_room: room / 2, ..Self::head(room - room / 2) }
    }

    fn push(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(self.head_room - self.head.len()));
        self.head.extend_from_slice(head);
        self.tail.extend_from_slice(rest);
        // In larger steps: each moves what is kept.
        let most = 2 * self.tail_room;
        if self.tail.len() > most {
            self.tail.drain(..self.tail.len() - self.tail_room);
            self.is_cut = true;
        }
    }

    /// All that is kept, and whether that is not all there was.
    fn whole(mut self) -> (Vec<u8>, bool) {
        if self.tail.len() > self.tail_room {
            self.tail.drain(..self.tail.len() - self.tail_room);
            self.is_cut = true;
        }
        if self.is_cut && self.tail_room > 0 {
            self.head.extend_from_slice("\n…\n".as_bytes());
        }
        self.head.append(&mut self.tail);
        (self.head, self.is_cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::{Command, Stdio};

    fn printed(script: &str, kept: Kept) -> Printed {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a shell");
        read(&mut child, kept, Until::Ended(Instant::now() + Duration::from_secs(60)))
            .expect("an end")
    }

    /// A script that prints this many bytes to descriptor `to`.
    fn prints(bytes: usize, to: u8) -> String {
        format!("head -c {bytes} /dev/zero | tr '\\0' {to} >&{to}; echo end{to} >&{to}; ")
    }

    #[test]
    fn whichever_pipe_is_filled_first_both_are_read_to_their_ends() {
        let kept = Kept { stdout: 4 << 20, stderr: 4096 };
        for (first, second) in [(1, 2), (2, 1)] {
            for bytes in [0, 1, 65_536, 1 << 20] {
                let script = [prints(bytes, first), prints(bytes, second)].concat();
                let printed = printed(&script, kept);
                assert_eq!((printed.stdout.len(), printed.stdout_cut), (bytes + 5, false));
                assert!(printed.stderr.ends_with(b"end2\n") && printed.stderr.len() < 4200);
                assert!(printed.status.success());
            }
        }
    }

    #[test]
    fn what_is_left_behind_by_a_child_that_ended_is_not_waited_for() {
        let printed = printed("echo out; sleep 3 & exit 3", Kept { stdout: 10, stderr: 10 });
        assert_eq!((printed.status.code(), &printed.stdout[..]), (Some(3), &b"out\n"[..]));
    }

    #[test]
    fn what_a_child_has_run_is_read_to_its_end_where_the_child_was_killed() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "(sleep 0.3; echo late) & kill -KILL $$"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let kept = Kept { stdout: 10, stderr: 10 };
        let read = read(&mut child.expect("a shell"), kept, Until::OutputClosed);
        let printed = read.expect("an end");
        assert_eq!((printed.status.code(), &printed.stdout[..]), (None, &b"late\n"[..]));
    }

    #[test]
    fn a_child_that_does_not_end_is_late() {
        let mut command = Command::new("/bin/sleep");
        command.arg("1000").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("sleep");
        let kept = Kept { stdout: 10, stderr: 10 };
        let late = read(&mut child, kept, Until::Ended(Instant::now() + Duration::from_millis(10)));
        assert_eq!(late.expect_err("late").kind(), io::ErrorKind::TimedOut);
        child.kill().and_then(|()| child.wait()).expect("it ends");
    }

    proptest! {
        #[test]
        fn the_head_and_the_tail_are_kept(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
            room in 0..60_usize,
        ) {
            let all = parts.concat();
            let (mut both, mut head) = (HeadTail::both(room), HeadTail::head(room));
            for part in &parts {
                both.push(part);
                head.push(part);
            }
            let (text, is_cut) = both.whole();
            let half = room / 2;
            prop_assert_eq!(is_cut, all.len() > room);
            prop_assert!(text.starts_with(&all[..all.len().min(room - half)]));
            prop_assert!(text.ends_with(&all[all.len() - all.len().min(half)..]));
            prop_assert!(is_cut || text == all);
            let (text, is_cut) = head.whole();
            prop_assert_eq!(&text[..], &all[..all.len().min(room)]);
            prop_assert_eq!(is_cut, all.len() > room);
        }
    }
}
