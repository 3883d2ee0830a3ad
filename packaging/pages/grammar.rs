//! Both grammars as the pages and completions show them: without what is hidden, and with what a
//! shell can offer for each value.

use crate::cli;
use crate::request::action::{Action, Maintenance, PackageAction};
use crate::request::operation::PLAN;
use clap::builder::ValueHint;
use clap::{Arg, Command, CommandFactory};

/// A group. clap has no hint for it, nor for the next three: each is a hint that nothing else
/// here has, and the scripts put their own functions in its place.
pub const GROUP: ValueHint = ValueHint::EmailAddress;
/// A unit that the policy names.
pub const UNIT: ValueHint = ValueHint::Hostname;
/// A package that the policy names; after `plan`, an action first.
pub const PACKAGE: ValueHint = ValueHint::Url;
/// The mark of a task's name.
pub const TASK: ValueHint = ValueHint::CommandName;
/// A request to the helper: all words from here on.
pub const REQUEST: ValueHint = ValueHint::CommandWithArguments;

/// The grammar of `sm-helper`.
pub fn helper() -> Command {
    shown(&cli::Helper::command())
}

/// The grammar of `sm`.
pub fn sm() -> Command {
    shown(&cli::Admin::command())
}

/// A command without its hidden parts.
fn shown(command: &Command) -> Command {
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let arguments = arguments.map(|argument| hinted(command.get_name(), argument));
    let commands = command.get_subcommands().filter(|command| !command.is_hide_set());
    let mut shown = Command::new(leaked(command.get_name()))
        .disable_help_subcommand(true)
        .subcommand_required(command.is_subcommand_required_set())
        .args(arguments)
        .subcommands(commands.map(shown_below));
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    if let Some(usage) = command.get_overridden_usage() {
        shown = shown.override_usage(usage.clone());
    }
    match command.get_version() {
        Some(version) => shown.version(leaked(version)),
        None => shown,
    }
}

/// The same, for an iterator over commands.
fn shown_below(command: &Command) -> Command {
    shown(command)
}

/// clap borrows names for as long as the program runs; this is the tests' alone.
pub fn leaked(text: &str) -> &'static str {
    text.to_owned().leak()
}

/// An argument with the hint that says what its value is.
fn hinted(command: &str, argument: &Arg) -> Arg {
    let hint = match (command, argument.get_id().as_str(), argument.get_value_hint()) {
        ("service", "name", _) => UNIT,
        ("package", "names", _) => PACKAGE,
        // Flags may follow it, which no shell's completion of a request takes.
        ("allow" | "deny" | "grant", "request", _) => ValueHint::Other,
        ("task", "name", _) => TASK,
        (_, "request" | "arguments", _) => REQUEST,
        (_, "user", _) => ValueHint::Username,
        (_, "group", _) => GROUP,
        (_, _, ValueHint::AnyPath | ValueHint::FilePath) => ValueHint::FilePath,
        _ => ValueHint::Other,
    };
    let open = argument.get_action().takes_values() && argument.get_possible_values().is_empty();
    argument.clone().value_hint(if open { hint } else { ValueHint::Unknown })
}

/// The command and all below it.
pub fn all(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().flat_map(all);
    std::iter::once(command).chain(below).collect()
}

/// The long and short flags anywhere in the grammar whose value has this hint, or one of the
/// words of its own if none.
pub fn flags(grammar: &Command, hint: Option<ValueHint>) -> Vec<String> {
    let mut flags = Vec::new();
    for argument in all(grammar).into_iter().flat_map(Command::get_arguments) {
        let words = !argument.get_possible_values().is_empty();
        let kind = (!words).then(|| argument.get_value_hint());
        if !argument.is_positional() && argument.get_action().takes_values() && kind == hint {
            flags.extend(argument.get_long().map(|name| format!("--{name}")));
            flags.extend(argument.get_short().map(|letter| format!("-{letter}")));
        }
    }
    flags.sort();
    flags.dedup();
    flags
}

/// Every flag that takes a value.
pub fn valued(grammar: &Command) -> Vec<String> {
    let hints = [ValueHint::Username, GROUP, ValueHint::FilePath, ValueHint::Other].map(Some);
    hints.into_iter().chain([None]).flat_map(|hint| flags(grammar, hint)).collect()
}

/// The words that a positional argument can be.
pub fn words(grammar: &Command, command: &str, argument: &str) -> Vec<String> {
    let command = grammar.find_subcommand(command).expect("the command");
    let argument = command.get_arguments().find(|one| one.get_id() == argument);
    let values = argument.expect("the argument").get_possible_values();
    values.iter().map(|value| value.get_name().to_owned()).collect()
}

/// `plan`, and the actions that can follow it.
pub fn planned() -> (&'static str, Vec<String>) {
    let actions = PackageAction::ALL.iter().map(|action| action.word());
    let all = actions.chain([Maintenance::Autoremove.word()]);
    (PLAN, all.map(str::to_owned).collect())
}

/// The scripts find out what a value is from its flag alone, and know three places of a word that
/// is neither flag nor command.
#[test]
fn a_flag_has_the_same_kind_of_value_wherever_it_stands() {
    for grammar in [helper(), sm()] {
        let mut valued = valued(&grammar);
        let count = valued.len();
        valued.sort();
        valued.dedup();
        assert_eq!(valued.len(), count, "{valued:?}");
        for command in all(&grammar) {
            let plain = command.get_arguments().filter(|one| !one.get_action().takes_values());
            for name in plain.filter_map(Arg::get_long) {
                // What follows `policy check --site` is a file too.
                let alike = (command.get_name(), name) == ("check", "site");
                assert!(alike || !valued.contains(&format!("--{name}")), "--{name}");
            }
            for word in command.get_positionals() {
                let place = (command.get_name(), word.get_id().as_str());
                assert!(
                    [
                        ("service", "action"),
                        ("service", "name"),
                        ("package", "action"),
                        ("package", "names"),
                        ("task", "action"),
                        ("task", "name"),
                        // Nothing, as an id is known to who got it.
                        ("result", "ids"),
                        ("undo", "ids"),
                        ("undo", "id"),
                        ("approvals", "id"),
                        ("approve", "id"),
                        ("decline", "id"),
                        ("revoke", "id"),
                        ("grant", "request"),
                        ("check", "file"),
                        ("test", "file"),
                        ("allow", "request"),
                        ("deny", "request"),
                    ]
                    .contains(&place)
                        || word.get_value_hint() == REQUEST,
                    "{place:?}: no script completes it"
                );
            }
        }
    }
}
