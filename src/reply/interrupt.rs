//! Asked to end while a reply is waited for: what only passes a reply on ends at once, and keeps
//! neither the service manager that stops the caller waiting nor `timeout(1)`. The operation runs
//! in processes of its own and continues.

use crate::reply::{Reply, stdout};
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;
use crate::system::kernel;
use nix::sys::signal::Signal;
use std::io::Read;
use std::time::Duration;

/// How long the privileged side may take to answer, which is usually asked to end by the same
/// signal: its reply has the id of the audit records.
const GRACE: Duration = Duration::from_millis(200);

/// What is answered then.
pub fn refusal(signal: i32) -> Refusal {
    let name = Signal::try_from(signal).map_or("a signal", Signal::as_str);
    Refusal::new(
        Code::Timeout,
        format!("{name} ended the wait for the reply; an operation that has begun continues"),
    )
    .hint(
        "sm-helper result lists the last requests of this account, and has its end when it is done",
    )
}

/// Has a thread answer, and end this process, once it is asked to end. For the side without
/// privilege, which waits for a reply in more than one way.
pub fn answer_when_asked_to_end(operation: Option<Operation>) {
    let Ok(mut pipe) = kernel::end_pipe() else { return };
    let wait = move || {
        let _ = pipe.read(&mut [0]);
        let Some(signal) = kernel::end_signal() else { return };
        std::thread::sleep(GRACE);
        let refusal = refusal(signal);
        let exit = if stdout::is_sent() {
            // Nobody reads what is being written.
            std::thread::sleep(GRACE);
            128 + signal
        } else {
            i32::from(Reply::refused(&refusal).operation(operation.as_ref()).send())
        };
        std::process::exit(exit);
    };
    // Without a thread the signal has no effect, as long as the reply takes.
    let _ = std::thread::Builder::new().spawn(wait);
}
