//! Which versions of what the helper stands on have a known vulnerability.

use crate::admin::call;
use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::{Finding, Status, or_ok};
use crate::admin::doctor::paths::{fix, tool_fix};
use crate::admin::doctor::vulnerabilities::{APT, PACMAN, SUDO, SUDO_RS, SYSTEMD, Vulnerability};
use crate::managers::host;
use crate::sudo::ask::program;
use crate::system::tool;

/// The first systemd that knows all that the units say (`CollectMode=`).
const OLDEST_SYSTEMD: &str = "236";

/// A program as it is installed.
struct Installed<'n> {
    /// Its name, which is that of its package.
    name: &'n str,
    /// The version that it says it has.
    version: String,
    /// The version of its package, if the distribution is one whose fixes are known.
    package: Option<String>,
    /// Whether the host's packages are those of a distribution that fixes old versions.
    is_patched_elsewhere: bool,
}

pub fn sudo(_: &Context) -> Vec<Finding> {
    let Some(sudo) = program("sudo") else {
        return vec![Finding::ok("there is no sudo on this host")];
    };
    let message = match call::text(call::run(&sudo, &["--version"])) {
        Ok(message) => message,
        Err(reason) => {
            let found = format!("the version of {} is not known: {reason}", sudo.display());
            return vec![unknown(found, fix(&sudo))];
        }
    };
    let first = message.lines().next().unwrap_or_default();
    match (first.strip_prefix("sudo-rs "), first.strip_prefix("Sudo version ")) {
        (Some(version), _) => judged(&installed("sudo-rs", version), &SUDO_RS),
        (_, Some(version)) => judged(&installed("sudo", version), &SUDO),
        _ => {
            let found = format!("it is not known which sudo this is: {first}");
            vec![Finding::warning(found).fix(upgrade("sudo"))]
        }
    }
}

pub fn systemd(_: &Context) -> Vec<Finding> {
    let version = match systemd_version() {
        Ok(version) => version,
        Err(reason) => {
            let found = format!("systemd's version is not known: {reason}");
            return vec![unknown(found, tool_fix("systemctl"))];
        }
    };
    let version = &version;
    if numbers(version) < numbers(OLDEST_SYSTEMD) {
        let found = format!("systemd {version} is older than {OLDEST_SYSTEMD}");
        return vec![Finding::problem(found).fix(upgrade("systemd"))];
    }
    judged(&installed("systemd", version), &SYSTEMD)
}

fn systemd_version() -> Result<String, String> {
    let message = call::text(call::tool("systemctl", &["--version"]))?;
    // `systemd 252 (252.39-1~deb12u2)`
    let mut words = message.split_whitespace().skip(1);
    let (short, long) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let long = long.trim_matches(['(', ')']).split('-').next().unwrap_or_default();
    Ok(if long.starts_with(short) { long } else { short }.to_owned())
}

/// Whether systemd's tools start a pager from which other programs can be started (CVE-2023-26604).
pub fn pager_escapes() -> bool {
    systemd_version().is_ok_and(|version| numbers(&version) < numbers("247"))
}

/// The package managers whose vulnerabilities are known, by their names.
const PACKAGE_MANAGERS: [(&str, &[Vulnerability]); 2] = [("apt", &APT), ("pacman", &PACMAN)];

pub fn package_manager(_: &Context) -> Vec<Finding> {
    let Some(manager) = host::of_this_host() else {
        return vec![Finding::ok(format!("there is neither {}", host::programs()))];
    };
    let name = manager.name();
    let vulnerabilities = PACKAGE_MANAGERS.iter().find(|(known, _)| *known == name);
    let vulnerabilities = vulnerabilities.map_or(&[][..], |(_, vulnerabilities)| vulnerabilities);
    let program = manager.program().rsplit('/').next().unwrap_or_default();
    let message = call::text(call::tool(program, &["--version"])).unwrap_or_default();
    // `apt 2.6.1 (amd64)`; pacman draws a picture beside `Pacman v6.0.2 - libalpm v13.0.2`.
    let mut words = message.split_whitespace().skip_while(|word| !word.eq_ignore_ascii_case(name));
    match words.nth(1) {
        Some(version) => judged(&installed(name, version.trim_start_matches('v')), vulnerabilities),
        None => {
            let found = format!("the version of {program} is not known");
            vec![unknown(found, tool_fix(program))]
        }
    }
}

/// Of a version that is not known nobody can say whether it has a vulnerability.
fn unknown(found: String, fix: Option<String>) -> Finding {
    Finding::warning(found)
        .means("whether it has a known vulnerability cannot be determined")
        .maybe_fix(fix)
}

