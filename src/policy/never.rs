//! What a site policy can never add: through any of these an account would have full root.

/// Units, by their complete name.
const UNITS: [&str; 17] = [
    "dbus.service",
    "dbus.socket",
    "dbus-broker.service",
    "polkit.service",
    "console-shell.service",
    "polkitd.service",
    "debug-shell.service",
    "emergency.service",
    "emergency.target",
    "rescue.service",
    "rescue.target",
    "sudo.service",
    "sm.socket",
    "sm@.service",
    "system-sm.slice",
    "init.scope",
    "runlevel1.target",
];

/// Beginnings of unit names.
const UNIT_BEGINNINGS: [&str; 11] = [
    // Other names of systemd's own, by which the bus starts them.
    "dbus-org.freedesktop.",
    "autovt@",
    "systemd-",
    "user@",
    "user-",
    "getty@",
    "serial-getty@",
    "console-getty",
    "container-getty@",
    "sm@",
    "session-",
];

/// Packages: shells, interpreters, what decides who is root, what everything stands on, and this
/// program.
const PACKAGES: &[&str] = &[
    "bash-static",
    "zsh-static",
    "elvish",
    "xonsh",
    "yash",
    "posh",
    "original-awk",
    "udev",
    "coreutils",
    "libc-bin",
    "base-files",
    "init",
    "cron",
    "at",
    "bash",
    "dash",
    "zsh",
    "fish",
    "ksh",
    "mksh",
    "tcsh",
    "csh",
    "busybox",
    "busybox-static",
    "sash",
    "rbash",
    "nushell",
    "perl",
    "perl-base",
    "python",
    "python3",
    "python2",
    "pypy3",
    "ruby",
    "nodejs",
    "node",
    "deno",
    "bun",
    "lua",
    "luajit",
    "php",
    "php-cli",
    "tcl",
    "expect",
    "guile",
    "gawk",
    "mawk",
    "awk",
    "screen",
    "tmux",
    "sudo",
    "sudo-ldap",
    "sudo-rs",
    "doas",
    "opendoas",
    "super",
    "polkit",
    "polkitd",
    "pkexec",
    "policykit-1",
    "dbus",
    "dbus-broker",
    "dbus-daemon",
    "systemd",
    "login",
    "passwd",
    "shadow",
    "util-linux",
    "apt",
    "dpkg",
    "pacman",
    "libc6",
    "glibc",
    "sm",
    "sm-helper",
    "sm-helper-site",
];

/// Beginnings of package names.
const PACKAGE_BEGINNINGS: &[&str] = &[
    "python3-minimal",
    "guile-",
    "tcl8",
    "systemd-",
    "libpam",
    "libnss",
    "python3.",
    "python2.",
    "perl-modules",
    "lua5.",
    "ruby3.",
    "ruby2.",
    "php7",
    "php8",
    "policykit",
    "linux-image",
];

/// Whether a site policy can never name this unit.
pub fn unit(name: &str) -> bool {
    UNITS.contains(&name) || UNIT_BEGINNINGS.iter().any(|begin| name.starts_with(begin))
}

/// Whether a site policy can never name this package.
pub fn package(name: &str) -> bool {
    // With an architecture it is the same package.
    let name = name.split(':').next().unwrap_or(name);
    PACKAGES.contains(&name) || PACKAGE_BEGINNINGS.iter().any(|begin| name.starts_with(begin))
}

/// Whether a check of a site policy can never be this program.
pub fn program(path: &str) -> bool {
    const STARTERS: [&str; 12] = [
        "sh",
        "env",
        "xargs",
        "find",
        "chroot",
        "nsenter",
        "unshare",
        "setpriv",
        "su",
        "runuser",
        "nohup",
        "systemd-run",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    STARTERS.contains(&name) || package(name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_would_be_all_of_root_is_on_the_list() {
        for unit in [
            "dbus.service",
            "systemd-logind.service",
            "polkit.service",
            "user@0.service",
            "sm@x.service",
        ] {
            assert!(super::unit(unit), "{unit}");
        }
        for package in [
            "bash",
            "sudo",
            "python3",
            "python3.12",
            "perl:amd64",
            "systemd-container",
            "sm-helper",
        ] {
            assert!(super::package(package), "{package}");
        }
        assert!(!super::unit("nginx.service") && !super::package("curl"));
    }
}
