//! Reads TOML key by key. Every mistake has a file, a line and a column, and an unknown key is a
//! mistake.

use crate::output::nearest::nearest;
use crate::policy::meant;
use crate::request::name::NameError;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::{Range, RangeInclusive};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A mistake in a policy, and its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct PolicyError {
    /// The file, as messages name it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The mistake, in one sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether it is about the keys of a table. After a header that could not be read, keys belong to
    /// another table than was meant.
    pub is_of_keys: bool,
}

/// All mistakes in a policy, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    first: PolicyError,
    others: Vec<PolicyError>,
}

impl Mistakes {
    /// The most that a report has.
    const SHOWN: usize = 100;

    /// These mistakes, if there are any.
    pub fn of(mut all: Vec<PolicyError>) -> Option<Self> {
        all.sort_by_key(|each| (each.line, each.column));
        all.dedup();
        all.truncate(Self::SHOWN);
        let mut all = all.into_iter();
        Some(Self { first: all.next()?, others: all.collect() })
    }

    /// The first mistake.
    pub fn first(&self) -> &PolicyError {
        &self.first
    }

    /// Every mistake.
    pub fn iter(&self) -> impl Iterator<Item = &PolicyError> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl fmt::Display for Mistakes {
    /// One sentence: the first mistake, and how many follow.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.others.len() {
            0 => write!(f, "{}", self.first),
            1 => write!(f, "{}, and 1 more mistake", self.first),
            more => write!(f, "{}, and {more} more mistakes", self.first),
        }
    }
}

/// A number that a policy can have.
pub trait Number: TryFrom<u64> + PartialOrd + fmt::Display {}
impl Number for u32 {}
impl Number for u64 {}

/// The text that is parsed, the place of each line, and the mistakes found. Code that reads a part
/// notes its mistakes and goes on, so that all are reported at once.
#[derive(Debug)]
pub struct Source<'s> {
    file: &'s str,
    text: &'s str,
    line_starts: Vec<usize>,
    mistakes: RefCell<Vec<PolicyError>>,
    misses_names: Cell<bool>,
    /// The tables with unknown keys. A key that one of them lacks may be misspelt.
    strange: RefCell<Vec<String>>,
}

/// The byte at which each line begins, to find a line by binary search.
fn line_starts(text: &str) -> Vec<usize> {
    let after_breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    std::iter::once(0).chain(after_breaks.map(|(at, _)| at + 1)).collect()
}

impl<'s> Source<'s> {
    /// Makes a source of this text; `file` is only used in messages.
    pub fn new(file: &'s str, text: &'s str) -> Self {
        Self {
            file,
            text,
            line_starts: line_starts(text),
            mistakes: RefCell::new(Vec::new()),
            misses_names: Cell::new(false),
            strange: RefCell::new(Vec::new()),
        }
    }

    /// The value; none if it is a mistake, which is noted.
    pub fn note<T>(&self, result: Result<T, PolicyError>) -> Option<T> {
        result.map_err(|error| self.mistakes.borrow_mut().push(error)).ok()
    }

    /// The same for a value that holds names. After a mistake there, a name that is not found later
    /// may not be missing at all.
    pub fn note_names<T>(&self, result: Result<T, PolicyError>) -> Option<T> {
        if result.is_err() {
            self.miss_names();
        }
        self.note(result)
    }

    /// Notes that a mistake may have hidden names.
    pub fn miss_names(&self) {
        self.misses_names.set(true);
    }

    /// Whether a mistake so far may have hidden names.
    pub fn misses_names(&self) -> bool {
        self.misses_names.get()
    }

    /// The mistakes that were noted.
    pub fn mistakes(self) -> Vec<PolicyError> {
        self.mistakes.into_inner()
    }

    /// The line that holds the byte at `at`, from 1.
    pub fn line(&self, at: usize) -> u32 {
        self.line_starts.partition_point(|start| *start <= at) as u32
    }

