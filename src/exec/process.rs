//! Processes: started clean, read while they run, waited for, ended if they may be.

use crate::exec::backchannel::Backchannel;
use crate::exec::cgroup::Own;
use crate::exec::confinement;
use crate::exec::program::{Executable, Program};
use crate::managers::argv::Argv;
use crate::managers::host;
use crate::output::captured::Captured;
use crate::request::ran::{Ended, Ran};
use crate::system::confine::calls::Strings;
use crate::system::kernel;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;
use std::cell::Cell;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// Where what is run looks for programs.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The environment of what is run, but for `LC_ALL` and what each of [`crate::managers`] adds, which
/// nobody else minds. Nothing of the caller's is in it.
const ENVIRONMENT: [(&str, &str); 5] =
    [("PATH", PATH), ("HOME", "/root"), ("TZ", "UTC"), ("TERM", "dumb"), ("PAGER", "cat")];

/// How long a process has between SIGTERM and SIGKILL, and after that to vanish.
const GRACE: Duration = Duration::from_secs(2);

/// How long the output of an ended process is still read: what it left behind may hold the
/// other end open for ever.
const DRAIN: Duration = Duration::from_millis(100);

/// What a run may cost.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// When it should be done.
    pub deadline: Instant,
    /// How much of each stream is kept.
    pub output_bytes: usize,
    /// Whether what looks like a secret is masked.
    pub mask_secrets: bool,
}

/// What happens at the deadline.
pub enum AtDeadline<'l> {
    /// The process group is ended.
    End,
    /// The same, and somebody looks at it before.
    EndAfter(&'l mut dyn FnMut()),
    /// It continues; somebody is told, once, what was printed so far.
    GoOn(&'l mut dyn FnMut(Ran)),
}

/// Who is told how a command goes on while it runs.
pub trait Follow {
    /// This was read of its standard output.
    fn printed(&mut self, bytes: &[u8]);
    /// So much was printed so far. At most once in [`BETWEEN`], and only if there is more than before.
    fn so_far(&mut self, ran: Ran);
}

/// How often somebody is told how a command goes on.
const BETWEEN: Duration = Duration::from_secs(1);

/// How a command line is run.
pub struct Options<'h> {
    /// What the process reads on standard input; at most what a pipe holds.
    pub input: Option<String>,
    /// What happens at the deadline.
    pub late: AtDeadline<'h>,
    /// Shares it with the monitor.
    pub backchannel: Option<&'h mut Backchannel>,
    /// Is told how it goes on.
    pub follow: Option<&'h mut dyn Follow>,
}

/// Runs one command line that only looks: with nothing to read, ended at the deadline.
pub fn ask(argv: &Argv, bounds: Bounds) -> Ran {
    ask_meanwhile(argv, bounds, &mut || {})
}

/// As [`ask`], and calls `begun` as soon as it runs.
pub fn ask_meanwhile(argv: &Argv, bounds: Bounds, begun: &mut dyn FnMut()) -> Ran {
    let how = Options { input: None, late: AtDeadline::End, backchannel: None, follow: None };
    run_argv(argv, bounds, how, begun)
}

/// Runs one command line to the end.
pub fn run(argv: &Argv, bounds: Bounds, how: Options<'_>) -> Ran {
    run_argv(argv, bounds, how, &mut || {})
}

fn run_argv(argv: &Argv, bounds: Bounds, how: Options<'_>, begun: &mut dyn FnMut()) -> Ran {
    match program(argv) {
        Err(error) => Ran::not_started(&error),
        Ok(program) => run_to_end(&program, bounds, how, begun),
    }
}

/// Runs a program to the end. What ends it at the deadline ends all that is in its cgroup.
pub fn run_program(program: &Program, bounds: Bounds, how: Options<'_>) -> Ran {
    run_to_end(program, bounds, how, &mut || {})
}

fn run_to_end(program: &Program, bounds: Bounds, how: Options<'_>, begun: &mut dyn FnMut()) -> Ran {
    let mut backchannel = how.backchannel;
    if let (Some(backchannel), AtDeadline::GoOn(_)) = (&mut backchannel, &how.late) {
        backchannel.hold();
    }
    match Job::start(program, bounds, how.input.as_deref(), backchannel.as_deref_mut()) {
        Err(error) => Ran::not_started(&error),
        Ok(job) => {
            let (mut job, mut late) = (job, how.late);
            begun();
            let mut told = Told { follow: how.follow, next: None };
            watch(&mut job, bounds.deadline, &mut late, &mut backchannel, &mut told);
            if let Some(cgroup) = job.cgroup.filter(|_| job.was_late) {
                cgroup.end(GRACE);
            }
            job.ran()
        }
    }
}

