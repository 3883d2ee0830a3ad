//! What is installed, as pacman says.

use crate::managers::inventory::{Installed, Inventory, Stage};

/// `NAME VERSION`, one a line.
pub fn parse(printed: &str) -> Inventory {
    Inventory::new(printed.lines().filter_map(row).collect(), None)
}

fn row(line: &str) -> Option<(String, Installed)> {
    let (name, version) = line.trim().split_once(' ')?;
    let row = Installed {
        version: version.to_owned(),
        stage: Stage::Done,
        is_held: false,
        is_going: false,
        is_essential: false,
    };
    Some((name.to_owned(), row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn what_pacman_prints_is_read() {
        cases::each("managers/pacman_inventory", |case| {
            let all = parse(case.input("stdout"));
            let versions: Vec<_> = all.iter().map(|(name, row)| (name, &row.version)).collect();
            json!({"versions": versions, "broken": all.broken().len()})
        });
    }
}
