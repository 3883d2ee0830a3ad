//! The terminal that a stream may be.

use crate::system::kernel;
use std::io::IsTerminal;
use std::os::fd::AsFd;

/// No text can be read in fewer columns.
const LEAST: usize = 20;

/// The width of the terminal, if the stream is one: that of `COLUMNS`, or else the kernel's.
pub fn width(stream: &(impl AsFd + IsTerminal)) -> Option<usize> {
    if !stream.is_terminal() {
        return None;
    }
    let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let width = columns
        .filter(|width| *width > 0)
        .or_else(|| kernel::columns(stream.as_fd()).map(usize::from))?;
    Some(width.max(LEAST))
}
