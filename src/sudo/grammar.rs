//! A line of sudo's configuration, read as sudo reads it (`sudoers(5)`, "SUDOERS FILE FORMAT"), as
//! far as whom it is for and what it names.

/// A line, its continuations joined.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// `Defaults:agent !requiretty, umask=0022`
    Settings {
        /// For what: `:` and users, `@` and hosts, `>` and as whom, `!` and commands; none for all.
        scope: Option<(char, Vec<String>)>,
        /// What is set: `!requiretty`, `umask=0022`.
        settings: Vec<String>,
    },
    /// `User_Alias OPS = a, b`, one of each definition.
    Aliases(
        /// The name and what it stands for.
        Vec<(String, Vec<String>)>,
    ),
    /// A rule.
    Rule {
        /// For whom: `agent`, `%sudo`, `#1000`, `OPS`.
        users: Vec<String>,
        /// What they may run, or may not.
        commands: Vec<Command>,
    },
}

/// A command of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What is said of a password: `NOPASSWD` is true, `PASSWD` false; none if neither is.
    pub is_free: Option<bool>,
    /// The tags and options in force: `NOEXEC`, `SETENV`, `CHROOT=/srv`.
    pub tags: Vec<String>,
    /// The command with its arguments or the alias, as it is meant; one that is removed begins
    /// with `!`.
    pub text: String,
}

/// Reads a line; none if it is empty, a comment, or includes something.
pub fn line(text: &str) -> Option<Line> {
    let text = without_comment(text).trim();
    if text.is_empty() || text.starts_with(['@', '#']) && !text[1..].starts_with(is_digit) {
        return None;
    }
    if let Some(rest) = text.strip_prefix("Defaults") {
        return settings(rest);
    }
    for kind in ["User_Alias", "Runas_Alias", "Host_Alias", "Cmnd_Alias", "Cmd_Alias"] {
        if let Some(rest) = text.strip_prefix(kind).filter(|rest| rest.starts_with([' ', '\t'])) {
            let definition = |one: &str| {
                let (name, members) = one.split_once('=')?;
                Some((name.trim().to_owned(), list(members)))
            };
            return Some(Line::Aliases(
                parts(rest, ':').into_iter().filter_map(definition).collect(),
            ));
        }
    }
    rule(text)
}

fn settings(rest: &str) -> Option<Line> {
    let mut rest = rest;
    let mut scope = None;
    if let Some(mark) = rest.chars().next().filter(|mark| [':', '@', '>', '!'].contains(mark)) {
        let end = end_of_list(&rest[1..])? + 1;
        scope = Some((mark, list(&rest[1..end])));
        rest = &rest[end..];
    }
    // `env_keep += "A B"` has the blanks around its sign removed.
    let plain = |one: &str| {
        let one = one.trim();
        let Some(at) = one.find('=') else { return one.to_owned() };
        let (name, value) = one.split_at(at);
        let (name, sign) = match name.trim_end().strip_suffix(['+', '-']) {
            Some(bare) => (bare, &name.trim_end()[bare.len()..]),
            None => (name, ""),
        };
        format!("{}{sign}={}", name.trim(), value[1..].trim())
    };
    let settings = parts(rest, ',').into_iter().map(plain).filter(|one| !one.is_empty()).collect();
    Some(Line::Settings { scope, settings })
}

fn rule(text: &str) -> Option<Line> {
    let end = end_of_list(text)?;
    let users = list(&text[..end]);
    let mut commands = Vec::new();
    // `HOSTS = COMMANDS : HOSTS = COMMANDS`
    let mut rest = after(&text[end..], '=')?;
    loop {
        let next = next_hosts(rest);
        commands_of(next.map_or(rest, |(end, _)| &rest[..end]), &mut commands);
        match next {
            Some((_, begin)) => rest = &rest[begin..],
            None => return Some(Line::Rule { users, commands }),
        }
    }
}

/// Where the commands of the first hosts end and those of the next begin.
fn next_hosts(text: &str) -> Option<(usize, usize)> {
    for (at, _) in unescaped(text).filter(|(_, c)| *c == ':') {
        let (before, behind) = (&text[..at], &text[at + 1..]);
        // A tag's colon stands behind a word in capitals, that of `(ALL:ALL)` in parentheses.
        let word = before.rsplit([' ', '\t', ',', ')', ':']).next().unwrap_or_default();
        let is_tag = !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let is_digest = word.starts_with("sha");
        if !is_tag
            && !is_digest
            && let Some(commands) = after(behind, '=')
        {
            return Some((at, text.len() - commands.len()));
        }
    }
    None
}

