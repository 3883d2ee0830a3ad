//! Versions with known vulnerabilities, by programs that say they are of one.

use crate::case::Mend::By;
use crate::case::{Case, try_all};
use crate::host::{Host, Sudo};

/// A program that says it is of another version, and is the real one for everything else.
macro_rules! says {
    ($id:literal, $status:literal, $found:literal, $program:literal, $version:literal) => {
        Case {
            id: $id,
            status: $status,
            says: $found,
            breaks: concat!(
                "mv /usr/bin/",
                $program,
                " /usr/bin/",
                $program,
                ".real; ",
                "printf '#!/bin/sh\\n[ \"$1\" = --version ] && echo \"",
                $version,
                "\" || exec /usr/bin/",
                $program,
                ".real \"$@\"\\n' >/usr/bin/",
                $program,
                "; chmod 0755 /usr/bin/",
                $program
            ),
            more: &[],
            mend: By(concat!("mv /usr/bin/", $program, ".real /usr/bin/", $program)),
        }
    };
}

/// An older package of the same version.
macro_rules! package {
    ($id:literal, $status:literal, $found:literal, $from:literal, $to:literal) => {
        Case {
            id: $id,
            status: $status,
            says: $found,
            breaks: concat!(
                "cp -p /var/lib/dpkg/status /root/status; sed -i 's/^Version: ",
                $from,
                ".*/Version: ",
                $to,
                "/' /var/lib/dpkg/status"
            ),
            more: &[],
            mend: By("mv /root/status /var/lib/dpkg/status"),
        }
    };
}

pub const CASES: &[Case] = &[
    package!("sudo_version", "warning", "CVE-2025-32462", "1.9.13p3-1+deb12", "1.9.13p3-1+deb12u1"),
    says!("sudo_version", "problem", "CVE-2021-3156", "sudo", "Sudo version 1.9.5p1"),
    says!("sudo_version", "problem", "CVE-2025-32463", "sudo", "Sudo version 1.9.15"),
    says!("sudo_version", "warning", "CVE-2025-46718", "sudo", "sudo-rs 0.2.5"),
    says!("sudo_version", "warning", "not known which", "sudo", "something else"),
    says!(
        "systemd_version",
        "problem",
        "older than 236",
        "systemctl",
        "systemd 232 (232-25+deb9u14)"
    ),
    says!("systemd_version", "problem", "CVE-2020-1712", "systemctl", "systemd 241 (241)"),
    says!("package_manager_version", "problem", "CVE-2019-3462", "apt-get", "apt 1.4.8 (amd64)"),
    Case {
        id: "package_manager_version",
        status: "problem",
        says: "CVE-2019-18182",
        breaks: "cp -p /usr/lib/os-release /root; rm -f /etc/os-release; sed -i 's/^ID=.*/ID=arch/' /usr/lib/os-release; mv /usr/bin/pacman /usr/bin/pacman.real; printf '#!/bin/sh\\necho \" .--.   Pacman v5.1.3 - libalpm v11\"\\n' >/usr/bin/pacman; chmod 0755 /usr/bin/pacman",
        more: &[],
        mend: By(
            "mv /root/os-release /usr/lib; ln -s ../usr/lib/os-release /etc; mv /usr/bin/pacman.real /usr/bin/pacman",
        ),
    },
];

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_versions() {
    try_all(&Host::ready(Sudo::Classic), CASES);
}
