//! Places in the text of a policy that its parsed form does not have.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The line of a key's value, from 1; none if there is no such key.
pub fn line(text: &str, path: &[&str]) -> Option<u32> {
    found(text, path, |value| line_of(text, value))
}

/// The line of a list, and the words in it.
pub fn words(text: &str, path: &[&str]) -> Option<(u32, Vec<String>)> {
    found(text, path, |value| {
        let items = value.get_ref().as_array()?;
        let words = items.iter().filter_map(|item| item.get_ref().as_str().map(str::to_owned));
        Some((line_of(text, value)?, words.collect()))
    })
}

fn line_of(text: &str, value: &Spanned<DeValue<'_>>) -> Option<u32> {
    let before = text.get(..value.span().start)?;
    u32::try_from(before.matches('\n').count()).ok()?.checked_add(1)
}

fn found<T>(
    text: &str,
    path: &[&str],
    read: impl FnOnce(&Spanned<DeValue<'_>>) -> Option<T>,
) -> Option<T> {
    let table = DeTable::parse(text).ok()?;
    let (first, rest) = path.split_first()?;
    let mut value = table.get_ref().get(*first)?;
    for key in rest {
        value = value.get_ref().as_table()?.get(*key)?;
    }
    read(value)
}