fn commands_of(text: &str, commands: &mut Vec<Command>) {
    let (mut is_free, mut tags) = (None, Vec::<String>::new());
    for one in parts(text, ',') {
        let mut one = one.trim();
        if one.starts_with('(') {
            one = one.split_once(')').map_or("", |(_, rest)| rest).trim_start();
        }
        loop {
            let word = one.split([' ', '\t']).next().unwrap_or_default();
            let is_name = |name: &str| {
                !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
            };
            if let Some((tag, rest)) = one.split_once(':').filter(|(tag, _)| is_name(tag.trim())) {
                match tag.trim() {
                    "NOPASSWD" => is_free = Some(true),
                    "PASSWD" => is_free = Some(false),
                    tag => {
                        tags.retain(|old| {
                            old.trim_start_matches("NO") != tag.trim_start_matches("NO")
                        });
                        tags.push(tag.to_owned());
                    }
                }
                one = rest.trim_start();
            } else if word.split_once('=').is_some_and(|(name, _)| is_name(name)) {
                tags.push(word.to_owned());
                one = one[word.len()..].trim_start();
            } else if word.starts_with("sha") && word.contains(':') {
                one = one[word.len()..].trim_start();
            } else {
                break;
            }
        }
        if !one.is_empty() {
            let text = plain(one);
            commands.push(Command { is_free, tags: tags.clone(), text });
        }
    }
}

/// A command as it is meant: what is escaped plain, blanks single. Also what sudo lists, which is
/// escaped as it is written with sudo and as it is meant with sudo-rs.
pub fn plain(command: &str) -> String {
    let words = command.replace('\\', "");
    words.split_whitespace().collect::<Vec<_>>().join(" ").replace("! ", "!")
}

/// Each member, its quotes removed.
fn list(text: &str) -> Vec<String> {
    let members = parts(text, ',').into_iter().map(|one| one.trim().trim_matches('"'));
    members.filter(|one| !one.is_empty()).map(plain).collect()
}

/// Where a list that ends with a blank ends: those around a comma or behind `!` are in it.
fn end_of_list(text: &str) -> Option<usize> {
    let mut end = None;
    let mut goes_on = true;
    for (at, c) in unescaped(text) {
        if c == ' ' || c == '\t' {
            end = end.or((!goes_on).then_some(at));
        } else if c == ',' {
            (goes_on, end) = (true, None);
        } else if end.is_some() {
            return end;
        } else {
            goes_on = c == '!';
        }
    }
    None
}

/// What stands behind the first such character that is not escaped.
fn after(text: &str, wanted: char) -> Option<&str> {
    let (at, _) = unescaped(text).find(|(_, c)| *c == wanted)?;
    Some(&text[at + 1..])
}

/// The parts between such characters, if these are not escaped, quoted or in parentheses.
fn parts(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut begin, mut deep) = (0, 0_u32);
    for (at, c) in unescaped(text) {
        match c {
            '(' => deep += 1,
            ')' => deep = deep.saturating_sub(1),
            c if c == separator && deep == 0 => {
                parts.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    parts
}

/// The characters that are neither escaped nor quoted, and where they are.
fn unescaped(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut is_escaped, mut is_quoted) = (false, false);
    text.char_indices().filter(move |(_, c)| {
        if is_escaped {
            is_escaped = false;
            return false;
        }
        match c {
            '\\' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => return !is_quoted,
        }
        false
    })
}

/// The text up to a comment. `#1000` is an account's number, and `#include` is none of them.
fn without_comment(text: &str) -> &str {
    let is_comment = |(at, c): &(usize, char)| *c == '#' && !text[at + 1..].starts_with(is_digit);
    match unescaped(text).find(is_comment) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn a_line_is_read_as_sudo_reads_it() {
        cases::each("sudoers/lines", |case| {
            let lines = case.input("sudoers").lines().filter_map(line);
            let told = |line| match line {
                Line::Settings { scope, settings } => {
                    json!({"scope": scope, "settings": settings})
                }
                Line::Aliases(aliases) => json!({"aliases": aliases}),
                Line::Rule { users, commands } => {
                    let told = |one: &Command| json!({"is_free": one.is_free, "tags": one.tags, "text": one.text});
                    json!({"users": users, "commands": commands.iter().map(told).collect::<Vec<_>>()})
                }
            };
            lines.map(told).collect()
        });
    }
}
