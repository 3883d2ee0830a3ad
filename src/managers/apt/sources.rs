//! The sources of packages that apt reads: which of them could not be read.

use crate::managers::sources::without_accounts;
use crate::output::text::one_line;
use crate::request::code::{Code, Refusal};
use crate::request::ran::{Ended, Ran};
use std::collections::BTreeSet;

/// What came of `apt-get update`, if it failed for some of the sources: how many, and which.
pub fn read_in_part(ran: &Ran, refusal: Refusal) -> Refusal {
    let Some(Sources { all, failed }) = Sources::of(ran) else { return unreadable(ran, refusal) };
    let which = one_line(&failed.iter().cloned().collect::<Vec<_>>().join(", "), 400);
    let (count, of) = (failed.len(), all.len());
    let message = refusal.detail.as_deref().map(without_accounts);
    let (error, hint) = match count < of {
        true => (
            format!(
                "{count} of {of} package sources could not be read: {which}; the lists of the others are up to date"
            ),
            "packages from the other sources can be installed; for the failed sources the previous lists, if any, are still used",
        ),
        false => (
            match of {
                1 => format!("the package source could not be read: {which}"),
                _ => format!("none of the {of} package sources could be read: {which}"),
            },
            "check whether this host can reach them; their previous lists are still used",
        ),
    };
    let changed = ran.stderr.lines().any(|line| changed_release(line).is_some());
    let refusal = Refusal::new(Code::CommandFailed, error).hint(match changed {
        true => format!("{hint}; {ACCEPT_RELEASE}"),
        false => hint.to_owned(),
    });
    match message {
        Some(message) => refusal.detail(message),
        None => refusal,
    }
}

const ACCEPT_RELEASE: &str = "an administrator should find out what changed in that release, and can accept it: apt-get update --allow-releaseinfo-change";

/// What apt cannot even begin with: a line of its settings that it does not understand.
fn unreadable(ran: &Ran, refusal: Refusal) -> Refusal {
    const SAID: &str = "E: The list of sources could not be read.";
    match ran.stderr.lines().any(|line| line == SAID) {
        true => refusal.hint(
            "nothing is installed or upgraded until an administrator corrects that in /etc/apt/sources.list or /etc/apt/sources.list.d",
        ),
        false => refusal,
    }
}

/// `E: Repository 'URI SUITE Release' changed its 'Codename' value from 'a' to 'b'`
fn changed_release(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("E: Repository '")?;
    rest.contains("' changed its '").then_some(rest)
}

/// The sources that `apt-get update` tells of, and those of them that failed.
struct Sources {
    all: BTreeSet<String>,
    failed: BTreeSet<String>,
}

impl Sources {
    /// None if nothing is known to have failed.
    fn of(ran: &Ran) -> Option<Self> {
        if !matches!(ran.ended, Ended::Exited(status) if status != 0) {
            return None;
        }
        let (mut all, mut failed) = (BTreeSet::new(), BTreeSet::new());
        for line in ran.stdout.lines() {
            let Some((what, source)) = fetched(line) else { continue };
            if what == "Err" {
                failed.insert(source.clone());
            }
            all.insert(source);
        }
        // `E: The repository 'URI SUITE Release' does not have a Release file.`
        let quoted = ran.stderr.lines().filter_map(|line| {
            let quoted = line.strip_prefix("E: The repository '");
            let rest = quoted.or_else(|| changed_release(line))?;
            Some(source(&mut rest.split('\'').next()?.split(' ')))
        });
        failed.extend(quoted.flatten());
        // `E: Release file for URL is expired (…)`, of which no line of progress tells.
        let urls = ran.stderr.lines().filter_map(|line| {
            let starts = ["E: Release file for ", "E: Failed to fetch "];
            let rest = starts.into_iter().find_map(|start| line.strip_prefix(start))?;
            rest.split(' ').next()
        });
        failed.extend(urls.filter_map(|url| of_url(&without_accounts(url), &all)));
        all.extend(failed.iter().cloned());
        (!failed.is_empty()).then_some(Self { all, failed })
    }
}

/// The source of these that a file is from (`sources.list(5)`).
fn of_url(url: &str, all: &BTreeSet<String>) -> Option<String> {
    let is_from = |source: &&String| {
        let Some((uri, suite)) = source.split_once(' ') else { return false };
        let uri = uri.trim_end_matches('/');
        let folders = [format!("{uri}/dists/{suite}/"), format!("{uri}/{suite}")];
        // Of a flat repository the suite is the folder, with its stroke.
        folders.iter().any(|folder| folder.ends_with('/') && url.starts_with(folder))
    };
    all.iter().find(is_from).cloned()
}

/// Whether `apt-get update` asked any source.
pub fn asked_any(ran: &Ran) -> bool {
    ran.stdout_truncated || ran.stdout.lines().any(|line| fetched(line).is_some())
}

/// `Get:1 http://deb.debian.org/debian bookworm/main amd64 Packages [8 kB]`
fn fetched(line: &str) -> Option<(&str, String)> {
    let mut words = line.split(' ');
    let (what, number) = words.next()?.split_once(':')?;
    let is_line = matches!(what, "Get" | "Hit" | "Ign" | "Err")
        && number.bytes().all(|byte| byte.is_ascii_digit());
    if !is_line {
        return None;
    }
    Some((what, source(&mut words)?))
}

/// Where from, and the suite without its component: what a line of `sources.list(5)` names.
fn source<'w>(words: &mut impl Iterator<Item = &'w str>) -> Option<String> {
    let (uri, suite) = (words.next()?, words.next()?);
    let suite = match suite.split_once('/') {
        // A flat repository has a folder for a suite.
        Some((suite, component)) if !component.is_empty() && suite != "." => suite,
        _ => suite,
    };
    Some(without_accounts(&format!("{uri} {suite}")).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn which_sources_could_not_be_read_is_told() {
        cases::each("managers/apt_sources", |case| {
            let [stdout, stderr] = ["stdout", "stderr"].map(|name| case.input(name).to_owned());
            let message = stderr.lines().next().unwrap_or_default();
            let refusal = Refusal::new(Code::CommandFailed, "failed").detail(message);
            let ran = Ran { ended: Ended::Exited(100), stdout, stderr, ..Ran::nothing() };
            let refusal = read_in_part(&ran, refusal);
            json!({"sentence": refusal.sentence(), "hint": refusal.hint})
        });
    }
}
