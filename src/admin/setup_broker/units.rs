//! The broker's units: the package's own, or a copy if there is none for this program.

use crate::admin::setup_broker::call::{failed, output};
use crate::broker::unit::{SOCKET_UNIT, UNITS, leads_to_another};
use crate::output::text::shell_word;
use crate::request::code::{Code, Refusal};
use crate::system::file;
use crate::system::state;
use crate::system::trust::trusted;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Where a package's are, and before them what has been put there until the next boot, in the order
/// in which systemd looks into them. A unit there that is this program's needs no copy in [`UNITS`],
/// which would hide what the package's next version brings.
const VENDOR: [&str; 3] =
    ["/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"];

/// Where else somebody may have put something to add to one: what `systemctl set-property` makes.
/// systemd looks into these first, so that a whole unit there replaces ours.
const PROPERTIES: [&str; 3] =
    ["/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient"];

/// The units as they are in packaging/systemd.
pub const FILES: [(&str, &str); 2] = [
    (SOCKET_UNIT, include_str!("../../../packaging/systemd/sm.socket")),
    ("sm-broker.service", include_str!("../../../packaging/systemd/sm-broker.service")),
];

/// What a version before this one had in place of the second: a unit for each connection.
const OLD: &str = "sm@.service";

/// The program that these name.
const PROGRAM: &str = "/usr/local/bin/sm";

/// These units with the path of this program in them: name and text.
///
/// # Errors
/// If no unit can name it.
pub fn of(
    files: &[(&'static str, &str)],
    program: &Path,
) -> Result<Vec<(&'static str, String)>, Refusal> {
    let path = program.to_str().filter(|path| {
        path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte))
    });
    let Some(path) = path.filter(|path| path.ends_with("/sm")) else {
        return Err(Refusal::new(
            Code::UntrustedPath,
            format!("{} cannot be named in a unit", program.display()),
        )
        .hint("install it first: sm setup-broker --install"));
    };
    Ok(files.iter().map(|(name, text)| (*name, text.replace(PROGRAM, path))).collect())
}

/// The unit's file that counts, as systemd finds it.
fn found(name: &str) -> Option<PathBuf> {
    let all = std::iter::once(UNITS).chain(VENDOR).map(|folder| Path::new(folder).join(name));
    all.into_iter().find(|path| path.symlink_metadata().is_ok())
}

/// A package's file of the unit, or what is in front of that until the next boot.
fn of_vendor(name: &str) -> Option<PathBuf> {
    let all = VENDOR.iter().map(|folder| Path::new(folder).join(name));
    all.into_iter().find(|path| path.symlink_metadata().is_ok())
}

/// The package's file of the unit, if it says just this and nobody but root can change it.
fn vendor(name: &str, text: &str) -> Option<PathBuf> {
    let path = of_vendor(name)?;
    let is_it = trusted(&path).is_ok() && file::read_to_string(&path).is_ok_and(|is| is == text);
    is_it.then_some(path)
}

/// Makes sure that no other program has a unit of one of these names, which ours would replace or
/// hide.
///
/// # Errors
/// If one has.
pub fn no_others(wanted: &[(&str, String)]) -> Result<(), Refusal> {
    let here = wanted.iter().map(|(name, _)| Path::new(UNITS).join(name));
    let vendors = wanted.iter().filter_map(|(name, _)| of_vendor(name));
    let Some(path) = here.chain(vendors).find(|path| leads_to_another(path)) else {
        return Ok(());
    };
    let path = path.display();
    Err(Refusal::new(
        Code::CommandFailed,
        format!("{path} is another program's unit, so it stays as it is"),
    )
    .hint(format!("rename it, or move it: mv {path} /root")))
}

/// Puts the units in place, each whole. Says whether anything changed.
///
/// # Errors
/// What the kernel says.
pub fn place(wanted: &[(&str, String)]) -> Result<bool, Refusal> {
    let (folder, _) = trusted(Path::new(UNITS))?;
    let mut changed = false;
    for (name, text) in wanted {
        let path = folder.join(name);
        let cannot = |error: io::Error| failed(&path.display().to_string(), &error);
        if vendor(name, text).is_some() {
            if path.symlink_metadata().is_ok() {
                state::remove(&path).and_then(|()| state::sync_parent(&path)).map_err(cannot)?;
                changed = true;
            }
            continue;
        }
        let is_it = file::read_to_string(&path).is_ok_and(|is| is == *text);
        if is_it && !path.is_symlink() && trusted(&path).is_ok() {
            continue;
        }
        // No unit has a name like this, so that a half one is never read.
        let new = folder.join(format!(".{name}.new"));
        state::put(&path, &new, text.as_bytes(), 0o644).map_err(cannot)?;
        changed = true;
    }
    if let Some(old) = old_copy() {
        let removed = state::remove(&old).and_then(|()| state::sync_parent(&old));
        removed.map_err(|error| failed(&old.display().to_string(), &error))?;
        changed = true;
    }
    Ok(changed)
}

