//! The command line that was probably meant by one that is none.
//!
//! It is followed without much thought, by agents above all. So it never does more than what was
//! typed could have done: every word of that is in it, every flag too, and it is a line of the
//! command that was called unless what was typed is a whole line of the other program. If this
//! cannot be, nothing is suggested.

use crate::cli::flags::flags;
use crate::cli::{Admin, Helper};
use crate::request::action::{Action, Maintenance, ManagerAction, PackageAction, ServiceAction};
use crate::request::operation::{PLAN, RUN};
use clap::{Command, CommandFactory};
use std::ffi::OsString;

/// The longest line that is suggested, in bytes: it stands in a hint whole.
const LONGEST: usize = 400;

/// What was probably meant by these words, which are none of `command`.
pub fn suggested(command: &str, words: &[OsString]) -> Option<String> {
    let line = question(command, words)
        .or_else(|| operation(command, words))
        .or_else(|| of_the_other(command, words))?;
    (line.len() <= LONGEST).then_some(line)
}

/// What other programs call help and version, and the account's name without its flag.
fn question(command: &str, words: &[OsString]) -> Option<String> {
    let words: Option<Vec<&str>> = words.iter().map(|word| word.to_str()).collect();
    match (command, words?.as_slice()) {
        ("sm" | "sm-helper", ["help", ..]) => Some(format!("{command} --help")),
        ("sm-helper", ["--version" | "-V"]) => Some("sm-helper version".to_owned()),
        ("sm", ["version"]) => Some("sm --version".to_owned()),
        // `setup-sudo remove` is no grant to an account of that name.
        ("sm", [setup @ ("setup-sudo" | "setup-broker"), name])
            if is_plain(name)
                && flags(&Admin::command()).all(|flag| flag.get_long() != Some(*name)) =>
        {
            Some(format!("sm {setup} --user {name}"))
        }
        _ => None,
    }
}

/// A request to the helper whose words are all there but for one, or in another order.
fn operation(command: &str, words: &[OsString]) -> Option<String> {
    let mut grammar = Helper::command();
    grammar.build();
    let (typed, flags) = sorted(&grammar, words)?;
    let (kinds, mut found): (Vec<&str>, Vec<&str>) =
        typed.into_iter().partition(|word| is_kind(word));
    let is_task = kinds.iter().any(|word| matches!(*word, "task" | "tasks"));
    // There is one thing to do to a task, and it is easily left out.
    if is_task && found.len() < 2 && !found.contains(&RUN) {
        found.insert(0, RUN);
    }
    let is_other = |word: &str| is_command(word) && (word != RUN || command == "sm" && !is_task);
    if found.len() > 2 || found.iter().any(|word| is_other(word)) {
        return None;
    }
    let manager = words_of::<ManagerAction>();
    let service = [words_of::<ServiceAction>(), manager.clone()].concat();
    let maintenance = words_of::<Maintenance>();
    let task = vec![RUN];
    let package = [words_of::<PackageAction>(), maintenance.clone()].concat();
    let (at, kind) = found.iter().enumerate().find_map(|(at, word)| {
        let kind = [("service", &service), ("package", &package), ("task", &task)];
        kind.iter().find(|(_, all)| all.contains(word)).map(|(kind, _)| (at, *kind))
    })?;
    let action = found[at];
    let name = found.iter().enumerate().find(|(other, _)| *other != at).map(|(_, name)| *name);
    // `sm remove` can as well be about what `sm` has set up.
    if command == "sm" && name.is_none() && kinds.is_empty() {
        return None;
    }
    let placeholder = match kind {
        "service" if manager.contains(&action) => None,
        "service" => Some("<unit>"),
        "task" => Some("<task>"),
        _ if maintenance.contains(&action) => None,
        _ => Some("<package>"),
    };
    let plan = kinds.contains(&PLAN).then_some(PLAN);
    let line: Vec<&str> = [kind]
        .into_iter()
        .chain(plan)
        .chain([action])
        .chain(name.or(placeholder))
        .chain(flags.iter().map(String::as_str))
        .collect();
    let command = if command == "sm" { "sm-helper" } else { command };
    is_line_of(grammar, &line).then(|| format!("{command} {}", line.join(" ")))
}

