//! `sm disable`: every request is refused, whatever the policy says, until `sm enable`.

use crate::request::code::{Code, Refusal};
use crate::system::state;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// What says so where nobody but root looks: what clears /etc does not enable anything.
const NOTE: &str = "/var/lib/sm/disabled";

/// The same for every account: a dry run without root must know it too.
const PUBLIC_NOTE: &str = "/etc/sm/disabled";

/// Both, with the mode of the folder and of the file.
const NOTES: [(&str, &str, u32, u32); 2] =
    [(NOTE, state::FOLDER, 0o700, 0o600), (PUBLIC_NOTE, "/etc/sm", 0o755, 0o644)];

/// Refuses where every request is refused. What cannot be looked at counts as a yes.
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

/// Whether it is so, as far as this process may know.
pub fn is_disabled() -> bool {
    let is_there = |path: &str| match fs::symlink_metadata(path) {
        Ok(_) => true,
        // Where a file stands instead of the folder there is no note; the policy is refused then.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            false
        }
        // The folder is root's alone.
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

/// Refuses every request from now on, also after a boot.
///
/// # Errors
/// If one of the notes could not be made; the other one may be there, and is enough.
pub fn disable(text: &str) -> io::Result<()> {
    let made = NOTES.map(|(path, folder, mode, file_mode)| {
        state::folder(folder, mode, "root")?;
        let new = format!("{path}.{}", std::process::id());
        state::put(Path::new(path), Path::new(&new), text.as_bytes(), file_mode)
    });
    made.into_iter().collect()
}

/// No longer refuses every request.
///
/// # Errors
/// If one of the notes is still there, which is enough.
pub fn enable() -> io::Result<()> {
    NOTES.iter().try_for_each(|(path, ..)| {
        let path = Path::new(path);
        state::remove(path)?;
        if path.parent().is_some_and(Path::exists) { state::sync_parent(path) } else { Ok(()) }
    })
}
