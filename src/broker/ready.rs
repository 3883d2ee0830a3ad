//! A process that was split off before anybody called, and has done all that is the same for every
//! request. It gets one connection and answers that, as every other one; without it, who calls would
//! wait for a process to be made and to find its feet.

use crate::system::kernel::{self, Forked};
use nix::unistd::Pid;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// Its name in the lists of processes, as long as it waits.
const NAME: &std::ffi::CStr = c"sm-ready";

/// The process, as the one that waits at the socket knows it.
#[derive(Debug)]
pub struct Ready {
    process: Pid,
    /// Over which it gets the connection. Where this is closed it ends.
    line: UnixStream,
}

/// Which of the two this is.
pub enum Made {
    /// The one that is ready; over this it gets its connection.
    Itself(UnixStream),
    /// The one that has made it.
    For(Ready),
}

impl Ready {
    /// Splits it off.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn make() -> io::Result<Made> {
        let (line, own) = UnixStream::pair()?;
        match kernel::fork()? {
            Forked::Child => {
                drop(line);
                let _ = nix::sys::prctl::set_name(NAME);
                Ok(Made::Itself(own))
            }
            Forked::Parent(process) => Ok(Made::For(Self { process, line })),
        }
    }

    /// Its id.
    pub fn process(&self) -> Pid {
        self.process
    }

    /// Gives it the connection.
    ///
    /// # Errors
    /// What the kernel says: it is gone.
    pub fn answer(self, connection: &UnixStream) -> io::Result<Pid> {
        kernel::hand_over(self.line.as_fd(), connection.as_fd())?;
        Ok(self.process)
    }

    /// Lets it end, and waits for that.
    pub fn end(self) {
        drop(self.line);
        let _ = nix::sys::wait::waitpid(self.process, None);
    }
}

/// Waits for the connection, over standard input. None if there will not be any.
pub fn connection() -> Option<OwnedFd> {
    let connection = kernel::take_over(io::stdin().as_fd()).ok().flatten()?;
    let _ = nix::sys::prctl::set_name(c"sm");
    Some(connection)
}
