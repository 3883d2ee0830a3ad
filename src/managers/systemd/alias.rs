//! Whether a unit's name is another name of a unit (`Alias=` of `systemd.unit(5)`).
//!
//! The journal and `systemctl enable` know a unit by its own name alone, so it has to be known
//! before the command lines are made. It is read from the links in systemd's folders, as systemd
//! does it: to ask systemd costs a process.

use crate::system::file;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where systemd looks for units, the first one first (`systemd-analyze unit-paths`).
const FOLDERS: [&str; 13] = [
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/run/systemd/generator.late",
];

/// The folders that `systemctl disable` removes links from.
pub const CONFIGURED: [&str; 2] = ["/etc/systemd/system", "/run/systemd/system"];

/// More than one link to the next name is allowed; a circle is not followed for ever.
const LONGEST_CHAIN: usize = 8;

/// The unit's own name on this host, if `name` is another one of it.
pub fn own_name(name: &str) -> Option<String> {
    own_name_in(present(), name)
}

/// Whether there is a file for this unit, of its own or a template's.
pub fn has_file(name: &str) -> bool {
    files_of(name).any(|file| exists(&file))
}

/// Where a file for this unit may be, of its own or a template's, the first one first.
fn files_of(name: &str) -> impl Iterator<Item = PathBuf> {
    let names = [Some(name.to_owned()), template_of(name).map(|(template, _)| template)];
    present().iter().flat_map(move |folder| {
        let names = names.clone();
        names.into_iter().flatten().map(move |name| folder.join(name))
    })
}

/// Those of the folders that are there.
fn present() -> &'static [PathBuf] {
    static PRESENT: OnceLock<Vec<PathBuf>> = OnceLock::new();
    PRESENT.get_or_init(|| {
        FOLDERS.iter().map(PathBuf::from).filter(|folder| folder.is_dir()).collect()
    })
}

fn own_name_in(folders: &[PathBuf], name: &str) -> Option<String> {
    let mut current = name.to_owned();
    for _ in 0..LONGEST_CHAIN {
        let next = link(folders, &current).or_else(|| {
            // An instance may get its name from the template.
            let (template, instance) = template_of(&current)?;
            instance_of(&link(folders, &template)?, instance)
        });
        match next {
            Some(next) if next != current => current = next,
            _ => break,
        }
    }
    (current != name).then_some(current)
}

/// `app@.service` and `blue` of `app@blue.service`; none for a template itself.
pub fn template_of(name: &str) -> Option<(String, &str)> {
    let (before, rest) = name.split_once('@')?;
    let (instance, suffix) = rest.rsplit_once('.')?;
    (!instance.is_empty()).then(|| (format!("{before}@.{suffix}"), instance))
}

/// The name of what the first file of this name is a link to, if systemd takes that for another
/// name: a unit of the same kind, an instance of the same name or what it is an instance of
/// (`unit_validate_alias_symlink` of systemd's `install.c`). A link to a file outside of systemd's
/// folders is no other name but a file of its own (`systemctl link`).
fn link(folders: &[PathBuf], name: &str) -> Option<String> {
    // The first one hides those behind it.
    let first = folders.iter().map(|folder| folder.join(name));
    let mut first = first.filter_map(|file| Some((file.symlink_metadata().ok()?, file)));
    let (data, file) = first.next()?;
    if !data.is_symlink() {
        return None;
    }
    let target = std::fs::read_link(&file).ok()?;
    let target = file.parent()?.join(target);
    let is_among = target.parent().is_some_and(|parent| {
        folders.iter().any(|folder| folder == parent || same_folder(folder, parent))
    });
    let other = target.file_name()?.to_str()?;
    let same_kind = Path::new(name).extension() == Path::new(other).extension();
    let other = match (Form::of(name), Form::of(other)) {
        (Form::Plain, Form::Plain) | (Form::Template, Form::Template) => other.to_owned(),
        (Form::Instance(one), Form::Instance(two)) if one == two => other.to_owned(),
        (Form::Instance(instance), Form::Template) => instance_of(other, instance)?,
        _ => return None,
    };
    (is_among && same_kind).then_some(other)
}

/// What a unit's name says it is.
enum Form<'n> {
    Plain,
    Template,
    Instance(&'n str),
}

impl<'n> Form<'n> {
    fn of(name: &'n str) -> Self {
        match template_of(name) {
            Some((_, instance)) => Self::Instance(instance),
            None if name.contains("@.") => Self::Template,
            None => Self::Plain,
        }
    }
}

/// The instance of a template.
fn instance_of(template: &str, instance: &str) -> Option<String> {
    let (before, after) = template.split_once("@.")?;
    Some(format!("{before}@{instance}.{after}"))
}

fn exists(file: &Path) -> bool {
    file.symlink_metadata().is_ok()
}

fn same_folder(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| path.canonicalize().ok();
    whole(one).is_some_and(|one| Some(one) == whole(other))
}

