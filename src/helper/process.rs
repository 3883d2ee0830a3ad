//! Processes: started clean, read while they run, waited for, ended where they may be.

use super::plan::Argv;
use super::text::Captured;
use crate::sys;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The whole environment of what is run. Nothing of the caller's is in it.
///
/// The times of systemd are read in UTC, and the package managers are told that nobody is there
/// (`debconf(7)`, `apt-listchanges(1)`, `needrestart(1)`, `ucf(1)`).
pub const ENVIRONMENT: [(&str, &str); 13] = [
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("HOME", "/root"),
    ("LC_ALL", "C.UTF-8"),
    ("TZ", "UTC"),
    ("TERM", "dumb"),
    ("PAGER", "cat"),
    ("SYSTEMD_PAGER", "cat"),
    ("SYSTEMD_COLORS", "0"),
    ("SYSTEMD_URLIFY", "0"),
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("APT_LISTCHANGES_FRONTEND", "none"),
    ("NEEDRESTART_SUSPEND", "1"),
    ("UCF_FORCE_CONFFOLD", "1"),
];

/// How long a process has between SIGTERM and SIGKILL, and after that to vanish.
const GRACE: Duration = Duration::from_secs(2);

/// How long the output of an ended process is still read: what it left behind may hold the
/// other end open for ever.
const DRAIN: Duration = Duration::from_millis(100);

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With this exit status.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// It was not done in time.
    Late,
    /// It never began.
    NotStarted(Errno),
}

/// What a process did.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub ended: Ended,
    /// What it printed, plain and bounded.
    pub stdout: String,
    /// Whether the bound was hit.
    pub stdout_truncated: bool,
    /// What it printed as errors, plain and bounded.
    pub stderr: String,
    /// Whether the bound was hit.
    pub stderr_truncated: bool,
}

impl Ran {
    fn not_started(error: &io::Error) -> Self {
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or(nix::libc::EIO));
        Self {
            ended: Ended::NotStarted(errno),
            stdout: String::new(),
            stdout_truncated: false,
            stderr: String::new(),
            stderr_truncated: false,
        }
    }

    /// The same, where the exit status was another way of saying that there was nothing to do.
    pub fn as_success(self) -> Self {
        Self { ended: Ended::Exited(0), ..self }
    }
}

/// What a run may cost.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// When it should be done.
    pub deadline: Instant,
    /// How much of each stream is kept.
    pub output_bytes: usize,
}

/// What happens at the deadline.
pub enum Late<'l> {
    /// The process group is ended.
    End,
    /// It goes on; somebody is told, once, what was printed so far.
    GoOn {
        /// What the process reads on standard input; at most what a pipe holds.
        input: Option<String>,
        /// Told what there is at the deadline.
        tell: &'l mut dyn FnMut(Ran),
    },
}

/// Runs one command line to its end.
pub fn run(argv: &Argv, bounds: Bounds, late: &mut Late<'_>) -> Ran {
    let input = match late {
        Late::GoOn { input, .. } => input.take(),
        Late::End => None,
    };
    match Job::start(argv, bounds.output_bytes, input.as_deref()) {
        Err(error) => Ran::not_started(&error),
        Ok(job) => {
            let mut jobs = [job];
            watch(&mut jobs, bounds.deadline, late);
            let [mut job] = jobs;
            job.ran()
        }
    }
}

/// Runs two command lines at once; both are ended at the deadline.
pub fn run_together(commands: [&Argv; 2], bounds: Bounds) -> [Ran; 2] {
    let mut results = [None, None];
    let mut jobs = Vec::with_capacity(2);
    let mut places = Vec::with_capacity(2);
    for (place, argv) in commands.into_iter().enumerate() {
        match Job::start(argv, bounds.output_bytes, None) {
            Ok(job) => {
                jobs.push(job);
                places.push(place);
            }
            Err(error) => results[place] = Some(Ran::not_started(&error)),
        }
    }
    watch(&mut jobs, bounds.deadline, &mut Late::End);
    for (place, mut job) in places.into_iter().zip(jobs) {
        results[place] = Some(job.ran());
    }
    results.map(|ran| ran.unwrap_or_else(|| Ran::not_started(&io::Error::from(Errno::EIO))))
}

/// A running process and what it has printed.
struct Job {
    child: Child,
    ended: OwnedFd,
    streams: [Stream; 2],
    status: Option<ExitStatus>,
    ended_at: Option<Instant>,
    was_late: bool,
}

/// One of its two streams.
struct Stream {
    pipe: Option<OwnedFd>,
    text: Captured,
}

