//! Who is at the other end of the connection: from the kernel, never from the request.

use super::no_connection;
use crate::helper::caller::Caller;
use crate::helper::codes::{Code, Refusal};
use crate::proc::is_unmapped;
use crate::sys;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, sockopt};
use std::os::fd::{AsFd, BorrowedFd};

/// The account at the other end (`SO_PEERCRED`, `unix(7)`): as it was when it connected. Where it
/// is none of this host, the caller as far as it is known and why it is refused.
///
/// # Errors
/// Where this is no connection.
pub fn caller(connection: BorrowedFd<'_>) -> Result<Result<Caller, (Caller, Refusal)>, Refusal> {
    let peer = getsockopt(&connection, sockopt::PeerCredentials)
        .map_err(|error| no_connection(error.into()))?;
    let mut caller = Caller::of_peer(peer.uid(), peer.gid(), peer.pid());
    // What /proc says of a process is believed only if it is still the one that connected.
    // For one that is gone and waited for there is no descriptor at all.
    let is_there = sys::peer_pidfd(connection).is_ok_and(|process| {
        let mut fds = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO) == Ok(0)
    });
    if !is_there {
        caller.forget_process();
    }
    if is_of_nobody(peer.uid()) {
        let refusal = Refusal::new(
            Code::Denied,
            format!("the caller's user id ({}) is no account of this host", peer.uid()),
        )
        .hint(
            "call from an account of the host; in a user namespace, map one (user_namespaces(7))",
        );
        return Ok(Err((caller, refusal)));
    }
    Ok(Ok(caller))
}

/// Whether no account has this id.
fn is_of_nobody(uid: u32) -> bool {
    is_unmapped(uid) || nix::unistd::User::from_uid(uid.into()).ok().flatten().is_none()
}
