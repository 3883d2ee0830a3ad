//! What dpkg has written down of the files of packages, and what else is dpkg's and apt's.

use crate::managers::apt::settings::FILES;
use crate::managers::settings::named;
use crate::managers::territory::Territory;
use crate::system::file;
use std::path::{Path, PathBuf};

/// What is theirs. The folders below `/var/lib` that are not in it are data of what packages start.
pub const TERRITORY: Territory = Territory {
    state: "/var/lib/dpkg/status",
    folders: &[
        "/var/lib/dpkg",
        "/var/lib/apt/extended_states",
        "/var/lib/ucf",
        // `deb-systemd-helper(1p)`
        "/var/lib/systemd/deb-systemd-helper-enabled",
        "/var/lib/systemd/deb-systemd-helper-masked",
        "/var/lib/systemd/deb-systemd-user-helper-enabled",
        "/var/lib/systemd/deb-systemd-user-helper-masked",
        "/var/lib/pam",
        "/var/lib/python",
        "/var/lib/shells.state",
        "/var/lib/xml-core",
        "/var/lib/sgml-base",
        "/var/lib/dictionaries-common",
        "/var/lib/aspell",
        "/var/lib/ispell",
        "/var/lib/emacsen-common",
        "/var/lib/initramfs-tools",
        "/var/lib/gconf",
        "/var/lib/ghostscript",
    ],
    caches: &[
        "/var/cache/apt",
        "/var/cache/debconf",
        "/var/cache/dictionaries-common",
        "/var/cache/fontconfig",
        "/var/cache/ldconfig",
        "/var/cache/man",
    ],
    locks: &[
        "/var/lib/dpkg/lock",
        "/var/lib/dpkg/lock-frontend",
        "/var/lib/dpkg/triggers/Lock",
        "/var/cache/apt/archives/lock",
    ],
};

/// Whether dpkg keeps the names of a package's files in this file.
pub fn is_list(path: &str) -> bool {
    let name = path.strip_prefix("/var/lib/dpkg/info/");
    name.is_some_and(|name| name.ends_with(".list") && !name.contains('/'))
}

/// The file in which dpkg keeps the names of a package's files: of one that is there for several
/// architectures, that of the host's or of any (`dpkg-query(1)`).
pub fn list_of(name: &str) -> Vec<String> {
    let plain = format!("/var/lib/dpkg/info/{name}.list");
    if name.contains(':') || Path::new(&plain).exists() {
        return vec![plain];
    }
    let start = format!("{name}:");
    let names = std::fs::read_dir("/var/lib/dpkg/info").into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let names = names.filter(|file| file.starts_with(&start) && file.ends_with(".list"));
    names.map(|file| format!("/var/lib/dpkg/info/{file}")).collect()
}

/// Those of all packages.
pub fn all_lists() -> Vec<PathBuf> {
    let all = std::fs::read_dir("/var/lib/dpkg/info").into_iter().flatten().flatten();
    let all = all.map(|entry| entry.path());
    all.filter(|path| path.extension().is_some_and(|end| end == "list")).collect()
}

/// The paths in it.
pub fn listed(text: &str) -> Vec<String> {
    text.lines().filter(|line| line.starts_with('/') && *line != "/.").map(str::to_owned).collect()
}

/// Whether `80snapper`, the hook of Debian's package, takes snapshots around each run of dpkg.
pub fn has_snapshot_hooks() -> bool {
    let is_off = file::read_to_string(Path::new("/etc/default/snapper"))
        .is_ok_and(|text| text.lines().any(|line| line.trim() == "DISABLE_APT_SNAPSHOT=\"yes\""));
    !is_off
        && Path::new("/etc/snapper/configs/root").exists()
        && named(&FILES, |command| command.contains("snapper create"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_dpkgs_is_known_and_read() {
        assert!(is_list("/var/lib/dpkg/info/libc6:amd64.list"));
        assert!(!is_list("/var/lib/dpkg/info/nginx.postinst"));
        assert!(!is_list("/var/lib/dpkg/info/x/nginx.list"));
        assert_eq!(
            listed("/.\n/usr\n/usr/bin\n/usr/bin/a b\n\n"),
            ["/usr", "/usr/bin", "/usr/bin/a b"]
        );
    }
}
