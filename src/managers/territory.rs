//! What of the file system is a package manager's and its packages', for who puts it back.

/// The files and folders that operations on packages write.
#[derive(Debug, Clone, Copy)]
pub struct Territory {
    /// Where it is written down what is installed: as long as an operation has left it so, nothing was done to
    /// packages since.
    pub state: &'static str,
    /// What else it keeps, and what packages' scripts keep for all packages.
    pub folders: &'static [&'static str],
    /// What is made anew whenever it is missing.
    pub caches: &'static [&'static str],
    /// Its locks, which belong to who holds them now.
    pub locks: &'static [&'static str],
}

impl Territory {
    /// Whether a path is one of these, or below one.
    pub fn holds(places: &[&str], path: &str) -> bool {
        places.iter().any(|place| {
            path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}
