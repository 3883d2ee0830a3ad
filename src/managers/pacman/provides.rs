//! What an installed package says that it provides, and of which group it is.

use crate::managers::pacman::records::FOLDER;
use crate::managers::providers::Providers;
use std::fs::{read, read_dir};
use std::path::Path;

/// Those that provide a name, and those of a group with that name.
pub fn of(name: &str) -> Providers {
    let records = read_dir(FOLDER).into_iter().flatten().flatten();
    let records: Vec<String> = records.map(|entry| text(&entry.path().join("desc"))).collect();
    let with = |key| records.iter().filter_map(|desc| in_desc(desc, key, name)).collect();
    Providers { provide: with("%PROVIDES%"), of_group: with("%GROUPS%") }
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&read(path).unwrap_or_default()).into_owned()
}

/// The name of a package, if one line of a section is `name` or `name=1`.
fn in_desc(desc: &str, key: &str, name: &str) -> Option<String> {
    let section = |key: &str| {
        let lines = desc.lines().skip_while(move |line| *line != key).skip(1);
        lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>()
    };
    let is_it = |line: &&str| line.split(['=', '<', '>']).next() == Some(name);
    section(key)
        .iter()
        .any(is_it)
        .then(|| section("%NAME%").first().map(|name| (*name).to_owned()))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn who_provides_a_name_is_found() {
        cases::each("managers/pacman_providers", |case| {
            let [section, name] = ["section", "name"].map(|input| case.input(input).trim());
            json!(in_desc(case.input("desc"), section, name))
        });
    }
}