impl Job {
    fn start(argv: &Argv, output_bytes: usize, input: Option<&str>) -> io::Result<Self> {
        let mut command = Command::new(argv.program());
        command
            .args(argv.arguments())
            .env_clear()
            .envs(ENVIRONMENT)
            .current_dir("/")
            .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        sys::detach(&mut command);
        let mut child = command.spawn()?;
        if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
            // It may have ended without reading; its exit status tells.
            let _ = stdin.write_all(input.as_bytes());
        }
        let stream = |pipe: Option<OwnedFd>| -> io::Result<Stream> {
            if let Some(pipe) = &pipe {
                sys::nonblocking(pipe.as_fd())?;
            }
            Ok(Stream { pipe, text: Captured::new(output_bytes) })
        };
        let streams = [
            stream(child.stdout.take().map(OwnedFd::from))?,
            stream(child.stderr.take().map(OwnedFd::from))?,
        ];
        let ended = sys::pidfd(child.id())?;
        Ok(Self { child, ended, streams, status: None, ended_at: None, was_late: false })
    }

    fn is_done(&self) -> bool {
        let quiet = self.streams.iter().all(|stream| stream.pipe.is_none());
        self.ended_at.is_some_and(|at| quiet || at.elapsed() >= DRAIN)
    }

    fn signal(&self, signal: Signal) {
        if self.status.is_none() {
            // Its process id is its group's, and is not given away before it is waited for.
            let _ = killpg(Pid::from_raw(self.child.id() as i32), signal);
        }
    }

    /// What it did so far.
    fn so_far(&mut self) -> Ran {
        let ended = match self.status {
            Some(status) if !self.was_late => match (status.code(), status.signal()) {
                (Some(code), _) => Ended::Exited(code),
                (None, signal) => Ended::Signalled(signal.unwrap_or(0)),
            },
            _ => Ended::Late,
        };
        let [(stdout, stdout_truncated), (stderr, stderr_truncated)] =
            self.streams.each_mut().map(|stream| stream.text.snapshot());
        Ran { ended, stdout, stdout_truncated, stderr, stderr_truncated }
    }

    fn ran(&mut self) -> Ran {
        self.streams.iter_mut().for_each(|stream| stream.text.close());
        self.so_far()
    }
}

impl Stream {
    /// Reads what is there, up to a share that lets the other streams have their turn.
    fn read(&mut self) {
        let Some(pipe) = self.pipe.take() else { return };
        let mut pipe = std::fs::File::from(pipe);
        let mut bytes = [0; 16_384];
        for _ in 0..16 {
            match pipe.read(&mut bytes) {
                Ok(0) => return,
                Ok(count) => self.text.push(&bytes[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return,
            }
        }
        self.pipe = Some(pipe.into());
    }
}

/// Reads and waits until every process is done.
fn watch(jobs: &mut [Job], deadline: Instant, late: &mut Late<'_>) {
    // What comes next at a deadline, and when.
    let mut next = Some(deadline);
    let mut signals = [Signal::SIGTERM, Signal::SIGKILL].into_iter();
    while !jobs.iter().all(Job::is_done) {
        if next.is_some_and(|at| Instant::now() >= at) {
            match late {
                Late::GoOn { tell, .. } => {
                    jobs.iter_mut().for_each(|job| tell(job.so_far()));
                    next = None;
                }
                Late::End => {
                    let unfinished = jobs.iter_mut().filter(|job| job.status.is_none());
                    unfinished.for_each(|job| job.was_late = true);
                    // What does not even vanish on SIGKILL is stuck in the kernel: leave it.
                    let Some(signal) = signals.next() else { return };
                    jobs.iter().for_each(|job| job.signal(signal));
                    next = Some(Instant::now() + GRACE);
                }
            }
        }
        wait(jobs, next);
        for job in jobs.iter_mut() {
            job.streams.iter_mut().for_each(Stream::read);
            if job.status.is_none()
                && let Ok(Some(status)) = job.child.try_wait()
            {
                job.status = Some(status);
                job.ended_at = Some(Instant::now());
            }
        }
    }
}

/// Sleeps until there is something to read, a process has ended, or it is time.
fn wait(jobs: &[Job], next: Option<Instant>) {
    let mut fds = Vec::with_capacity(jobs.len() * 3);
    let mut until = next;
    for job in jobs.iter().filter(|job| !job.is_done()) {
        let pipes = job.streams.iter().filter_map(|stream| stream.pipe.as_ref());
        fds.extend(pipes.map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLIN)));
        match job.ended_at {
            None => fds.push(PollFd::new(job.ended.as_fd(), PollFlags::POLLIN)),
            Some(at) => until = Some(until.map_or(at + DRAIN, |until| until.min(at + DRAIN))),
        }
    }
    let timeout = until.map_or(PollTimeout::NONE, |until| {
        // Rounded up, or the last fraction of a millisecond is spent spinning.
        let left = until.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
    });
    let _ = poll(&mut fds, timeout);
}
