//! What `systemctl list-units` prints, read.

use crate::managers::systemd::show::starts_again;
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
        starts_again(&self.sub)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn the_list_of_units_is_read() {
        cases::each("managers/systemctl_list", |case| {
            let state = |unit: &Listed| {
                let states = [
                    (unit.is_up(), "up"),
                    (unit.is_failed(), "failed"),
                    (unit.restarts(), "restarts"),
                ];
                states.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect::<Vec<_>>()
            };
            let units = parse(case.input("stdout"));
            json!(units.iter().map(|(name, unit)| (name, state(unit))).collect::<BTreeMap<_, _>>())
        });
    }
}
