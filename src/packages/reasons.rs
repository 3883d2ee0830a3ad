//! Why a package manager says that there is no way to do it: its own words for that, whichever
//! of its solvers found it.

use crate::managers::host::PackageManager;
use crate::managers::inventory::Inventory;
use crate::output::text::one_line;

/// Why it can not be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Reason {
    /// Something would break, as it says.
    Breaks(String),
    /// What is installed was not in order before: the packages whose relations are not met, and
    /// those relations; the one that is asked for can be one of them.
    Unmet(Vec<(String, String)>),
    /// The name is no package: these say that they provide it.
    Virtual(Vec<String>),
}

/// What apt begins a line with, on standard error, where it found no way
/// (`algorithms.cc`, `solver3.cc`, `private-cachefile.cc`).
const NO_WAY: [&str; 4] = [
    "E: Unable to correct problems",
    "E: Unmet dependencies",
    "E: Unable to satisfy dependencies",
    "E: Error, pkgProblemResolver::Resolve generated breaks",
];

/// The same of pacman's (`libalpm/error.c`); it says `failed to prepare transaction` of much else,
/// such as a list that is not there.
const NO_WAY_PACMAN: [&str; 3] = [
    "error: failed to prepare transaction (could not satisfy dependencies)",
    "error: failed to prepare transaction (conflicting dependencies)",
    "error: unresolvable package conflicts",
];

impl Reason {
    /// What a simulation that failed printed; none where it failed for something else.
    pub fn find(manager: PackageManager, stdout: &str, stderr: &str) -> Option<Self> {
        match manager {
            PackageManager::Apt => of_apt(stdout, stderr),
            PackageManager::Pacman => {
                let first = line_with(stderr, &NO_WAY_PACMAN)?;
                let mut lines = stdout.lines().rev();
                let detail = lines.find_map(|line| line.strip_prefix(":: "));
                Some(Self::Breaks(one_line(detail.unwrap_or(first), 300)))
            }
        }
    }
}

fn of_apt(stdout: &str, stderr: &str) -> Option<Reason> {
    if stderr.lines().any(|line| line.ends_with("' has no installation candidate")) {
        let providers = providers(stdout);
        return (!providers.is_empty()).then_some(Reason::Virtual(providers));
    }
    let first = line_with(stderr, &NO_WAY)?;
    if first.starts_with("E: Unmet dependencies") {
        let relations = relations(stdout);
        if !relations.is_empty() {
            return Some(Reason::Unmet(relations));
        }
    }
    // apt 3 tells the story on standard error, where nothing unmet is listed.
    let why = unmet(stdout).or_else(|| story(stderr));
    let first = first.trim_start_matches("E: ").trim_start_matches("Error, ");
    Some(Reason::Breaks(one_line(why.as_deref().unwrap_or(first), 300)))
}

/// The first thing that is unmet and matters.
fn unmet(stdout: &str) -> Option<String> {
    let (package, relation) = relations(stdout).into_iter().next()?;
    Some(format!("{package} : {relation}"))
}

/// What is unmet and matters: `git : Recommends: less but it is not installable` is in the list
/// and hinders nobody. More of the same package follows without its name, as do the alternatives
/// after a line that ends with `or`.
fn relations(stdout: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let (mut package, mut goes_on) = ("", false);
    for line in indented(stdout, "The following packages have unmet dependencies:") {
        let relation = match line.split_once(" : ") {
            Some((name, relation)) => {
                package = name.trim();
                relation
            }
            None => line.trim(),
        };
        match all.last_mut().filter(|_| goes_on) {
            Some((_, before)) => {
                before.push(' ');
                before.push_str(relation);
            }
            None => all.push((package.to_owned(), relation.to_owned())),
        }
        goes_on = relation.ends_with(" or");
    }
    let hinders = |relation: &str| {
        !relation.starts_with("Recommends: ") && !relation.starts_with("Suggests: ")
    };
    all.retain(|(_, relation)| hinders(relation));
    all
}