    /// A mistake at these bytes.
    pub fn error(&self, at: Range<usize>, message: String, hint: Option<String>) -> PolicyError {
        let line = self.line(at.start) as usize;
        let start = self.line_starts[line - 1];
        let column = self.text.get(start..at.start).map_or(0, |before| before.chars().count()) + 1;
        PolicyError { file: self.file.to_owned(), line, column, message, hint, is_of_keys: false }
    }

    /// A mistake in the name at these bytes, with what it could be.
    pub fn wrong_name(&self, at: Range<usize>, text: &str, error: &NameError) -> PolicyError {
        self.error(at, error.to_string(), Some(meant::name(text, error.hint())))
    }

    /// The byte with which a line begins; lines count from 1.
    pub fn start_of(&self, line: u32) -> usize {
        self.line_starts[line as usize - 1]
    }

    fn wrong_kind(
        &self,
        value: &Spanned<DeValue<'_>>,
        wanted: &str,
        hint: Option<String>,
    ) -> PolicyError {
        let found = value.get_ref().type_str();
        let article = if found.starts_with(['a', 'i']) { "an" } else { "a" };
        self.error(value.span(), format!("{wanted} is needed here, not {article} {found}"), hint)
    }

    /// The value as a string.
    pub fn string<'v>(&self, value: &'v Spanned<DeValue<'_>>) -> Result<&'v str, PolicyError> {
        value.get_ref().as_str().ok_or_else(|| self.wrong_kind(value, "a string", None))
    }

    /// The items of the value, an array.
    pub fn array<'v>(
        &self,
        value: &'v Spanned<DeValue<'v>>,
    ) -> Result<Vec<&'v Spanned<DeValue<'v>>>, PolicyError> {
        let array = value.get_ref().as_array().ok_or_else(|| {
            // Several words in one string were meant as several strings.
            let words = |text: &str| {
                let words = text.split([' ', ',']).filter(|word| !word.is_empty());
                words.map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
            };
            let hint = match value.get_ref() {
                DeValue::String(text) => format!("write [{}]", words(text)),
                DeValue::Table(table) => {
                    let keys: Vec<&str> = table.keys().map(|key| key.get_ref().as_ref()).collect();
                    format!("write [{}]", words(&keys.join(" ")))
                }
                _ => "a list is written so: [\"restart\", \"status\"]".to_owned(),
            };
            let hint = Some(hint);
            self.wrong_kind(value, "an array", hint)
        })?;
        Ok(array.iter().collect())
    }

    /// The value as a number in this range.
    pub fn integer<N: Number>(
        &self,
        value: &Spanned<DeValue<'_>>,
        range: RangeInclusive<N>,
    ) -> Result<N, PolicyError> {
        let number = value.get_ref().as_integer().ok_or_else(|| {
            let text = value.get_ref().as_str().map(|text| text.trim_end_matches(['s', ' ']));
            let bare = text.filter(|text| text.parse::<u64>().is_ok());
            let hint = match bare {
                Some(bare) => format!("write {bare}, without quotes"),
                None => "write it without quotes, a point or a unit".to_owned(),
            };
            self.wrong_kind(value, "a whole number", Some(hint))
        })?;
        let read = u64::from_str_radix(number.as_str(), number.radix());
        match read.ok().and_then(|number| N::try_from(number).ok()) {
            Some(number) if range.contains(&number) => Ok(number),
            _ => Err(self.error(
                value.span(),
                format!("{number} is not between {} and {}", range.start(), range.end()),
                None,
            )),
        }
    }

    /// The value that `word` stands for.
    pub fn one_of<T: Copy>(
        &self,
        at: Range<usize>,
        word: &str,
        words: &[(&str, T)],
        what: &str,
    ) -> Result<T, PolicyError> {
        if let Some((_, value)) = words.iter().find(|(known, _)| *known == word) {
            return Ok(*value);
        }
        let known = words.iter().map(|(word, _)| *word);
        let all = known.clone().collect::<Vec<_>>().join(", ");
        let hint = match nearest(word, known) {
            Some(near) => format!("did you mean {near:?}? There are: {all}"),
            None => format!("there are: {all}"),
        };
        Err(self.error(at, format!("{word:?} is not {what}"), Some(hint)))
    }
}

