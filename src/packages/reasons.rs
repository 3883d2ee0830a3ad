//! Why there is no way to do it, for a sentence.

use crate::managers::inventory::Inventory;

/// `prov2, prov1 (prov1 is installed)`
pub fn message(providers: &[String], inventory: &Inventory) -> String {
    let there: Vec<&str> =
        providers.iter().map(String::as_str).filter(|name| inventory.has(name)).collect();
    let is = if there.len() == 1 { "is" } else { "are" };
    match there.is_empty() {
        true => providers.join(", "),
        false => format!("{} ({} {is} installed)", providers.join(", "), there.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use crate::managers::host::ALL;
    use crate::managers::reason::Reason;
    use std::fs;
    use std::path::Path;

    /// Real output, a case a file: `Reason: …` or `Provided by: …`, then both streams.
    #[test]
    fn what_package_managers_really_said_is_understood() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/operations/said");
        let mut cases = 0;
        for entry in fs::read_dir(folder).expect("the cases") {
            let path = entry.expect("a case").path();
            let case = fs::read_to_string(&path).expect("text");
            let (head, streams) = case.split_once("--- stdout\n").expect("standard output");
            let (stdout, stderr) = streams.split_once("--- stderr\n").expect("standard error");
            let says = |key: &str| head.lines().find_map(|line| line.strip_prefix(key));
            let from = says("From: ").expect("where it is from");
            let manager = ALL.iter().find(|manager| from.starts_with(manager.name())).expect("one");
            let unmet = says("Not in order: ").map(|unmet| {
                let unmet = unmet.split("; ").filter_map(|unmet| unmet.split_once(" : "));
                unmet.map(|(name, relation)| (name.to_owned(), relation.to_owned())).collect()
            });
            let expected = match (says("Reason: "), says("Provided by: ")) {
                _ if unmet.is_some() => unmet.map(Reason::Unmet),
                (Some(reason), None) => Some(Reason::Breaks(reason.to_owned())),
                (None, Some(names)) => {
                    Some(Reason::Virtual(names.split(", ").map(str::to_owned).collect()))
                }
                _ => None,
            };
            assert_eq!(manager.no_way(stdout, stderr), expected, "{path:?}");
            cases += 1;
        }
        assert!(cases > 8);
    }
}
