//! What is installed, as dpkg says.

use crate::managers::inventory::{Installed, Inventory, Stage, Unfinished};
use std::collections::BTreeMap;

/// `ii |NAME|ARCHITECTURE|VERSION|ESSENTIAL|PROTECTED`, one a line.
pub fn parse(printed: &str) -> Inventory {
    let rows: Vec<(&str, &str, Installed)> = printed.lines().filter_map(row_of_dpkg).collect();
    // The host's architecture is dpkg's own.
    let native = rows.iter().find(|(name, _, row)| *name == "dpkg" && row.stage == Stage::Done);
    let native = native.map(|(_, architecture, _)| *architecture);
    let own = |architecture: &str| {
        matches!(architecture, "all" | "") || native.is_none_or(|native| native == architecture)
    };
    let mut all = BTreeMap::new();
    for (name, architecture, row) in rows {
        let name = match own(architecture) {
            true => name.to_owned(),
            false => format!("{name}:{architecture}"),
        };
        // One that became `all`, or was that, can be left over as gone.
        match all.get(&name) {
            Some(Installed { stage, .. }) if *stage != Stage::Gone && row.stage == Stage::Gone => {}
            _ => {
                all.insert(name, row);
            }
        }
    }
    Inventory::new(all, native.map(str::to_owned))
}

fn row_of_dpkg(line: &str) -> Option<(&str, &str, Installed)> {
    let mut fields = line.split('|');
    let (state, name) = (fields.next()?, fields.next()?);
    let (architecture, version) = (fields.next()?, fields.next()?);
    let mut state = state.bytes();
    let (want, status, error) = (state.next()?, state.next()?, state.next());
    let is_essential = fields.any(|field| field == "yes");
    let stage = stage_of(status, error);
    let (is_held, is_going) = (want == b'h', matches!(want, b'r' | b'p'));
    let row = Installed { version: version.to_owned(), stage, is_held, is_going, is_essential };
    Some((name, architecture, row))
}

/// `dpkg-query(1)`, `db:Status-Abbrev`: the second and the third letter. What is wanted of it says
/// nothing about how far it got.
fn stage_of(status: u8, error: Option<u8>) -> Stage {
    match (status, error) {
        (b'n' | b'c', _) => Stage::Gone,
        (_, Some(b'R')) => Stage::Broken(Unfinished::Broken),
        (b'i', _) => Stage::Done,
        (b'U' | b'F', _) => Stage::Broken(Unfinished::Configuring),
        (b'W' | b't', _) => Stage::Broken(Unfinished::Triggers),
        // Half installed, and a letter that is not known yet.
        _ => Stage::Broken(Unfinished::Unpacking),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::{Map, Value, json};

    #[test]
    fn what_dpkg_prints_is_read() {
        cases::each("managers/apt_inventory", |case| {
            let all = parse(case.input("stdout"));
            let package = |(name, row): (&str, &Installed)| {
                let is = json!({
                    "version": row.version,
                    "stage": format!("{:?}", row.stage),
                    "is_held": row.is_held,
                    "is_essential": row.is_essential,
                    "has": all.has(name),
                    "has_some": all.has_some(name),
                    "with_native_architecture": all.has(&format!("{name}:amd64")),
                    "foreign": all.foreign(name),
                });
                (name.to_owned(), is)
            };
            let packages: Map<String, Value> = all.iter().map(package).collect();
            let broken: Vec<&str> = all.broken().into_iter().map(|(name, _)| name).collect();
            let plain = ["curl:amd64", "git:i386"].map(|name| all.plain(name));
            let unknown = ["unheard-of", "gone", "git"].map(|name| all.has_some(name));
            json!({"packages": packages, "broken": broken, "plain": plain, "unknown": unknown})
        });
    }

    #[test]
    fn every_state_of_dpkgs_is_known() {
        use Unfinished::{Broken, Configuring, Triggers, Unpacking};
        // `dpkg(1)`, "Package states"; with `reinstreq` all of them that are there are broken.
        for (status, stage) in [
            ('n', Stage::Gone),
            ('c', Stage::Gone),
            ('H', Stage::Broken(Unpacking)),
            ('U', Stage::Broken(Configuring)),
            ('F', Stage::Broken(Configuring)),
            ('W', Stage::Broken(Triggers)),
            ('t', Stage::Broken(Triggers)),
            ('i', Stage::Done),
        ] {
            for want in ['u', 'i', 'h', 'r', 'p'] {
                for (error, stage) in [
                    (' ', stage),
                    ('R', if stage == Stage::Gone { stage } else { Stage::Broken(Broken) }),
                ] {
                    let line = format!("{want}{status}{error}|x|all|1|no|no\n");
                    let all = parse(&line);
                    let row = all.get("x").expect("a row");
                    assert_eq!((row.stage, row.is_held), (stage, want == 'h'), "{line}");
                    assert_eq!(row.is_going, matches!(want, 'r' | 'p'), "{line}");
                }
            }
        }
    }
}
