//! The plain drop-in: one rule for one program.

use super::account::Who;
use super::install;
use crate::helper::codes::{Code, Refusal};
use crate::trust::trusted;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The first line of every drop-in of ours.
pub const MARK: &str = "# Made by sm setup-sudo";

/// The helper that is installed beside the program at `program`, after making sure that it can
/// be relied on and that being allowed to run it is not being allowed to run `sm`.
///
/// # Errors
/// `untrusted_path`, saying what is wrong with which component.
pub fn helper_beside(program: &Path) -> Result<PathBuf, Refusal> {
    let path = program.with_file_name("sm-helper");
    let untrusted = |why: &str| {
        let hint = match install::again(program) {
            Some(again) => format!("put both programs there again: {again}"),
            None => format!(
                "install both programs with `{} setup-sudo --install --user ACCOUNT`, or with packaging/install",
                program.display()
            ),
        };
        Refusal::new(Code::UntrustedPath, format!("{} {why}", path.display())).hint(hint)
    };
    if std::fs::symlink_metadata(&path).is_err() {
        return Err(untrusted("is not there"));
    }
    let (real, data) = trusted(&path)?;
    // sudo-rs looks at where a link leads, sudo at the inode: through a link, a rule for
    // sm-helper would be one for what it leads to.
    if real.file_name().is_none_or(|name| name != "sm-helper") {
        return Err(untrusted(&format!(
            "is a link to {}, and must be a file of its own",
            real.display()
        )));
    }
    if !data.is_file() || data.mode() & 0o111 == 0 {
        return Err(untrusted("is not a program"));
    }
    if data.mode() & 0o6000 != 0 {
        return Err(untrusted("is setuid or setgid, which it must never be"));
    }
    let own = std::fs::metadata(real.with_file_name("sm"));
    if own.is_ok_and(|own| (own.dev(), own.ino()) == (data.dev(), data.ino())) {
        return Err(untrusted("is a hard link to sm, and must be a file of its own"));
    }
    // In sudoers a path is a pattern (`*`, `?`, `[`), and `,`, `:`, `=`, `\` and blanks end it.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._+-".contains(&byte);
    if !real.as_os_str().as_encoded_bytes().iter().all(|byte| plain(*byte)) {
        return Err(untrusted("has characters in its path that mean something in sudoers"));
    }
    Ok(real)
}

/// The text of the drop-in.
pub fn render(who: &Who, helper: &Path) -> String {
    format!(
        "{MARK} for {}; do not edit: run `sm setup-sudo` again, or with --remove.\n\
         # What the helper can run as root: sm policy surface\n\
         {}\n",
        who.described(),
        rights(who, helper)
    )
}

/// A rule that lets them run the helper, whatever follows; behind a blank, what has to follow.
pub fn rights(who: &Who, helper: &Path) -> String {
    format!("{} ALL=(root) NOPASSWD: NOSETENV: {}", who.in_sudoers(), helper.display())
}

#[cfg(test)]
mod tests {
    use super::helper_beside;
    use std::path::Path;

    #[test]
    fn the_hint_for_a_missing_helper_can_be_run_by_root() {
        let refusal = helper_beside(Path::new("/nowhere/sm")).expect_err("a refusal");
        let hint = refusal.hint.expect("a hint");
        assert!(hint.contains("`/nowhere/sm setup-sudo --install --user ACCOUNT`"), "{hint}");
    }
}
