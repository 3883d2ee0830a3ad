//! The command lines of both programs, read.

pub mod admin;
pub mod flags;
pub mod helper;
pub mod suggestion;
pub mod usage;

pub use crate::cli::admin::{
    Admin, AdminCommand, Approve, AuditCommand, AuditFilter, Bootstrap, Change, EncryptedAs,
    Export, ExportFormat, FleetAudit, FleetCommand, FleetRun, Grant, Hosts, Init, PolicyCommand,
    Reached, SetupBroker, SetupSudo, Shown, Supposed, Undo, Verify,
};
use crate::cli::flags::flags;
pub use crate::cli::helper::{Helper, HelperCommand};
use crate::request::code::Refusal;
use crate::request::operation::Request;
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};
use std::ffi::OsString;

/// What a command line turned out to be.
pub enum Parsed<T> {
    /// A command.
    Command(T),
    /// A question for help: the text.
    Help(String),
    /// Neither.
    Wrong(Refusal),
}

/// Reads the helper's arguments, without the program's name.
pub fn helper(arguments: &[OsString]) -> Parsed<Helper> {
    helper_behind("sm-helper", arguments)
}

/// Reads a request to the helper that stands behind another command, `sm policy explain`. Gives
/// none for a question. What is said of words that are wrong is a line of that command.
pub fn request_behind(command: &str, arguments: &[OsString]) -> Parsed<Option<Request>> {
    match helper_behind(command, arguments) {
        Parsed::Command(helper) => match helper.request().transpose() {
            Ok(request) => Parsed::Command(request),
            Err(mut refusal) => {
                refusal.hint = refusal.hint.map(|hint| hint.replacen("sm-helper", command, 1));
                Parsed::Wrong(refusal)
            }
        },
        Parsed::Help(text) => Parsed::Help(text),
        Parsed::Wrong(refusal) => Parsed::Wrong(refusal),
    }
}

fn helper_behind(command: &str, arguments: &[OsString]) -> Parsed<Helper> {
    let mut grammar = Helper::command();
    let read = match arguments.iter().any(|word| word.as_encoded_bytes().starts_with(b"-")) {
        true => {
            grammar.build();
            names_behind_dashes(&grammar, arguments)
        }
        false => arguments.to_vec(),
    };
    parse(grammar, command, arguments, read)
}

/// Reads the administrator's arguments, without the program's name.
pub fn admin(arguments: &[OsString]) -> Parsed<Admin> {
    parse(Admin::command(), "sm", arguments, arguments.to_vec())
}

/// `typed` are the words behind `command`, `read` are they as the grammar is to read them.
fn parse<T: FromArgMatches>(
    mut grammar: clap::Command,
    command: &str,
    typed: &[OsString],
    read: Vec<OsString>,
) -> Parsed<T> {
    let words = std::iter::once(OsString::from(grammar.get_name())).chain(read);
    match grammar.try_get_matches_from_mut(words).and_then(|matches| T::from_arg_matches(&matches))
    {
        Ok(command) => Parsed::Command(command),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Parsed::Help(error.render().to_string())
            }
            _ => {
                // FullRequest, for what is said of it; one that is right needs only its own part.
                grammar.build();
                Parsed::Wrong(usage::refusal(&grammar, command, typed, &error))
            }
        },
    }
}

/// Moves a word that stands where a name belongs behind `--` if it begins with a dash and is
/// no flag, so that `package install --force` is told what is wrong with that name.
fn names_behind_dashes(grammar: &clap::Command, arguments: &[OsString]) -> Vec<OsString> {
    let mut kept = Vec::with_capacity(arguments.len() + 2);
    let mut behind: Vec<OsString> = Vec::new();
    let mut plain = 0;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        if text == "--" {
            behind.extend(words.by_ref().cloned());
            break;
        }
        let is_dashed = text.len() > 1 && text.starts_with('-');
        let name = text.strip_prefix("--").and_then(|rest| rest.split('=').next());
        let flag = name.and_then(|name| flags(grammar).find(|flag| flag.get_long() == Some(name)));
        match flag {
            // The kind and the action are there and no name yet: this is the name.
            None if is_dashed && plain == 2 && text != "-h" => {
                behind.push(word.clone());
                plain += 1;
                continue;
            }
            None => plain += usize::from(!is_dashed),
            Some(_) => {}
        }
        kept.push(word.clone());
        if flag.is_some_and(|flag| flag.get_action().takes_values()) && !text.contains('=') {
            kept.extend(words.next().cloned());
        }
    }
    if !behind.is_empty() {
        kept.push(OsString::from("--"));
        kept.append(&mut behind);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code that these words get before any policy is asked.
    fn code(words: &[&str]) -> &'static str {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        match helper(&words) {
            Parsed::Command(helper) => match helper.request() {
                Some(Err(refusal)) => refusal.code.word(),
                Some(Ok(_)) | None => "ok",
            },
            Parsed::Help(_) => "help",
            Parsed::Wrong(refusal) => refusal.code.word(),
        }
    }

    #[test]
    fn the_grammar_takes_what_it_should_and_nothing_else() {
        Helper::command().debug_assert();
        Admin::command().debug_assert();
        for (line, expected) in [
            ("service restart nginx", "ok"),
            ("--dry-run service restart nginx", "ok"),
            ("service restart nginx --dry-run --pretty", "ok"),
            ("service --timeout 5 restart nginx --reason why", "ok"),
            ("service restart -- nginx", "ok"),
            ("service logs nginx --lines 10", "ok"),
            ("package upgrade", "ok"),
            ("package upgrade curl", "ok"),
            ("package update", "ok"),
            ("list", "ok"),
            ("--help", "help"),
            ("service --help", "help"),
            ("", "usage"),
            ("service", "usage"),
            ("service restart", "usage"),
            ("service restart nginx caddy", "usage"),
            ("service destroy nginx", "usage"),
            ("service restart nginx --lines 5", "usage"),
            ("service restart nginx --force", "usage"),
            ("package install", "usage"),
            ("package update curl", "usage"),
            ("frobnicate", "usage"),
            ("setup-sudo", "usage"),
            ("policy surface", "usage"),
            ("package install -y", "invalid_argument"),
            ("package install --force", "invalid_argument"),
            ("package install -y curl", "invalid_argument"),
            ("package install -- -y", "invalid_argument"),
            ("package install curl-", "invalid_argument"),
            ("package update curl/x", "invalid_argument"),
            ("service restart nginx;reboot", "invalid_argument"),
            ("service restart nginx --timeout 0", "invalid_argument"),
            ("service restart nginx --timeout -1", "invalid_argument"),
            ("service restart nginx --timeout 1e3", "invalid_argument"),
            ("service logs nginx --lines 1001", "invalid_argument"),
        ] {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(code(&words), expected, "{line}");
        }
        assert_eq!(code(&["service", "restart", ""]), "invalid_argument");
        assert_eq!(code(&["service", "restart", "nginx", "--reason", ""]), "invalid_argument");
        assert_eq!(code(&["service", "restart", "nginx", "--reason", "a\nb"]), "invalid_argument");
    }
}
