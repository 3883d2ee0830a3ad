//! Has two snapshots compared.

use crate::files::stream::touched;
use crate::files::tree::Tree;
use crate::managers::snapshots::{CHANGES, Snapshotter};
use crate::request::code::{Code, Refusal};
use crate::snapshots::run;
use crate::system::state;
use nix::libc;
use nix::sys::stat::Mode;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// The paths that can differ between two snapshots. Read as they are found, so that nothing is kept of what
/// others have changed but names.
///
/// # Errors
/// `unsupported` if they cannot be compared.
pub fn differences(
    by: &Snapshotter,
    (first, second): (u64, u64),
    before: &Tree,
    after: &Tree,
) -> Result<BTreeSet<PathBuf>, Refusal> {
    let failed = |error: String| {
        Refusal::new(Code::Unsupported, format!("the snapshots cannot be compared: {error}"))
            .hint("nothing was changed; an administrator can see with `sm doctor` what is missing")
    };
    let io = |error: io::Error| failed(error.to_string());
    // One at a time: there is one pipe.
    let _lock = state::lock("undo").map_err(io)?;
    for (folder, mode) in [("/run/sm", 0o755), ("/run/sm/undo", 0o700)] {
        state::folder(folder, mode, "root").map_err(io)?;
    }
    let compares = by.compare(&first.to_string(), &second.to_string());
    let pipe = Pipe::new(Path::new(CHANGES)).map_err(io)?;
    let is_over = pipe.is_over.clone();
    thread::scope(|scope| {
        let writer = scope.spawn(move || {
            let ran = run(&compares);
            is_over.store(true, Ordering::Release);
            ran
        });
        let mut pipe = BufReader::new(pipe);
        let paths = touched(&mut pipe, before, after);
        // To its end, behind what says that nothing more comes.
        if paths.is_ok() {
            let _ = io::copy(&mut pipe, &mut io::sink());
        }
        drop(pipe);
        let ran = writer.join().unwrap_or_else(|_| Err("it ended".to_owned()));
        // Who is not read to the end fails for that.
        match (ran, paths) {
            (Ok(_), Ok(paths)) => Ok(paths),
            (_, Err(error)) => Err(failed(error.to_string())),
            (Err(error), _) => Err(failed(error)),
        }
    })
}

/// The end to read of a pipe with a name, which goes with it.
struct Pipe {
    file: File,
    path: PathBuf,
    /// Whether who writes has ended.
    is_over: Arc<AtomicBool>,
}

impl Pipe {
    fn new(path: &Path) -> io::Result<Self> {
        state::remove(path)?;
        nix::unistd::mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        // Not waiting for who writes, who may never come.
        let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        Ok(Self { file, path: path.to_owned(), is_over: Arc::default() })
    }
}

impl Read for Pipe {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            let is_over = self.is_over.load(Ordering::Acquire);
            match self.file.read(bytes) {
                Ok(0) if is_over => return Ok(0),
                Ok(0) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && !is_over => {}
                read => return read,
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _ = state::remove(&self.path);
    }
}
