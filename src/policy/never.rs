//! Names that a site policy can never add, since any of them would give an account full root.

use crate::policy::model::{Policy, TaskRule};

/// Units, by their complete name.
const UNITS: [&str; 18] = [
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
    "sm-broker.service",
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

/// Packages: shells, interpreters, programs that decide who becomes root, the base system, and this
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

/// Shells and interpreters, without the version at the end of a name. They run the code that their
/// arguments name, and nobody checks who owns that.
const INTERPRETERS: &str = "\
    ash awk bash bun busybox clisp csh dash deno dotnet elixir elvish erl es escript expect fish \
    gawk ghci groovy guile irb java jjs jrunscript jshell julia ksh ksh93 ksh93u ld-linux ld-musl ld.so lksh \
    lua luajit mawk mksh mono nawk node nodejs nu ocaml octave original-awk osh oksh pdksh perl \
    php php-cgi php-cli posh posix-sh pwsh pypy python qjs racket raku rbash Rscript ruby runghc \
    sash sbcl scala scheme sh static-sh swipl tclsh toybox tsx wasmtime wish xonsh yash ysh zsh \
    bash-static zsh-static busybox-static";

/// Programs that start another program, which their arguments name.
const STARTERS: &str = "\
    at batch bwrap capsh catchsegv chpst chroot chrt chronic cpulimit daemonize dbus-run-session \
    doas eatmydata entr env envdir expect fakechroot fakeroot faketime find firejail flatpak-spawn flock gdb \
    gdbserver i386 ionice linux32 linux64 ltrace multitime newgrp nice nohup nsenter numactl \
    openvt parallel pkexec prlimit proxychains rlwrap rtcwake run-parts run0 runcon runuser s6-setuidgid \
    screen script setarch setlock setpriv setsid setuidgid sg softlimit sshpass \
    start-stop-daemon stdbuf strace su sudo sudo-rs sudoedit super switch_root \
    systemd-cat systemd-inhibit systemd-nspawn systemd-run taskset time timeout tini tmux \
    torsocks uname26 unbuffer unshare valgrind watch x86_64 xargs xvfb-run";

/// Whether a check or a task of a site policy can never be this program.
pub fn program(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    // `python3.11`, `lua5.4`, `ld-linux-x86-64.so.2`
    let short = name.trim_end_matches(|c: char| c.is_ascii_digit() || ".-".contains(c));
    let first = name.split_once(".so").map_or(name, |(first, _)| first);
    let loader = ["ld-linux", "ld-musl"].into_iter().find(|begin| first.starts_with(begin));
    let has = |name: &str| {
        [INTERPRETERS, STARTERS].iter().any(|names| names.split_whitespace().any(|one| one == name))
    };
    has(name) || has(short) || loader.is_some() || package(name)
}

/// The error for such a program. `what` is the key that names it: `check` or `task`.
pub fn is_starter(what: &str) -> String {
    format!(
        "a {what} in a site policy cannot be a shell, an interpreter or a program that starts another one"
    )
}

/// The hint for it.
pub const SCRIPT: &str = "put the command line into a script that root owns, and name that";

/// The tasks of a policy that run such a program, with their lines: a warning for whoever compiles
/// the policy in.
pub fn starters(policy: &Policy<'_>) -> Vec<(u32, String)> {
    let is_one = |rule: &&TaskRule| policy.words_of(rule.argv).next().is_some_and(program);
    let sentence = |rule: &TaskRule| {
        let name = policy.text_of(rule.name);
        let argv: Vec<&str> = policy.words_of(rule.argv).collect();
        format!(
            "the task {name} runs {}, which runs what its arguments name, and nobody looks whose that is: {SCRIPT}",
            argv.first().copied().unwrap_or_default()
        )
    };
    policy.tasks.iter().filter(is_one).map(|rule| (rule.line, sentence(rule))).collect()
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
            "sm-broker.service",
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

    #[test]
    fn what_runs_what_its_arguments_name_is_on_the_list() {
        for program in [
            "/bin/sh",
            "/usr/bin/dash",
            "/bin/busybox",
            "/usr/bin/env",
            "/usr/bin/find",
            "/usr/bin/xargs",
            "/usr/bin/sudo",
            "/usr/bin/su",
            "/usr/bin/python3",
            "/usr/bin/python3.13",
            "/opt/python/bin/python3-12",
            "/usr/bin/perl5.40.1",
            "/usr/bin/lua5.4",
            "/usr/bin/php8.4",
            "/usr/bin/node",
            "/usr/bin/timeout",
            "/usr/bin/systemd-run",
            "/usr/bin/original-awk",
            "/lib64/ld-linux-x86-64.so.2",
            "/lib/ld-musl-x86_64.so.1",
            "/usr/bin/setpriv",
            "/usr/local/bin/sm-helper",
        ] {
            assert!(super::program(program), "{program}");
        }
        for program in [
            "/usr/sbin/nginx",
            "/usr/bin/docker",
            "/usr/bin/rsync",
            "/usr/bin/git",
            "/usr/bin/systemctl",
            "/usr/local/sbin/deploy",
            "/usr/local/sbin/deploy.sh",
            "/usr/local/sbin/deploy2",
            "/usr/sbin/php-fpm8.4",
            "/usr/bin/certbot",
        ] {
            assert!(!super::program(program), "{program}");
        }
    }
}
