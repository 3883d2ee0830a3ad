//! What is wrong with a text that is not TOML, in words for somebody who has never read of it.

use crate::policy::meant::{plain, word};
use crate::policy::table::{PolicyError, Source};
use toml::de::Error;

/// What a policy looks like.
const EXAMPLE: &str = "a policy begins with: schema = 1, then sections: [services] with actions = [\"restart\", \"status\"], [services.units.myapp]. To have one written: sm policy init";

/// Characters that look like others.
const LOOK_ALIKES: [(char, &str, &str); 18] = [
    ('\u{201c}', "is not a plain quote", "write \""),
    ('\u{201d}', "is not a plain quote", "write \""),
    ('\u{201e}', "is not a plain quote", "write \""),
    ('\u{201f}', "is not a plain quote", "write \""),
    ('\u{00ab}', "is not a plain quote", "write \""),
    ('\u{00bb}', "is not a plain quote", "write \""),
    ('\u{2033}', "is not a plain quote", "write \""),
    ('\u{2018}', "is not a plain quote", "write \""),
    ('\u{2019}', "is not a plain quote", "write \""),
    ('\u{00b4}', "is not a plain quote", "write \""),
    ('\u{00a0}', "is not a plain space", "delete it, and type a space"),
    ('\u{202f}', "is not a plain space", "delete it, and type a space"),
    ('\u{3000}', "is not a plain space", "delete it, and type a space"),
    ('\u{200b}', "cannot be seen", "delete it"),
    ('\u{feff}', "cannot be seen", "delete it"),
    ('\u{2013}', "is not a plain hyphen", "write -"),
    ('\u{2014}', "is not a plain hyphen", "write -"),
    ('\u{ff1d}', "is not a plain equals sign", "write ="),
];

/// Keys whose value is a list of words.
const LISTS: [&str; 8] =
    ["actions", "maintenance", "services", "packages", "tasks", "argv", "check", "instances"];

/// All that is wrong, one in a line: what follows there is most often of the same cause.
pub fn mistakes(source: &Source<'_>, text: &str, errors: &[Error]) -> Vec<PolicyError> {
    if let Some(other) = other_format(source, text).filter(|_| !errors.is_empty()) {
        return vec![other];
    }
    let mut mistakes: Vec<PolicyError> =
        errors.iter().map(|each| one(source, text, each)).collect();
    mistakes.sort_by_key(|each| (each.line, each.column));
    mistakes.dedup_by_key(|each| each.line);
    mistakes
}

