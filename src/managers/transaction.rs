//! What a package operation would do, as the package manager itself computes it.

use crate::managers::inventory::Inventory;
use serde::{Deserialize, Serialize};

/// One package that would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// The version that would be there, or that would go.
    pub version: String,
    /// The version that is there now, if another one takes its place.
    pub from: Option<String>,
}

/// The `plan` object of a reply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// What would be there again.
    pub install: Vec<Change>,
    /// What would be there in another version.
    pub upgrade: Vec<Change>,
    /// What would go.
    pub remove: Vec<Change>,
    /// What would be there in an older version.
    pub downgrade: Vec<Change>,
    /// What the administrator wants to stay as it is, and would not.
    #[serde(skip)]
    pub held: Vec<String>,
}

impl Transaction {
    /// What two inventories differ by, for what a package manager cannot say beforehand. A package of which
    /// settings alone are left is not there.
    pub fn between(before: &Inventory, after: &Inventory) -> Self {
        let mut plan = Self::default();
        for (name, is) in after.iter().filter(|(name, _)| after.has_some(name)) {
            let version = is.version.clone();
            match before.get(name).filter(|_| before.has_some(name)) {
                None => plan.install.push(Change { name: name.to_owned(), version, from: None }),
                Some(was) if was.version != version => {
                    let from = Some(was.version.clone());
                    plan.upgrade.push(Change { name: name.to_owned(), version, from });
                }
                Some(_) => {}
            }
        }
        for (name, was) in before.iter().filter(|(name, _)| before.has_some(name)) {
            if !after.has_some(name) {
                let version = was.version.clone();
                plan.remove.push(Change { name: name.to_owned(), version, from: None });
            }
        }
        plan
    }

    /// The removal of one package.
    pub fn removal_of(name: &str, inventory: &Inventory) -> Self {
        let version = inventory.version(name).unwrap_or_default();
        let remove = vec![Change { name: name.to_owned(), version, from: None }];
        Self { remove, ..Self::default() }
    }

    /// What brings back what was there before it.
    pub fn reversed(&self) -> Self {
        let back = |change: &Change| Change {
            name: change.name.clone(),
            version: change.from.clone().unwrap_or_default(),
            from: Some(change.version.clone()),
        };
        let all = |changes: &[Change]| changes.iter().map(back).collect();
        Self {
            install: self.remove.clone(),
            remove: self.install.clone(),
            upgrade: all(&self.downgrade),
            downgrade: all(&self.upgrade),
            held: Vec::new(),
        }
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// What would be there, again or in another version.
    pub fn arriving(&self) -> impl Iterator<Item = &Change> {
        [&self.install, &self.upgrade, &self.downgrade].into_iter().flatten()
    }

    /// The name of each package that would change.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all().map(|change| change.name.as_str())
    }

    /// Whether it removes something that has another name.
    pub fn removes_others(&self, name: Option<&str>) -> bool {
        self.remove.iter().any(|change| Some(change.name.as_str()) != name)
    }

    /// All that would change.
    pub fn all(&self) -> impl Iterator<Item = &Change> {
        [&self.install, &self.upgrade, &self.remove, &self.downgrade].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::managers::inventory::{Installed, Stage};

    /// `NAME VERSION`, one a line.
    fn inventory(rows: &str) -> Inventory {
        let row = |(name, version): (&str, &str)| {
            let version = version.to_owned();
            let (stage, is_held, is_going, is_essential) = (Stage::Done, false, false, false);
            (name.to_owned(), Installed { version, stage, is_held, is_going, is_essential })
        };
        Inventory::new(
            rows.lines().filter_map(|line| line.split_once(' ')).map(row).collect(),
            None,
        )
    }

    #[test]
    fn what_two_inventories_differ_by_is_told() {
        let before = inventory("a 1-1\nb 1-1\nc 1-1\n");
        let after = inventory("a 1-1\nb 2-1\nd 1-1\n");
        let plan = Transaction::between(&before, &after);
        assert_eq!((plan.install[0].name.as_str(), plan.upgrade[0].name.as_str()), ("d", "b"));
        assert_eq!((plan.remove[0].name.as_str(), plan.remove.len()), ("c", 1));
    }
}
