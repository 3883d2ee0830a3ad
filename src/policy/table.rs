//! TOML read key by key: whatever is wrong with it has a file, a line and a column, and a key that
//! nobody asked for is an error.

use crate::policy::meant;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::{Range, RangeInclusive};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is wrong with a policy, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct PolicyError {
    /// The file, as it was named.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// One sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether it is about which keys a table has: where a header could not be read, a key is in
    /// another table than it was meant to be in.
    pub is_of_keys: bool,
}

/// All that is wrong with a policy, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    first: PolicyError,
    others: Vec<PolicyError>,
}

impl Mistakes {
    /// More are not worth reading at once.
    const SHOWN: usize = 100;

    /// These, where there are any.
    pub fn of(mut all: Vec<PolicyError>) -> Option<Self> {
        all.sort_by_key(|each| (each.line, each.column));
        all.dedup();
        all.truncate(Self::SHOWN);
        let mut all = all.into_iter();
        Some(Self { first: all.next()?, others: all.collect() })
    }

    /// The first one.
    pub fn first(&self) -> &PolicyError {
        &self.first
    }

    /// Every one of them.
    pub fn iter(&self) -> impl Iterator<Item = &PolicyError> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl fmt::Display for Mistakes {
    /// One sentence: the first, and how many follow.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.others.len() {
            0 => write!(f, "{}", self.first),
            1 => write!(f, "{}, and 1 more mistake", self.first),
            more => write!(f, "{}, and {more} more mistakes", self.first),
        }
    }
}

/// The text that is parsed: where something stands in it, and what was found to be wrong. Whoever
/// reads a part notes what is wrong with it and goes on, so that all is said at once.
#[derive(Debug)]
pub struct Source<'s> {
    file: &'s str,
    text: &'s str,
    line_starts: Vec<usize>,
    mistakes: RefCell<Vec<PolicyError>>,
    misses_names: Cell<bool>,
    /// The tables with keys that nobody knows: what they lack may be misspelt there.
    strange: RefCell<Vec<String>>,
}

/// Where each line begins, so that finding a line costs a search and not a scan.
fn line_starts(text: &str) -> Vec<usize> {
    let after_breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    std::iter::once(0).chain(after_breaks.map(|(at, _)| at + 1)).collect()
}

impl<'s> Source<'s> {
    /// This text; `file` is only what messages call it.
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

    /// The value, or none where it is wrong, which is noted.
    pub fn note<T>(&self, result: Result<T, PolicyError>) -> Option<T> {
        result.map_err(|error| self.mistakes.borrow_mut().push(error)).ok()
    }

    /// The same of what holds names: of a name that is not found later it is then not known whether
    /// it is missing.
    pub fn note_names<T>(&self, result: Result<T, PolicyError>) -> Option<T> {
        if result.is_err() {
            self.miss_names();
        }
        self.note(result)
    }

    /// Says that a mistake has cost names.
    pub fn miss_names(&self) {
        self.misses_names.set(true);
    }

    /// Whether a mistake before may have cost names.
    pub fn misses_names(&self) -> bool {
        self.misses_names.get()
    }

    /// What was noted.
    pub fn mistakes(self) -> Vec<PolicyError> {
        self.mistakes.into_inner()
    }

    /// The line that holds the byte at `at`, from 1.
    pub fn line(&self, at: usize) -> u32 {
        self.line_starts.partition_point(|start| *start <= at) as u32
    }

    /// What is wrong at these bytes.
    pub fn error(&self, at: Range<usize>, message: String, hint: Option<String>) -> PolicyError {
        let line = self.line(at.start) as usize;
        let start = self.line_starts[line - 1];
        let column = self.text.get(start..at.start).map_or(0, |before| before.chars().count()) + 1;
        PolicyError { file: self.file.to_owned(), line, column, message, hint, is_of_keys: false }
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
            // Several words in one string are meant as several.
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
    pub fn integer(
        &self,
        value: &Spanned<DeValue<'_>>,
        range: RangeInclusive<u32>,
    ) -> Result<u32, PolicyError> {
        let number = value.get_ref().as_integer().ok_or_else(|| {
            let text = value.get_ref().as_str().map(|text| text.trim_end_matches(['s', ' ']));
            let bare = text.filter(|text| text.parse::<u32>().is_ok());
            let hint = match bare {
                Some(bare) => format!("write {bare}, without quotes"),
                None => "write it without quotes, a point or a unit".to_owned(),
            };
            self.wrong_kind(value, "a whole number", Some(hint))
        })?;
        match u32::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) if range.contains(&number) => Ok(number),
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
        let hint = match meant::nearest(word, known) {
            Some(near) => format!("did you mean {near:?}? There are: {all}"),
            None => format!("there are: {all}"),
        };
        Err(self.error(at, format!("{word:?} is not {what}"), Some(hint)))
    }
}