/// A text that is something else from its first line on.
fn other_format(source: &Source<'_>, text: &str) -> Option<PolicyError> {
    let lines = text.split_inclusive('\n').scan(0, |end, line| {
        *end += line.len();
        Some((*end - line.len(), line.trim().trim_start_matches('\u{feff}')))
    });
    let (at, line) =
        lines.into_iter().find(|(_, line)| !line.is_empty() && !line.starts_with('#'))?;
    let key =
        line.split_once(':').map(|(key, rest)| (key, rest.is_empty() || rest.starts_with(' ')));
    let is_yaml = line == "---"
        || key.is_some_and(|(key, ends)| {
            ends && !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
    let format = if line.contains("NOPASSWD") || line.contains("ALL=") || line.contains("ALL =") {
        "a line of sudoers"
    } else if line.starts_with('{') {
        "JSON"
    } else if line.starts_with('<') {
        "HTML or XML"
    } else if is_yaml {
        "YAML"
    } else {
        return None;
    };
    let message = format!("this is not TOML: it looks like {format}");
    Some(source.error(at..at, message, Some(EXAMPLE.to_owned())))
}

fn one(source: &Source<'_>, text: &str, error: &Error) -> PolicyError {
    let printed = error.message().replace('\n', ", ");
    let at = error.span().unwrap_or(0..0);
    let start = text.get(..at.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let line = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    let code = line.split('#').next().unwrap_or_default();
    let seen = plain(code);
    if let Some((place, alike)) = code
        .char_indices()
        .find_map(|(place, c)| Some((place, LOOK_ALIKES.iter().find(|(other, ..)| *other == c)?)))
    {
        let (c, what, instead) = alike;
        let message = format!(
            "this is not TOML: the character {}(U+{:04X}) {what}",
            shown(*c),
            u32::from(*c)
        );
        let at = start + place;
        return source.error(at..at, message, Some((*instead).to_owned()));
    }
    let rest = text.get(at.start..).unwrap_or_default();
    let hint = hint(&printed, seen.trim(), rest);
    source.error(at, format!("this is not TOML: {printed}"), hint)
}

/// A character, where it can be seen, with a space behind it.
fn shown(c: char) -> String {
    let is_seen = !c.is_whitespace() && !['\u{200b}', '\u{feff}'].contains(&c);
    if is_seen { format!("`{c}` ") } else { String::new() }
}

/// The words of a list without its quotes, with them.
fn quoted(value: &str) -> String {
    let words = value.split([',', ' ', '[', ']', '"', '\'']).filter(|word| !word.is_empty());
    words.map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
}

/// What to write instead, by what the parser says, the line, and the text from the place on.
fn hint(printed: &str, line: &str, rest: &str) -> Option<String> {
    let found = plain(rest.split(['\n', ',', ']', '}', ' ', '#']).next().unwrap_or_default());
    let found = found.as_str();
    if printed == "duplicate key" {
        return Some("each section and each key stands once: put the two together".to_owned());
    }
    if printed.starts_with("carriage return") {
        return Some("save the file with a line feed at the end of each line".to_owned());
    }
    if line.starts_with("//") || line.starts_with(';') {
        return Some("a comment begins with #".to_owned());
    }
    if printed.starts_with("invalid boolean") || ["yes", "on", "True", "TRUE"].contains(&found) {
        let is_no = found.to_lowercase().starts_with('f');
        return Some(format!("write {}, in small letters", if is_no { "false" } else { "true" }));
    }
    if ["no", "off", "False", "FALSE"].contains(&found) {
        return Some("write false, in small letters".to_owned());
    }
    if line.starts_with('[') && printed.contains("array") {
        return Some("a list before this line has no end: write ]".to_owned());
    }
    if rest.starts_with(';') || found.ends_with(';') {
        return Some("nothing stands at the end of a line: remove the ;".to_owned());
    }
    if line.starts_with('[') && line.len() > 1 {
        return header(line);
    }
    if let Some((key, value)) = line.split_once(':').filter(|(key, _)| !key.contains(['=', '"'])) {
        return Some(format!("write {} = {}", key.trim(), value.trim()));
    }
    if printed.starts_with("string values must be quoted") && !found.is_empty() {
        return Some(match line.split_once('=').map(|(key, value)| (key.trim(), value)) {
            Some((key, value)) if LISTS.contains(&key) => {
                format!("write {key} = [{}]", quoted(value))
            }
            _ => format!("write {found:?}, with the quotes"),
        });
    }
    if line.contains("==") {
        return Some("write one =".to_owned());
    }
    if printed.contains("array") || line.contains('[') {
        return Some("a list is written so: [\"restart\", \"status\"]".to_owned());
    }
    if printed.contains("basic string") || printed.contains("quote") {
        return Some("a word has a quote before and after it: \"restart\"".to_owned());
    }
    match rest.chars().next() {
        Some(',') => Some("several words are a list: [\"restart\", \"status\"]".to_owned()),
        _ if printed.contains("expected `=`") => {
            Some("a line is a section, [services], or a key with a value, schema = 1".to_owned())
        }
        _ => None,
    }
}

/// A section's header as it would be right.
fn header(line: &str) -> Option<String> {
    let inside = line.trim_start_matches('[').trim_end_matches([']', ';']).trim();
    let holders = ["services.units.", "packages.names.", "tasks.", "callers."];
    let Some((holder, name)) =
        holders.iter().find_map(|holder| Some((*holder, inside.strip_prefix(holder)?)))
    else {
        return Some("a section is written so: [services], or [services.units.myapp]".to_owned());
    };
    if name.contains(',') {
        return Some(format!("write a section for each name: [{holder}NAME]"));
    }
    let name = name.trim_matches(['"', '\'']);
    Some(format!("write [{holder}{}]", word(name)))
}