/// A table whose keys were all checked first: a key that seems to be missing is more often one that
/// was misspelt.
#[derive(Debug)]
pub struct Table<'t> {
    source: &'t Source<'t>,
    table: &'t DeTable<'t>,
    at: Range<usize>,
    /// Its keys from the top, as in a header: `services.units.nginx`; empty for the whole policy.
    path: String,
}

impl<'t> Table<'t> {
    /// The whole policy, which may have only these keys.
    pub fn whole(source: &'t Source<'t>, root: &'t Spanned<DeTable<'t>>, keys: &[&str]) -> Self {
        Self { source, table: root.get_ref(), at: root.span(), path: String::new() }.only(keys)
    }

    /// Its name in messages.
    fn name(&self) -> String {
        if self.path.is_empty() { "the policy".to_owned() } else { format!("[{}]", self.path) }
    }

    /// The path of one of its keys.
    fn below(&self, key: &str) -> String {
        let word = meant::word(key);
        if self.path.is_empty() { word } else { format!("{}.{word}", self.path) }
    }

    /// This table. Any other key in it is noted as a mistake.
    fn only(self, keys: &[&str]) -> Self {
        for key in self.table.keys() {
            let value = self.table.get(key.get_ref().as_ref());
            let is_name =
                value.is_some_and(|value| meant::is_an_account(&self.path, value.get_ref()));
            if keys.contains(&key.get_ref().as_ref()) && !is_name {
                continue;
            }
            let hint =
                value.map(|value| meant::key(&self.path, key.get_ref(), value.get_ref(), keys));
            let message = format!("{} has no key {:?}", self.name(), key.get_ref());
            let error = self.source.error(key.span(), message, hint);
            let error = PolicyError { is_of_keys: true, ..error };
            self.source.strange.borrow_mut().push(self.path.clone());
            // An unknown key in the table of a name hides no name.
            match self.path.contains('.') {
                true => self.source.note::<()>(Err(error)),
                false => self.source.note_names::<()>(Err(error)),
            };
        }
        self
    }

    /// The value of a key; none if it is missing.
    pub fn optional(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.table.get(key)
    }

    /// The value of a required key; `example` shows what it could be.
    pub fn required(&self, key: &str, example: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        if self.optional(key).is_none() && self.may_be_misspelt() {
            return None;
        }
        let value = self.optional(key).ok_or_else(|| {
            let message = format!("{} needs the key {key:?}", self.name());
            let hint = format!("for example: {key} = {example}");
            let error = self.source.error(self.at.clone(), message, Some(hint));
            PolicyError { is_of_keys: true, ..error }
        });
        self.source.note(value)
    }

