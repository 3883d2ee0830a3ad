//! What an administrator gets to read: text for people, one JSON object with `--json`.

use crate::output::text::is_hidden;
use crate::output::wrap;
use crate::reply::SCHEMA;
use crate::request::code::Refusal;
use crate::system::terminal;
use crate::system::trust::Untrusted;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

/// What a command found or did.
#[derive(Debug)]
pub struct Answer {
    text: String,
    fields: Map<String, Value>,
}

impl Answer {
    /// An answer for people.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), fields: Map::new() }
    }

    /// An answer for people, in sentences: broken between words at a terminal's width.
    pub fn prose(text: &str) -> Self {
        Self::text(wrap::wrapped(text, terminal::width(&io::stdout())))
    }

    /// What people get to read.
    pub fn people(&self) -> &str {
        &self.text
    }

    /// With a field for programs.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Serialize) -> Self {
        self.fields.insert(field.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }

    /// With one more line for people.
    #[must_use]
    pub fn line(mut self, line: &str) -> Self {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(line);
        self
    }

    /// As what a check has found: exit status 1, and the same to read.
    pub fn failing(self, refusal: Refusal) -> Failure {
        Failure { text: Some(self.text), fields: self.fields, ..Failure::found(refusal) }
    }

    /// With what another answer says.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.fields.extend(other.fields);
        self.line(&other.text)
    }

    /// With what went well and is still worth a warning, for both.
    #[must_use]
    pub fn warned(mut self, warnings: Vec<String>) -> Self {
        for warning in &warnings {
            let line = format!("{}{warning}", wrap::WARNING);
            let line = wrap::hint(&line, terminal::width(&io::stdout()));
            self = self.line(&line);
        }
        if warnings.is_empty() {
            return self;
        }
        let before = self.fields.remove("warnings").and_then(|all| match all {
            Value::Array(all) => Some(all),
            _ => None,
        });
        let more = warnings.into_iter().map(Value::from);
        let all: Vec<Value> = before.unwrap_or_default().into_iter().chain(more).collect();
        self.with("warnings", all)
    }
}

/// Why a command did not do what it was asked, or what a check found.
#[derive(Debug)]
pub struct Failure {
    // In a box, as an error is seldom and should be cheap to hand on.
    refusal: Box<Refusal>,
    exit: u8,
    text: Option<String>,
    more: Vec<Refusal>,
    fields: Map<String, Value>,
}

impl Failure {
    /// With the exit status that belongs to the code.
    pub fn of(refusal: Refusal) -> Self {
        let exit = refusal.code.exit();
        Self { refusal: Box::new(refusal), exit, text: None, more: Vec::new(), fields: Map::new() }
    }

    /// The same as what a check has found.
    #[must_use]
    pub fn into_found(self) -> Self {
        Self { exit: 1, ..self }
    }

    /// With what people get to read first, on standard output.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// With one more thing to say in the hint.
    #[must_use]
    pub fn hint_too(mut self, more: &str) -> Self {
        let hint = self.refusal.hint.take().map(|hint| format!("{hint}; {more}"));
        self.refusal.hint = Some(hint.unwrap_or_else(|| more.to_owned()));
        self
    }

    /// With what people get to read after it; what programs get is in a field.
    #[must_use]
    pub fn more(mut self, more: Vec<Refusal>) -> Self {
        self.more = more;
        self
    }

    /// What a command that checks has found: exit status 1, whatever the code.
    pub fn found(refusal: Refusal) -> Self {
        Self::of(refusal).into_found()
    }

    /// With a field for programs.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Serialize) -> Self {
        self.fields.insert(field.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }
}

impl Failure {
    /// What programs get.
    fn object(&self) -> Value {
        let Refusal { code, error, hint, .. } = &*self.refusal;
        let mut object = json!({"schema": SCHEMA, "success": false, "code": code, "error": error});
        if let (Some(hint), Some(object)) = (hint, object.as_object_mut()) {
            object.insert("hint".to_owned(), json!(hint));
        }
        merge(&mut object, &self.fields);
        object
    }
}

impl From<Untrusted> for Failure {
    fn from(untrusted: Untrusted) -> Self {
        Self::of(untrusted.into())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::of(refusal)
    }
}