/// Whether systemd has read the socket's unit where it is now, and as it is now.
pub fn is_read() -> bool {
    let arguments =
        ["show", "--property=FragmentPath,NeedDaemonReload,Triggers", "--", SOCKET_UNIT];
    let Ok(output) = output("systemctl", &arguments) else { return false };
    let message = String::from_utf8_lossy(&output.stdout).into_owned();
    let value = |key: &str| message.lines().find_map(|line| line.strip_prefix(key));
    // It may have the same place by another name: /lib is a link.
    let path = value("FragmentPath=").and_then(|path| fs::canonicalize(path).ok());
    let is_here =
        path.is_some() && path == found(SOCKET_UNIT).and_then(|is| is.canonicalize().ok());
    // A file that is older than the one that was read is none that systemd would read again.
    let starts_ours = value("Triggers=") == Some(FILES[1].0);
    is_here && starts_ours && value("NeedDaemonReload=") == Some("no")
}

/// What is left in [`UNITS`] of a version before this one.
fn old_copy() -> Option<PathBuf> {
    let path = Path::new(UNITS).join(OLD);
    (path.symlink_metadata().is_ok() && !leads_to_another(&path)).then_some(path)
}

/// Which unit is not as it should be, if any.
pub fn changed(wanted: &[(&str, String)]) -> Option<String> {
    if let Some(old) = old_copy() {
        return Some(format!("{} is an older version's and is not used any more", old.display()));
    }
    for (name, text) in wanted {
        let Some(path) = found(name) else { return Some(format!("there is no {name}")) };
        match file::read_to_string(&path) {
            Ok(is) if is == *text => {}
            Ok(_) => return Some(format!("{} is not as it should be", path.display())),
            Err(error) => return Some(format!("{}: {error}", path.display())),
        }
        if let Err(refusal) = trusted(&path) {
            return Some(refusal.to_string());
        }
        if let Some(hidden) = vendor(name, text).filter(|vendor| *vendor != path) {
            let (path, hidden) = (path.display(), hidden.display());
            return Some(format!("{path} overrides {hidden}, also that of the next version"));
        }
    }
    None
}

/// What changes these units further: folders, in which systemd reads no other files
/// (`systemd.unit(5)`), and whole units in front of ours.
pub fn additions(wanted: &[(&str, String)]) -> Vec<PathBuf> {
    let in_front = wanted
        .iter()
        .flat_map(|(name, _)| PROPERTIES.map(|folder| Path::new(folder).join(name)))
        .filter(|path| path.symlink_metadata().is_ok());
    let mut folders: Vec<PathBuf> = wanted
        .iter()
        .flat_map(|(name, _)| {
            let folders = std::iter::once(UNITS).chain(PROPERTIES).chain(VENDOR);
            folders.map(move |folder| Path::new(folder).join(format!("{name}.d")))
        })
        .collect();
    folders.retain(|folder| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).any(|path| path.extension() == Some("conf".as_ref()))
    });
    folders.extend(in_front);
    folders
}

/// What is said of one of these, and the command that takes it away.
pub fn added(folder: &Path) -> (String, String) {
    let name = shell_word(&folder.to_string_lossy());
    (
        format!("{} changes the unit", folder.display()),
        format!("rm -r {name} && systemctl daemon-reload"),
    )
}

/// The units in [`UNITS`], and what else has their names there.
pub fn copies() -> Vec<PathBuf> {
    let mut files = FILES.map(|(name, _)| Path::new(UNITS).join(name)).to_vec();
    files.retain(|path| path.symlink_metadata().is_ok() && !leads_to_another(path));
    files.extend(old_copy());
    files
}

/// The file of the socket's unit, if the one that counts is another program's.
pub fn other_socket() -> Option<PathBuf> {
    found(SOCKET_UNIT).filter(|path| leads_to_another(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::unit::is_ours;

    #[test]
    fn a_unit_is_ours_by_what_it_does() {
        for (_, text) in FILES {
            assert!(is_ours(text) && is_ours(&text.replace(PROGRAM, "/opt/sm/bin/sm")));
        }
        for text in
            ["[Socket]\nListenStream=/run/other\n", "[Service]\nExecStart=/usr/bin/sms %i\n"]
        {
            assert!(!is_ours(text), "{text}");
        }
    }
}
