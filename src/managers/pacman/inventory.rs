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

    #[test]
    fn what_pacman_prints_is_read() {
        let all = parse("git 2.47-1\n\nwarning\n");
        assert!(all.has("git") && !all.has("warning") && all.broken().is_empty());
        assert_eq!(all.get("git").unwrap().version, "2.47-1");
    }
}
