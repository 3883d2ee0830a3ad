//! `[audit]`: how much of the audit log an account may take, how much is kept of it, and whom what is put
//! aside is encrypted to.

use crate::policy::model::AuditLog;
use crate::policy::parsed::Parsed;
use crate::policy::recipient::Recipient;
use crate::policy::table::{Source, Table};
use toml::Spanned;
use toml::de::DeValue;

pub(super) const KEYS: [&str; 4] =
    ["recipients", "max_bytes_per_minute", "max_total", "checkpoint_records"];

/// The most recipients: each of them is in the header of every file.
const MOST_RECIPIENTS: usize = 16;

impl Parsed {
    pub(super) fn audit(&mut self, source: &Source<'_>, table: &Table<'_>) {
        let into = &mut self.limits.audit;
        // Less than this and the two records of one change would not fit.
        if let Some(bytes) = table.number("max_bytes_per_minute", 16_384..=1 << 30) {
            *into = AuditLog { minute_bytes: Some(bytes), has_usual_share: false, ..*into };
        }
        into.total_bytes = table.number("max_total", 1 << 20..=1 << 40).unwrap_or(into.total_bytes);
        into.checkpoint_records =
            table.number("checkpoint_records", 1..=1_000_000).unwrap_or(into.checkpoint_records);
        if let Some(value) = table.optional("recipients") {
            let recipients = recipients(source, value);
            let words: Vec<&str> = recipients.iter().map(Recipient::as_str).collect();
            self.recipients = self.run(&words);
            self.recipients_line = source.line(value.span().start);
        }
    }
}

/// Each once, sorted.
fn recipients(source: &Source<'_>, value: &Spanned<DeValue<'_>>) -> Vec<Recipient> {
    let items = source.note(source.array(value)).unwrap_or_default();
    let recipient = |item| {
        source.string(item).and_then(|text| {
            Recipient::parse(text).map_err(|wrong| {
                source.error(item.span(), wrong.message.to_owned(), Some(wrong.hint.to_owned()))
            })
        })
    };
    let mut all: Vec<Recipient> =
        items.into_iter().filter_map(|item| source.note(recipient(item))).collect();
    all.sort();
    all.dedup();
    if all.len() > MOST_RECIPIENTS {
        let message = format!("more than {MOST_RECIPIENTS} recipients");
        let hint = "fewer do: each of them can read all of it".to_owned();
        source.note::<()>(Err(source.error(value.span(), message, Some(hint))));
    }
    all
}
