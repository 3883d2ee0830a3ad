//! Answers who asks what came of a request.

use crate::approvals;
use crate::approvals::entry::State;
use crate::pipeline::answered::Answered;
use crate::pipeline::call::Call;
use crate::reply::Reply;
use crate::reply::result::Again;
use crate::request::code::{Code, Refusal};
use crate::request::operation::ResultOf;
use crate::results::{self, Found, running};
use crate::system::kernel;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How often it is looked whether a request has ended that is waited for.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers `result`.
pub fn answer(call: &Call, asked: &ResultOf) -> Answered {
    let unreadable = |error: io::Error| {
        Refusal::new(
            Code::UntrustedPath,
            format!("the results that are kept cannot be read: {error}"),
        )
        .hint("an administrator can see with `sm doctor` whether there is room for them; as root: rm -r /var/lib/sm/results")
    };
    match &asked.id {
        None => match results::recent(&call.caller) {
            Ok(rows) => call.question(None, false, || Reply::new(Ok(())).with("requests", rows)),
            Err(error) => call.refuse(None, &unreadable(error), false),
        },
        Some(id) => call.again(|| {
            let end = Instant::now() + Duration::from_secs(asked.wait.into());
            // Waits as long as it is so, and says whether it is so still. All that is kept of the account
            // is not read again and again meanwhile.
            let wait = |is_so: &dyn Fn() -> io::Result<bool>| -> Result<bool, Refusal> {
                while is_so().map_err(unreadable)? {
                    if Instant::now() >= end || is_asked_to_end() {
                        return Ok(true);
                    }
                }
                Ok(false)
            };
            loop {
                match results::find(&call.caller, id).map_err(unreadable)? {
                    Found::Running(begun) => {
                        if wait(&|| running::is_held(id.as_str()))? {
                            return Ok(Again::running(id, &begun, &running::so_far(id.as_str())));
                        }
                    }
                    Found::Interrupted(begun) => return Ok(Again::interrupted(id, &begun)),
                    Found::Reply(text) => {
                        let torn = || unreadable(io::ErrorKind::InvalidData.into());
                        let again = Again::kept(text).ok_or_else(torn)?;
                        // It may be made again as soon as somebody has said yes.
                        let Some(approval) = again.approval() else { return Ok(again) };
                        let state = || approvals::state(&approval, call.caller.uid);
                        wait(&|| Ok(state()? == State::Pending))?;
                        return Ok(again.with_state(state().map_err(unreadable)?));
                    }
                    Found::Nothing => {
                        let error = format!("this account has made no request {}", id.as_str());
                        return Err(Refusal::new(Code::NotFound, error).hint(
                            "see the last ones with: sm-helper result; the last 100 are kept, for 24 hours",
                        ));
                    }
                }
            }
        }),
    }
}

/// Waits a little, and says whether this process was asked to end meanwhile.
fn is_asked_to_end() -> bool {
    let Ok(end) = kernel::end_pipe() else {
        std::thread::sleep(PAUSE);
        return false;
    };
    let mut fds = [PollFd::new(end.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::try_from(PAUSE).unwrap_or(PollTimeout::MAX))
        .is_ok_and(|ready| ready > 0)
}
