//! Command lines that have a secret as an argument of their own, or give it to standard input.

use std::ops::Range;

/// What gives away that an argument is a secret.
struct Row {
    /// The program, and the word that must come later.
    program: &'static str,
    verb: Option<&'static str>,
    /// An option, one letter, that must be there: else the program asks.
    option: Option<char>,
    /// The options of one letter whose value is a word of its own.
    valued: &'static str,
    /// Which of the arguments that are no options it is, behind the verb.
    place: usize,
}

const fn row(program: &'static str, verb: Option<&'static str>, place: usize) -> Row {
    Row { program, verb, option: None, valued: "", place }
}

const ROWS: [Row; 8] = [
    Row { option: Some('b'), valued: "Cr", ..row("htpasswd", None, 2) },
    Row { option: Some('6'), ..row("openssl", Some("passwd"), 0) },
    Row { option: Some('5'), ..row("openssl", Some("passwd"), 0) },
    Row { option: Some('m'), valued: "mRS", ..row("mkpasswd", None, 0) },
    row("mysqladmin", Some("password"), 0),
    row("mariadb-admin", Some("password"), 0),
    row("rabbitmqctl", Some("add_user"), 1),
    row("rabbitmqctl", Some("change_password"), 1),
];

/// What prints a secret into a pipe, and what reads it there.
const PRINTERS: [&str; 2] = ["echo", "printf"];
const READERS: [&str; 3] = ["chgpasswd", "chpasswd", "passwd"];

/// The most words that are looked at.
const WORDS: usize = 16;

/// The secret among the arguments of the program whose name begins at `at`. `value` gives what
/// begins somewhere as one word.
pub fn secret(
    line: &str,
    at: usize,
    value: impl Fn(usize) -> Range<usize>,
) -> Option<Range<usize>> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
    let name = &line[at..at + line[at..].bytes().take(16).take_while(is_name).count()];
    let is_known = ROWS.iter().any(|row| row.program == name)
        || PRINTERS.contains(&name)
        || READERS.contains(&name);
    let behind = at + name.len();
    if !is_known || !line[behind..].starts_with([' ', '\t']) {
        return None;
    }
    let (words, end) = words(line, behind, value);
    let text = |word: &Range<usize>| &line[word.clone()];
    if PRINTERS.contains(&name) {
        let printed = words.iter().find(|word| !text(word).starts_with('-'))?;
        return is_read(&line[end..]).then(|| behind_account(line, printed.clone()));
    }
    if READERS.contains(&name) {
        let is_here = words.iter().position(|word| text(word) == "<<<")?;
        return Some(behind_account(line, words.get(is_here + 1)?.clone()));
    }
    ROWS.iter().filter(|row| row.program == name).find_map(|row| of_row(row, &words, text))
}

fn of_row<'l>(
    row: &Row,
    words: &[Range<usize>],
    text: impl Fn(&Range<usize>) -> &'l str,
) -> Option<Range<usize>> {
    let first = match row.verb {
        None => 0,
        Some(verb) => words.iter().position(|word| text(word) == verb)? + 1,
    };
    let (mut operands, mut letters, mut is_value) = (Vec::new(), String::new(), false);
    for word in words.get(first..)? {
        let is_option = text(word).starts_with('-');
        if is_option {
            letters.push_str(text(word));
        } else if !is_value {
            operands.push(word);
        }
        is_value = is_option && text(word).ends_with(|last| row.valued.contains(last));
    }
    if row.option.is_some_and(|option| !letters.contains(option)) {
        return None;
    }
    // With -n `htpasswd` prints, and is given no file.
    let is_printed = row.program == "htpasswd" && letters.contains('n');
    let secret = operands.get(row.place - usize::from(is_printed))?;
    // A placeholder of a help text.
    (!text(secret).starts_with(['<', '['])).then(|| (*secret).clone())
}

/// The words of one command from here on, and where it ends.
fn words(
    line: &str,
    from: usize,
    value: impl Fn(usize) -> Range<usize>,
) -> (Vec<Range<usize>>, usize) {
    let (mut words, mut at) = (Vec::new(), from);
    while words.len() < WORDS {
        at = line.len() - line[at..].trim_start_matches([' ', '\t']).len();
        if at == line.len() || line[at..].starts_with(['|', ';', '&']) {
            break;
        }
        let rest = &line[at..];
        let whole = at + rest.find([' ', '\t']).unwrap_or(rest.len());
        let is_quoted = rest.starts_with(['"', '\'']) || rest.starts_with("\\\"");
        let word = if is_quoted { value(at) } else { at..whole };
        at = if is_quoted {
            let after = &line[word.end..];
            word.end + after.find([' ', '\t']).unwrap_or(after.len())
        } else {
            whole
        };
        words.push(word);
    }
    (words, at)
}

/// Whether what follows is a pipe into what reads passwords.
fn is_read(rest: &str) -> bool {
    let Some(command) = rest.strip_prefix('|') else { return false };
    let command = &command[..command.find(['|', ';', '&']).unwrap_or(command.len())];
    let mut words = command.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    let reader = words.find(|word| READERS.contains(word));
    // `passwd` asks the terminal unless it is told not to.
    reader.is_some_and(|reader| reader != "passwd" || words.any(|word| word == "--stdin"))
}

/// Without the account before it: `bob:SECRET`.
fn behind_account(line: &str, word: Range<usize>) -> Range<usize> {
    let sign = line[word.clone()].find(':').map_or(0, |at| at + 1);
    word.start + sign..word.end
}
