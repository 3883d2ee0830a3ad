//! Whether the program was started as it should be: with the rights of its caller, or by root.

use crate::request::code::{Code, Refusal};
use crate::system::kernel;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Refuses to be what the kernel gives more rights than its caller has.
pub fn plain(program: &Path) -> Result<(), Refusal> {
    if !kernel::is_secure_exec() {
        return Ok(());
    }
    let shown = program.display();
    if !has_more_rights(program) {
        // A plain file: who started it left its own id with it, or else a security module decides.
        let how = match nix::unistd::getuid() == nix::unistd::geteuid() {
            true => "by a security module (SELinux, AppArmor) that changed its rights",
            false => "with its caller's user id besides root's, as sudo does with stay_setuid",
        };
        return Err(Refusal::new(Code::NotPrivileged, format!("{shown} was started {how}")).hint(
            "an administrator can find the file and line of the setting with: sm setup-sudo --user NAME --check",
        ));
    }
    let what =
        format!("{shown} is setuid, setgid or has file capabilities, which it must never have");
    Err(Refusal::new(Code::UntrustedPath, what)
        .hint(format!("chmod 0755 {shown}; setcap -r {shown}")))
}

/// Whether the file gives who runs it more rights; it is taken to if that cannot be seen.
fn has_more_rights(program: &Path) -> bool {
    let Ok(data) = program.symlink_metadata() else { return true };
    let path = CString::new(program.as_os_str().as_bytes());
    data.mode() & 0o6000 != 0
        || !data.is_file()
        || path.is_ok_and(|path| kernel::has_capabilities(&path))
}
