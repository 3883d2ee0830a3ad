//! Who is at the other end of the connection: from the kernel, never from the request.

use crate::broker::socket::{GROUP, no_connection};
use crate::output::text::shell_word;
use crate::request::caller::{Caller, Counted};
use crate::request::code::{Code, Refusal};
use crate::request::who::Who;
use crate::system::accounts::shadow::Shadow;
use crate::system::kernel;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, sockopt};
use std::os::fd::{AsFd, BorrowedFd};

/// The account at the other end (`SO_PEERCRED`, `unix(7)`): as it was when it connected. If it
/// may not ask, the caller as far as it is known and why it is refused.
///
/// # Errors
/// If this is no connection.
pub fn caller(connection: BorrowedFd<'_>) -> Result<(Caller, Result<(), Refusal>), Refusal> {
    let peer = getsockopt(&connection, sockopt::PeerCredentials)
        .map_err(|error| no_connection(error.into()))?;
    let mut caller = Caller::of_peer(peer.uid(), peer.gid(), peer.pid());
    // What /proc says of a process is believed only if it is still the one that connected.
    // For one that is gone and waited for there is no descriptor at all.
    let is_there = kernel::peer_pidfd(connection).is_ok_and(|process| {
        let mut fds = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO) == Ok(0)
    });
    if !is_there {
        caller.forget_process();
    }
    let admitted = admitted(&caller);
    Ok((caller, admitted))
}

/// Whether the account may be used still, as `pam_unix(8)` asks for who comes through sudo. A
/// password that is too old says nothing: none is asked for.
fn not_expired(account: &str) -> Result<(), Refusal> {
    let denied = |what: String| Refusal::new(Code::Denied, what);
    match Shadow::of(account) {
        Ok(shadow) if shadow.has_expired() => Err(denied(format!(
            "the account {account} has expired"
        ))
        .hint(format!("ask an administrator: chage --expiredate -1 {}", shell_word(account)))),
        Ok(_) => Ok(()),
        Err(error) => Err(denied(format!(
            "cannot determine whether the account {account} has expired: {error}"
        ))),
    }
}

/// Whether the caller may ask over the socket: root, and whose account is in the group now, by
/// the account database. That the process could connect says less: its group can be from a file
/// that gives it to everybody (set-group-ID), from before the account was taken out of it, or the
/// number of a group that is gone.
fn admitted(caller: &Caller) -> Result<(), Refusal> {
    match caller.counted() {
        Counted::Account(0) => Ok(()),
        Counted::Account(_) if caller.in_group(GROUP) == Some(true) => not_expired(&caller.user),
        Counted::Account(_) => {
            let what = format!("the account {} is not in the group {GROUP}", caller.user);
            Err(Refusal::new(Code::Denied, what).hint(format!(
                "only the account's groups count, not those of its process; an administrator can allow it: sm setup-broker --user {}",
                shell_word(&caller.user)
            )))
        }
        Counted::Strangers => Err(Refusal::new(
            Code::Denied,
            format!("the caller's user id ({}) is not an account on this host", caller.uid),
        )
        .hint(
            "call from an account of the host; in a user namespace, map one (user_namespaces(7))",
        )),
    }
}
