//! `SM_SITE_MODE`: another `[site] mode` than the policy's own, chosen when the program is built.

use crate::model::SiteMode;
use std::env;
use toml::de::{DeTable, DeValue};

/// The variable.
pub const VARIABLE: &str = "SM_SITE_MODE";

/// The mode that was chosen, if one was.
///
/// # Errors
/// One sentence, where it is no mode.
pub fn chosen() -> Result<Option<SiteMode>, String> {
    let Some(value) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let mode = SiteMode::WORDS.iter().find(|(word, _)| value == *word);
    mode.map(|(_, mode)| Some(*mode)).ok_or_else(|| {
        let words = SiteMode::WORDS.map(|(word, _)| word).join(", ");
        format!("{VARIABLE} is {value:?}, and must be one of {words}")
    })
}

/// The text of a policy that was parsed before, with this mode in it: what the program shows of its
/// policy, and the hash of it, are then true. Every line keeps its number.
pub fn set(text: &str, mode: SiteMode) -> String {
    let word = mode.word();
    let root = DeTable::parse(text).ok();
    let site = root.as_ref().and_then(|root| match root.get_ref().get("site")?.get_ref() {
        DeValue::Table(site) => site.get("mode"),
        _ => None,
    });
    let mut text = match site {
        Some(is) => {
            [&text[..is.span().start], &format!("{word:?}"), &text[is.span().end..]].concat()
        }
        None => format!("{text}\n[site]\nmode = {word:?}\n"),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&format!("# [site] mode is what {VARIABLE} said when this was built.\n"));
    text
}
