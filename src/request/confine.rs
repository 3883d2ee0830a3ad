//! What a task is confined to, as a policy says it.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use std::path::Path;

/// How much of the host is closed to what is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Confine {
    /// Nothing is.
    None,
    /// As much as to a package's scripts.
    Package,
    /// All but to read, and what is named.
    Strict,
}

impl Confine {
    /// Each with its word.
    pub const WORDS: [(&'static str, Self); 3] =
        [("strict", Self::Strict), ("package", Self::Package), ("none", Self::None)];

    /// The word for it in a policy.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, one)| *one == self).map_or("strict", |(word, _)| word)
    }
}

/// What a task may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskConfinement {
    /// How much is closed to it.
    pub confine: Confine,
    /// The files and folders that it writes, if that is all that it may.
    pub write: Vec<String>,
    /// Whether it has a network.
    pub network: bool,
}

impl Serialize for TaskConfinement {
    /// By the keys of a policy: `write` and `network` are for what is strict.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut keys = to.serialize_map(None)?;
        keys.serialize_entry("confine", self.confine.word())?;
        if self.confine == Confine::Strict {
            keys.serialize_entry("write", &self.write)?;
            keys.serialize_entry("network", &self.network)?;
        }
        keys.end()
    }
}

impl Default for TaskConfinement {
    /// Where a policy says nothing.
    fn default() -> Self {
        Self { confine: Confine::Strict, write: Vec::new(), network: false }
    }
}

impl TaskConfinement {
    /// What both allow.
    #[must_use]
    pub fn narrowed_by(&self, other: &Self) -> Self {
        let confine = self.confine.max(other.confine);
        // Who is not strict names nothing: it may write all of it.
        let write = match (self.confine, other.confine) {
            (Confine::Strict, Confine::Strict) => {
                let both = [(self, other), (other, self)];
                let mut write: Vec<String> = both
                    .into_iter()
                    .flat_map(|(one, other)| {
                        one.write.iter().filter(|path| is_within(path, &other.write))
                    })
                    .cloned()
                    .collect();
                write.sort();
                write.dedup();
                write
            }
            (Confine::Strict, _) => self.write.clone(),
            _ => other.write.clone(),
        };
        let network = |one: &Self| one.network || one.confine != Confine::Strict;
        Self { confine, write, network: network(self) && network(other) }
    }

    /// For a person: `confined: writes /srv/app, no network`.
    pub fn described(&self) -> String {
        match self.confine {
            Confine::None => "not confined".to_owned(),
            Confine::Package => "confined as a package's scripts are".to_owned(),
            Confine::Strict => {
                let writes = match self.write.is_empty() {
                    true => "nothing".to_owned(),
                    false => self.write.join(", "),
                };
                let network = if self.network { "has a network" } else { "has no network" };
                format!("confined: writes {writes}, {network}")
            }
        }
    }
}

fn is_within(path: &str, folders: &[String]) -> bool {
    folders.iter().any(|folder| Path::new(path).starts_with(folder))
}

/// What no task writes by its name: the root of all, what starts the host or says who may what, and
/// what is the kernel's.
const NEVER: [&str; 5] = ["/", "/etc", "/usr", "/boot", "/var"];

/// The same for all that is below.
const NEVER_BELOW: [&str; 9] = [
    "/dev",
    "/etc/sm",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/proc",
    "/run/sm",
    "/sys",
    "/var/lib/sm",
    "/var/log/sm",
];

/// Whether a task can never be allowed to write there.
pub fn is_never_written(path: &str) -> bool {
    let path = Path::new(path);
    NEVER.iter().any(|never| path == Path::new(never))
        || NEVER_BELOW.iter().any(|never| path.starts_with(never))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confinement(confine: Confine, write: &[&str], network: bool) -> TaskConfinement {
        let write = write.iter().map(|path| (*path).to_owned()).collect();
        TaskConfinement { confine, write, network }
    }

    #[test]
    fn two_allow_what_both_do() {
        use Confine::{None, Package, Strict};
        let strict = |write: &[&str], network| confinement(Strict, write, network);
        let wide = strict(&["/srv", "/var/cache/app"], true);
        let cases = [
            (wide.clone(), strict(&["/srv/app", "/opt"], true), strict(&["/srv/app"], true)),
            (wide.clone(), strict(&["/srvx"], false), strict(&[], false)),
            (wide.clone(), confinement(None, &[], false), wide.clone()),
            (confinement(Package, &[], false), confinement(None, &[], false), {
                confinement(Package, &[], true)
            }),
        ];
        for (one, other, both) in cases {
            assert_eq!(one.narrowed_by(&other), both);
            assert_eq!(other.narrowed_by(&one), both);
        }
    }

    #[test]
    fn some_folders_are_never_written() {
        for path in ["/", "/etc", "/etc/", "/etc/sudoers.d/x", "/etc/sm", "/proc/self", "/dev/sda"]
        {
            assert!(is_never_written(path), "{path}");
        }
        for path in ["/srv", "/etc/nginx", "/etc/sudoers.data", "/var/log", "/home/app"] {
            assert!(!is_never_written(path), "{path}");
        }
    }
}
