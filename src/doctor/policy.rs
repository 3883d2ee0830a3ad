//! The policy, and what root runs because it names it: checks, and the units' own files.

use super::Scene;
use super::call;
use super::finding::{Finding, or_ok};
use super::paths::{mend, weak};
use super::program::weak_program;
use crate::policy::COMPILED;
use crate::policy::site::FILE;
use std::collections::BTreeSet;
use std::path::Path;

pub fn file(scene: &Scene) -> Vec<Finding> {
    let force = match &scene.policy {
        Ok(force) => force,
        Err(refusal) => {
            return vec![Finding::problem(&refusal.error).mend(repair())];
        }
    };
    vec![Finding::ok(match force.site() {
        Some(_) => format!("{FILE} is valid and root's alone"),
        None => "the compiled policy decides alone".to_owned(),
    })]
}

/// What mends a site policy that can not be trusted or read.
pub fn repair() -> String {
    mend(Path::new(FILE)).unwrap_or_else(|| "sm policy edit".to_owned())
}

pub fn check_programs(scene: &Scene) -> Vec<Finding> {
    let programs = checks(scene);
    let mut found: Vec<Finding> = Vec::new();
    let mut there = 0;
    for path in &programs {
        let path = Path::new(path);
        // Of a service that is not on this host there is no program either.
        if path.symlink_metadata().is_ok() {
            there += 1;
            found.extend(weak(path));
        }
    }
    let well = format!("{there} of {} are on this host, and root's alone", programs.len());
    or_ok(found, well)
}

/// The programs that the policies name as checks.
fn checks(scene: &Scene) -> BTreeSet<String> {
    let mut programs = BTreeSet::new();
    let site = scene.policy.as_ref().ok().and_then(|force| force.site());
    for policy in std::iter::once(COMPILED).chain(site) {
        let named = policy.units.iter().filter_map(|rule| policy.check_of(rule));
        programs.extend(named.filter_map(|argv| argv.first().map(|path| (*path).to_owned())));
    }
    programs
}

/// A unit that a policy names and this host has.
struct Unit {
    name: String,
    /// The unit file and what adds to it.
    files: Vec<String>,
    /// What it starts as root.
    programs: Vec<String>,
}

fn units(scene: &Scene) -> Result<Vec<Unit>, String> {
    let mut names = BTreeSet::new();
    let site = scene.policy.as_ref().ok().and_then(|force| force.site());
    for policy in std::iter::once(COMPILED).chain(site) {
        names.extend(policy.units.iter().map(|rule| policy.text_of(rule.name).to_owned()));
    }
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut arguments = vec![
        "--no-pager",
        "show",
        "--property=Id,LoadState,FragmentPath,DropInPaths,User,ExecStartPre,ExecStart,ExecStartPost,ExecReload,ExecStop",
        "--",
    ];
    arguments.extend(names);
    let shown = call::text(call::tool("systemctl", &arguments))?;
    Ok(shown.split("\n\n").filter_map(unit).collect())
}

/// One unit of what `systemctl show` printed; none where it is not loaded.
fn unit(shown: &str) -> Option<Unit> {
    let value = |key: &str| {
        shown.lines().filter_map(|line| line.split_once('=')).find(|(name, _)| *name == key)
    };
    let value = |key: &str| value(key).map_or("", |(_, value)| value);
    if value("LoadState") != "loaded" {
        return None;
    }
    let mut files: Vec<String> = vec![value("FragmentPath").to_owned()];
    files.extend(value("DropInPaths").split_whitespace().map(str::to_owned));
    files.retain(|file| !file.is_empty());
    let as_root = ["", "root", "0"].contains(&value("User"));
    let started = shown.lines().filter(|line| as_root && line.starts_with("Exec"));
    // systemctl prints `ExecStart={ path=/usr/sbin/nginx ; argv[]=… }`.
    let path = |line: &str| Some(line.split_once("{ path=")?.1.split_once(" ;")?.0.to_owned());
    let mut programs: Vec<String> = started.filter_map(path).collect();
    programs.dedup();
    Some(Unit { name: value("Id").to_owned(), files, programs })
}

pub fn unit_files(scene: &Scene) -> Vec<Finding> {
    // Whatever lies there can become a unit of a name that the policy has.
    const FOLDERS: [&str; 5] = [
        "/etc/systemd/system",
        "/run/systemd/system",
        "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system",
        "/lib/systemd/system",
    ];
    let there = FOLDERS.map(Path::new).into_iter().filter(|path| path.exists());
    let mut found: Vec<Finding> = there.filter_map(weak).collect();
    let units = match units(scene) {
        Ok(units) => units,
        Err(why) => return vec![unknown(&why)],
    };
    for unit in &units {
        for file in &unit.files {
            found.extend(weak(Path::new(file)));
            // Another file in the same folder of drop-ins would count too.
            found.extend(Path::new(file).parent().and_then(weak));
        }
    }
    found.dedup();
    or_ok(found, format!("the files of {} units are root's alone", units.len()))
}

pub fn unit_programs(scene: &Scene) -> Vec<Finding> {
    let units = match units(scene) {
        Ok(units) => units,
        Err(why) => return vec![unknown(&why)],
    };
    let mut found = Vec::new();
    for unit in &units {
        found.extend(unit.programs.iter().filter_map(|path| weak_program(path, &unit.name)));
    }
    or_ok(found, format!("what {} units start as root is root's alone", units.len()))
}

fn unknown(why: &str) -> Finding {
    Finding::warning(format!("systemd could not be asked about the policy's units: {why}"))
        .mend("systemctl daemon-reexec")
}

#[cfg(test)]
mod tests {
    use super::unit;

    #[test]
    fn what_systemctl_shows_of_a_unit_is_understood() {
        let shown = "ExecStart={ path=/usr/sbin/nginx ; argv[]=/usr/sbin/nginx -g daemon on; ; }\n\
             ExecReload={ path=/bin/kill ; argv[]=/bin/kill -s HUP ; }\nUser=\nId=nginx.service\n\
             LoadState=loaded\nFragmentPath=/lib/systemd/system/nginx.service\nDropInPaths=/a.conf /b.conf\n";
        let nginx = unit(shown).expect("it is loaded");
        assert_eq!(nginx.programs, ["/usr/sbin/nginx", "/bin/kill"]);
        assert_eq!(nginx.files, ["/lib/systemd/system/nginx.service", "/a.conf", "/b.conf"]);
        let other = unit(&shown.replace("User=", "User=www-data")).expect("it is loaded");
        assert!(other.programs.is_empty());
        assert!(unit(&shown.replace("=loaded", "=not-found")).is_none());
    }
}