/// The words as they are, if they are a line of the other program; its help if only the
/// first of them is a command there.
fn of_the_other(command: &str, words: &[OsString]) -> Option<String> {
    let (own, other) = match command {
        "sm" => (Admin::command(), Helper::command()),
        "sm-helper" => (Helper::command(), Admin::command()),
        _ => return None,
    };
    let first = words.first()?;
    let found = other.find_subcommand(first).filter(|found| !found.is_hide_set())?;
    if own.find_subcommand(first).is_some() {
        return None;
    }
    let (program, name) = (other.get_name().to_owned(), found.get_name().to_owned());
    let line: Option<Vec<&str>> =
        words.iter().map(|word| word.to_str().filter(|word| is_repeatable(word))).collect();
    match line {
        Some(line) if is_line_of(other, &line) => Some(format!("{program} {}", line.join(" "))),
        _ => Some(format!("{program} {name} --help")),
    }
}

/// The words that are no flags, and the flags; none if one of them cannot be repeated. In
/// place of a value that cannot be stands its name.
fn sorted<'w>(grammar: &Command, words: &'w [OsString]) -> Option<(Vec<&'w str>, Vec<String>)> {
    let (mut names, mut repeated) = (Vec::new(), Vec::new());
    let mut words = words.iter().map(|word| word.to_str());
    while let Some(word) = words.next() {
        let word = word?;
        let Some(long) = word.strip_prefix("--") else {
            names.push(Some(word).filter(|word| is_plain(word))?);
            continue;
        };
        let (long, value) = match long.split_once('=') {
            Some((long, value)) => (long, Some(value)),
            None => (long, None),
        };
        let flag = flags(grammar).find(|flag| flag.get_long() == Some(long))?;
        repeated.push(format!("--{long}"));
        if !flag.get_action().takes_values() {
            match value {
                Some(_) => return None,
                None => continue,
            }
        }
        // A flag behind one whose value was forgotten is no value.
        let value = value.or_else(|| words.next()?.filter(|next| !next.starts_with('-')))?;
        let name = flag.get_value_names()?.first()?;
        let stand_in = || format!("<{}>", name.to_lowercase());
        repeated
            .push(Some(value.to_owned()).filter(|value| is_plain(value)).unwrap_or_else(stand_in));
    }
    Some((names, repeated))
}

/// Whether these words are a command line of that program.
fn is_line_of(program: Command, words: &[&str]) -> bool {
    let name = program.get_name().to_owned();
    program
        .try_get_matches_from(std::iter::once(name.as_str()).chain(words.iter().copied()))
        .is_ok()
}

/// What says of a request only what it is about.
fn is_kind(word: &str) -> bool {
    const KINDS: [&str; 9] = [
        "helper",
        "sm-helper",
        "service",
        "services",
        "package",
        "packages",
        "task",
        "tasks",
        PLAN,
    ];
    KINDS.contains(&word)
}

/// Whether a command of either program has this name, and it is hardly that of a unit or package:
/// what was begun with a command that looks must not become one that acts.
fn is_command(word: &str) -> bool {
    fn has(command: &Command, word: &str) -> bool {
        command.get_subcommands().any(|each| each.get_name() == word || has(each, word))
    }
    // `status`, `enable` and `disable` are also what is done to a unit.
    ServiceAction::from_word(word).is_none()
        && (has(&Admin::command(), word) || has(&Helper::command(), word))
}

/// Whether no shell and no program takes this word for anything but a name.
fn is_plain(word: &str) -> bool {
    word.len() <= 128
        && word.starts_with(|first: char| first.is_ascii_alphanumeric())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+_.@:-".contains(&byte))
}

/// Whether this is what can be done to a unit, a package or a task.
pub fn is_action(word: &str) -> bool {
    word == RUN
        || words_of::<ServiceAction>().contains(&word)
        || words_of::<ManagerAction>().contains(&word)
        || words_of::<PackageAction>().contains(&word)
        || words_of::<Maintenance>().contains(&word)
}

/// A plain word, a flag, or a flag with a plain value.
fn is_repeatable(word: &str) -> bool {
    let bare = word.trim_start_matches('-');
    word == "--" || bare.split('=').all(is_plain)
}

fn words_of<A: Action>() -> Vec<&'static str> {
    A::ALL.iter().map(|action| action.word()).collect()
}
