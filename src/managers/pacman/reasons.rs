//! Why pacman says that there is no way to do it.

use crate::managers::reason::{Reason, line_with};
use crate::output::text::one_line;

/// What pacman says if it found no way (`libalpm/error.c`); it says `failed to prepare transaction` of much else,
/// such as a list that is not there.
const NO_WAY: [&str; 3] = [
    "error: failed to prepare transaction (could not satisfy dependencies)",
    "error: failed to prepare transaction (conflicting dependencies)",
    "error: unresolvable package conflicts",
];

/// What a simulation that failed printed; none if it failed for something else.
pub fn find(stdout: &str, stderr: &str) -> Option<Reason> {
    let first = line_with(stderr, &NO_WAY)?;
    let detail = stdout.lines().rev().find_map(|line| line.strip_prefix(":: "));
    Some(Reason::Breaks(one_line(detail.unwrap_or(first), 300)))
}
