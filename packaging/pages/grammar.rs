//! Both grammars in a plain form: what can stand where.

use crate::cli;
use crate::request::action::{Action, PackageAction};
use crate::request::operation::PLAN;
use clap::builder::ValueHint;
use clap::{Arg, Command, CommandFactory};

/// What a value is: how a shell finds what it can be.
#[derive(Clone, PartialEq, Eq)]
pub enum Kind {
    /// One of these words.
    Words(Vec<String>),
    /// A file.
    File,
    /// An account.
    User,
    /// A group.
    Group,
    /// A unit that the policy has.
    Units,
    /// A package that the policy has; behind `plan`, an action first.
    Packages,
    /// Nothing a shell could know.
    Free,
}

/// `--name VALUE`
pub struct Flag {
    /// With its dashes.
    pub long: String,
    /// With its dash.
    pub short: Option<String>,
    /// One line.
    pub help: String,
    /// The value's name and kind, where it has one.
    pub value: Option<(String, Kind)>,
}

/// A word that is no flag.
pub struct Word {
    /// What usage calls it.
    pub name: String,
    /// One line.
    pub help: String,
    /// What it can be.
    pub kind: Kind,
}

/// The program, or a command of it.
pub struct Place {
    /// The program's name, then those of the commands.
    pub path: Vec<String>,
    /// What it is, in a few words.
    pub about: String,
    /// The flags.
    pub flags: Vec<Flag>,
    /// The words.
    pub words: Vec<Word>,
    /// The commands.
    pub commands: Vec<Place>,
    /// Whether these are the helper's: a request is passed on.
    pub passes_on: bool,
    /// How it is written.
    pub usage: String,
}

/// `sm-helper`
pub fn helper() -> Place {
    let mut grammar = cli::Helper::command();
    grammar.build();
    place(&mut grammar, &["sm-helper"])
}

/// `sm`, with the helper's commands wherever a request for it can stand.
pub fn sm() -> Place {
    let mut grammar = cli::Admin::command();
    grammar.build();
    place(&mut grammar, &["sm"])
}

fn place(grammar: &mut Command, path: &[&str]) -> Place {
    let usage = grammar.render_usage().to_string().replacen("Usage: ", "", 1);
    let mut commands = Vec::new();
    for command in grammar.get_subcommands_mut().filter(|command| !command.is_hide_set()) {
        let name = command.get_name().to_owned();
        commands.push(place(command, &[path, &[&name]].concat()));
    }
    let shown = grammar.get_positionals().filter(|arg| !arg.is_hide_set());
    let mut words: Vec<Word> = shown.map(|arg| self::word(arg, path)).collect();
    let passes_on = grammar.get_positionals().any(|arg| {
        let id = arg.get_id();
        id == "request" || id == "arguments"
    });
    let flags = grammar.get_arguments().filter(|arg| !arg.is_hide_set() && !arg.is_positional());
    let mut flags: Vec<Flag> = flags.map(flag).collect();
    if passes_on {
        let mut helper = cli::Helper::command();
        helper.build();
        let helper = place(&mut helper, path);
        words.clear();
        commands = helper.commands;
        // `sm helper` has no flag of its own.
        if path.last() == Some(&"helper") {
            flags = helper.flags;
        }
    }
    flags.sort_by(|a, b| a.long.cmp(&b.long));
    Place {
        path: path.iter().map(|&word| word.to_owned()).collect(),
        about: plain(grammar.get_about()),
        flags,
        words,
        commands,
        passes_on,
        usage,
    }
}

fn flag(arg: &Arg) -> Flag {
    let takes = arg.get_action().takes_values();
    Flag {
        long: format!("--{}", arg.get_long().unwrap_or_default()),
        short: arg.get_short().map(|letter| format!("-{letter}")),
        // clap's own says more about itself than is of use here.
        help: plain(arg.get_help()).split(" (see more").next().unwrap_or_default().to_owned(),
        value: takes.then(|| (name(arg), kind(arg))),
    }
}

fn word(arg: &Arg, path: &[&str]) -> Word {
    let kind = match (path.last(), arg.get_id().as_str()) {
        (Some(&"service"), "name") => Kind::Units,
        (Some(&"package"), "names") => Kind::Packages,
        _ => kind(arg),
    };
    Word { name: name(arg), help: plain(arg.get_help()), kind }
}

fn name(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    names.first().map_or_else(|| arg.get_id().to_string().to_uppercase(), ToString::to_string)
}

fn kind(arg: &Arg) -> Kind {
    let words: Vec<String> =
        arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    match (arg.get_id().as_str(), arg.get_value_hint()) {
        _ if !words.is_empty() && arg.get_action().takes_values() => Kind::Words(words),
        ("user", _) => Kind::User,
        ("group", _) => Kind::Group,
        (_, ValueHint::AnyPath | ValueHint::FilePath) => Kind::File,
        _ => Kind::Free,
    }
}

/// The actions that a plan can be asked for, as words of `package plan`.
pub fn planned() -> (String, Vec<String>) {
    let mut words: Vec<String> =
        PackageAction::ALL.iter().map(|action| action.word().to_owned()).collect();
    words.push(crate::request::action::Maintenance::Autoremove.word().to_owned());
    (PLAN.to_owned(), words)
}

fn plain(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string)
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
