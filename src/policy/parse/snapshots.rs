//! `[snapshots]`: whether the file system as it was before a package operation is kept, and how often.

use crate::policy::parsed::Parsed;
use crate::policy::table::Table;

pub(super) const KEYS: [&str; 4] = ["packages", "keep", "min_free_percent", "required"];

impl Parsed {
    pub(super) fn snapshots(&mut self, table: &Table<'_>) {
        let into = &mut self.limits.snapshots;
        into.packages = table.boolean("packages").unwrap_or(into.packages);
        into.required = table.boolean("required").unwrap_or(into.required);
        into.keep = table.number("keep", 1..=1000).unwrap_or(into.keep);
        into.min_free_percent =
            table.number("min_free_percent", 0..=90).unwrap_or(into.min_free_percent);
    }
}
