//! The process that waits at the socket: it takes each connection and splits off a process that
//! answers it. It reads nothing of any request, so that whatever a request does happens in that
//! request's process.
//!
//! systemd starts it with the first connection (`systemd.socket(5)`, `Accept=no`), and it ends when
//! nobody has called for a while, when it is asked to, and when another version of the program has
//! taken its place. Whoever has not been taken by then stays in the socket's queue, for the next one;
//! where the socket itself may be about to go, a process stays for these ([`Waiting::stay`]).

use crate::broker::crowd::{Crowd, Found};
use crate::broker::ready::{Made, Ready};
use crate::broker::socket::{SOCKET, no_socket};
use crate::exec::cgroup;
use crate::request::code::Refusal;
use crate::system::file;
use crate::system::kernel::{self, Forked};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use nix::sys::socket::{getsockopt, sockopt};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use tracing::debug;

/// The first descriptor that systemd passes (`sd_listen_fds(3)`).
const FIRST: i32 = 3;

/// How long nobody has to call until it ends, in milliseconds.
const PATIENCE: u16 = 60_000;

/// How often and how long a process looks whether the socket is gone, in milliseconds.
const STEPS: u32 = 250;
const STEP: u16 = 20;

/// The exit status of a process that has answered an account of this host.
pub const ANSWERED_ACCOUNT: u8 = 0;

/// The exit status of one that could not find out who is there.
pub const ANSWERED_NOBODY: u8 = 1;

/// The exit status of one that has answered somebody who has no account.
pub const ANSWERED_STRANGER: u8 = 100;

/// Which process this is now.
#[derive(Debug)]
pub enum Side {
    /// One that answers the connection on standard input.
    Answers,
    /// One that gets its connection over standard input, when there is one
    /// ([`crate::broker::ready`]).
    IsReady,
    /// The one that waited, and has nothing more to do.
    Ends,
}

/// Waits for connections. Returns in each process that is to answer one, and in the one that waited
/// when it ends.
///
/// # Errors
/// If systemd has passed no socket, or the kernel refuses what is needed to wait.
pub fn wait() -> Result<Side, Refusal> {
    let listening = passed().map_err(no_socket)?;
    let mut signals = SigSet::empty();
    [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]
        .into_iter()
        .for_each(|signal| signals.add(signal));
    signals.thread_block().map_err(|error| no_socket(error.into()))?;
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    let told = SignalFd::with_flags(&signals, flags).map_err(|error| no_socket(error.into()))?;
    let (socket, program) = (socket(), Program::of_this_process());
    let crowd = Crowd::default();
    let waiting = Waiting { socket, listening, told, program, crowd, ready: None, is_due: false };
    waiting.run().map_err(no_socket)
}

