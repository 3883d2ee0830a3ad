//! What is installed, as the package manager itself says, and whether it is in order.

use super::host::PackageManager;
use std::collections::BTreeMap;

/// What the package manager knows of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The version that is there.
    pub version: String,
    /// How far it got.
    pub stage: Stage,
    /// Somebody wants it to stay as it is.
    pub is_held: bool,
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
    /// Some of its files are there, or all of them are to be put there again.
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
            Self::Unpacking => "half installed",
            Self::Configuring => "not configured",
            Self::Triggers => "waiting for its triggers",
        }
    }
}

/// What is installed.
#[derive(Debug, Clone, Default)]
pub struct Inventory(BTreeMap<String, Installed>);

impl Inventory {
    /// Reads what the package manager printed.
    pub fn parse(manager: PackageManager, printed: &str) -> Self {
        let row = match manager {
            PackageManager::Apt => of_dpkg,
            PackageManager::Pacman => of_pacman,
        };
        let mut all = BTreeMap::new();
        for (name, row) in printed.lines().filter_map(row) {
            // One package can be there for several architectures; the worst of them counts.
            let worse = |known: &Installed| match (known.stage, row.stage) {
                (Stage::Broken(_), _) | (_, Stage::Gone) => true,
                (_, Stage::Broken(_)) | (Stage::Gone, _) => false,
                (Stage::Done, Stage::Done) => known.is_held || known.is_essential,
            };
            if !all.get(&name).is_some_and(worse) {
                all.insert(name, row);
            }
        }
        Self(all)
    }

    /// What is known of a package, by the package manager's name for it; apt adds the
    /// architecture where it is a foreign one.
    pub fn get(&self, name: &str) -> Option<&Installed> {
        self.0.get(name).or_else(|| self.0.get(name.split(':').next().unwrap_or_default()))
    }

    /// Every package that is known, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Installed)> {
        self.0.iter().map(|(name, row)| (name.as_str(), row))
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

    /// The packages whose installation was begun and not finished, and how far they got, in the
    /// order of their names.
    pub fn broken(&self) -> Vec<(&str, Unfinished)> {
        let broken = self.0.iter().filter_map(|(name, row)| match row.stage {
            Stage::Broken(how) => Some((name.as_str(), how)),
            _ => None,
        });
        broken.collect()
    }
}

/// `ii |NAME|VERSION|ESSENTIAL|PROTECTED`
fn of_dpkg(line: &str) -> Option<(String, Installed)> {
    let mut fields = line.split('|');
    let (state, name, version) = (fields.next()?, fields.next()?, fields.next()?);
    let mut state = state.bytes();
    let (want, stage, error) = (state.next()?, state.next()?, state.next());
    let stage = match (stage, error) {
        (_, Some(b'R')) | (b'H', _) => Stage::Broken(Unfinished::Unpacking),
        (b'i', _) => Stage::Done,
        (b'U' | b'F', _) => Stage::Broken(Unfinished::Configuring),
        (b'W' | b't', _) => Stage::Broken(Unfinished::Triggers),
        _ => Stage::Gone,
    };
    let is_essential = fields.any(|field| field == "yes");
    let row = Installed { version: version.to_owned(), stage, is_held: want == b'h', is_essential };
    Some((name.to_owned(), row))
}

/// `NAME VERSION`
fn of_pacman(line: &str) -> Option<(String, Installed)> {
    let (name, version) = line.trim().split_once(' ')?;
    let row = Installed {
        version: version.to_owned(),
        stage: Stage::Done,
        is_held: false,
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
            "ii |bash|5.2|yes|no\nhi |curl|7.88|no|no\nrc |ufw|0.36|no|no\niF |nginx|1.22||\n\
             iHR|broken|1|no|no\niU |zlib|1|no|no\nii |libc6|2.36|no|no\niU |libc6|2.36|no|no\n\
             ii |init|1|no|yes\nun |gone||no|no\n",
        );
        assert!(all.has("bash") && all.get("bash").unwrap().is_essential);
        assert!(all.get("curl").unwrap().is_held && all.get("init").unwrap().is_essential);
        assert!(!all.has_some("ufw") && !all.has_some("gone") && !all.has_some("unheard-of"));
        assert!(!all.has("nginx") && all.has_some("nginx"));
        assert_eq!(all.get("curl:i386").unwrap().version, "7.88");
        let names: Vec<&str> = all.broken().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["broken", "libc6", "nginx", "zlib"]);
    }

    #[test]
    fn what_pacman_prints_is_read() {
        let all = Inventory::parse(PackageManager::Pacman, "git 2.47-1\n\nwarning\n");
        assert!(all.has("git") && !all.has("warning") && all.broken().is_empty());
        assert_eq!(all.get("git").unwrap().version, "2.47-1");
    }
}
