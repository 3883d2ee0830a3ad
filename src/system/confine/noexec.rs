//! sudo's `noexec` (`sudoers(5)`): what it runs shall start no other program. sudo has the dynamic linker
//! load a library for that, in which every call that starts one fails. A program that links statically
//! loads nothing, so this one has the kernel do the same. sudo-rs leaves it to the kernel itself.

use crate::system::confine::calls::filter_calls;
use crate::system::confine::filter::STARTS_NOTHING;
use nix::errno::Errno;
use nix::unistd::geteuid;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Has each start of a program fail from now on, if root runs this under `noexec`.
///
/// # Errors
/// What the kernel says, where it does not filter calls.
pub fn hold() -> Result<(), Errno> {
    let preloaded = std::env::var_os("LD_PRELOAD").unwrap_or_default();
    if geteuid().is_root() && asks_for_it(&preloaded) {
        filter_calls(&STARTS_NOTHING)
    } else {
        Ok(())
    }
}

/// Whether sudo's library is among those to be loaded (`ld.so(8)`): `sudo_noexec.so`, unless
/// `sudo.conf(5)` names another.
fn asks_for_it(preloaded: &OsStr) -> bool {
    preloaded.as_bytes().split(|byte| b" :".contains(byte)).any(|path| {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        name.windows(b"noexec".len()).any(|part| part == b"noexec")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sudos_library_is_known_among_others() {
        for (preloaded, expected) in [
            ("", false),
            ("/usr/libexec/sudo/sudo_noexec.so", true),
            ("/usr/lib/a.so:/usr/lib/sudo/sudo_noexec.so", true),
            ("sudo_noexec.so /usr/lib/a.so", true),
            ("/opt/noexec/a.so", false),
            ("/usr/lib/libeatmydata.so", false),
        ] {
            assert_eq!(asks_for_it(OsStr::new(preloaded)), expected, "{preloaded}");
        }
    }
}
