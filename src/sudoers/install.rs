//! `sm setup-sudo --install`: this program, root's own, where the rule can name it.

use crate::helper::codes::{Code, Refusal};
use crate::state;
use crate::trust::trusted;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

const FOLDER: &str = "/usr/local/bin";

/// Copies the running program to `/usr/local/bin/sm` and `/usr/local/bin/sm-helper`: two files,
/// each put in place whole. Gives the path of `sm` and whether anything changed.
///
/// # Errors
/// `untrusted_path` where others could change the folder, else what the kernel said.
pub fn install() -> Result<(PathBuf, bool), Refusal> {
    let (folder, _) = trusted(Path::new(FOLDER))?;
    let failed = |path: &Path, error: io::Error| {
        Refusal::new(Code::CommandFailed, format!("{}: {error}", path.display()))
            .hint("nothing was installed half")
    };
    let _lock = state::lock("install").map_err(|error| failed(Path::new(state::FOLDER), error))?;
    // The file that runs, also where its name leads elsewhere by now.
    let own =
        fs::read("/proc/self/exe").map_err(|error| failed(Path::new("/proc/self/exe"), error))?;
    let mut changed = false;
    for name in ["sm", "sm-helper"] {
        let path = folder.join(name);
        changed |= place(&path, &own).map_err(|error| failed(&path, error))?;
    }
    Ok((folder.join("sm"), changed))
}

fn place(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    if let Ok(data) = fs::symlink_metadata(path) {
        let own =
            data.is_file() && data.uid() == 0 && data.mode() & 0o7777 == 0o755 && data.nlink() == 1;
        if own && data.len() == bytes.len() as u64 && fs::read(path)? == bytes {
            return Ok(false);
        }
    }
    let new = path.with_extension("new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o700).open(&new)?;
    let written = io::Write::write_all(&mut file, bytes)
        .and_then(|()| fchown(&file, Some(0), Some(0)))
        .and_then(|()| file.set_permissions(Permissions::from_mode(0o755)))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&new, path))
        .and_then(|()| File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written.map(|()| true)
}
