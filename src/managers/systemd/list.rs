//! What `systemctl list-units` prints, read.

use std::collections::BTreeMap;

/// The state of a unit in the list: `active` and `running`, say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listed {
    active: String,
    sub: String,
}

impl Listed {
    /// Whether it is up, or on its way.
    pub fn is_up(&self) -> bool {
        matches!(self.active.as_str(), "active" | "activating" | "reloading" | "refreshing")
    }

    /// Whether it failed.
    pub fn is_failed(&self) -> bool {
        self.active == "failed"
    }

    /// Whether it died, and the manager starts it again after a while.
    pub fn restarts(&self) -> bool {
        self.sub.starts_with("auto-restart")
    }
}

/// Reads what `systemctl list-units --plain --no-legend` printed: name, load state, active
/// state, what the kind calls it, and more.
pub fn parse(shown: &str) -> BTreeMap<String, Listed> {
    let unit = |line: &str| {
        let mut words = line.split_whitespace();
        let (name, active, sub) = (words.next()?, words.nth(1)?, words.next()?);
        Some((name.to_owned(), Listed { active: active.to_owned(), sub: sub.to_owned() }))
    };
    shown.lines().filter_map(unit).collect()
}
