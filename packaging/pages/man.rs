//! Manual pages: the text of people, with what the program knows of itself in its places.

use super::grammar::{Flag, Kind, Place};
use crate::request::code::Code;
use std::fmt::Write as _;

/// A page from its text. In it a line `.\" commands` and the like stands for what is made here.
pub fn page(text: &str, program: &Place) -> String {
    let mut page = String::new();
    for line in text.lines() {
        let made = match line.strip_prefix(r#".\" "#) {
            Some("made") => {
                ".\\\" Made by packaging/pages/write, from packaging/pages.\n".to_owned()
            }
            Some("synopsis") => synopsis(program),
            Some("commands") => commands(program),
            Some("options") => options(&program.flags),
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
        for word in line.split(' ') {
            // A word that would be taken for a request stays where it is.
            let breaks = length + word.len() >= WIDTH && !word.starts_with(['.', '\'']);
            if length > 0 {
                filled.push(if breaks { '\n' } else { ' ' });
            }
            length =
                if breaks { word.len() } else { length + word.len() + usize::from(length > 0) };
            filled.push_str(word);
        }
        filled.push('\n');
    }
    filled
}

/// Text as it is, for roff: no dash, backslash or line of it means anything else.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => plain.push_str("\\e"),
            '-' => plain.push_str("\\-"),
            '\'' => plain.push_str("\\(aq"),
            '`' => plain.push_str("\\(ga"),
            '^' => plain.push_str("\\(ha"),
            '~' => plain.push_str("\\(ti"),
            _ if letter.is_ascii() => plain.push(letter),
            _ => {
                let _ = write!(plain, "\\[u{:04X}]", u32::from(letter));
            }
        }
    }
    if plain.starts_with('.') { format!("\\&{plain}") } else { plain }
}

/// What is marked as code in a sentence is bold.
pub fn sentence(text: &str) -> String {
    let mut line = String::new();
    for (number, part) in text.split('`').enumerate() {
        match number % 2 {
            1 => {
                let _ = write!(line, "\\fB{}\\fR", plain(part));
            }
            _ => line.push_str(&plain(part).replace("\\-", "-")),
        }
    }
    line
}

fn synopsis(program: &Place) -> String {
    leaves(program)
        .iter()
        .map(|place| format!(".br\n{}\n", usage(place)))
        .collect::<String>()
        .replacen(".br\n", "", 1)
}

/// The places where a command ends.
fn leaves(place: &Place) -> Vec<&Place> {
    if place.commands.is_empty() || place.passes_on {
        return vec![place];
    }
    place.commands.iter().flat_map(leaves).collect()
}

/// The program in bold, what is to be put in italic.
fn usage(place: &Place) -> String {
    let (command, rest) = place.usage.split_at(place.path.join(" ").len());
    let mut line = format!("\\fB{}\\fR", plain(command));
    let mut open = false;
    for letter in rest.chars() {
        match letter {
            '<' | '>' if open == (letter == '>') => {
                open = letter == '<';
                line.push_str(if open { "\\fI" } else { "\\fR" });
            }
            _ => line.push_str(&plain(&letter.to_string())),
        }
    }
    line
}

fn commands(program: &Place) -> String {
    let mut text = String::new();
    let global: Vec<&str> = program.flags.iter().map(|flag| flag.long.as_str()).collect();
    for place in leaves(program) {
        let _ = write!(text, ".SS {}\n{}.\n", plain(&place.path.join(" ")), sentence(&place.about));
        let _ = write!(text, ".PP\n{}\n", usage(place));
        for word in place.words.iter().filter(|word| !word.help.is_empty()) {
            let _ = write!(text, ".TP\n\\fI{}\\fR\n{}", plain(&word.name), sentence(&word.help));
            if let Kind::Words(words) = &word.kind {
                let words: Vec<String> =
                    words.iter().map(|word| format!("\\fB{}\\fR", plain(word))).collect();
                let _ = write!(text, ": {}", words.join(", "));
            }
            text.push_str(".\n");
        }
        for flag in &place.flags {
            // Those of every command have a section of their own.
            if !global.contains(&flag.long.as_str()) {
                text.push_str(&option(flag));
            }
        }
    }
    text
}

fn options(flags: &[Flag]) -> String {
    flags.iter().map(option).collect()
}

fn option(flag: &Flag) -> String {
    let mut head = String::new();
    if let Some(short) = &flag.short {
        let _ = write!(head, "\\fB{}\\fR, ", plain(short));
    }
    let _ = write!(head, "\\fB{}\\fR", plain(&flag.long));
    if let Some((name, _)) = &flag.value {
        let _ = write!(head, " \\fI{}\\fR", plain(name));
    }
    let mut text = format!(".TP\n{head}\n{}", sentence(&flag.help));
    if let Some((_, Kind::Words(words))) = &flag.value {
        let words: Vec<String> =
            words.iter().map(|word| format!("\\fB{}\\fR", plain(word))).collect();
        let _ = write!(text, ": {}", words.join(", "));
    }
    text + ".\n"
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
