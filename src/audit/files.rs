//! The log and what rotation made of its past, oldest record first.

use super::log::{FILE, FOLDER};
use super::record::{Event, Link};
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// One file of the log.
#[derive(Debug)]
pub struct LogFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size on disk, in bytes.
    pub size: u64,
    /// The number of its first record.
    first: u64,
}

impl LogFile {
    /// Opens it for reading, unpacked.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn open(&self) -> io::Result<Box<dyn BufRead>> {
        open(&self.path)
    }

    /// Whether it is the one that is written to.
    pub fn is_current(&self) -> bool {
        self.path == Path::new(FILE)
    }
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    const BUFFER: usize = 1 << 18;
    let file = File::open(path)?;
    Ok(if path.extension().is_some_and(|suffix| suffix == "gz") {
        Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file)))
    } else {
        Box::new(BufReader::with_capacity(BUFFER, file))
    })
}

/// Every file of the log, in the order of their records: rotation names them in several ways,
/// but each begins with a number. None where there is no folder.
///
/// # Errors
/// Where the folder can not be read.
pub fn all() -> io::Result<Vec<LogFile>> {
    let mut files = Vec::new();
    let entries = match std::fs::read_dir(FOLDER) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(files),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix("audit.jsonl")) else {
            continue;
        };
        let data = entry.metadata()?;
        if !data.is_file() || !(rest.is_empty() || rest.starts_with(['.', '-'])) {
            continue;
        }
        let path = entry.path();
        let first = first_number(&path)?;
        files.push(LogFile { path, size: data.len(), first });
    }
    // A file without a record is the new one, or holds nothing that could be out of place.
    files.sort_by_key(|file| (file.is_current(), file.first));
    Ok(files)
}

fn first_number(path: &Path) -> io::Result<u64> {
    let mut reader = open(path)?;
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        if let Ok(link) = serde_json::from_slice::<Link>(&line) {
            return Ok(link.seq);
        }
        line.clear();
    }
    Ok(u64::MAX)
}

/// The link of the last record in what rotation has put aside.
///
/// # Errors
/// Where the folder can not be read.
pub fn last_rotated() -> io::Result<Option<Link>> {
    for file in all()?.iter().rev().filter(|file| !file.is_current()) {
        let mut last = None;
        each_line(file, |line| {
            last = serde_json::from_slice::<Link>(line).ok().or_else(|| last.take());
            false
        })?;
        if last.is_some() {
            return Ok(last);
        }
    }
    Ok(None)
}

/// Whether what came of this request is written down already. The newest records are looked at
/// first.
///
/// # Errors
/// Where the log can not be read.
pub fn has_result(request_id: &str) -> io::Result<bool> {
    #[derive(Deserialize)]
    struct Told {
        event: String,
        request_id: String,
    }
    for file in all()?.iter().rev() {
        let (mut has_intent, mut has_result) = (false, false);
        each_line(file, |line| {
            let told = serde_json::from_slice::<Told>(line).ok();
            let own = told.filter(|told| told.request_id == request_id);
            has_intent |= own.as_ref().is_some_and(|own| own.event == Event::Intent.word());
            has_result |= own.is_some_and(|own| own.event == Event::Result.word());
            has_result
        })?;
        // Nothing of a request is before its intent.
        if has_intent || has_result {
            return Ok(has_result);
        }
    }
    Ok(false)
}

/// Shows each line, until that is enough.
fn each_line(file: &LogFile, mut show: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    let mut reader = file.open()?;
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        if show(&line) {
            break;
        }
        line.clear();
    }
    Ok(())
}
