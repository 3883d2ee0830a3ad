//! Whether this host has ever had a site policy. If it had one and the file is missing, then an editor,
//! a crash or a mistake removed it, and that does not count as having none.

use crate::system::state;
use std::io;
use std::path::Path;

/// The note that survives a reboot; only root can read it.
const NOTE: &str = "/var/lib/sm/site-policy";

/// The note that every account can read, since a dry run without root must know it, too.
const PUBLIC_NOTE: &str = "/run/sm/site-policy";

/// The folder that root makes at the first request after a boot, once it knows whether there was one.
const ANSWERED: &str = "/run/sm/rate";

const TEXT: &str = "This host has a site policy, /etc/sm/policy.toml. If it is missing, every request is refused. If none is wanted any more: sm policy revert\n";

/// Records that there is a site policy.
///
/// # Errors
/// If that cannot be recorded.
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

/// Whether there was one, as far as this process can tell. A note that it cannot read counts.
pub fn is_noted() -> bool {
    exists(PUBLIC_NOTE).unwrap_or(true)
        || match exists(NOTE) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => false,
            noted => noted.unwrap_or(true),
        }
}

/// Whether this process cannot tell. That is so before root's first answer after a boot, since only
/// root can read the note that survives a reboot. The folder exists from that answer on. If the
/// package is installed, `systemd-tmpfiles` makes it and the public note at boot.
pub fn is_unknown() -> bool {
    let is_hidden =
        exists(NOTE).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    is_hidden && matches!((exists(PUBLIC_NOTE), exists(ANSWERED)), (Ok(false), Ok(false)))
}

/// Forgets that there was one, since none is wanted any more.
///
/// # Errors
/// If a note still exists. Then requests are still refused without a site policy.
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