/// A running process and what it has printed.
struct Job<'j> {
    pid: Pid,
    cgroup: Option<&'j Own>,
    ended: OwnedFd,
    streams: [Stream; 2],
    status: Option<Ended>,
    ended_at: Option<Instant>,
    was_late: bool,
}

/// One of its two streams.
struct Stream {
    pipe: Option<PipeReader>,
    text: Captured,
}

impl<'j> Job<'j> {
    fn start(
        program: &'j Program,
        bounds: Bounds,
        input: Option<&str>,
        mut backchannel: Option<&mut Backchannel>,
    ) -> io::Result<Self> {
        let [(stdout, child_stdout), (stderr, child_stderr)] = match &mut backchannel {
            Some(backchannel) => backchannel.streams()?,
            None => [io::pipe()?, io::pipe()?],
        };
        let (child_stdin, feed) = match input {
            None => (OwnedFd::from(File::open("/dev/null")?), None),
            Some(_) => {
                let (child_stdin, stdin) = io::pipe()?;
                (child_stdin.into(), Some(stdin))
            }
        };
        let streams = [child_stdin.as_fd(), child_stdout.as_fd(), child_stderr.as_fd()];
        let start = || program.start(streams);
        let pid = match &mut backchannel {
            Some(backchannel) => backchannel.begin(start)?,
            None => start()?,
        };
        drop((child_stdout, child_stderr));
        if let (Some(input), Some(mut stdin)) = (input, feed) {
            // It may have ended without reading; its exit status tells.
            let _ = stdin.write_all(input.as_bytes());
        }
        let stream = |pipe: PipeReader| -> io::Result<Stream> {
            kernel::nonblocking(pipe.as_fd())?;
            let text = Captured::new(bounds.output_bytes).masked(bounds.mask_secrets);
            Ok(Stream { pipe: Some(pipe), text })
        };
        let streams = [stream(stdout)?, stream(stderr)?];
        let ended = kernel::pidfd(pid)?;
        let cgroup = program.cgroup.as_ref();
        Ok(Self { pid, cgroup, ended, streams, status: None, ended_at: None, was_late: false })
    }

    /// Takes note of its end, and tells the monitor before nobody else can know it any more.
    fn reap(&mut self, backchannel: &mut Option<&mut Backchannel>) {
        if self.status.is_some() {
            return;
        }
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        let ended = match waitid(Id::Pid(self.pid), look) {
            Ok(WaitStatus::Exited(_, code)) => Ended::Exited(code),
            Ok(WaitStatus::Signaled(_, signal, _)) => Ended::Signalled(signal as i32),
            _ => return,
        };
        if let Some(backchannel) = backchannel {
            backchannel.ended(ended);
        }
        let _ = waitpid(self.pid, None);
        self.status = Some(ended);
        self.ended_at = Some(Instant::now());
    }

    fn is_done(&self) -> bool {
        let quiet = self.streams.iter().all(|stream| stream.pipe.is_none());
        self.ended_at.is_some_and(|at| quiet || at.elapsed() >= DRAIN)
    }

    fn signal(&self, signal: Signal) {
        if let Some(cgroup) = self.cgroup {
            cgroup.signal(signal);
            if signal != Signal::SIGKILL {
                // It is in there, and one signal is what it should get.
                return;
            }
        }
        if self.status.is_none() {
            // Its process id is its group's, and is not given away before it is waited for.
            let _ = killpg(self.pid, signal);
        }
    }

    /// What it did so far.
    fn so_far(&mut self) -> Ran {
        let ended = self.status.filter(|_| !self.was_late).unwrap_or(Ended::Late);
        let [(stdout, stdout_truncated), (stderr, stderr_truncated)] =
            self.streams.each_mut().map(|stream| stream.text.snapshot());
        let seals = self.streams.each_ref().map(|stream| stream.text.seal());
        Ran { ended, stdout, stdout_truncated, stderr, stderr_truncated, seals }
    }

    fn ran(&mut self) -> Ran {
        self.streams.iter_mut().for_each(|stream| stream.text.close());
        self.so_far()
    }
}