/// Of the two decisions that are in each other's way, all on one line.
fn story(stderr: &str) -> Option<String> {
    let mut lines = stderr.lines().skip_while(|line| !line.contains("Reached two conflicting"));
    lines.next()?;
    let words: Vec<&str> = lines.take_while(|line| line.starts_with(' ')).map(str::trim).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// The names below `Package virt is a virtual package provided by:`.
fn providers(stdout: &str) -> Vec<String> {
    let mut lines = stdout.lines();
    let is_heading = |line: &str| line.ends_with(" is a virtual package provided by:");
    if !lines.by_ref().any(is_heading) {
        return Vec::new();
    }
    let names = lines.take_while(|line| line.starts_with("  "));
    names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// The package that is there already in the place of the one that was named.
pub fn instead(stdout: &str, name: &str) -> Option<String> {
    const SAID: [(&str, &str); 2] =
        [("", " is already the newest version"), ("Skipping ", ", it is already installed")];
    let found = stdout.lines().find_map(|line| {
        SAID.iter().find_map(|(before, after)| {
            let (found, _) = line.strip_prefix(before)?.split_once(after)?;
            Some(found)
        })
    });
    found.filter(|found| *found != name && !found.contains(' ')).map(str::to_owned)
}

/// `prov2, prov1 (prov1 is installed)`
pub fn told(providers: &[String], inventory: &Inventory) -> String {
    let there: Vec<&str> =
        providers.iter().map(String::as_str).filter(|name| inventory.has(name)).collect();
    let is = if there.len() == 1 { "is" } else { "are" };
    match there.is_empty() {
        true => providers.join(", "),
        false => format!("{} ({} {is} installed)", providers.join(", "), there.join(", ")),
    }
}

fn line_with<'t>(text: &'t str, starts: &[&str]) -> Option<&'t str> {
    text.lines().find(|line| starts.iter().any(|start| line.starts_with(start)))
}

/// The lines that follow a heading.
fn indented<'t>(text: &'t str, heading: &str) -> impl Iterator<Item = &'t str> {
    let lines = text.lines().skip_while(move |line| *line != heading).skip(1);
    lines.take_while(|line| line.starts_with(' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    /// Real output, a case a file: `Reason: …` or `Provided by: …`, then both streams.
    #[test]
    fn what_package_managers_really_said_is_understood() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/operations/said");
        let mut cases = 0;
        for entry in fs::read_dir(folder).expect("the cases") {
            let path = entry.expect("a case").path();
            let case = fs::read_to_string(&path).expect("text");
            let (head, streams) = case.split_once("--- stdout\n").expect("standard output");
            let (stdout, stderr) = streams.split_once("--- stderr\n").expect("standard error");
            let says = |key: &str| head.lines().find_map(|line| line.strip_prefix(key));
            let manager = match says("From: ").expect("where it is from").starts_with("pacman") {
                true => PackageManager::Pacman,
                false => PackageManager::Apt,
            };
            let unmet = says("Not in order: ").map(|unmet| {
                let unmet = unmet.split("; ").filter_map(|unmet| unmet.split_once(" : "));
                unmet.map(|(name, relation)| (name.to_owned(), relation.to_owned())).collect()
            });
            let expected = match (says("Reason: "), says("Provided by: ")) {
                _ if unmet.is_some() => unmet.map(Reason::Unmet),
                (Some(reason), None) => Some(Reason::Breaks(reason.to_owned())),
                (None, Some(names)) => {
                    Some(Reason::Virtual(names.split(", ").map(str::to_owned).collect()))
                }
                _ => None,
            };
            assert_eq!(Reason::find(manager, stdout, stderr), expected, "{path:?}");
            cases += 1;
        }
        assert!(cases > 8);
    }

    #[test]
    fn what_is_there_in_its_place_is_named() {
        let said = "Reading state information...\nprov3 is already the newest version (1).\n";
        assert_eq!(instead(said, "virt1").as_deref(), Some("prov3"));
        assert_eq!(instead(said, "prov3"), None);
        let said = "Skipping x:i386, it is already installed and upgrade is not set.\n";
        assert_eq!(instead(said, "x").as_deref(), Some("x:i386"));
    }
}
