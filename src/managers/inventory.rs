//! What is installed, as the package manager itself says, and whether it is in order.

use crate::output::text::one_line;
use std::collections::BTreeMap;
use std::ops::Bound;

/// What the package manager knows of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The version that is there.
    pub version: String,
    /// How far it got.
    pub stage: Stage,
    /// Somebody wants it to stay as it is.
    pub is_held: bool,
    /// It is meant to go: dpkg does not bring its installation to an end any more.
    pub is_going: bool,
    /// The system does not work without it.
    pub is_essential: bool,
}

/// How far the installation of a package got (`dpkg(1)`, "Package states").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing or only settings are there.
    Gone,
    /// It was begun and not finished.
    Broken(Unfinished),
    /// All of it is there.
    Done,
}

/// What an installation was in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    /// Nothing but putting all of its files there again makes it whole (`reinstreq`): dpkg neither
    /// configures nor removes it.
    Broken,
    /// Some of its files are there, or some are gone.
    Unpacking,
    /// Its files are there, and it was not configured.
    Configuring,
    /// Others have to do something for it.
    Triggers,
}

impl Unfinished {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Broken => "broken and requires reinstallation",
            Self::Unpacking => "half installed",
            Self::Configuring => "not configured",
            Self::Triggers => "waiting for its triggers",
        }
    }
}

/// What is installed, by the package manager's name for it. As for apt, that is a package of
/// another architecture than the host's with the architecture: `git:i386`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    rows: BTreeMap<String, Installed>,
    /// The host's architecture, as its packages say; none if there is no such thing.
    native: Option<String>,
}

impl Inventory {
    /// These packages by their names, on a host of this architecture, if there is such a thing.
    pub fn new(rows: BTreeMap<String, Installed>, native: Option<String>) -> Self {
        Self { rows, native }
    }

    /// The name without the host's own architecture, which apt leaves out too: `git:amd64`.
    pub fn plain<'n>(&self, name: &'n str) -> &'n str {
        match (name.split_once(':'), &self.native) {
            (Some((plain, architecture)), Some(native)) if architecture == native => plain,
            _ => name,
        }
    }

    /// What is known of a package.
    pub fn get(&self, name: &str) -> Option<&Installed> {
        self.rows.get(self.plain(name))
    }

    /// The version of it that is there.
    pub fn version(&self, name: &str) -> Option<String> {
        self.get(name).map(|row| row.version.clone())
    }

    /// The names of the packages with this name that are there for other architectures.
    pub fn foreign(&self, name: &str) -> Vec<&str> {
        let starts = format!("{name}:");
        let after = self.rows.range::<str, _>((Bound::Included(starts.as_str()), Bound::Unbounded));
        let foreign = after.take_while(|(found, _)| found.starts_with(&starts));
        let there = foreign.filter(|(_, row)| row.stage != Stage::Gone);
        there.map(|(found, _)| found.as_str()).collect()
    }

    /// Every package that is known, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Installed)> {
        self.rows.iter().map(|(name, row)| (name.as_str(), row))
    }

    /// Whether the package manager has heard of it.
    pub fn is_known(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether all of it is there.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some_and(|row| row.stage == Stage::Done)
    }

    /// Whether any of it is there.
    pub fn has_some(&self, name: &str) -> bool {
        self.get(name).is_some_and(|row| row.stage != Stage::Gone)
    }

    /// What the package manager was in the middle of with it.
    pub fn unfinished(&self, name: &str) -> Option<Unfinished> {
        match self.get(name)?.stage {
            Stage::Broken(how) => Some(how),
            Stage::Gone | Stage::Done => None,
        }
    }

    /// The packages whose installation was begun and not finished, and how far they got, in the
    /// order of their names.
    pub fn broken(&self) -> Vec<(&str, Unfinished)> {
        let broken = self.rows.iter().filter_map(|(name, row)| match row.stage {
            Stage::Broken(how) => Some((name.as_str(), how)),
            _ => None,
        });
        broken.collect()
    }
}

/// `a is half installed, b is not configured`
pub fn described(packages: &[(&str, Unfinished)]) -> String {
    let parts: Vec<String> =
        packages.iter().map(|(name, how)| format!("{name} is {}", how.word())).collect();
    one_line(&parts.join(", "), 300)
}