/// Whether disabling this unit takes the name away: it is there as a link alone, in a folder
/// that `systemctl disable` removes every link to the unit from.
pub fn goes_with_disable(name: &str) -> bool {
    let is_kept = |folder: &&PathBuf| !CONFIGURED.iter().any(|each| folder == &Path::new(each));
    let stays = present().iter().filter(is_kept).any(|folder| exists(&folder.join(name)));
    let has_template = template_of(name).is_some_and(|(template, _)| has_file(&template));
    !stays && !has_template && is_link(name)
}

/// What else is enabled and disabled with this unit (`Also=` of `systemd.unit(5)`), as its file
/// says.
pub fn enabled_with(name: &str) -> Vec<String> {
    let Some(text) = files_of(name).find_map(|file| file::read_to_string(file).ok()) else {
        return Vec::new();
    };
    let also = text.lines().filter_map(|line| line.trim().strip_prefix("Also="));
    also.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

/// The units by their own names that have one of these started when they are, as the folders
/// that are called after them say (`systemd.unit(5)`, "WantedBy=").
pub fn wanted_by(names: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let entries = present().iter().filter_map(|folder| std::fs::read_dir(folder).ok());
    for entry in entries.flatten().flatten() {
        let name = entry.file_name();
        let wanting = name.to_str().and_then(|name| name.rsplit_once('.'));
        if let Some((unit, "wants" | "requires" | "upholds")) = wanting
            && names.iter().any(|name| exists(&entry.path().join(name)))
        {
            found.push(own_name(unit).unwrap_or_else(|| unit.to_owned()));
        }
    }
    found
}

/// What the boot starts, and with it all else: the name and the unit's own.
pub fn boot_targets() -> Vec<String> {
    const DEFAULT: &str = "default.target";
    own_name(DEFAULT).into_iter().chain([DEFAULT.to_owned()]).collect()
}

fn is_link(name: &str) -> bool {
    CONFIGURED.iter().any(|folder| {
        let file = Path::new(folder).join(name);
        std::fs::read_link(&file).is_ok_and(|target| target != Path::new("/dev/null"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{create_dir_all, write};
    use std::os::unix::fs::symlink;

    #[test]
    fn another_name_of_a_unit_is_followed_to_its_own() {
        let top = std::env::temp_dir().join(format!("sm-alias-{}", std::process::id()));
        let folders = [top.join("etc"), top.join("lib")];
        for folder in &folders {
            create_dir_all(folder).expect("a folder");
        }
        let outside = top.join("outside.service");
        write(&outside, "").expect("a file");
        let files =
            ["mariadb.service", "app@.service", "app@own.service", "own.service", "a.socket"];
        for file in files.map(|name| format!("lib/{name}")) {
            write(top.join(file), "").expect("a file");
        }
        write(folders[0].join("covered.service"), "").expect("a file");
        for (link, target) in [
            ("etc/mysql.service", top.join("lib/mariadb.service")),
            ("lib/mysqld.service", "mysql.service".into()),
            ("etc/other@.service", top.join("lib/app@.service")),
            ("lib/default@blue.service", "app@.service".into()),
            ("etc/linked.service", outside.clone()),
            ("etc/masked.service", "/dev/null".into()),
            ("lib/covered.service", "mariadb.service".into()),
            ("lib/one@blue.service", "app@blue.service".into()),
            ("lib/one@own.service", "app@own.service".into()),
            ("lib/one@red.service", "app@blue.service".into()),
            ("lib/one@plain.service", "mariadb.service".into()),
            ("lib/two@.service", "app@own.service".into()),
            ("lib/three@.service", "mariadb.service".into()),
            ("lib/app@red.service", "app@.service".into()),
            ("etc/single.service", "/nowhere/app@1.service".into()),
            ("lib/plain.service", "app@own.service".into()),
            ("lib/plain2.service", "app@.service".into()),
            ("lib/circle.service", "circle2.service".into()),
            ("lib/circle2.service", "circle.service".into()),
            ("lib/a.service", "a.socket".into()),
        ] {
            symlink(target, top.join(link)).expect("a link");
        }
        for (name, own) in [
            ("mysql.service", Some("mariadb.service")),
            ("mysqld.service", Some("mariadb.service")),
            ("other@blue.service", Some("app@blue.service")),
            ("other@a.b.service", Some("app@a.b.service")),
            ("mariadb.service", None),
            ("app@blue.service", None),
            ("default@blue.service", Some("app@blue.service")),
            ("one@blue.service", Some("app@blue.service")),
            ("one@own.service", Some("app@own.service")),
            ("one@red.service", None),
            ("one@plain.service", None),
            ("two@own.service", None),
            ("three@1.service", None),
            ("app@red.service", None),
            ("single.service", None),
            ("plain.service", None),
            ("plain2.service", None),
            ("covered.service", None),
            ("linked.service", None),
            ("masked.service", None),
            ("own.service", None),
            ("a.service", None),
            ("nowhere.service", None),
        ] {
            assert_eq!(own_name_in(&folders, name).as_deref(), own, "{name}");
        }
        // It ends.
        let _ = own_name_in(&folders, "circle.service");
        std::fs::remove_dir_all(&top).expect("it goes");
    }
}
