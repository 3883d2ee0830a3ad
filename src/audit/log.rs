//! The file: one append a record, by one process at a time, synced.

use super::record::{Link, Record};
use crate::helper::codes::{Code, Refusal};
use crate::state;
use nix::unistd::{Gid, Group};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

const FOLDER: &str = "/var/log/sm";
const FILE: &str = "/var/log/sm/audit.jsonl";

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
    let adm = Group::from_name("adm").ok().flatten().map_or(Gid::from_raw(0), |group| group.gid);
    let _lock = state::lock("audit")?;
    state::folder(FOLDER, 0o750, adm)?;
    let mut log = state::open(FILE, 0o640, adm)?;
    let (last, torn) = last_link(&mut log)?;
    let line = record.line_after(&last).ok_or_else(|| io::Error::other("the record is no JSON"))?;
    // A record that a power cut tore stays where it is; the next begins on a line of its own.
    let line = if torn { format!("\n{line}") } else { line };
    log.write_all(line.as_bytes())?;
    log.sync_data()
}

/// The last whole record, and whether something torn comes after it. Reads the end of the file
/// only, so that the time does not grow with the log.
fn last_link(log: &mut File) -> io::Result<(Link, bool)> {
    let size = log.metadata()?.len();
    let start = size.saturating_sub(4 * LONGEST);
    log.seek(SeekFrom::Start(start))?;
    let mut end = Vec::new();
    log.take(4 * LONGEST).read_to_end(&mut end)?;
    let torn = end.last().is_some_and(|byte| *byte != b'\n');
    let mut lines = end.split(|byte| *byte == b'\n').rev();
    match lines.find_map(|line| serde_json::from_slice::<Link>(line).ok()) {
        Some(link) => Ok((link, torn)),
        None if size == 0 || start == 0 => Ok((Link::start(), torn)),
        None => Err(io::Error::other("its end holds no record")),
    }
}
