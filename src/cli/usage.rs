//! What is said of a command line that is none: what is wrong with it, and the one that was
//! probably meant.

use crate::helper::codes::{Code, Refusal};
use crate::helper::text::one_line;
use crate::policy::action::{Action, Maintenance, PackageAction, ServiceAction};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;

/// What clap says is wrong with these words, in one sentence and a hint.
pub fn refusal(grammar: &clap::Command, words: &[OsString], error: &clap::Error) -> Refusal {
    let text = error.render().to_string();
    let first =
        text.lines().next().unwrap_or_default().trim_start_matches("error: ").trim_end_matches(':');
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.clone()),
        Some(ContextValue::Strings(words)) if !words.is_empty() => Some(words.join(", ")),
        Some(ContextValue::StyledStr(text)) => Some(text.to_string()),
        _ => None,
    };
    let is_no_command = matches!(
        error.kind(),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    let what = match error.kind() {
        ErrorKind::MissingRequiredArgument => {
            let missing = context(ContextKind::InvalidArg).unwrap_or_default();
            format!("something is missing: {missing}")
        }
        _ if is_no_command => "no command was given".to_owned(),
        _ => first.to_owned(),
    };
    let hint = match meant(grammar.get_name(), &plain(words)) {
        Some(line) if !is_no_command => format!("did you mean: {line}"),
        _ => {
            let near = [
                ContextKind::SuggestedArg,
                ContextKind::SuggestedSubcommand,
                ContextKind::SuggestedValue,
            ];
            let near = near.into_iter().filter_map(context);
            let mut hints: Vec<String> = near.map(|near| format!("did you mean {near}?")).collect();
            hints.extend(context(ContextKind::ValidValue).map(|all| format!("there are: {all}")));
            // The usage of a program that has commands says no more than that it has some.
            if is_no_command || error.kind() == ErrorKind::InvalidSubcommand {
                hints.push(format!("there are: {}", commands(grammar, words).join(", ")));
            } else {
                let usage = context(ContextKind::Usage).unwrap_or_default();
                hints.push(usage.replace("Usage: ", "usage: "));
            }
            hints.retain(|hint| !hint.is_empty());
            hints.join("; ")
        }
    };
    Refusal::new(Code::Usage, one_line(&what, 300)).hint(one_line(&hint, 600))
}

/// The commands that could stand where these words stop being commands.
fn commands<'g>(grammar: &'g clap::Command, words: &[OsString]) -> Vec<&'g str> {
    let mut command = grammar;
    for word in words.iter().filter(|word| !word.as_encoded_bytes().starts_with(b"-")) {
        match command.find_subcommand(word) {
            Some(found) => command = found,
            None => break,
        }
    }
    let shown = command.get_subcommands().filter(|each| !each.is_hide_set());
    shown.map(clap::Command::get_name).collect()
}

/// The words that are no flags and can be repeated as they are; nothing of a hostile one.
fn plain(words: &[OsString]) -> Vec<&str> {
    let is_plain = |word: &&str| {
        word.len() <= 128
            && word.starts_with(|first: char| first.is_ascii_alphanumeric())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+_.@:-".contains(&byte))
    };
    words.iter().filter_map(|word| word.to_str()).filter(is_plain).collect()
}

/// What was probably meant, where the words are all there but for one, or in another order.
fn meant(program: &str, words: &[&str]) -> Option<String> {
    match words {
        ["help", ..] => return Some(format!("{program} --help")),
        [command @ ("setup-sudo" | "setup-broker"), name] if program == "sm" => {
            return Some(format!("{program} {command} --user {name}"));
        }
        _ => {}
    }
    let is_kind = |word: &str| matches!(word, "helper" | "sm-helper" | "service" | "package");
    let mut rest = words.iter().copied().filter(|word| !is_kind(word));
    let found: Vec<&str> = rest.by_ref().take(3).collect();
    if found.len() > 2 {
        return None;
    }
    let service = words_of::<ServiceAction>();
    let package: Vec<&str> =
        words_of::<PackageAction>().into_iter().chain(words_of::<Maintenance>()).collect();
    let (at, kind) = found.iter().enumerate().find_map(|(at, word)| {
        let kind = [("service", &service), ("package", &package)];
        kind.iter().find(|(_, all)| all.contains(word)).map(|(kind, _)| (at, *kind))
    })?;
    let action = found[at];
    let name = found.iter().enumerate().find(|(other, _)| *other != at).map(|(_, name)| *name);
    let placeholder = match kind {
        "service" => Some("<unit>"),
        _ if words_of::<Maintenance>().contains(&action) => None,
        _ => Some("<package>"),
    };
    let line: Vec<&str> =
        ["sm-helper", kind, action].into_iter().chain(name.or(placeholder)).collect();
    // Where this is what was written, what is wrong with it is something else.
    let is_as_written = program == "sm-helper" && line[1..] == *words;
    (!is_as_written).then(|| line.join(" "))
}

