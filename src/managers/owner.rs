//! The package that a file is from, as the host's own package manager says.

use crate::managers::host::PackageManager;
use crate::output::text::shell_word;
use crate::system::tool;
use crate::system::trust::trusted;
use std::path::Path;

/// An installed package.
#[derive(Debug, PartialEq, Eq)]
pub struct Package {
    manager: PackageManager,
    name: String,
}

impl Package {
    /// The one that has put this file there; none where no package has, or where nobody can tell.
    pub fn of(path: &Path) -> Option<Self> {
        let manager = PackageManager::of_this_host()?;
        // Its folder may be a link (/bin), which a package does not know of.
        let path = path.parent()?.canonicalize().ok()?.join(path.file_name()?);
        let path = path.to_str()?;
        let name = match manager {
            PackageManager::Apt => owner(&said("dpkg-query", &["-S", "--", path])?, path)?,
            PackageManager::Pacman => said("pacman", &["-Qqo", "--", path])?.trim().to_owned(),
        };
        Some(Self { manager, name })
    }

    /// The command that takes it away.
    pub fn remove(&self) -> String {
        let name = shell_word(&self.name);
        match self.manager {
            PackageManager::Apt => format!("apt-get remove {name}"),
            PackageManager::Pacman => format!("pacman -R {name}"),
        }
    }

    /// The command that puts its files there again.
    pub fn reinstall(&self) -> String {
        let name = shell_word(&self.name);
        match self.manager {
            PackageManager::Apt => format!("apt-get install --reinstall {name}"),
            PackageManager::Pacman => format!("pacman -S {name}"),
        }
    }
}

/// What a tool prints, where it succeeds.
fn said(name: &str, arguments: &[&str]) -> Option<String> {
    // Root does not run what others can change.
    let (program, _) = trusted(&tool::find(name)?).ok()?;
    let mut command = tool::clean(&program);
    command.args(arguments);
    let output = tool::output(command).ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}

/// The package of this very path: to dpkg-query it is a pattern, and a diversion has a line too.
fn owner(said: &str, path: &str) -> Option<String> {
    let mut lines = said.lines().filter_map(|line| line.split_once(": "));
    let (name, _) = lines.find(|(name, of)| *of == path && !name.contains(' '))?;
    Some(name.split(':').next().unwrap_or(name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::owner;

    #[test]
    fn the_package_of_a_path_is_told_from_what_dpkg_says_besides() {
        let path = "/usr/bin/sm-helper";
        for (said, expected) in [
            ("sm-helper: /usr/bin/sm-helper\n", Some("sm-helper")),
            ("sm-helper:amd64: /usr/bin/sm-helper\n", Some("sm-helper")),
            ("other: /usr/bin/sm-helper2\nsm-helper: /usr/bin/sm-helper\n", Some("sm-helper")),
            ("diversion by x from: /usr/bin/sm-helper\n", None),
            ("", None),
        ] {
            assert_eq!(owner(said, path).as_deref(), expected, "{said}");
        }
    }
}
