//! TOML read key by key: whatever is wrong with it has a file, a line and a column, and a key that
//! nobody asked for is an error.

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
}

/// The text that is parsed, for saying where something stands in it.
#[derive(Debug)]
pub struct Source<'s> {
    file: &'s str,
    text: &'s str,
    line_starts: Vec<usize>,
}

/// Where each line begins, so that finding a line costs a search and not a scan.
fn line_starts(text: &str) -> Vec<usize> {
    let after_breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    std::iter::once(0).chain(after_breaks.map(|(at, _)| at + 1)).collect()
}

impl<'s> Source<'s> {
    /// This text; `file` is only what messages call it.
    pub fn new(file: &'s str, text: &'s str) -> Self {
        Self { file, text, line_starts: line_starts(text) }
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
        PolicyError { file: self.file.to_owned(), line, column, message, hint }
    }

    /// The byte with which a line begins; lines count from 1.
    pub fn start_of(&self, line: u32) -> usize {
        self.line_starts[line as usize - 1]
    }

    fn wrong_kind(&self, value: &Spanned<DeValue<'_>>, wanted: &str) -> PolicyError {
        let found = value.get_ref().type_str();
        self.error(value.span(), format!("{wanted} is needed here, not {found}"), None)
    }

    /// The value as a string.
    pub fn string<'v>(&self, value: &'v Spanned<DeValue<'_>>) -> Result<&'v str, PolicyError> {
        value.get_ref().as_str().ok_or_else(|| self.wrong_kind(value, "a string"))
    }

    /// The items of the value, an array.
    pub fn array<'v>(
        &self,
        value: &'v Spanned<DeValue<'v>>,
    ) -> Result<Vec<&'v Spanned<DeValue<'v>>>, PolicyError> {
        let array = value.get_ref().as_array();
        Ok(array.ok_or_else(|| self.wrong_kind(value, "an array"))?.iter().collect())
    }

    /// The value as a number in this range.
    pub fn integer(
        &self,
        value: &Spanned<DeValue<'_>>,
        range: RangeInclusive<u32>,
    ) -> Result<u32, PolicyError> {
        let number =
            value.get_ref().as_integer().ok_or_else(|| self.wrong_kind(value, "a number"))?;
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
        let hint = match nearest(word, known) {
            Some(near) => format!("did you mean {near:?}? There are: {all}"),
            None => format!("there are: {all}"),
        };
        Err(self.error(at, format!("{word:?} is not {what}"), Some(hint)))
    }
}

/// A table that knows which of its keys were asked for: the rest are errors.
#[derive(Debug)]
pub struct Table<'t> {
    source: &'t Source<'t>,
    table: &'t DeTable<'t>,
    at: Range<usize>,
    name: String,
    known: Vec<&'static str>,
}

impl<'t> Table<'t> {
    /// The table at these bytes, which messages call by this name.
    pub fn new(
        source: &'t Source<'t>,
        table: &'t DeTable<'t>,
        at: Range<usize>,
        name: &str,
    ) -> Self {
        Self { source, table, at, name: name.to_owned(), known: Vec::new() }
    }

    /// The value of a key, where it is there.
    pub fn optional(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.known.push(key);
        self.table.get(key)
    }

    /// The value of a key that has to be there.
    pub fn required(&mut self, key: &'static str) -> Result<&'t Spanned<DeValue<'t>>, PolicyError> {
        if let Some(value) = self.optional(key) {
            return Ok(value);
        }
        // A misspelt key is the likelier mistake than a missing one.
        self.unknown(&[key])?;
        let message = format!("{} needs the key {key:?}", self.name);
        Err(self.source.error(self.at.clone(), message, None))
    }

    /// True or false, where the key is there.
    pub fn boolean(&mut self, key: &'static str) -> Result<Option<bool>, PolicyError> {
        let Some(value) = self.optional(key) else { return Ok(None) };
        let flag = value.get_ref().as_bool();
        flag.map(Some).ok_or_else(|| self.source.wrong_kind(value, "true or false"))
    }

    /// A number in this range, where the key is there.
    pub fn number(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u32>,
    ) -> Result<Option<u32>, PolicyError> {
        self.optional(key).map(|value| self.source.integer(value, range)).transpose()
    }

    /// The table of a key, where it is there.
    pub fn table(&mut self, key: &'static str) -> Result<Option<Table<'t>>, PolicyError> {
        let Some(value) = self.optional(key) else { return Ok(None) };
        let table =
            value.get_ref().as_table().ok_or_else(|| self.source.wrong_kind(value, "a table"))?;
        Ok(Some(Table::new(self.source, table, value.span(), &format!("[{key}]"))))
    }

    /// The tables in a table whose keys are names.
    pub fn named(
        &mut self,
        key: &'static str,
    ) -> Result<Vec<(&'t Spanned<DeKey<'t>>, Table<'t>)>, PolicyError> {
        let Some(holder) = self.table(key)? else { return Ok(Vec::new()) };
        let mut rows = Vec::with_capacity(holder.table.len());
        for (name, value) in holder.table {
            let table = value
                .get_ref()
                .as_table()
                .ok_or_else(|| self.source.wrong_kind(value, "a table (`{}` will do)"))?;
            let called = format!("[{key}.{}]", name.get_ref());
            rows.push((name, Table::new(self.source, table, value.span(), &called)));
        }
        Ok(rows)
    }

    /// Refuses keys that nobody asked for.
    pub fn finish(self) -> Result<(), PolicyError> {
        self.unknown(&[])
    }

    fn unknown(&self, also_near: &[&str]) -> Result<(), PolicyError> {
        let strange = self.table.iter().find(|(key, _)| {
            let key = key.get_ref().as_ref();
            !self.known.contains(&key)
                && (also_near.is_empty() || nearest(key, also_near.iter().copied()).is_some())
        });
        let Some((key, _)) = strange else { return Ok(()) };
        let known = self.known.join(", ");
        let hint = match nearest(key.get_ref(), self.known.iter().copied()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("the keys of {} are: {known}", self.name),
        };
        let message = format!("{} has no key {:?}", self.name, key.get_ref());
        Err(self.source.error(key.span(), message, Some(hint)))
    }
}

/// A key with its quotes taken off.
pub type DeKey<'t> = std::borrow::Cow<'t, str>;

/// The known word that somebody who wrote `word` most likely meant.
pub fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let word: String = word.chars().take(64).collect();
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
