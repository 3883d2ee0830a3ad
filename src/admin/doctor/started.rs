//! What root starts with the units that somebody may have restarted, and how it becomes root's alone.

use crate::admin::doctor::finding::Finding;
use crate::admin::doctor::paths::{fix, is_theirs, refused};
use crate::admin::risks::unit::Unit;
use crate::output::text::shell_word;
use crate::system::accounts::User;
use crate::system::file;
use nix::unistd::Uid;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where an administrator's units are.
const OWN: &str = "/etc/systemd/system";

/// As long as a remedy for several findings may become.
const LONGEST: usize = 800;

/// Findings of one cause and one remedy.
struct Group {
    units: BTreeSet<String>,
    paths: BTreeSet<PathBuf>,
    /// Why root cannot rely on them.
    error: String,
    /// Shell commands, each once.
    steps: Vec<String>,
    /// Whether systemd has to read the units again then.
    is_unit: bool,
}

/// What others can change or make of all that root starts or reads for the units.
pub fn weak(units: &[Unit]) -> Vec<Finding> {
    let mut groups: Vec<Group> = Vec::new();
    for unit in units {
        for path in unit.used() {
            let Some(refusal) = refused(path) else { continue };
            let (steps, is_unit) = remedy(unit, path);
            add(&mut groups, unit, path, &refusal.error, steps, is_unit);
        }
    }
    groups.iter().map(Group::finding).collect()
}

/// Adds it to a finding that has the same cause and can have the same remedy.
fn add(
    groups: &mut Vec<Group>,
    unit: &Unit,
    path: &Path,
    error: &str,
    steps: Vec<String>,
    is_unit: bool,
) {
    let fits = |group: &Group| {
        let is_one = match is_unit {
            true => group.units.len() == 1 && group.units.contains(&unit.name),
            false => group.steps == steps,
        };
        let long = group.steps.iter().chain(&steps).map(String::len).sum::<usize>();
        is_one && group.is_unit == is_unit && group.error == error && long < LONGEST
    };
    let index = groups.iter().position(fits);
    let group = match index {
        Some(index) => &mut groups[index],
        None => {
            groups.push(Group {
                units: BTreeSet::new(),
                paths: BTreeSet::new(),
                error: error.to_owned(),
                steps: Vec::new(),
                is_unit,
            });
            let last = groups.len() - 1;
            &mut groups[last]
        }
    };
    group.units.insert(unit.name.clone());
    group.paths.insert(path.to_owned());
    for step in steps {
        if !group.steps.contains(&step) {
            group.steps.push(step);
        }
    }
}

impl Group {
    fn finding(&self) -> Finding {
        let units: Vec<&str> = self.units.iter().map(String::as_str).collect();
        let paths: Vec<String> = self.paths.iter().map(|path| path.display().to_string()).collect();
        let has = if units.len() == 1 { "has" } else { "have" };
        let found =
            format!("{} {has} root use {}: {}", units.join(", "), paths.join(", "), self.error);
        let mut steps = self.steps.clone();
        if self.is_unit {
            steps.push("systemctl daemon-reload".to_owned());
        }
        Finding::problem(found).fix(steps.join(" && "))
    }
}

/// What keeps root from using what others can change there: the commands, and whether they change
/// the unit.
fn remedy(unit: &Unit, path: &Path) -> (Vec<String>, bool) {
    if !is_theirs(path)
        && let Some(command) = fix(path)
    {
        return (vec![command], false);
    }
    // It stays theirs: a service that is somebody's runs as somebody.
    if unit.started.contains(path)
        && path.exists()
        && let Some(owner) = owner(path)
    {
        let folder = shell_word(&format!("{OWN}/{}.d", unit.name));
        let line = shell_word(&format!("User={owner}"));
        let write = format!("printf '%s\\n' '[Service]' {line} >{folder}/user.conf");
        return (vec![format!("mkdir -p {folder}"), write], true);
    }
    let steps = without(unit, path)
        .unwrap_or_else(|| vec![format!("systemctl edit {}", shell_word(&unit.name))]);
    (steps, true)
}

/// Whose the path is, or the first folder on it that is not root's.
fn owner(path: &Path) -> Option<String> {
    let mut parts: Vec<&Path> = path.ancestors().collect();
    parts.reverse();
    let uids = parts.into_iter().filter_map(|part| Some(fs::symlink_metadata(part).ok()?.uid()));
    let uid = uids.into_iter().find(|uid| *uid != 0)?;
    User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name)
}

