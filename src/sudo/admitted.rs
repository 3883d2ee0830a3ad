//! Whether a request that sudo has let through is the account's own right.
//!
//! sudo goes by the groups of the process (`group_source` in `sudo.conf(5)`; sudo-rs too). A process
//! can have one from a set-group-ID file that another account has made, or from before its account
//! was taken out of the group. Here the account database counts, as over the socket.

use crate::output::text::shell_word;
use crate::request::caller::{Caller, Via};
use crate::request::code::{Code, Refusal};
use crate::request::who::Who as _;
use crate::sudo::account::Who as For;
use crate::sudo::ask::{Sudo, program};
use crate::sudo::folder::{FOLDER, is_read};
use crate::system::trust::trusted;
use std::ffi::OsString;
use std::io;
use std::path::Path;

/// Whether the account may ask: it has a drop-in of its own, is in a group now that has one, or no
/// group has one on this host. Else sudo is asked, which goes by the account database for everybody
/// but who calls it: a rule that an administrator has written counts as it does without us.
///
/// # Errors
/// `denied`.
pub fn admitted(caller: &Caller, helper: &Path, words: &[OsString]) -> Result<(), Refusal> {
    if !matches!(caller.via, Via::Sudo | Via::Probe) {
        return Ok(());
    }
    let name = caller.asks_for();
    let own = For::User { name: name.to_owned(), uid: None }.file_name();
    if Path::new(FOLDER).join(own).symlink_metadata().is_ok() {
        return Ok(());
    }
    let groups = match drop_ins_of_groups() {
        Ok(files) if files.is_empty() => return Ok(()),
        Ok(files) => files,
        Err(_) => Vec::new(),
    };
    let is_in = |file: &String| match For::of_file(file) {
        Some(For::Group { name, .. }) => caller.in_group(&name) == Some(true),
        _ => false,
    };
    if groups.iter().any(is_in) || has_another_rule(name, helper, words) {
        return Ok(());
    }
    let what =
        format!("the account {name} has no rule of its own, and is in no group that has one");
    Err(Refusal::new(Code::Denied, what).hint(format!(
        "only the account's groups count, not those of its process; an administrator can allow it: sm setup-sudo --user {}",
        shell_word(name)
    )))
}

/// The names of the drop-ins of groups, except those that sudo skips.
fn drop_ins_of_groups() -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(FOLDER) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let file = entry?.file_name();
        let file = file.to_string_lossy();
        if file.starts_with("sm-%") && is_read(&file) {
            files.push(file.into_owned());
        }
    }
    Ok(files)
}

/// Whether sudo lets the account itself run this, by what the account database says of it.
fn has_another_rule(name: &str, helper: &Path, words: &[OsString]) -> bool {
    // Root does not run what others can change.
    let is_trusted = program("sudo").is_some_and(|sudo| trusted(&sudo).is_ok());
    is_trusted && Sudo::find().is_ok_and(|sudo| sudo.allows(name, helper, words).is_ok())
}
