//! What runs: a file for each request, held by the processes that run it and watch over it for as long
//! as one of them is there (`flock(2)`), and beside it what it has printed so far.

use crate::managers::progress::Progress;
use crate::request::id::request_id;
use crate::system::state;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::PathBuf;

const FOLDER: &str = "/run/sm/running";
const ONE_BEGINS: &str = "/run/sm/running/.lock";

/// What an operation that runs has printed, and how far it is.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoFar {
    /// As a reply has it.
    pub stdout: String,
    /// The same.
    pub stderr: String,
    /// Whether something of it was dropped.
    pub stdout_truncated: bool,
    /// The same.
    pub stderr_truncated: bool,
    /// None where nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
}

/// This request runs, as long as a process has this.
#[derive(Debug)]
pub struct Running {
    _file: File,
}

impl Running {
    /// Says that this request runs.
    ///
    /// # Errors
    /// If it cannot be said.
    pub fn begin() -> io::Result<Self> {
        state::folder("/run/sm", 0o755, "root")?;
        state::folder(FOLDER, 0o700, "root")?;
        // One that is made and not held yet looks like one that was left behind.
        let _alone = state::locked(ONE_BEGINS)?;
        clear()?;
        let file = state::locked(&place(request_id()).to_string_lossy())?;
        Ok(Self { _file: file })
    }

    /// Says what it has printed so far. Where that fails, nobody sees it before the end.
    pub fn tell(&self, so_far: &SoFar) {
        let (shown, new) = (shown(request_id()), place(&format!("{}.new", request_id())));
        let Ok(text) = serde_json::to_vec(so_far) else { return };
        // Read by other processes of root's alone, and gone with the next boot: nothing is waited for.
        if fs::write(&new, text).and_then(|()| fs::rename(&new, &shown)).is_err() {
            let _ = state::remove(&new);
        }
    }

    /// It has ended, and its reply is kept.
    pub fn end(&self) {
        remove(request_id());
    }
}

/// Whether a process holds the file of this request.
///
/// # Errors
/// What the kernel says.
pub fn is_held(id: &str) -> io::Result<bool> {
    match File::open(place(id)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        Ok(file) => match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        },
    }
}

/// What the request has printed so far.
pub fn so_far(id: &str) -> SoFar {
    let text = fs::read(shown(id)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Takes away what was left behind by those whose processes were killed.
fn clear() -> io::Result<()> {
    for entry in fs::read_dir(FOLDER)?.flatten() {
        let name = entry.file_name();
        if let Some(id) = name.to_str().filter(|name| !name.contains('.'))
            && !is_held(id)?
        {
            remove(id);
        }
    }
    Ok(())
}

fn remove(id: &str) {
    for path in [shown(id), place(id)] {
        let _ = state::remove(&path);
    }
}

fn place(id: &str) -> PathBuf {
    PathBuf::from(FOLDER).join(id)
}

fn shown(id: &str) -> PathBuf {
    place(&format!("{id}.so-far"))
}
