//! Whether a kernel is installed that is newer than the one that runs.

use std::fs;
use std::path::Path;

/// What says that this host has the kernel of another one (systemd, <https://systemd.io/CONTAINER_INTERFACE>).
const CONTAINER: &str = "/run/systemd/container";

/// Whether a kernel is installed that is newer than the one that runs, and of its kind.
pub fn has_newer_kernel() -> bool {
    if Path::new(CONTAINER).exists() {
        return false;
    }
    let Ok(running) = nix::sys::utsname::uname() else { return false };
    let Some(running) = running.release().to_str() else { return false };
    installed_kernels(Path::new("/")).iter().any(|release| is_newer(release, running))
}

/// The releases of the kernels that could be booted: of Debian's packages in `/boot`, of Arch's beside their
/// modules.
fn installed_kernels(root: &Path) -> Vec<String> {
    let names = |folder: &str| {
        let entries = fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect::<Vec<_>>()
    };
    let of_debian = names("boot").into_iter();
    let of_debian = of_debian.filter_map(|name| name.strip_prefix("vmlinuz-").map(str::to_owned));
    let modules = "usr/lib/modules";
    let is_there = |name: &String| root.join(modules).join(name).join("vmlinuz").exists();
    of_debian.chain(names(modules).into_iter().filter(is_there)).collect()
}

/// Whether a kernel's release is newer than another one's of the same kind: `6.1.0-20-amd64` than
/// `6.1.0-18-amd64`, and not than `6.1.0-18-cloud-amd64`.
fn is_newer(release: &str, running: &str) -> bool {
    let kind =
        |release: &str| -> String { release.chars().filter(|c| c.is_alphabetic()).collect() };
    let numbers = |release: &str| -> Vec<u64> {
        let words = release.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty());
        words.map(|word| word.parse().unwrap_or(u64::MAX)).collect()
    };
    kind(release) == kind(running) && numbers(release) > numbers(running)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_kernel_is_one_of_the_same_kind() {
        for (release, running, is_so) in [
            ("6.1.0-20-amd64", "6.1.0-18-amd64", true),
            ("6.1.0-9-amd64", "6.1.0-18-amd64", false),
            ("6.1.0-18-amd64", "6.1.0-18-amd64", false),
            ("6.1.0-20-cloud-amd64", "6.1.0-18-amd64", false),
            ("6.12.1-arch1-1", "6.11.9-arch1-1", true),
            ("6.12.1-zen1-1-zen", "6.11.9-arch1-1", false),
            ("6.6.63-1-lts", "6.6.9-1-lts", true),
            ("6.10.0-1-amd64", "6.9.0-1-amd64", true),
            ("999999999999999999999999.1-amd64", "6.9.0-1-amd64", true),
        ] {
            assert_eq!(is_newer(release, running), is_so, "{release} {running}");
        }
    }

    #[test]
    fn kernels_are_found_where_both_have_them() {
        let root = std::env::temp_dir().join(format!("sm-kernels-{}", std::process::id()));
        for folder in ["boot", "usr/lib/modules/6.12.1-arch1-1", "usr/lib/modules/6.11.9-arch1-1"] {
            fs::create_dir_all(root.join(folder)).expect("a folder");
        }
        for file in [
            "boot/vmlinuz-6.1.0-20-amd64",
            "boot/initrd.img-6.1.0-20-amd64",
            "usr/lib/modules/6.12.1-arch1-1/vmlinuz",
        ] {
            fs::write(root.join(file), "").expect("a file");
        }
        let found = installed_kernels(&root);
        fs::remove_dir_all(&root).expect("nothing is left");
        assert_eq!(found, ["6.1.0-20-amd64", "6.12.1-arch1-1"]);
    }
}
