//! Where a file of the log ends.

use crate::audit::record::Link;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The longest record, in bytes: everything in one is bounded far below this.
const LONGEST: u64 = 65_536;

/// How a file of the log ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct End {
    /// The last whole record, if there is one.
    pub link: Option<Link>,
    /// Bytes of a record behind it that was not written to the end.
    pub torn: u64,
    /// Whether the last line break is missing.
    pub open: bool,
}

impl End {
    /// Reads the end of a file only, so that the time does not grow with it: a few records first,
    /// since more is seldom needed.
    ///
    /// # Errors
    /// If it holds something, and no record.
    pub fn of(file: &File, size: u64) -> io::Result<Self> {
        for room in [8192, 4 * LONGEST] {
            let length = room.min(size);
            let mut end = vec![0; length as usize];
            file.read_exact_at(&mut end, size - length)?;
            let end = Self::of_text(&end);
            if end.link.is_some() || room >= size {
                return Ok(end);
            }
        }
        Err(io::Error::other("its end has no record"))
    }

    /// The end of what is the last part of a file, or all of it.
    fn of_text(text: &[u8]) -> Self {
        let torn = text.iter().rev().take_while(|byte| **byte != b'\n').count() as u64;
        let mut lines = text.split(|byte| *byte == b'\n').rev();
        let parse = |line| serde_json::from_slice::<Link>(line).ok();
        // All but its line break may have been written.
        let unended = lines.next().and_then(parse);
        let (open, torn) = (torn > 0, if unended.is_some() { 0 } else { torn });
        Self { link: unended.or_else(|| lines.find_map(parse)), torn, open }
    }
}