fn words_of<A: Action>() -> Vec<&'static str> {
    A::ALL.iter().map(|action| action.word()).collect()
}

#[cfg(test)]
mod tests {
    use crate::cli::{self, Parsed};
    use std::ffi::OsString;

    fn hint(line: &str) -> String {
        let mut words = line.split_whitespace().map(OsString::from);
        let program = words.next().unwrap_or_default();
        let words: Vec<OsString> = words.collect();
        let wrong = match program.to_str() {
            Some("sm") => match cli::admin(&words) {
                Parsed::Wrong(refusal) => refusal.hint,
                _ => None,
            },
            _ => match cli::helper(&words) {
                Parsed::Wrong(refusal) => refusal.hint,
                _ => None,
            },
        };
        wrong.unwrap_or_default()
    }

    #[test]
    fn a_wrong_step_is_answered_with_the_right_one() {
        for (line, expected) in [
            ("sm-helper restart nginx", "did you mean: sm-helper service restart nginx"),
            ("sm-helper nginx restart", "did you mean: sm-helper service restart nginx"),
            ("sm-helper service nginx restart", "did you mean: sm-helper service restart nginx"),
            ("sm-helper status", "did you mean: sm-helper service status <unit>"),
            ("sm-helper install git", "did you mean: sm-helper package install git"),
            ("sm-helper service install git", "did you mean: sm-helper package install git"),
            ("sm-helper update", "did you mean: sm-helper package update"),
            ("sm-helper help", "did you mean: sm-helper --help"),
            ("sm-helper", "there are: service, package, list, version"),
            ("sm-helper frobnicate", "there are: service, package, list, version"),
            ("sm-helper lst", "did you mean list?; there are: service, package, list, version"),
            ("sm service restart nginx", "did you mean: sm-helper service restart nginx"),
            ("sm restart nginx", "did you mean: sm-helper service restart nginx"),
            ("sm setup-sudo agent", "did you mean: sm setup-sudo --user agent"),
            ("sm setup-broker agent", "did you mean: sm setup-broker --user agent"),
            ("sm policy", "there are: show, check, surface, diff, edit, explain"),
            ("sm polcy", "did you mean policy?; there are: "),
            ("sm setup-sudo --users agent", "did you mean: sm setup-sudo --user agent"),
            ("sm-helper service frobnicate nginx", "there are: start, stop, restart"),
            ("sm-helper service restart nginx --reson x", "did you mean --reason?"),
        ] {
            assert!(hint(line).starts_with(expected), "{line}: {}", hint(line));
        }
    }

    #[test]
    fn a_usage_names_as_many_words_as_are_taken() {
        for (line, expected) in [
            ("sm-helper service", "usage: sm-helper service [OPTIONS] <ACTION> <UNIT>"),
            ("sm-helper package", "usage: sm-helper package [OPTIONS] [plan] <ACTION> [NAME]"),
        ] {
            assert_eq!(hint(line), expected, "{line}");
        }
    }

    #[test]
    fn no_hint_repeats_what_could_be_taken_for_something_else() {
        for line in
            ["sm-helper restart nginx;reboot", "sm-helper restart $(id)", "sm setup-sudo -x"]
        {
            let hint = hint(line);
            assert!(
                !hint.contains([';', '$']) || !hint.contains("did you mean:"),
                "{line}: {hint}"
            );
        }
    }
}