/// Commands after which the unit uses a copy that is root's; if there is no such file yet, it
/// does not use it any more. None if the files that the unit is made of do not name it so.
fn without(unit: &Unit, path: &Path) -> Option<Vec<String>> {
    let name = path.to_str()?;
    let pattern = literal(name)?;
    let named: Vec<&String> = unit
        .files
        .iter()
        .filter(|file| file::read_to_string(file).is_ok_and(|text| text.contains(name)))
        .collect();
    if named.is_empty() {
        return None;
    }
    let mut steps = Vec::new();
    let end = "([^A-Za-z0-9._/-]|$)";
    let change = if path.is_file() {
        let stem = unit.name.rsplit_once('.').map_or(&*unit.name, |(stem, _)| stem);
        let copy = format!("/usr/local/lib/{stem}/{}", path.file_name()?.to_str()?);
        // Nobody's but root's to write.
        let mode = path.metadata().ok()?.mode() & 0o755;
        steps.push(format!(
            "install -D --owner=root --group=root --mode={mode:04o} {} {}",
            shell_word(name),
            shell_word(&copy)
        ));
        format!("s,{pattern}{end},{copy}\\1,g")
    } else {
        // A pattern may name files that are there.
        let literal = name.split(['*', '?']).next().unwrap_or(name);
        let (folder, begin) = literal.rsplit_once('/')?;
        let mut entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let is_there = entries.any(|one| one.file_name().to_string_lossy().starts_with(begin));
        if path.exists() || literal != name && is_there {
            return None;
        }
        format!("s,^(.*{pattern}{end}),#\\1,")
    };
    for file in named {
        let mut file = file.clone();
        // What a package has put there it would put there again.
        for vendor in ["/usr/lib/systemd/system/", "/lib/systemd/system/", "/run/systemd/system/"] {
            if let Some(rest) = file.strip_prefix(vendor) {
                let own = format!("{OWN}/{rest}");
                let folder = own.rsplit_once('/').map_or(OWN, |(folder, _)| folder);
                steps.push(format!("mkdir -p {}", shell_word(folder)));
                steps.push(format!("cp {} {}", shell_word(&file), shell_word(&own)));
                file = own;
                break;
            }
        }
        steps.push(format!("sed -i -E {} {}", shell_word(&change), shell_word(&file)));
    }
    Some(steps)
}

/// The path as sed reads itself; none if it has characters that units write in another way.
fn literal(path: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._+@:-*?".contains(c);
    path.chars().all(is_plain).then(|| {
        path.chars()
            .map(|c| if "._+*?".contains(c) { format!("[{c}]") } else { c.to_string() })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_letter_by_letter() {
        assert_eq!(literal("/srv/a.b*").as_deref(), Some("/srv/a[.]b[*]"));
        for path in ["/srv/a b", "/srv/a,b", "/srv/$x", "/srv/%h"] {
            assert_eq!(literal(path), None, "{path}");
        }
    }

    #[test]
    fn what_has_one_cause_and_one_remedy_is_one_finding() {
        let unit = |name: &str| Unit { name: name.to_owned(), ..Unit::default() };
        let mut groups = Vec::new();
        let (a, b) = (unit("a.service"), unit("b.service"));
        for (unit, path, step, is_unit) in [
            (&a, "/srv/x", "chown x", false),
            (&b, "/srv/x", "chown x", false),
            (&b, "/srv/y", "chown y", false),
            (&a, "/home/x/1", "sed 1", true),
            (&a, "/home/x/2", "sed 2", true),
            (&b, "/home/x/1", "sed 1", true),
        ] {
            add(&mut groups, unit, Path::new(path), "why", vec![step.to_owned()], is_unit);
        }
        let found: Vec<_> = groups.iter().map(|group| group.finding()).collect();
        let texts: Vec<&str> = found.iter().map(|one| one.found.as_str()).collect();
        assert_eq!(
            texts,
            [
                "a.service, b.service have root use /srv/x: why",
                "b.service has root use /srv/y: why",
                "a.service has root use /home/x/1, /home/x/2: why",
                "b.service has root use /home/x/1: why",
            ]
        );
        let fixes: Vec<&str> = found.iter().filter_map(|one| one.fix.as_deref()).collect();
        assert_eq!(fixes[2], "sed 1 && sed 2 && systemctl daemon-reload");
    }
}
