//! Known vulnerabilities, of the versions that one may still meet, that matter here. What does not, and why,
//! is said in docs/doctor.md.

use crate::admin::doctor::finding::Status;

/// A vulnerability of a program.
pub struct Vulnerability {
    /// Its number.
    pub cve: &'static str,
    /// What it lets an account do.
    pub what: &'static str,
    /// How bad that is here.
    pub status: Status,
    /// The first version that has it.
    pub since: &'static str,
    /// The first version that has it no more.
    pub fixed: &'static str,
    /// Where a distribution has fixed an older version: how its versions begin, and the first of
    /// them that is fixed (security-tracker.debian.org, ubuntu.com/security).
    pub patched: &'static [(&'static str, &'static str)],
}

/// sudo's.
pub const SUDO: [Vulnerability; 4] = [
    Vulnerability {
        cve: "CVE-2025-32463",
        what: "every account becomes root with --chroot",
        status: Status::Problem,
        since: "1.9.14",
        fixed: "1.9.17p1",
        patched: &[
            ("1.9.15p5-3ubuntu", "1.9.15p5-3ubuntu5.24.04.1"),
            ("1.9.16p2-1ubuntu", "1.9.16p2-1ubuntu1.1"),
            ("1.9.16p2-", "1.9.16p2-3"),
        ],
    },
    Vulnerability {
        cve: "CVE-2025-32462",
        what: "rules that sudoers has for other hosts hold on this one",
        // The drop-ins are for every host; another line may not be.
        status: Status::Warning,
        since: "1.8.8",
        fixed: "1.9.17p1",
        patched: &[
            ("1.9.5p2-3", "1.9.5p2-3+deb11u2"),
            ("1.9.13p3-1", "1.9.13p3-1+deb12u2"),
            ("1.9.9-1ubuntu", "1.9.9-1ubuntu2.5"),
            ("1.9.15p5-3ubuntu", "1.9.15p5-3ubuntu5.24.04.1"),
            ("1.9.16p2-1ubuntu", "1.9.16p2-1ubuntu1.1"),
            ("1.9.16p2-", "1.9.16p2-3"),
        ],
    },
    Vulnerability {
        cve: "CVE-2023-22809",
        what: "whoever may edit one file with sudoedit may edit every file",
        status: Status::Warning,
        since: "1.8.0",
        fixed: "1.9.12p2",
        patched: &[
            ("1.8.27-1", "1.8.27-1+deb10u5"),
            ("1.8.31-1ubuntu", "1.8.31-1ubuntu1.4"),
            ("1.9.5p2-3", "1.9.5p2-3+deb11u1"),
            ("1.9.9-1ubuntu", "1.9.9-1ubuntu2.2"),
        ],
    },
    Vulnerability {
        cve: "CVE-2021-3156",
        what: "every account becomes root with sudoedit -s",
        status: Status::Problem,
        since: "1.8.2",
        fixed: "1.9.5p2",
        patched: &[
            ("1.8.21p2-3ubuntu", "1.8.21p2-3ubuntu1.4"),
            ("1.8.27-1", "1.8.27-1+deb10u3"),
            ("1.8.31-1ubuntu", "1.8.31-1ubuntu1.2"),
        ],
    },
];

/// sudo-rs's.
pub const SUDO_RS: [Vulnerability; 2] = [
    Vulnerability {
        cve: "CVE-2025-46718",
        what: "an account can list what others may do, and (CVE-2025-46717) which files there are",
        status: Status::Warning,
        since: "0",
        fixed: "0.2.6",
        patched: &[],
    },
    Vulnerability {
        cve: "CVE-2025-64170",
        what: "part of a password shows on the terminal after a timeout, and (CVE-2025-64517) with targetpw or rootpw the wrong one is remembered",
        status: Status::Warning,
        since: "0.2.5",
        fixed: "0.2.10",
        patched: &[],
    },
];

/// systemd's.
pub const SYSTEMD: [Vulnerability; 2] = [
    Vulnerability {
        cve: "CVE-2021-33910",
        what: "an account that may mount can crash the service manager, and with it the host",
        status: Status::Warning,
        since: "220",
        fixed: "249",
        patched: &[
            ("237-3ubuntu", "237-3ubuntu10.49"),
            ("241-7", "241-7~deb10u8"),
            ("245.4-4ubuntu", "245.4-4ubuntu3.10"),
            ("247.3-", "247.3-6"),
        ],
    },
    Vulnerability {
        cve: "CVE-2020-1712",
        what: "an account that uses the service manager over D-Bus can run code in it",
        status: Status::Problem,
        since: "220",
        fixed: "245",
        patched: &[],
    },
];

/// apt's.
pub const APT: [Vulnerability; 2] = [
    Vulnerability {
        cve: "CVE-2020-27350",
        what: "a crafted package crashes what reads it, or worse",
        status: Status::Warning,
        since: "0",
        fixed: "2.1.13",
        patched: &[("1.6.", "1.6.12ubuntu0.2"), ("1.8.", "1.8.2.2"), ("2.0.", "2.0.2ubuntu0.2")],
    },
    Vulnerability {
        cve: "CVE-2019-3462",
        what: "an attacker between this host and a mirror runs code as root",
        status: Status::Problem,
        since: "0",
        fixed: "1.8.0",
        patched: &[("1.2.", "1.2.29ubuntu0.1"), ("1.4.", "1.4.9"), ("1.6.", "1.6.6ubuntu0.1")],
    },
];

/// pacman's.
pub const PACMAN: [Vulnerability; 2] = [
    Vulnerability {
        cve: "CVE-2019-18182",
        what: "the server of a repository runs commands as root, also by CVE-2019-18183",
        status: Status::Problem,
        since: "0",
        fixed: "5.2.0",
        patched: &[],
    },
    Vulnerability {
        cve: "CVE-2019-9686",
        what: "a package's server can write files as root anywhere",
        status: Status::Problem,
        since: "0",
        fixed: "5.1.3",
        patched: &[],
    },
];
