//! What is said of a command line that is none: what is wrong with it, and what to write instead.

use crate::cli::Admin;
use crate::cli::flags::flags;
use crate::cli::suggestion::{self, suggested};
use crate::output::text::one_line;
use crate::request::code::{Code, Refusal};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};
use std::ffi::OsString;

/// What clap says is wrong with these words, in one sentence and a hint that is never empty.
/// `command` is what was called, if the grammar's words stand behind it.
pub fn refusal(
    grammar: &Command,
    command: &str,
    words: &[OsString],
    error: &clap::Error,
) -> Refusal {
    let text = error.render().to_string();
    let first =
        text.lines().next().unwrap_or_default().trim_start_matches("error: ").trim_end_matches(':');
    let is_no_command = matches!(
        error.kind(),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    let what = match error.kind() {
        ErrorKind::MissingRequiredArgument => {
            let missing = context(error, ContextKind::InvalidArg).unwrap_or_default();
            format!("something is missing: {}", missing.join(", "))
        }
        _ if is_no_command => "no command was given".to_owned(),
        _ => first.to_owned(),
    };
    let hint = if is_no_command {
        there_are(grammar, words)
    } else if let Some(flag) = flag_of_the_outer(grammar, command, words) {
        format!("put {flag} in front of the request")
    } else if let Some(line) = suggested(command, words) {
        format!("did you mean: {line}")
    } else {
        near(grammar, command, words, error)
    };
    Refusal::new(Code::Usage, one_line(&what, 300)).hint(one_line(&hint, 600))
}

/// What is like the word that is wrong, then what can stand there.
fn near(grammar: &Command, command: &str, words: &[OsString], error: &clap::Error) -> String {
    let near =
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    // The likest is the last.
    let near = near.into_iter().filter_map(|kind| context(error, kind)?.pop());
    // `restart` is like `result`, and was never meant for it.
    let wrong = context(error, ContextKind::InvalidSubcommand).unwrap_or_default();
    let near = near.filter(|_| !wrong.iter().any(|word| suggestion::is_action(word)));
    let mut hints: Vec<String> = near.map(|near| format!("did you mean {near}?")).collect();
    let values = context(error, ContextKind::ValidValue);
    hints.extend(values.map(|all| format!("there are: {}", all.join(", "))));
    // The usage of a program that has commands says no more than that it has some.
    hints.push(match error.kind() {
        ErrorKind::InvalidSubcommand => there_are(grammar, words),
        _ => usage(grammar, command, words),
    });
    hints.join("; ")
}

/// What clap knows of what is wrong: never nothing at all.
fn context(error: &clap::Error, kind: ContextKind) -> Option<Vec<String>> {
    match error.get(kind) {
        Some(ContextValue::String(word)) => Some(vec![word.clone()]),
        Some(ContextValue::Strings(words)) if !words.is_empty() => Some(words.clone()),
        _ => None,
    }
}

/// How the command is written whose words these begin with.
fn usage(grammar: &Command, command: &str, words: &[OsString]) -> String {
    let usage = place(grammar, words).clone().render_usage().to_string();
    format!(
        "usage: {}",
        usage.trim_start_matches("Usage: ").replacen(grammar.get_name(), command, 1)
    )
}

/// The flag of the command that a request is handed to, written among the request's own words.
fn flag_of_the_outer(grammar: &Command, command: &str, words: &[OsString]) -> Option<String> {
    let mut names = command.split(' ').skip(1).peekable();
    names.peek()?;
    let mut admin = Admin::command();
    let mut outer = &mut admin;
    while let Some(name) = names.next_if(|name| outer.find_subcommand(name).is_some()) {
        outer = outer.find_subcommand_mut(name)?;
    }
    let longs: Vec<&str> = flags(outer).filter_map(clap::Arg::get_long).collect();
    words.iter().filter_map(|word| word.to_str()?.split('=').next()).find_map(|word| {
        let long = word.strip_prefix("--").filter(|long| longs.contains(long))?;
        let is_own = flags(grammar).any(|flag| flag.get_long() == Some(long));
        (!is_own).then(|| word.to_owned())
    })
}

/// The commands that could stand where these words stop being commands.
fn there_are(grammar: &Command, words: &[OsString]) -> String {
    let shown = place(grammar, words).get_subcommands().filter(|each| !each.is_hide_set());
    let names: Vec<&str> = shown.map(Command::get_name).collect();
    format!("there are: {}", names.join(", "))
}

/// The command at which these words stop being commands.
fn place<'g>(grammar: &'g Command, words: &[OsString]) -> &'g Command {
    let mut command = grammar;
    for word in words.iter().filter(|word| !word.as_encoded_bytes().starts_with(b"-")) {
        match command.find_subcommand(word) {
            Some(found) => command = found,
            None => break,
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use crate::cli::{self, Parsed};
    use proptest::prelude::*;
    use std::ffi::OsString;

    const EXPLAIN: &str = "sm policy explain";
    const FLEET: &str = "sm fleet run ... --";

    /// The hint that these words get behind that command; none if they are no mistake.
    fn hint_of(command: &str, words: &[&str]) -> Option<String> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let refusal = match command {
            "sm" => match cli::admin(&words) {
                Parsed::Wrong(refusal) => refusal,
                _ => return None,
            },
            _ => match cli::request_behind(command, &words) {
                Parsed::Wrong(refusal) => refusal,
                _ => return None,
            },
        };
        Some(refusal.hint.unwrap_or_default())
    }

    fn hint(line: &str) -> String {
        let command = [EXPLAIN, FLEET, "sm-helper", "sm"];
        let command = command.into_iter().find(|command| line.starts_with(command));
        let command = command.expect("it begins with a command");
        let words: Vec<&str> = line[command.len()..].split_whitespace().collect();
        hint_of(command, &words).unwrap_or_else(|| panic!("{line} is no mistake"))
    }

    #[test]
    fn a_wrong_step_is_answered_with_the_right_one() {
        for (line, expected) in [
            ("sm-helper restart nginx", "did you mean: sm-helper service restart nginx"),
            ("sm-helper nginx restart", "did you mean: sm-helper service restart nginx"),
            ("sm-helper service nginx restart", "did you mean: sm-helper service restart nginx"),
            ("sm-helper services restart nginx", "did you mean: sm-helper service restart nginx"),
            ("sm-helper status", "did you mean: sm-helper service status <unit>"),
            ("sm-helper install git", "did you mean: sm-helper package install git"),
            ("sm-helper packages install git", "did you mean: sm-helper package install git"),
            ("sm-helper service install git", "did you mean: sm-helper package install git"),
            ("sm-helper plan install git", "did you mean: sm-helper package plan install git"),
            ("sm-helper update", "did you mean: sm-helper package update"),
            ("sm-helper help", "did you mean: sm-helper --help"),
            ("sm-helper --version", "did you mean: sm-helper version"),
            ("sm-helper -V", "did you mean: sm-helper version"),
            ("sm-helper", "there are: service, package, task, undo, result, list, version"),
            ("sm-helper task deploy", "did you mean: sm-helper task run deploy"),
            ("sm-helper run deploy", "did you mean: sm-helper task run deploy"),
            ("sm-helper tasks", "did you mean: sm-helper task run <task>"),
            (
                "sm-helper frobnicate",
                "there are: service, package, task, undo, result, list, version",
            ),
            (
                "sm-helper lst",
                "did you mean list?; there are: service, package, task, undo, result, list, version",
            ),
            ("sm-helper services", "did you mean service?; there are: service, package"),
            ("sm-helper doctor", "did you mean: sm doctor"),
            ("sm-helper policy show", "did you mean: sm policy show"),
            ("sm-helper policy", "did you mean: sm policy --help"),
            ("sm-helper setup-sudo --user agent", "did you mean: sm setup-sudo --user agent"),
            ("sm-helper setup-sudo --usr agent", "did you mean: sm setup-sudo --help"),
            ("sm-helper broker", "there are: service, package, task, undo, result, list, version"),
            ("sm service restart nginx", "did you mean: sm-helper service restart nginx"),
            ("sm restart nginx", "did you mean: sm-helper service restart nginx"),
            ("sm list", "did you mean: sm-helper list"),
            ("sm status nginx", "did you mean: sm-helper service status nginx"),
            ("sm-helper disable", "did you mean: sm-helper service disable <unit>"),
            ("sm-helper enable nginx", "did you mean: sm-helper service enable nginx"),
            ("sm version", "did you mean: sm --version"),
            ("sm remove", "there are: helper, setup-sudo, setup-broker, "),
            ("sm setup-sudo agent", "did you mean: sm setup-sudo --user agent"),
            ("sm setup-broker agent", "did you mean: sm setup-broker --user agent"),
            (
                "sm policy",
                "there are: show, check, surface, diff, edit, revert, init, test, allow, deny, explain",
            ),
            ("sm polcy", "did you mean policy?; there are: "),
            ("sm setup-sudo --users agent", "did you mean --user?; usage: sm setup-sudo"),
            ("sm-helper service frobnicate nginx", "there are: start, stop, restart"),
            ("sm-helper service restart nginx --reson x", "did you mean --reason?"),
        ] {
            assert!(hint(line).starts_with(expected), "{line}: {}", hint(line));
        }
    }

    #[test]
    fn a_flag_that_is_misspelt_is_not_left_out() {
        for (line, expected) in [
            ("sm setup-sudo --user agent --remvoe", "did you mean --remove?; usage: "),
            ("sm setup-sudo --user agent --exact --chek", "did you mean --check?; usage: "),
            ("sm setup-sudo --group sm --prnt", "did you mean --print?; usage: "),
            ("sm setup-sudo --user agent --remove --check", "usage: sm setup-sudo [OPTIONS]"),
            ("sm setup-sudo --user=agent --group sm", "usage: sm setup-sudo [OPTIONS]"),
            ("sm setup-sudo remove", "usage: sm setup-sudo [OPTIONS]"),
            ("sm setup-broker --user agent --remove --chk", "usage: sm setup-broker [OPTIONS]"),
            (
                "sm-helper restart nginx --dryrun",
                "there are: service, package, task, undo, result, list, version",
            ),
            ("sm-helper restart nginx --reason --dry-run", "there are: service, package"),
            ("sm-helper package update git --dry-run", "it is for all packages: omit the name"),
        ] {
            assert!(hint(line).starts_with(expected), "{line}: {}", hint(line));
        }
    }

    #[test]
    fn a_flag_that_was_given_is_in_the_line_that_was_meant() {
        for (line, expected) in [
            ("sm-helper restart nginx --dry-run", "sm-helper service restart nginx --dry-run"),
            ("sm-helper --dry-run status", "sm-helper service status <unit> --dry-run"),
            (
                "sm-helper restart nginx --reason=new",
                "sm-helper service restart nginx --reason new",
            ),
            (
                "sm-helper restart nginx --reason $x",
                "sm-helper service restart nginx --reason <text>",
            ),
            ("sm service restart nginx --dry-run", "sm-helper service restart nginx --dry-run"),
        ] {
            assert_eq!(hint(line), format!("did you mean: {expected}"), "{line}");
        }
    }

    #[test]
    fn what_was_asked_behind_a_command_is_answered_with_a_line_of_it() {
        for (line, expected) in [
            (
                "sm policy explain restart nginx",
                "did you mean: sm policy explain service restart nginx",
            ),
            (
                "sm policy explain sm-helper service restart nginx",
                "did you mean: sm policy explain service restart nginx",
            ),
            ("sm policy explain stop nginx --site f", "put --site in front of the request"),
            ("sm policy explain service stop nginx --user u", "put --user in front of the request"),
            ("sm policy explain service stop", "usage: sm policy explain service stop <unit>"),
            (
                "sm policy explain service",
                "usage: sm policy explain service [OPTIONS] <ACTION> [UNIT]",
            ),
            ("sm policy explain setup-sudo --user agent", "put --user in front of the request"),
            (
                "sm policy explain doctor",
                "there are: service, package, task, undo, result, list, version",
            ),
            (
                "sm fleet run ... -- restart nginx",
                "did you mean: sm fleet run ... -- service restart nginx",
            ),
            ("sm fleet run ... -- list --limit web", "put --limit in front of the request"),
        ] {
            assert_eq!(hint(line), expected, "{line}");
        }
    }

    #[test]
    fn a_usage_names_as_many_words_as_are_taken() {
        for (line, expected) in [
            ("sm-helper service", "usage: sm-helper service [OPTIONS] <ACTION> [UNIT]"),
            ("sm-helper service restart", "usage: sm-helper service restart <unit>"),
            ("sm-helper package", "usage: sm-helper package [OPTIONS] [plan] <ACTION> [NAME]"),
        ] {
            assert_eq!(hint(line), expected, "{line}");
        }
    }

    #[test]
    fn a_value_that_is_missing_or_bad_is_answered_with_the_usage() {
        for (line, expected) in [
            ("sm setup-sudo --user", "usage: sm setup-sudo [OPTIONS]"),
            ("sm audit tail -n abc", "usage: sm audit tail [OPTIONS]"),
            (
                "sm-helper service restart nginx --reason",
                "usage: sm-helper service [OPTIONS] <ACTION> [UNIT]",
            ),
        ] {
            assert_eq!(hint(line), expected, "{line}");
        }
    }

    const WORDS: [&str; 54] = [
        "service",
        "services",
        "task",
        "tasks",
        "deploy",
        "package",
        "packages",
        "helper",
        "sm-helper",
        "plan",
        "list",
        "version",
        "help",
        "restart",
        "status",
        "stop",
        "install",
        "remove",
        "upgrade",
        "update",
        "nginx",
        "git",
        "agent",
        "sm",
        "setup-sudo",
        "setup-broker",
        "policy",
        "show",
        "explain",
        "check",
        "doctor",
        "audit",
        "tail",
        "fleet",
        "run",
        "--",
        "--dry-run",
        "--dryrun",
        "--pretty",
        "--brief",
        "--reason",
        "--reason=why",
        "--timeout",
        "5",
        "--user",
        "--user=agent",
        "--group",
        "--remove",
        "--check",
        "--chek",
        "--print",
        "--exact",
        "--version",
        "-V",
    ];

    proptest! {
        #[test]
        fn a_line_that_is_suggested_does_no_more_than_what_was_typed(
            command in prop::sample::select(vec!["sm", "sm-helper", EXPLAIN, FLEET]),
            words in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..6),
        ) {
            let Some(hint) = hint_of(command, &words) else { return Ok(()) };
            prop_assert!(!hint.is_empty());
            let Some(line) = hint.strip_prefix("did you mean: ") else { return Ok(()) };
            if line.ends_with("--help") || ["sm --version", "sm-helper version"].contains(&line) {
                return Ok(());
            }
            // What only explains, or asks another host, stays that.
            prop_assert!(!command.contains(' ') || line.starts_with(command), "{}", line);
            let suggested: Vec<&str> = line.split([' ', '=']).collect();
            let typed: Vec<&str> = words.iter().flat_map(|word| word.split('=')).collect();
            let is_kind = |word: &str| {
                ["service", "package", "services", "packages", "task", "tasks", "helper", "sm-helper"]
                    .contains(&word)
            };
            for word in typed.iter().filter(|word| !is_kind(word)) {
                prop_assert!(suggested.contains(word), "{}: {}", word, line);
            }
            let is_name_alone = matches!(*words, ["setup-sudo" | "setup-broker", _]);
            for word in suggested.iter().filter(|word| word.starts_with("--")) {
                let is_typed = typed.contains(word) || command.contains(word);
                prop_assert!(is_typed || (is_name_alone && *word == "--user"), "{}", line);
            }
        }
    }

    #[test]
    fn no_hint_repeats_what_could_be_taken_for_something_else() {
        for line in [
            "sm-helper restart nginx;reboot",
            "sm-helper restart $(id)",
            "sm-helper restart nginx --reason $(id)",
            "sm-helper doctor $(id)",
            "sm setup-sudo -x",
        ] {
            let hint = hint(line);
            assert!(
                !hint.contains([';', '$']) || !hint.contains("did you mean:"),
                "{line}: {hint}"
            );
        }
    }

    #[test]
    fn a_line_that_a_hint_has_no_room_for_is_not_suggested() {
        let long = "0".repeat(128);
        let line =
            format!("sm-helper restart {long} --reason {long} --since {long} --lines {long}");
        assert!(hint(&line).starts_with("there are: "), "{}", hint(&line));
    }
}
