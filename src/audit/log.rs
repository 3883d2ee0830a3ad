//! The file: one append a record, by one process at a time, synced.

use super::record::{Link, Record};
use crate::helper::codes::{Code, Refusal};
use crate::state;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

const FOLDER: &str = "/var/log/sm";
const FILE: &str = "/var/log/sm/audit.jsonl";
/// Who may read it.
const GROUP: &str = "adm";

/// The longest record, in bytes: everything in one is bounded far below this.
const LONGEST: u64 = 65_536;

/// Appends a record.
pub fn append(record: Record<'_>) -> Result<(), Refusal> {
    write(record).map_err(|error| {
        Refusal::new(Code::AuditUnavailable, format!("the audit log {FILE} can not be written: {error}"))
            .hint("nothing is run without a record; an administrator looks at owner, mode and space of /var/log/sm")
    })
}

fn write(record: Record<'_>) -> io::Result<()> {
    let _lock = state::lock("audit")?;
    state::folder(FOLDER, 0o750, GROUP)?;
    let mut log = state::open(FILE, 0o640, GROUP)?;
    let (last, torn) = last_link(&log)?;
    let line = record.line_after(&last).ok_or_else(|| io::Error::other("the record is no JSON"))?;
    // A record that a power cut tore stays where it is; the next begins on a line of its own.
    let line = if torn { format!("\n{line}") } else { line };
    log.write_all(line.as_bytes())?;
    log.sync_data()
}

/// The last whole record, and whether something torn comes after it. Reads the end of the file
/// only, so that the time does not grow with the log: a few records first, since more is seldom
/// needed.
fn last_link(log: &File) -> io::Result<(Link, bool)> {
    let size = log.metadata()?.len();
    for room in [8192, 4 * LONGEST] {
        let length = room.min(size);
        let mut end = vec![0; length as usize];
        log.read_exact_at(&mut end, size - length)?;
        let torn = end.last().is_some_and(|byte| *byte != b'\n');
        let mut lines = end.split(|byte| *byte == b'\n').rev();
        if let Some(link) = lines.find_map(|line| serde_json::from_slice::<Link>(line).ok()) {
            return Ok((link, torn));
        }
        if room >= size {
            return Ok((Link::start(), torn));
        }
    }
    Err(io::Error::other("its end holds no record"))
}
