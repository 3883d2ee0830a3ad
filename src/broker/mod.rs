//! The socket's end of a request: one process waits at `/run/sm/sm.sock`, and for each connection
//! splits off one that has it as its standard input. That finds out who called, reads one request,
//! and from there it goes the way of every other.

pub mod crowd;
pub mod parent;
pub mod peer;
pub mod protocol;
pub mod ready;
pub mod socket;
pub mod unit;

use crate::broker::socket::no_connection;
use crate::limits::slots::{self, Slot};
use crate::request::caller::Caller;
use crate::request::code::Refusal;
use crate::system::kernel;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsFd;

/// What came over the connection.
#[derive(Debug)]
pub struct Received {
    /// Who called, as the kernel says.
    pub caller: Caller,
    /// The words after the helper's name, or why there are none.
    pub arguments: Result<Vec<OsString>, Refusal>,
    /// Held as long as the request takes, and whatever it has begun.
    pub slot: Option<Slot>,
}

/// Takes the request from the connection; the reply goes to standard output, which is the
/// connection from here on.
///
/// # Errors
/// If standard input is no such connection.
pub fn receive() -> Result<Received, Refusal> {
    let connection = io::stdin().as_fd().try_clone_to_owned().map_err(no_connection)?;
    let (mut caller, admitted) = peer::caller(connection.as_fd())?;
    kernel::replace(1, &connection).map_err(no_connection)?;
    let null = OpenOptions::new().read(true).open("/dev/null").map_err(no_connection)?;
    kernel::replace(0, null).map_err(no_connection)?;
    // Of who may not ask nothing is read, and no place is taken: that is answered at once.
    let taken = admitted.and_then(|()| slots::take(&caller));
    let (slot, arguments) = match taken {
        Ok(slot) => {
            let request = protocol::receive(connection.as_fd());
            let mut arguments = request.words;
            // The account may have lost the right since it connected.
            if !request.at_once {
                let (now, admitted) = peer::caller(connection.as_fd())?;
                arguments = admitted.and(arguments);
                caller = now;
            }
            (slot, arguments)
        }
        Err(refusal) => (None, Err(refusal)),
    };
    Ok(Received { caller, arguments, slot })
}
