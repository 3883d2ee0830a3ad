//! The package that a file is from, as the host's own package manager says.

use crate::managers::host::of_this_host;
use crate::managers::manager::Manager;
use crate::output::text::shell_word;
use std::path::Path;

/// An installed package.
#[derive(Debug)]
pub struct Package {
    manager: Manager,
    name: String,
}

impl Package {
    /// The one that has put this file there; none if no package has, or if nobody can tell.
    pub fn of(path: &Path) -> Option<Self> {
        let manager = of_this_host()?;
        // Its folder may be a link (/bin), which a package does not know of.
        let path = path.parent()?.canonicalize().ok()?.join(path.file_name()?);
        let path = path.to_str()?;
        let name = manager.owner(path)?;
        Some(Self { manager, name })
    }

    /// The command that takes it away.
    pub fn remove(&self) -> String {
        self.manager.remove_by_hand(&shell_word(&self.name))
    }

    /// The command that puts its files there again.
    pub fn reinstall(&self) -> String {
        self.manager.reinstall_by_hand(&shell_word(&self.name))
    }
}
