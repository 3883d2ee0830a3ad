//! Whether this host has ever had a site policy: where it had one, a missing one is not "none", it
//! is one that an editor, a crash or a mistake removed.

use crate::system::state;
use std::io;
use std::path::Path;

/// What says so over a boot, for root alone.
const NOTE: &str = "/var/lib/sm/site-policy";

/// The same for every account: a rehearsal without root must know it too.
const PUBLIC_NOTE: &str = "/run/sm/site-policy";

/// What root makes at the first request after a boot, when it knows whether there was one.
const ANSWERED: &str = "/run/sm/rate";

const TEXT: &str = "This host has a site policy, /etc/sm/policy.toml. If it is missing, every request is refused. If none is wanted any more: sm policy revert\n";

/// Makes sure that it is known from now on that there is one.
///
/// # Errors
/// If it cannot be written down.
pub fn note() -> io::Result<()> {
    for (path, folder, mode, file_mode) in
        [(NOTE, state::FOLDER, 0o700, 0o600), (PUBLIC_NOTE, "/run/sm", 0o755, 0o644)]
    {
        if !exists(path)? {
            state::folder(folder, mode, "root")?;
            let new = format!("{path}.{}", std::process::id());
            state::put(Path::new(path), Path::new(&new), TEXT.as_bytes(), file_mode)?;
        }
    }
    Ok(())
}

/// Whether there was one, as far as this process may know: what it cannot read counts as a yes.
pub fn is_noted() -> bool {
    exists(PUBLIC_NOTE).unwrap_or(true)
        || match exists(NOTE) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => false,
            noted => noted.unwrap_or(true),
        }
}

/// Whether that is not known to this process: since the boot root has answered nothing, and only root
/// may look at what outlasts one. The folder is there from the first answer on; where a package is
/// installed, from the boot on, when `systemd-tmpfiles` makes the public note too.
pub fn is_unknown() -> bool {
    let is_hidden =
        exists(NOTE).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    is_hidden && matches!((exists(PUBLIC_NOTE), exists(ANSWERED)), (Ok(false), Ok(false)))
}

/// Forgets it: none is wanted any more.
///
/// # Errors
/// If some of the memory is still there; then a missing one is still refused.
pub fn forget() -> io::Result<()> {
    for path in [PUBLIC_NOTE, NOTE] {
        state::remove(Path::new(path))?;
    }
    Ok(())
}

fn exists(path: &str) -> io::Result<bool> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
