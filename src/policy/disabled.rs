//! `sm disable`: every request is refused, whatever the policy says, until `sm enable`.

use crate::request::code::{Code, Refusal};
use crate::system::state;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// The note that only root can read. Whoever clears /etc does not enable anything by that.
const NOTE: &str = "/var/lib/sm/disabled";

/// The note that every account can read, since a dry run without root must know it, too.
const PUBLIC_NOTE: &str = "/etc/sm/disabled";

/// Both notes, with the modes of the folder and of the file.
const NOTES: [(&str, &str, u32, u32); 2] =
    [(NOTE, state::FOLDER, 0o700, 0o600), (PUBLIC_NOTE, "/etc/sm", 0o755, 0o644)];

/// Refuses if requests are disabled. A note that cannot be checked counts as present.
///
/// # Errors
/// `disabled`
pub fn check() -> Result<(), Refusal> {
    match is_disabled() {
        false => Ok(()),
        true => Err(Refusal::new(
            Code::Disabled,
            "an administrator has disabled all requests on this host",
        )
        .hint("nothing is run until an administrator enables them again: sm enable")),
    }
}

/// Whether requests are disabled, as far as this process can tell.
pub fn is_disabled() -> bool {
    let is_there = |path: &str| match fs::symlink_metadata(path) {
        Ok(_) => true,
        // If there is a file in place of the folder, there is no note, and the policy is refused.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            false
        }
        // Only root can read the folder.
        Err(error) if error.kind() == ErrorKind::PermissionDenied && path == NOTE => false,
        Err(_) => true,
    };
    is_there(PUBLIC_NOTE) || is_there(NOTE)
}

/// The first line of the note: when, and why.
pub fn note() -> Option<String> {
    let text = [PUBLIC_NOTE, NOTE].iter().find_map(|path| fs::read_to_string(path).ok())?;
    text.lines().next().map(str::to_owned)
}

/// Refuses every request from now on, even after a reboot.
///
/// # Errors
/// If one of the notes could not be written. The other one may exist, and is enough.
pub fn disable(text: &str) -> io::Result<()> {
    let made = NOTES.map(|(path, folder, mode, file_mode)| {
        state::folder(folder, mode, "root")?;
        let new = format!("{path}.{}", std::process::id());
        state::put(Path::new(path), Path::new(&new), text.as_bytes(), file_mode)
    });
    made.into_iter().collect()
}

/// Allows requests again.
///
/// # Errors
/// If one of the notes still exists, which is enough to refuse every request.
pub fn enable() -> io::Result<()> {
    NOTES.iter().try_for_each(|(path, ..)| {
        let path = Path::new(path);
        state::remove(path)?;
        if path.parent().is_some_and(Path::exists) { state::sync_parent(path) } else { Ok(()) }
    })
}
