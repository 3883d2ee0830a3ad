//! What is installed, as the package manager itself says, and whether it is in order.

use crate::managers::host::PackageManager;
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
    /// Nothing but putting all of its files there anew makes it whole (`reinstreq`): dpkg neither
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
    /// The host's architecture, as its packages say; none where there is no such thing.
    native: Option<String>,
}

impl Inventory {
    /// Reads what the package manager printed.
    pub fn parse(manager: PackageManager, printed: &str) -> Self {
        match manager {
            PackageManager::Apt => of_dpkg(printed),
            PackageManager::Pacman => {
                let rows = printed.lines().filter_map(of_pacman).collect();
                Self { rows, native: None }
            }
        }
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

/// `ii |NAME|ARCHITECTURE|VERSION|ESSENTIAL|PROTECTED`, one a line.
fn of_dpkg(printed: &str) -> Inventory {
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
    Inventory { rows: all, native: native.map(str::to_owned) }
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

/// `NAME VERSION`
fn of_pacman(line: &str) -> Option<(String, Installed)> {
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
    fn what_dpkg_prints_is_read() {
        let all = Inventory::parse(
            PackageManager::Apt,
            "ii |bash|amd64|5.2|yes|no\nhi |curl|amd64|7.88|no|no\nrc |ufw|all|0.36|no|no\n\
             iF |nginx|amd64|1.22||\niHR|broken|all|1|no|no\niU |zlib|all|1|no|no\n\
             ii |libc6|amd64|2.36|no|no\niU |libc6|i386|2.36|no|no\nhi |git|i386|1|no|no\n\
             ii |dpkg|amd64|1|yes|no\nii |init|amd64|1|no|yes\nun |gone|||no|no\n",
        );
        assert!(all.has("bash") && all.get("bash").unwrap().is_essential);
        assert!(all.get("curl").unwrap().is_held && all.get("init").unwrap().is_essential);
        assert!(!all.has_some("ufw") && !all.has_some("gone") && !all.has_some("unheard-of"));
        assert!(!all.has("nginx") && all.has_some("nginx"));
        assert_eq!((all.plain("curl:amd64"), all.plain("git:i386")), ("curl", "git:i386"));
        assert!(all.has("libc6:amd64"));
        // Each architecture is told of by itself.
        assert!(all.has("libc6") && !all.has("libc6:i386") && all.has_some("libc6:i386"));
        assert!(all.get("git").is_none() && all.get("git:i386").unwrap().is_held);
        assert_eq!((all.foreign("git"), all.foreign("curl")), (vec!["git:i386"], vec![]));
        let names: Vec<&str> = all.broken().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["broken", "libc6:i386", "nginx", "zlib"]);
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
                    let all = Inventory::parse(PackageManager::Apt, &line);
                    let row = all.get("x").expect("a row");
                    assert_eq!((row.stage, row.is_held), (stage, want == 'h'), "{line}");
                    assert_eq!(row.is_going, matches!(want, 'r' | 'p'), "{line}");
                }
            }
        }
    }

    #[test]
    fn what_pacman_prints_is_read() {
        let all = Inventory::parse(PackageManager::Pacman, "git 2.47-1\n\nwarning\n");
        assert!(all.has("git") && !all.has("warning") && all.broken().is_empty());
        assert_eq!(all.get("git").unwrap().version, "2.47-1");
    }
}
