//! Why apt says that there is no way to do it.

use crate::managers::reason::{Reason, line_with};
use crate::output::text::one_line;

/// What apt begins a line with, on standard error, if it found no way
/// (`algorithms.cc`, `solver3.cc`, `private-cachefile.cc`).
const NO_WAY: [&str; 4] = [
    "E: Unable to correct problems",
    "E: Unmet dependencies",
    "E: Unable to satisfy dependencies",
    "E: Error, pkgProblemResolver::Resolve generated breaks",
];

/// What a simulation that failed printed; none if it failed for something else.
pub fn find(stdout: &str, stderr: &str) -> Option<Reason> {
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
    let cause = unmet(stdout).or_else(|| story(stderr));
    let first = first.trim_start_matches("E: ").trim_start_matches("Error, ");
    Some(Reason::Breaks(one_line(cause.as_deref().unwrap_or(first), 300)))
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

/// The package that is there already instead of the one that was named.
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

/// The lines that follow a heading.
fn indented<'t>(text: &'t str, heading: &str) -> impl Iterator<Item = &'t str> {
    let lines = text.lines().skip_while(move |line| *line != heading).skip(1);
    lines.take_while(|line| line.starts_with(' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn what_is_there_in_its_place_is_named() {
        cases::each("managers/apt_already_there", |case| {
            json!(instead(case.input("stdout"), case.input("name").trim()))
        });
    }
}
