//! Whether a program gives whoever runs it more rights than they have.

use crate::output::text::shell_word;
use crate::request::code::{Code, Refusal};
use crate::system::kernel;
use crate::system::trust::trusted;
use std::ffi::{CStr, CString};
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Makes sure that only root can change this program and that it gives nobody more rights than they
/// have. With those, `sm` would run each of its commands as root for everybody.
///
/// # Errors
/// `untrusted_path`, saying what is wrong.
pub fn gives_no_rights(program: &Path) -> Result<(), Refusal> {
    let (real, data) = trusted(program)?;
    let Some(reason) = more_rights(&real, &data) else { return Ok(()) };
    let path = shell_word(&real.to_string_lossy());
    Err(Refusal::new(Code::UntrustedPath, format!("{} {reason}", real.display()))
        .hint(format!("remove that: chmod 0755 {path}; setcap -r {path}")))
}

/// What of a program's file gives who runs it more rights than they have.
pub fn more_rights(path: &Path, data: &Metadata) -> Option<&'static str> {
    if data.mode() & 0o6000 != 0 {
        return Some("is setuid or setgid, which it must never be");
    }
    has_attribute(path, c"security.capability")
        .then_some("has file capabilities, which it must never have")
}

/// Makes sure that what is made in the folder gets no access control entries from it (`acl(5)`,
/// default ACL): whoever they name could change what is put there next.
///
/// # Errors
/// `untrusted_path` if it would.
pub fn no_default_acl(folder: &Path) -> Result<(), Refusal> {
    if !has_attribute(folder, c"system.posix_acl_default") {
        return Ok(());
    }
    let folder = folder.display();
    Err(Refusal::new(
        Code::UntrustedPath,
        format!("{folder} has a default ACL, which every new file there inherits"),
    )
    .hint(format!("remove it: setfacl --remove-default {folder}")))
}

/// Whether the file itself, if it is a link, has this extended attribute (`xattr(7)`).
pub fn has_attribute(path: &Path, name: &CStr) -> bool {
    CString::new(path.as_os_str().as_bytes()).is_ok_and(|path| kernel::has_attribute(&path, name))
}