/// A table all of whose keys are known: before one of them is looked at, since the key that is
/// missing is more often one that was misspelt.
#[derive(Debug)]
pub struct Table<'t> {
    source: &'t Source<'t>,
    table: &'t DeTable<'t>,
    at: Range<usize>,
    /// Its keys from the top, as in a header: `services.units.nginx`; empty for the whole policy.
    path: String,
}

impl<'t> Table<'t> {
    /// The whole policy, which has no keys but these.
    pub fn whole(source: &'t Source<'t>, root: &'t Spanned<DeTable<'t>>, keys: &[&str]) -> Self {
        Self { source, table: root.get_ref(), at: root.span(), path: String::new() }.only(keys)
    }

    /// As messages call it.
    fn name(&self) -> String {
        if self.path.is_empty() { "the policy".to_owned() } else { format!("[{}]", self.path) }
    }

    /// The path of a key in it.
    fn below(&self, key: &str) -> String {
        let word = meant::word(key);
        if self.path.is_empty() { word } else { format!("{}.{word}", self.path) }
    }

    /// This table; a key that is none of these is noted.
    fn only(self, keys: &[&str]) -> Self {
        let strange = self.table.keys().filter(|key| !keys.contains(&key.get_ref().as_ref()));
        for key in strange {
            let value = self.table.get(key.get_ref().as_ref());
            let hint =
                value.map(|value| meant::key(&self.path, key.get_ref(), value.get_ref(), keys));
            let message = format!("{} has no key {:?}", self.name(), key.get_ref());
            let error = self.source.error(key.span(), message, hint);
            let error = PolicyError { is_of_keys: true, ..error };
            self.source.strange.borrow_mut().push(self.path.clone());
            // In the table of a name it costs no name.
            match self.path.contains('.') {
                true => self.source.note::<()>(Err(error)),
                false => self.source.note_names::<()>(Err(error)),
            };
        }
        self
    }

    /// The value of a key, where it is there.
    pub fn optional(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.table.get(key)
    }

    /// The value of a key that has to be there; `example` is what it could be.
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

    /// Whether a key that it lacks may be one that was noted in it or in a table around it.
    fn may_be_misspelt(&self) -> bool {
        let strange = self.source.strange.borrow();
        strange.iter().any(|other| {
            let rest = self.path.strip_prefix(other.as_str());
            rest.is_some_and(|rest| other.is_empty() || rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// True or false, where the key is there.
    pub fn boolean(&self, key: &str) -> Option<bool> {
        let value = self.optional(key)?;
        self.source.note(value.get_ref().as_bool().ok_or_else(|| {
            let hint = format!("write {key} = true or {key} = false, without quotes");
            self.source.wrong_kind(value, "true or false", Some(hint))
        }))
    }

    /// A number in this range, where the key is there.
    pub fn number(&self, key: &str, range: RangeInclusive<u32>) -> Option<u32> {
        self.source.note(self.source.integer(self.optional(key)?, range))
    }

    /// The table of a key, where it is there; it has no keys but these. `example` is what it could
    /// be.
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

    /// The tables in a table whose keys are names; each has no keys but these.
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

    /// The pairs of a table whose keys are names and whose values are plain. `example` is what it
    /// could be.
    pub fn words(&self, key: &str, example: &str) -> Vec<Pair<'t>> {
        let Some(value) = self.optional(key) else { return Vec::new() };
        let table = value.get_ref().as_table().ok_or_else(|| {
            self.source.wrong_kind(value, "a table", Some(format!("for example: {example}")))
        });
        self.source.note(table).into_iter().flatten().collect()
    }

    /// Names in a list, or a single one: each has a section of its own.
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