/// The object as text that moves no cursor and turns no line around, whoever wrote what is in it:
/// what could is escaped, and means the same.
fn visible(object: &Value) -> String {
    let mut text = String::new();
    // Only within a string is there anything to escape.
    for c in object.to_string().chars() {
        if is_hidden(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

/// Prints it and gives the exit status.
pub fn print(json: bool, result: Result<Answer, Failure>) -> u8 {
    let (exit, written) = match &result {
        Ok(answer) if json => {
            let mut object = json!({"schema": SCHEMA, "success": true, "code": "ok"});
            merge(&mut object, &answer.fields);
            (0, writeln!(io::stdout(), "{}", visible(&object)))
        }
        Ok(answer) => (0, writeln!(io::stdout(), "{}", answer.text)),
        Err(failure) if json => {
            (failure.exit, writeln!(io::stdout(), "{}", visible(&failure.object())))
        }
        Err(failure) => {
            let first =
                failure.text.as_ref().map_or(Ok(()), |text| writeln!(io::stdout(), "{text}"));
            let mut all = std::iter::once(&*failure.refusal).chain(&failure.more);
            (failure.exit, first.and_then(|()| all.try_for_each(complain)))
        }
    };
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let _ = writeln!(io::stderr(), "sm: the answer could not be written: {error}");
            exit.max(1)
        }
        _ => exit,
    }
}

/// Says what is wrong on standard error, for a command whose standard output is not for that, and
/// gives the exit status.
pub fn print_error(json: bool, failure: &Failure) -> u8 {
    // Nobody is left to be told if that fails.
    let _ = match json {
        true => writeln!(io::stderr(), "{}", visible(&failure.object())),
        false => complain(&failure.refusal),
    };
    failure.exit
}

/// What is refused, gone or wrong.
pub const RED: &str = "\x1b[31m";
/// What is allowed or new.
pub const GREEN: &str = "\x1b[32m";

/// The text in this colour, if standard output shows colours.
pub fn tinted(colour: &str, text: &str) -> String {
    match has_colour(&io::stdout()) {
        true => format!("{colour}{text}\x1b[0m"),
        false => text.to_owned(),
    }
}

/// Whether a person sees colours there, and wants to (`NO_COLOR`).
pub fn has_colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn complain(refusal: &Refusal) -> io::Result<()> {
    let mut stderr = io::stderr();
    let (red, off) = if has_colour(&stderr) { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    let width = terminal::width(&stderr);
    let error = wrap::wrapped(&format!("sm: {}", refusal.error), width);
    let error = error.trim_start_matches("sm:");
    let error = if red.is_empty() { error.to_owned() } else { with_coloured_difference(error) };
    writeln!(stderr, "{red}sm:{off}{error}")?;
    match &refusal.hint {
        Some(hint) => writeln!(stderr, "{}", wrap::hint(&format!("    {hint}"), width)),
        None => Ok(()),
    }
}

/// The lines of a difference below an error, in their colours.
fn with_coloured_difference(error: &str) -> String {
    let coloured = |line: &str| match line.get(..2) {
        Some("- ") => format!("{RED}{line}\x1b[0m"),
        Some("+ ") => format!("{GREEN}{line}\x1b[0m"),
        _ => line.to_owned(),
    };
    error.split('\n').map(coloured).collect::<Vec<_>>().join("\n")
}

fn merge(object: &mut Value, fields: &Map<String, Value>) {
    if let Some(object) = object.as_object_mut() {
        object.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_its_colours() {
        let text = with_coloured_difference(" x is not as it should be:\n- old\n+ new");
        assert_eq!(
            text,
            format!(" x is not as it should be:\n{RED}- old\x1b[0m\n{GREEN}+ new\x1b[0m")
        );
    }

    #[test]
    fn an_object_is_the_same_and_moves_no_cursor() {
        let text = "\u{9b}31m\u{202e}\u{7f}\u{e0041}\u{10fffd}\x1b[2J\n\"\\é𝔘";
        let object = json!({text: [text]});
        let written = visible(&object);
        assert!(!written.chars().any(is_hidden) && written.contains("é𝔘"), "{written}");
        assert_eq!(serde_json::from_str::<Value>(&written).expect("JSON"), object);
    }
}
