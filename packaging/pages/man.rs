//! Manual pages: what clap_mangen makes of a command, among the sections that people wrote.

use super::grammar;
use crate::request::code::Code;
use clap::{Arg, Command};
use clap_mangen::Man;
use regex::{Captures, Regex};
use std::fmt::Write as _;

/// A page from its text. In it a line `.\" commands` and the like stands for what is made here.
pub fn page(text: &str, program: &Command) -> String {
    let mut page = String::new();
    for line in text.lines() {
        let made = match line.strip_prefix(r#".\" "#) {
            Some("made") => {
                ".\\\" Made by packaging/pages/write, from packaging/pages.\n".to_owned()
            }
            Some("synopsis") => synopsis(program),
            Some("commands") => commands(program),
            Some("options") => options(program.clone()),
            Some("codes") => codes(),
            _ => format!("{line}\n"),
        };
        page.push_str(&made.replace("@version@", env!("CARGO_PKG_VERSION")));
    }
    filled(&page)
}

/// Text lines of at most so many bytes, as those who read roff like it.
const WIDTH: usize = 80;

/// The page with no long line of text, but for what is shown as it is.
fn filled(page: &str) -> String {
    let mut filled = String::with_capacity(page.len());
    let mut as_it_is = false;
    for line in page.lines() {
        as_it_is = (as_it_is || line == ".EX") && line != ".EE";
        if as_it_is || line.starts_with('.') {
            filled.push_str(line);
            filled.push('\n');
            continue;
        }
        let mut length = 0;
        for word in words(line) {
            let breaks = length + word.len() >= WIDTH;
            if length > 0 {
                filled.push(if breaks { '\n' } else { ' ' });
            }
            length =
                if breaks { word.len() } else { length + word.len() + usize::from(length > 0) };
            filled.push_str(&word);
        }
        filled.push('\n');
    }
    filled
}

/// The words of a line. One that would be taken for a request at the beginning of a line stays with
/// the word before it.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in line.split(' ') {
        match words.last_mut() {
            Some(last) if word.starts_with(['.', '\'']) => *last = format!("{last} {word}"),
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// The lines that clap_mangen makes for a section, without its heading and what is for a page of
/// its own. What is marked as code is bold.
fn section(render: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut bytes = Vec::new();
    render(&mut bytes).expect("a vector takes all");
    let text = String::from_utf8(bytes).expect("roff of UTF-8");
    let lines = text
        .lines()
        .filter(|line| ![".ie ", ".el ", ".SH "].iter().any(|request| line.starts_with(request)));
    let text: String = lines.flat_map(|line| [line.trim_end(), "\n"]).collect();
    let text = text.replace("\\*(Aq", "\\(aq").replace(".br\n\n.br\n", ".br\n");
    let code = Regex::new("`([^`\n]*)`").expect("an expression");
    let other = Regex::new("[^\n -~]").expect("an expression");
    let text = code.replace_all(&text, "\\fB$1\\fR");
    let named = |letter: &Captures| {
        let codes = letter[0].chars().map(u32::from);
        codes.map(|code| format!("\\[u{code:04X}]")).collect::<String>()
    };
    other.replace_all(&text, named).into_owned()
}

/// The commands that are not only there for others, each with the whole line that leads to it as
/// its name, and with the arguments that are its own alone.
fn leaves(program: &Command) -> Vec<Command> {
    let mut built = program.clone();
    built.build();
    let leaves = grammar::all(&built).into_iter().filter(|command| !command.has_subcommands());
    leaves
        .map(|command| {
            let name = grammar::leaked(command.get_bin_name().unwrap_or_default());
            let usage = command.clone().render_usage().to_string();
            let own = command.get_arguments().filter(|argument| {
                let id = argument.get_id();
                !argument.is_global_set() && id != "help" && id != "version"
            });
            Command::new(name)
                .bin_name(name)
                .disable_help_flag(true)
                .about(command.get_about().cloned().unwrap_or_default())
                .override_usage(usage.trim_start_matches("Usage: ").to_owned())
                .args(own)
        })
        .collect()
}

fn synopsis(program: &Command) -> String {
    let lines = leaves(program).into_iter().map(usage);
    lines.collect::<Vec<_>>().join(".br\n")
}

fn usage(command: Command) -> String {
    section(|into| Man::new(command).render_synopsis_section(into))
}

fn commands(program: &Command) -> String {
    let mut text = String::new();
    for command in leaves(program) {
        let name = command.get_name().replace('-', "\\-");
        let about = section(|into| Man::new(command.clone()).render_description_section(into));
        let _ = write!(text, ".SS {name}\n{}.\n", about.trim_end());
        let _ = write!(text, ".PP\n{}{}", usage(command.clone()), options(command));
    }
    text
}

/// The arguments of a command.
fn options(mut command: Command) -> String {
    command.build();
    let command = command.mut_args(described);
    section(|into| Man::new(command).render_options_section(into))
}

/// The help of an argument as a sentence. Values that explain themselves are part of it.
fn described(argument: Arg) -> Arg {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    // clap says of its own flag where more can be read.
    let help = help.split(" (see ").next().unwrap_or_default();
    let values = argument.get_possible_values();
    let explained = values.iter().any(|value| value.get_help().is_some());
    if explained || values.is_empty() || !argument.get_action().takes_values() {
        return argument.help(format!("{help}."));
    }
    let words: Vec<_> = values.iter().map(|value| format!("`{}`", value.get_name())).collect();
    argument.help(format!("{help}: {}.", words.join(", "))).hide_possible_values(true)
}

/// The exit statuses, each with its codes.
fn codes() -> String {
    let classes = [
        (0, "done"),
        (
            1,
            "it ran and failed, or a command of sm that checks found something wrong, whatever its code",
        ),
        (2, "not a request"),
        (3, "refused, and nothing was run"),
        (4, "refused for now"),
        (5, "no privilege to do it with"),
        (6, "refused, since a guarantee could not be kept"),
        (70, "a defect of sm"),
    ];
    let mut text = String::new();
    for (exit, meaning) in classes {
        let words = Code::all().filter(|code| code.exit() == exit).map(Code::word);
        let words: Vec<String> = words.map(|word| format!("\\fB{word}\\fR")).collect();
        assert!(!words.is_empty(), "no code has exit status {exit}");
        let _ = write!(text, ".TP\n\\fB{exit}\\fR\n{meaning}: {}.\n", words.join(", "));
    }
    assert!(
        Code::all().all(|code| classes.iter().any(|class| class.0 == code.exit())),
        "a code has an exit status that is on no page"
    );
    text
}
