//! What pacman says of a failure, and where the cause of it stands.

use crate::request::ran::Ran;

/// What it says of any failure, with the cause on standard output.
const VAGUE: [&str; 3] = [
    "error: failed to prepare transaction",
    "error: failed to commit transaction",
    "error: failed to synchronize all databases",
];

/// What it says behind a vague line if `XferCommand` in pacman.conf failed, whose own words stand
/// above.
pub const DOWNLOADER: &str = "(error invoking external downloader)";

/// Whether it is a line that says nothing of the cause.
pub fn is_vague(cause: &str) -> bool {
    VAGUE.iter().any(|vague| cause.starts_with(vague))
}

/// `:: removing a breaks dependency 'a' required by b`, `a: /usr/bin/b exists in filesystem`
pub fn detail<'r>(cause: &str, ran: &'r Ran) -> Option<&'r str> {
    if cause.ends_with(DOWNLOADER) {
        const ALWAYS: &str = "warning: failed to retrieve some files";
        let above = ran.stderr.lines().take_while(|line| *line != ALWAYS && !is_vague(line));
        return above.filter(|line| !line.trim().is_empty()).last();
    }
    let mut lines = ran.stdout.lines().map(str::trim_end).rev();
    let message = |line: &&str| {
        line.ends_with("exists in filesystem")
            || (line.starts_with(":: ") && !line.ends_with("...") && !is_question(line))
    };
    lines.find(message).map(|line| line.trim_start_matches(":: "))
}

/// `:: Proceed with installation? [Y/n]`, `:: There are 2 providers available for x:`, and what of
/// them is to be chosen: pacman prints its questions even if it answers them itself.
fn is_question(line: &str) -> bool {
    line.ends_with("[Y/n]") || line.ends_with("[y/N]") || line.ends_with(':')
}