/// Who is told how it goes on, and when next; at no time if there is nothing new.
struct Told<'h> {
    follow: Option<&'h mut dyn Follow>,
    next: Option<Instant>,
}

impl Told<'_> {
    /// Something was read.
    fn is_new(&mut self) {
        if self.follow.is_some() && self.next.is_none() {
            self.next = Some(Instant::now() + BETWEEN);
        }
    }

    fn tell(&mut self, job: &mut Job<'_>) {
        if let Some(follow) = &mut self.follow
            && self.next.is_some_and(|at| Instant::now() >= at)
        {
            self.next = None;
            follow.so_far(job.so_far());
        }
    }
}

impl Stream {
    /// Reads what is there, up to a share that lets the other streams have their turn.
    fn read(&mut self, told: &mut dyn FnMut(&[u8])) {
        let Some(mut pipe) = self.pipe.take() else { return };
        let mut bytes = [0; 16_384];
        for _ in 0..16 {
            match pipe.read(&mut bytes) {
                Ok(0) => return,
                Ok(count) => {
                    self.text.push(&bytes[..count]);
                    told(&bytes[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return,
            }
        }
        self.pipe = Some(pipe);
    }
}

/// What is started for a command line: as root, confined as it says.
fn program(argv: &Argv) -> io::Result<Program> {
    let text = |text: &str| CString::new(text).map_err(|_| io::Error::from(Errno::EINVAL));
    let words = argv.words().iter().map(|word| text(word)).collect::<io::Result<Vec<_>>>()?;
    let environment =
        ENVIRONMENT.into_iter().chain(host::environment()).chain([("LC_ALL", argv.locale())]);
    let environment = environment.map(|(name, value)| text(&format!("{name}={value}")));
    Ok(Program {
        executable: Executable::Named(text(argv.program())?),
        words: Strings::new(words),
        environment: Strings::new(environment.collect::<io::Result<Vec<_>>>()?),
        directory: None,
        account: None,
        cgroup: None,
        confined: confinement::of(argv.confinement()),
        failed: Cell::new(None),
    })
}

/// Reads and waits until the process is done.
fn watch(
    job: &mut Job<'_>,
    deadline: Instant,
    late: &mut AtDeadline<'_>,
    backchannel: &mut Option<&mut Backchannel>,
    told: &mut Told<'_>,
) {
    // What comes next at a deadline, and when.
    let mut next = Some(deadline);
    let mut signals = [Signal::SIGTERM, Signal::SIGKILL].into_iter();
    while !job.is_done() {
        if next.is_some_and(|at| Instant::now() >= at) {
            match late {
                AtDeadline::GoOn(tell) => {
                    tell(job.so_far());
                    next = None;
                }
                AtDeadline::End | AtDeadline::EndAfter(_) => {
                    if let AtDeadline::EndAfter(look) = late
                        && !job.was_late
                    {
                        look();
                    }
                    job.was_late |= job.status.is_none();
                    // What does not even vanish on SIGKILL is stuck in the kernel: leave it.
                    let Some(signal) = signals.next() else { return };
                    job.signal(signal);
                    next = Some(Instant::now() + GRACE);
                }
            }
        }
        wait(job, [next, told.next].into_iter().flatten().min());
        let [stdout, stderr] = &mut job.streams;
        stdout.read(&mut |bytes| {
            if let Some(follow) = &mut told.follow {
                follow.printed(bytes);
            }
            told.is_new();
        });
        stderr.read(&mut |_| told.is_new());
        told.tell(job);
        job.reap(backchannel);
    }
}

/// Sleeps until there is something to read, the process has ended, or it is time.
fn wait(job: &Job<'_>, next: Option<Instant>) {
    let pipes = job.streams.iter().filter_map(|stream| stream.pipe.as_ref());
    let mut fds: Vec<_> = pipes.map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLIN)).collect();
    let mut until = next;
    match job.ended_at {
        None => fds.push(PollFd::new(job.ended.as_fd(), PollFlags::POLLIN)),
        Some(at) => until = Some(until.map_or(at + DRAIN, |until| until.min(at + DRAIN))),
    }
    let timeout = until.map_or(PollTimeout::NONE, |until| {
        // Rounded up, or the last fraction of a millisecond is spent spinning.
        let left = until.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
    });
    let _ = poll(&mut fds, timeout);
}