    /// Whether a missing key may be a misspelt one, in this table or in one around it.
    fn may_be_misspelt(&self) -> bool {
        let strange = self.source.strange.borrow();
        strange.iter().any(|other| {
            let rest = self.path.strip_prefix(other.as_str());
            rest.is_some_and(|rest| other.is_empty() || rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// The boolean value of a key; none if it is missing.
    pub fn boolean(&self, key: &str) -> Option<bool> {
        let value = self.optional(key)?;
        self.source.note(value.get_ref().as_bool().ok_or_else(|| {
            let hint = format!("write {key} = true or {key} = false, without quotes");
            self.source.wrong_kind(value, "true or false", Some(hint))
        }))
    }

    /// The number in this range that a key has; none if it is missing.
    pub fn number<N: Number>(&self, key: &str, range: RangeInclusive<N>) -> Option<N> {
        self.source.note(self.source.integer(self.optional(key)?, range))
    }

    /// The table of a key, which may have only these keys; none if it is missing. `example` shows what
    /// it could be.
    pub fn table(&self, key: &str, keys: &[&str], example: &str) -> Option<Table<'t>> {
        let value = self.optional(key)?;
        let table = self.source.note_names(value.get_ref().as_table().ok_or_else(|| {
            let hint = match is_of_tables(value) {
                true => format!("write [{}], in single brackets", self.below(key)),
                false => format!("for example: {example}"),
            };
            self.source.wrong_kind(value, "a table", Some(hint))
        }))?;
        let path = self.below(key);
        Some(Table { source: self.source, table, at: value.span(), path }.only(keys))
    }

    /// The tables in a table whose keys are names. Each may have only these keys.
    pub fn named(&self, key: &str, keys: &[&str]) -> Vec<(&'t Spanned<DeKey<'t>>, Table<'t>)> {
        let Some(value) = self.optional(key) else { return Vec::new() };
        let holder = value.get_ref().as_table().ok_or_else(|| self.no_table_of_names(key, value));
        let Some(holder) = self.source.note_names(holder) else { return Vec::new() };
        let path = self.below(key);
        let holder = Table { source: self.source, table: holder, at: value.span(), path };
        let mut rows = Vec::with_capacity(holder.table.len());
        for (name, value) in holder.table {
            let path = holder.below(name.get_ref());
            let table = self.source.note_names(value.get_ref().as_table().ok_or_else(|| {
                let hint = meant::section(&holder.path, name.get_ref(), value.get_ref());
                self.source.wrong_kind(value, "a table (`{}` will do)", Some(hint))
            }));
            if let Some(table) = table {
                let table = Table { source: self.source, table, at: value.span(), path };
                rows.push((name, table.only(keys)));
            }
        }
        rows
    }

    /// The pairs of a table whose keys are names and whose values are plain. `example` shows what it
    /// could be.
    pub fn words(&self, key: &str, example: &str) -> Vec<Pair<'t>> {
        let Some(value) = self.optional(key) else { return Vec::new() };
        let table = value.get_ref().as_table().ok_or_else(|| {
            self.source.wrong_kind(value, "a table", Some(format!("for example: {example}")))
        });
        self.source.note(table).into_iter().flatten().collect()
    }

    /// Reports names that stand in a list or alone: each needs a section of its own.
    fn no_table_of_names(&self, key: &str, value: &Spanned<DeValue<'_>>) -> PolicyError {
        let single = value.get_ref().as_str();
        let several = value.get_ref().as_array().into_iter().flatten();
        let names = single.into_iter().chain(several.filter_map(|item| item.get_ref().as_str()));
        let holder = Table { path: self.below(key), at: 0..0, ..*self };
        let header = |name: &str| match holder.path.as_str() {
            "callers" => format!("[{}]", holder.below(&meant::caller_key(name))),
            _ => format!("[{}]", holder.below(name)),
        };
        let shown: Vec<String> = names.take(3).map(header).collect();
        let shown = match (shown.is_empty(), holder.path.as_str()) {
            (false, _) => shown.join(" "),
            (true, "callers") => header("NAME"),
            (true, path) => format!("[{path}.NAME]"),
        };
        let hint = match is_of_tables(value) {
            true => format!("write a section for each name, in single brackets: {shown}"),
            false => format!("write a section for each name, it may be empty: {shown}"),
        };
        self.source.wrong_kind(value, "a table", Some(hint))
    }
}

/// Whether it was written in double brackets: `[[services]]`.
fn is_of_tables(value: &Spanned<DeValue<'_>>) -> bool {
    let items = value.get_ref().as_array();
    items.and_then(|items| items.iter().next()).is_some_and(|first| first.get_ref().is_table())
}

/// A key with its quotes taken off.
pub type DeKey<'t> = std::borrow::Cow<'t, str>;

/// A key and its value.
pub type Pair<'t> = (&'t Spanned<DeKey<'t>>, &'t Spanned<DeValue<'t>>);
