//! The sources of packages that pacman reads: which of them could not be read.

use crate::managers::sources::without_accounts;
use crate::output::text::one_line;
use crate::request::code::{Code, Refusal};
use crate::request::ran::Ran;
use std::collections::BTreeSet;

/// What came of a refresh of pacman's lists, if it failed for some of the sources: it does nothing
/// else then. `error: failed retrieving file 'gone.db' from HOST : …`
pub fn unread(ran: &Ran, refusal: Refusal) -> Refusal {
    const SAID: &str = "error: failed to synchronize all databases";
    if !ran.stderr.lines().any(|line| line.starts_with(SAID)) {
        return refusal;
    }
    let of_list = |line: &str| {
        let rest = line.strip_prefix("error: failed retrieving file '")?;
        rest.split('\'').next()?.strip_suffix(".db").map(str::to_owned)
    };
    let failed: BTreeSet<String> = ran.stderr.lines().filter_map(of_list).collect();
    // ` disk downloading...`, or ` disk is up to date`
    let begun = ran.stdout.lines().filter(|line| line.starts_with(' '));
    let begun =
        begun.filter(|line| line.ends_with(" downloading...") || line.ends_with(" is up to date"));
    let mut all: BTreeSet<String> = begun
        .filter_map(|line| Some(line.split_whitespace().next()?.trim_end_matches(".db").to_owned()))
        .collect();
    all.extend(failed.iter().cloned());
    if failed.is_empty() {
        return refusal;
    }
    let which = one_line(&failed.iter().cloned().collect::<Vec<_>>().join(", "), 400);
    let error = format!(
        "{} of {} package sources could not be read: {which}; nothing was upgraded",
        failed.len(),
        all.len()
    );
    let described = Refusal::new(Code::CommandFailed, error).hint(
        "check whether this host can reach it; nothing is upgraded until an administrator corrects it in /etc/pacman.conf or removes it",
    );
    match refusal.detail.as_deref().map(without_accounts) {
        Some(message) => described.detail(message),
        None => described,
    }
}
