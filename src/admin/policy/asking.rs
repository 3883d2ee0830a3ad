//! Questions at a terminal that can be interrupted at any moment: the library that asks them hides
//! the cursor and switches the terminal's modes, and would end with both as they are then.

use crate::request::code::{Code, Refusal};
use crate::system::kernel;
use dialoguer::console::Term;
use nix::sys::termios::{SetArg, tcgetattr, tcsetattr};
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Whether a signal still ends the questions: whoever takes it from true decides what comes of them.
static IS_ASKING: AtomicBool = AtomicBool::new(false);

/// How long the library takes from a question to the first key.
const SWITCH: Duration = Duration::from_millis(100);

/// What is said where somebody interrupts them.
pub fn interrupted() -> Refusal {
    Refusal::new(Code::Usage, "the questions were interrupted").hint("no policy was made")
}

/// Asks. Ctrl-C, a hangup and the like end this process with the terminal as it was; none of them
/// does so any more once all is answered.
pub fn until_answered<T>(ask: impl FnOnce() -> T) -> T {
    let before = tcgetattr(io::stdin()).ok();
    IS_ASKING.store(true, Ordering::SeqCst);
    kernel::note_end_signals();
    if let Ok(mut pipe) = kernel::end_pipe() {
        let end = move || {
            let _ = pipe.read(&mut [0]);
            if !IS_ASKING.swap(false, Ordering::SeqCst) {
                return;
            }
            // The library may be about to switch the modes, which it does once before each key.
            thread::sleep(SWITCH);
            if let Some(before) = before {
                let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &before);
            }
            let _ = Term::stderr().show_cursor();
            let refusal = interrupted();
            // There may be no terminal any more.
            let hint = refusal.hint.unwrap_or_default();
            let _ = writeln!(io::stderr(), "\nsm: {}\n    {hint}", refusal.error);
            std::process::exit(refusal.code.exit().into());
        };
        // Without a thread a signal has no effect until the next key.
        let _ = thread::Builder::new().spawn(end);
    }
    let answers = ask();
    if !IS_ASKING.swap(false, Ordering::SeqCst) {
        // The other thread ends this process.
        loop {
            thread::park();
        }
    }
    let _ = Term::stderr().show_cursor();
    answers
}
