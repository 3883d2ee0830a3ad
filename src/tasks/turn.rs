//! One task runs once at a time: two deployments at once are hardly ever meant.
//!
//! A turn is the lock of a file (`flock(2)`) that is free again when the last process that has it
//! open ends: the one that runs the task, and its monitor. The file says which request it is.

use crate::request::code::{Code, Refusal};
use crate::request::id::request_id;
use crate::request::name::TaskName;
use crate::system::state::{self, Access};
use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};

const FOLDER: &str = "/run/sm/tasks";

/// When to try again, in seconds.
const RETRY_AFTER: u64 = 5;

/// The turn of a task, until the last process that has it drops it.
#[derive(Debug)]
pub struct Turn {
    _file: File,
}

impl Turn {
    /// Takes it.
    ///
    /// # Errors
    /// `busy` where another request has it; `untrusted_path` where nobody can tell.
    pub fn take(task: &TaskName) -> Result<Self, Refusal> {
        let mut file = opened(task).map_err(|error| untrusted(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut id = String::new();
                let _ = (&file).take(64).read_to_string(&mut id);
                return Err(busy(task, id.trim()));
            }
            Err(TryLockError::Error(error)) => return Err(untrusted(&error)),
        }
        let noted = file.set_len(0).and_then(|()| writeln!(file, "{}", request_id()));
        noted.map_err(|error| untrusted(&error))?;
        Ok(Self { _file: file })
    }
}

fn opened(task: &TaskName) -> io::Result<File> {
    state::folder("/run/sm", 0o755, "root")?;
    state::folder(FOLDER, 0o700, "root")?;
    // The grammar of names has no stroke and no dot in front.
    state::open(&format!("{FOLDER}/{}", task.as_str()), Access::Write, 0o600, "root")
}

fn busy(task: &TaskName, id: &str) -> Refusal {
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let request = if is_id { format!("request {id}") } else { "another request".to_owned() };
    let error = format!("the task {} is still running: {request} began it", task.as_str());
    Refusal::new(Code::Busy, error)
        .hint(format!("try again in {RETRY_AFTER} s, or when it is done; it runs once at a time"))
        .retry_after(RETRY_AFTER)
}

fn untrusted(error: &io::Error) -> Refusal {
    let error = format!("cannot tell whether the task is running already: {error}");
    Refusal::new(Code::UntrustedPath, error)
        .hint(format!("nothing runs without it; as root: rm -r {FOLDER}"))
}