/// The socket.
fn passed() -> io::Result<UnixListener> {
    let is_for_us =
        std::env::var("LISTEN_PID").is_ok_and(|pid| pid == std::process::id().to_string());
    if !is_for_us || std::env::var("LISTEN_FDS").as_deref() != Ok("1") {
        return Err(io::Error::other("systemd has passed no socket"));
    }
    let socket = UnixListener::from(OwnedFd::from(kernel::take_descriptor(FIRST)?));
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// The file that this process was started from, to see whether another one has taken its place.
struct Program {
    path: PathBuf,
    file: Option<(u64, u64)>,
}

impl Program {
    fn of_this_process() -> Self {
        let own = Path::new("/proc/self/exe");
        let path = own.read_link().unwrap_or_default();
        Self { path, file: file::identity(own) }
    }

    fn is_replaced(&self) -> bool {
        file::identity(&self.path) != self.file
    }
}

/// Whether it is not about a process that has ended.
fn asks_to_end(signal: siginfo) -> bool {
    i32::try_from(signal.ssi_signo) != Ok(Signal::SIGCHLD as i32)
}

/// Which file is at the socket's path.
fn socket() -> Option<(u64, u64)> {
    file::identity(SOCKET)
}

struct Waiting {
    /// What [`socket`] said when it began.
    socket: Option<(u64, u64)>,
    listening: UnixListener,
    told: SignalFd,
    program: Program,
    crowd: Crowd<UnixStream>,
    ready: Option<Ready>,
    /// Whether one is to be made ready. One that ends by itself has no successor before somebody
    /// calls, or there would be one after another.
    is_due: bool,
}

impl Waiting {
    fn run(mut self) -> io::Result<Side> {
        loop {
            // While somebody is answered it would take their time.
            if self.is_due && self.crowd.is_empty() {
                self.is_due = false;
                // Without one there is only more to wait for.
                match Ready::make() {
                    Ok(Made::Itself(line)) => {
                        kernel::replace(0, &line)?;
                        SigSet::empty().thread_set_mask()?;
                        return Ok(Side::IsReady);
                    }
                    Ok(Made::For(ready)) => self.ready = Some(ready),
                    Err(error) => debug!("no process is made ready: {error}"),
                }
            }
            let (somebody, told) = self.look()?;
            if !somebody && !told && self.crowd.is_empty() {
                self.dismiss();
                return Ok(Side::Ends);
            }
            if told && self.hear() {
                self.dismiss();
                return match kernel::fork()? {
                    Forked::Child => self.stay(),
                    Forked::Parent(_) => Ok(self.answer(true)?.unwrap_or(Side::Ends)),
                };
            }
            // Whoever is in the socket's queue is the new program's then.
            let is_replaced = somebody && self.program.is_replaced();
            if somebody && !is_replaced {
                self.take()?;
            }
            if let Some(side) = self.answer(is_replaced)? {
                return Ok(side);
            }
            if is_replaced {
                self.dismiss();
                return Ok(Side::Ends);
            }
        }
    }

    /// Lets what is ready end before this process: systemd tells of what a unit leaves behind.
    fn dismiss(&mut self) {
        if let Some(ready) = self.ready.take() {
            ready.end();
        }
    }

    /// Answers whoever is in the socket's queue when systemd takes it away, as it does with a restart
    /// of the socket: the unit that waits is stopped before. Who calls then would find the connection
    /// closed. Where the socket stays, the process that systemd starts next answers, and nothing is
    /// to be done.
    fn stay(mut self) -> io::Result<Side> {
        // Whom the other process has taken it answers itself.
        self.crowd = Crowd::default();
        // Left where it is, the unit's next process would be said to have found a stray one.
        let _ = cgroup::leave();
        for _ in 0..STEPS {
            if socket() != self.socket {
                while self.take()? {}
                return Ok(self.answer(true)?.unwrap_or(Side::Ends));
            }
            let mut fds = [PollFd::new(self.told.as_fd(), PollFlags::POLLIN)];
            if poll(&mut fds, PollTimeout::from(STEP)) != Ok(0) && self.hear() {
                break;
            }
        }
        Ok(Side::Ends)
    }

    /// Waits until somebody calls, or a signal has come.
    fn look(&self) -> io::Result<(bool, bool)> {
        let mut fds = [
            PollFd::new(self.listening.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.told.as_fd(), PollFlags::POLLIN),
        ];
        let timeout =
            if self.crowd.is_empty() { PollTimeout::from(PATIENCE) } else { PollTimeout::NONE };
        match poll(&mut fds, timeout) {
            Ok(_) => {}
            Err(Errno::EINTR) => return Ok((false, true)),
            Err(error) => return Err(error.into()),
        }
        let is_ready = |fd: &PollFd<'_>| fd.any().unwrap_or(false);
        Ok((is_ready(&fds[0]), is_ready(&fds[1])))
    }

    /// Hears which processes have ended, and whether this one is to.
    fn hear(&mut self) -> bool {
        let mut ends = false;
        while let Ok(Some(signal)) = self.told.read_signal() {
            ends |= asks_to_end(signal);
        }
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(process, _) | WaitStatus::Signaled(process, ..))
                    if self.ready.as_ref().is_some_and(|ready| ready.process() == process) =>
                {
                    self.ready = None;
                }
                Ok(WaitStatus::Exited(process, status)) => {
                    let found = match u8::try_from(status) {
                        Ok(ANSWERED_ACCOUNT) => Found::Account,
                        Ok(ANSWERED_STRANGER) => Found::Stranger,
                        _ => Found::Nothing,
                    };
                    self.crowd.ended(process.as_raw(), found);
                }
                Ok(WaitStatus::Signaled(process, ..)) => {
                    self.crowd.ended(process.as_raw(), Found::Nothing);
                }
                Ok(WaitStatus::StillAlive) | Err(_) => return ends,
                Ok(_) => {}
            }
        }
    }

    /// Takes connections that are there. Says whether there may be more.
    fn take(&mut self) -> io::Result<bool> {
        // Whoever calls without a pause does not keep those from being answered that have called.
        for _ in 0..64 {
            match self.listening.accept() {
                Ok((connection, _)) => {
                    let Ok(peer) = getsockopt(&connection, sockopt::PeerCredentials) else {
                        continue;
                    };
                    // Whoever is too many finds the connection closed.
                    drop(self.crowd.arrived(peer.uid(), connection));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::ConnectionAborted | ErrorKind::Interrupted
                    ) => {}
                // What the kernel lacks for one more it has again once others have ended.
                Err(error) if !self.crowd.is_empty() => {
                    debug!("accept: {error}");
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Splits off a process for each that may be answered now; for all, if this process ends.
    fn answer(&mut self, all: bool) -> io::Result<Option<Side>> {
        while let Some((turn, connection)) = self.crowd.next(all) {
            self.is_due = !all;
            let given = self.ready.take().map(|ready| ready.answer(&connection));
            if let Some(Ok(process)) = given {
                self.crowd.begun(turn, process.as_raw());
                continue;
            }
            match kernel::fork() {
                Ok(Forked::Child) => {
                    kernel::replace(0, &connection)?;
                    SigSet::empty().thread_set_mask()?;
                    return Ok(Some(Side::Answers));
                }
                Ok(Forked::Parent(process)) => self.crowd.begun(turn, process.as_raw()),
                Err(_) => self.crowd.given_up(&turn),
            }
        }
        Ok(None)
    }
}
