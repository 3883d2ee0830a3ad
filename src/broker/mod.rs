//! The socket's end of a request: systemd starts this program once for each connection to
//! `/run/sm/sm.sock`, with the connection as its standard input. It finds out who called, reads
//! one request, and from there it goes the way of every other.

mod peer;
pub mod protocol;
pub mod setup;
mod slots;
pub mod units;

use crate::helper::caller::Caller;
use crate::helper::codes::{Code, Refusal};
use crate::sys;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;

/// Where it listens.
pub const SOCKET: &str = "/run/sm/sm.sock";

/// What came over the connection.
#[derive(Debug)]
pub struct Received {
    /// Who called, as the kernel says.
    pub caller: Caller,
    /// The words after the helper's name, or why there are none.
    pub arguments: Result<Vec<OsString>, Refusal>,
    /// Held as long as the request takes, and whatever it has begun.
    pub slot: Option<File>,
}

/// Takes the request from the connection; the reply goes to standard output, which is the
/// connection from here on.
///
/// # Errors
/// Where standard input is no such connection, or the caller is nobody of this host.
pub fn receive() -> Result<Received, Refusal> {
    let connection = io::stdin().as_fd().try_clone_to_owned().map_err(no_connection)?;
    let caller = peer::caller(connection.as_fd())?;
    sys::replace(1, &connection).map_err(no_connection)?;
    let null = OpenOptions::new().read(true).open("/dev/null").map_err(no_connection)?;
    sys::replace(0, null).map_err(no_connection)?;
    let taken = match &caller {
        Ok(caller) => slots::take(caller.uid),
        Err(_) => Ok(None),
    };
    let (slot, arguments) = match taken {
        Ok(slot) => (slot, protocol::receive(connection.as_fd())),
        Err(refusal) => (None, Err(refusal)),
    };
    let (caller, arguments) = match caller {
        Ok(caller) => (caller, arguments),
        // Recorded as what it is, whatever it asks.
        Err((caller, refusal)) => (caller, Err(refusal)),
    };
    Ok(Received { caller, arguments, slot })
}

fn no_connection(error: io::Error) -> Refusal {
    Refusal::new(Code::Internal, format!("standard input is no connection: {error}"))
        .hint("this is for the service manager to start: sm setup-broker")
}
