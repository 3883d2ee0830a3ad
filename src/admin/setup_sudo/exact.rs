//! The exact drop-in: a rule for each command line of the helper that the policy permits, so that
//! sudo itself refuses the rest.
//!
//! A rule a line, and no alias: sudo-rs takes no list longer than 127 and no command longer than
//! 1024 characters, and a line can be found with `grep`. No wildcard and no regular expression.

use crate::admin::setup_sudo::mark::MARK;
use crate::admin::setup_sudo::permitted::permitted;
use crate::admin::setup_sudo::rule::rights;
use crate::escalate::flags::WORD;
use crate::output::text::some_of;
use crate::request::code::Refusal;
use crate::request::name::SERVICE;
use crate::sudo::account::Who;
use crate::sudo::listing::{Entry, may_be};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

/// What the policy in force permits to them, as the text of a drop-in.
///
/// # Errors
/// `policy_invalid`, if the policy permits nothing to anybody.
pub fn render(who: &Who, helper: &Path) -> Result<String, Refusal> {
    let lines = permitted(who)?;
    let mut text = format!(
        "{} for {}; do not edit: run `sm setup-sudo --exact` again, or with --remove.\n\
         # A line for each command line that the policy permits. When the policy changes:\n\
         # sm setup-sudo {} --exact # `--check` says whether it has\n",
        mark(),
        who.described(),
        who.flags(),
    );
    let rights = rights(who, helper);
    for line in lines {
        let _ = writeln!(text, "{rights} {}", escaped(&line));
    }
    Ok(text)
}

/// How the first line of an exact drop-in begins.
fn mark() -> String {
    format!("{MARK} --exact")
}

/// Whether the text is that of an exact drop-in.
pub fn is_exact(text: &str) -> bool {
    text.strip_prefix(&mark()).is_some_and(|rest| rest.starts_with(" for "))
}

/// As sudoers writes it: these end a command, or escape (`sudoers(5)`, "Other special characters
/// and reserved words"). Names have no wildcard in them, nor has the grammar.
fn escaped(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for c in line.chars() {
        if matches!(c, ',' | ':' | '=' | '\\' | '#') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

/// What is between a drop-in and the policy of now.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// What the policy permits and the drop-in does not.
    pub missing: Vec<String>,
    /// What the drop-in grants and the policy does not permit: command lines of the helper's, and
    /// every other rule as it stands there.
    pub extra: Vec<String>,
}

impl Moved {
    /// Compares the text of a drop-in with the one that should be there.
    pub fn between(is: &str, should: &str, who: &Who, helper: &Path) -> Self {
        let prefix = format!("{} ", rights(who, helper));
        let (is, should) = (rules(is), rules(should));
        let shown = |rule: &&str| match rule.strip_prefix(&prefix) {
            Some(line) => line.replace('\\', ""),
            None => (*rule).to_owned(),
        };
        Self {
            missing: should.difference(&is).map(shown).collect(),
            extra: is.difference(&should).map(shown).collect(),
        }
    }

    /// Both in a sentence; none if there is nothing between them.
    pub fn described(&self) -> Option<String> {
        let parts = [("lacks", &self.missing), ("still grants", &self.extra)];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(_, lines)| !lines.is_empty())
            .map(|(verb, lines)| format!("{verb} {}", a_few(lines)))
            .collect();
        (!parts.is_empty()).then(|| parts.join(", and "))
    }
}

/// The rules of a drop-in; `#` and a digit is an account's number (`sudoers(5)`).
pub fn rules(text: &str) -> BTreeSet<&str> {
    let is_comment = |line: &str| {
        line.strip_prefix('#').is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !is_comment(line)).collect()
}

/// What sudo lists that lets the account run the helper as root, except what these drop-ins name.
pub fn besides<'e>(
    entries: &'e [Entry],
    helper: &Path,
    drop_ins: &[String],
) -> impl Iterator<Item = &'e str> {
    // sudo lists what is escaped as it is written, sudo-rs as it is meant.
    let plain = |command: &str| command.replace('\\', "");
    let rules = drop_ins.iter().flat_map(|text| rules(text));
    let own: BTreeSet<String> = rules
        .filter_map(|rule| rule.split_once(" NOSETENV: "))
        .map(|(_, rest)| plain(rest))
        .collect();
    let as_root = entries.iter().filter(|entry| entry.is_as_root());
    let commands = as_root.flat_map(|entry| &entry.commands).map(String::as_str);
    commands.filter(move |command| !own.contains(&plain(command)) && may_be(command, helper))
}

/// The first few of them, each operation once, and how many more there are.
fn a_few(lines: &[String]) -> String {
    const NAMED: usize = 3;
    let all: BTreeSet<&str> = lines.iter().map(String::as_str).collect();
    let is_spelling = |line: &str| {
        let whole = line.strip_prefix(WORD).map(|rest| rest.trim_start().to_owned());
        all.contains(whole.unwrap_or_else(|| format!("{line}{SERVICE}")).as_str())
    };
    let operations: Vec<&str> = all.iter().copied().filter(|line| !is_spelling(line)).collect();
    let quoted: Vec<String> = operations.iter().map(|line| format!("`{line}`")).collect();
    some_of(&quoted, NAMED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(missing: &[&str], extra: &[&str]) -> Moved {
        let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        Moved { missing: owned(missing), extra: owned(extra) }
    }

    #[test]
    fn what_sudoers_gives_a_meaning_is_escaped() {
        assert_eq!(escaped("package install g++"), "package install g++");
        assert_eq!(escaped("package install libc6:amd64"), "package install libc6\\:amd64");
        assert_eq!(escaped("a,b=c\\d#e"), "a\\,b\\=c\\\\d\\#e");
    }

    #[test]
    fn the_difference_is_told_with_each_operation_once() {
        let who = Who::User { name: "agent".to_owned(), uid: Some(1000) };
        let helper = Path::new("/usr/local/bin/sm-helper");
        let rights = rights(&who, helper);
        let rule = |line: &str| format!("{rights} {line}\n");
        let is = format!("# comment\n{}#1000 ALL=ALL\n", rule("service stop a"));
        let should = format!("# other\n{}{}", rule("list"), rule("package install a\\:b"));
        let between = Moved::between(&is, &should, &who, helper);
        let expected =
            moved(&["list", "package install a:b"], &["#1000 ALL=ALL", "service stop a"]);
        assert_eq!(between, expected);
        assert_eq!(Moved::between(&is, &is, &who, helper).described(), None);
        let many = moved(
            &[
                "--flags-on-stdin service stop a.service",
                "service stop a",
                "service stop a.service",
                "package install b",
                "package install c",
                "package install d",
                "package install e",
            ],
            &["--flags-on-stdin list"],
        );
        assert_eq!(
            many.described().as_deref(),
            Some(
                "lacks `package install b`, `package install c`, `package install d` and 2 more, \
                 and still grants `--flags-on-stdin list`"
            )
        );
    }
}
