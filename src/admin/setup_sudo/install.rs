//! `sm setup-sudo --install`: this program, root's own, where the rule can name it.

use crate::admin::setup_sudo::mark::MARK;
use crate::admin::setup_sudo::rights::{has_attribute, no_default_acl};
use crate::managers::owner::Package;
use crate::request::code::{Code, Refusal};
use crate::system::state;
use crate::system::trust::trusted;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

const FOLDER: &str = "/usr/local/bin";
const MODE: u32 = 0o755;

/// Where a package has it.
const PACKAGED: &str = "/usr/bin/sm";

/// Copies the running program to `/usr/local/bin/sm` and `/usr/local/bin/sm-helper`: two files,
/// each put in place whole. Gives the path of `sm` and whether anything changed.
/// That of a package is where it belongs, and a copy would hide its next version.
///
/// # Errors
/// `untrusted_path` if others could change the folder, else what the kernel said.
pub fn install() -> Result<(PathBuf, bool), Refusal> {
    if fs::read_link("/proc/self/exe").is_ok_and(|own| own == Path::new(PACKAGED)) {
        return Ok((PACKAGED.into(), false));
    }
    let (folder, _) = trusted(Path::new(FOLDER))?;
    no_default_acl(&folder)?;
    let failed = |path: &Path, error: io::Error| {
        Refusal::new(Code::CommandFailed, format!("{}: {error}", path.display()))
            .hint("nothing was changed")
    };
    let _lock = state::lock("install").map_err(|error| failed(Path::new(state::FOLDER), error))?;
    // The file that runs, even if its name leads elsewhere by now.
    let own =
        fs::read("/proc/self/exe").map_err(|error| failed(Path::new("/proc/self/exe"), error))?;
    let mut changed = false;
    let paths = ["sm", "sm-helper"].map(|name| folder.join(name));
    if let Some(other) = paths.iter().find(|path| is_another(path)) {
        let other = other.display();
        return Err(Refusal::new(
            Code::CommandFailed,
            format!("{other} is another program, so it stays as it is, and nothing was installed"),
        )
        .hint("move it, or install this program elsewhere: PREFIX=/opt/sm packaging/install"));
    }
    for path in paths {
        changed |= place(&path, &own).map_err(|error| failed(&path, error))?;
    }
    Ok((folder.join("sm"), changed))
}

/// What puts both programs there again if [`install`] does not: those of a package, or in its
/// place.
pub fn again(program: &Path) -> Option<String> {
    let package = Package::of(program).map(|package| package.reinstall());
    package.or_else(|| {
        (program == Path::new(PACKAGED)).then(|| "PREFIX=/usr packaging/install".to_owned())
    })
}

/// Whether something has this name that is not this program, in whatever version.
fn is_another(path: &Path) -> bool {
    let is_it = |bytes: Vec<u8>| {
        let mut starts = bytes.split(|byte| *byte == MARK.as_bytes()[0]).skip(1);
        starts.any(|rest| rest.starts_with(&MARK.as_bytes()[1..]))
    };
    match fs::symlink_metadata(path) {
        Err(_) => false,
        // A link is replaced, and what it leads to stays.
        Ok(data) if data.is_symlink() => false,
        Ok(data) => data.len() > 0 && !(data.is_file() && fs::read(path).is_ok_and(is_it)),
    }
}

fn place(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    if let Ok(data) = fs::symlink_metadata(path) {
        let own = data.is_file()
            && data.uid() == 0
            && data.mode() & 0o7777 == MODE
            && data.nlink() == 1
            && !has_attribute(path, c"security.capability");
        if own && data.len() == bytes.len() as u64 && fs::read(path)? == bytes {
            return Ok(false);
        }
    }
    state::put(path, &path.with_extension("new"), bytes, MODE)?;
    Ok(true)
}