fn installed<'n>(name: &'n str, version: &str) -> Installed<'n> {
    let query = ["-W", "-f", "${db:Status-Status} ${Version}", "--", name];
    let asked = tool::find("dpkg-query").map(|_| call::tool("dpkg-query", &query));
    let message = match &asked {
        Some(Ok(output)) => String::from_utf8_lossy(&output.stdout).into_owned(),
        _ => String::new(),
    };
    let package = message.strip_prefix("installed ").map(str::to_owned);
    // A program of another version than the package is not the package's.
    let package = package.filter(|package| {
        package.split_once(':').map_or(&**package, |(_, rest)| rest).starts_with(version)
    });
    let is_patched_elsewhere = match asked {
        // What is no package is fixed by nobody but its makers.
        Some(answer) => answer.is_err(),
        None => host::of_this_host().is_none_or(|manager| manager.patches_old_versions()),
    };
    Installed { name, version: version.to_owned(), package, is_patched_elsewhere }
}

fn judged(installed: &Installed<'_>, vulnerabilities: &[Vulnerability]) -> Vec<Finding> {
    let Installed { name, version, package, .. } = installed;
    let shown = match package {
        Some(package) => format!("{name} {package}"),
        None => format!("{name} {version}"),
    };
    let found = vulnerabilities.iter().filter_map(|vulnerability| {
        let (status, note) = open(installed, vulnerability, &is_older)?;
        let found = format!("{shown} has {}: {}{note}", vulnerability.cve, vulnerability.what);
        Some(Finding::new(status, found).fix(upgrade(name)))
    });
    or_ok(found.collect(), format!("{shown} has no known vulnerability that matters here"))
}

/// Whether the vulnerability is open, and what is to be said besides.
fn open(
    installed: &Installed<'_>,
    vulnerability: &Vulnerability,
    is_older: &dyn Fn(&str, &str) -> Option<bool>,
) -> Option<(Status, &'static str)> {
    const MAYBE: &str = " (the distribution may have fixed it: see its changelog)";
    let version = numbers(&installed.version);
    if version < numbers(vulnerability.since) || version >= numbers(vulnerability.fixed) {
        return None;
    }
    let Some(package) = &installed.package else {
        // Nobody but its own makers fixes what is no package of a distribution's.
        return Some(if installed.is_patched_elsewhere {
            (Status::Warning, MAYBE)
        } else {
            (vulnerability.status, "")
        });
    };
    let row = vulnerability.patched.iter().find(|(begin, _)| package.starts_with(begin));
    match row.map(|(_, patched)| is_older(package, patched)) {
        Some(Some(false)) => None,
        Some(Some(true)) => Some((vulnerability.status, "")),
        _ => Some((Status::Warning, MAYBE)),
    }
}

/// Whether one version of a Debian package is older than another; none if nobody can tell.
fn is_older(one: &str, other: &str) -> Option<bool> {
    let asked = call::tool("dpkg", &["--compare-versions", one, "lt", other]).ok()?;
    match asked.status.code() {
        Some(0) => Some(true),
        Some(1) => Some(false),
        _ => None,
    }
}

/// The numbers of a version: `1.9.13p3` is 1, 9, 13, 3. So do these programs count.
fn numbers(version: &str) -> Vec<u64> {
    let runs = version.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
    runs.filter_map(|run| run.parse().ok()).collect()
}

fn upgrade(name: &str) -> String {
    match host::of_this_host() {
        Some(manager) => manager.upgrade_by_hand(name),
        None => format!("install a newer {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vulnerability_is_open_until_its_makers_or_the_distribution_have_fixed_it() {
        let older = |one: &str, other: &str| Some(numbers(one) < numbers(other));
        let is = |name,
                  version: &str,
                  package: Option<&str>,
                  elsewhere,
                  vulnerability: &Vulnerability| {
            let package = package.map(str::to_owned);
            let version = version.to_owned();
            let installed = Installed { name, version, package, is_patched_elsewhere: elsewhere };
            open(&installed, vulnerability, &older).map(|(status, _)| status)
        };
        let (problem, warning) = (Some(Status::Problem), Some(Status::Warning));
        let [chroot, host, _, baron] = &SUDO;
        for (vulnerability, version, package, elsewhere, status) in [
            (chroot, "1.9.17p1", None, false, None),
            (chroot, "1.9.17", None, false, problem),
            (chroot, "1.9.13p3", None, false, None),
            (chroot, "1.9.17", None, true, warning),
            (chroot, "1.9.16p2", Some("1.9.16p2-2"), false, problem),
            (chroot, "1.9.16p2", Some("1.9.16p2-3"), false, None),
            (host, "1.9.13p3", Some("1.9.13p3-1+deb12u1"), false, warning),
            (host, "1.9.13p3", Some("1.9.13p3-1+deb12u2"), false, None),
            (host, "1.9.11", Some("1.9.11-7"), false, warning),
            (baron, "1.8.31", None, false, problem),
            (baron, "1.8.31", Some("1.8.31-1ubuntu1.2"), false, None),
            (baron, "1.9.5p2", None, false, None),
            (baron, "1.9.5p1", None, false, problem),
        ] {
            assert_eq!(
                is("sudo", version, package, elsewhere, vulnerability),
                status,
                "{version} {package:?}"
            );
        }
    }
}
