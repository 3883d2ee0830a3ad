//! The plain drop-in: one rule for one program.

use crate::admin::setup_sudo::install;
use crate::admin::setup_sudo::mark::MARK;
use crate::admin::setup_sudo::rights::{gives_no_rights, more_rights, no_default_acl};
use crate::output::text::one_line;
use crate::request::code::{Code, Refusal};
use crate::sudo::account::Who;
use crate::sudo::files::Included;
use crate::sudo::folder::FOLDER;
use crate::system::trust::trusted;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What stands in a drop-in of ours and was not made by us, as far as it says anything to sudo:
/// whatever is not about a helper alone. It goes when the drop-in is made again or removed.
pub fn others(text: &str) -> Vec<&str> {
    let is_said = |line: &&str| {
        // `#` and a digit is an account's number, and `#include` is no comment (`sudoers(5)`).
        let rest = line.strip_prefix('#').unwrap_or("1");
        let is_rule = rest.starts_with(|c: char| c.is_ascii_digit());
        !line.is_empty() && (is_rule || Included::by(line).is_some())
    };
    let is_ours = |line: &str| {
        let words = line.split([' ', '\t', ',']).filter(|word| word.starts_with('/'));
        let programs: Vec<&Path> = words.map(Path::new).collect();
        !programs.is_empty() && programs.iter().all(|path| path.ends_with("sm-helper"))
    };
    text.lines().map(str::trim).filter(is_said).filter(|line| !is_ours(line)).collect()
}

/// What is said of these.
pub fn gone_with_it(lines: &[&str]) -> String {
    let shown: Vec<String> =
        lines.iter().map(|line| format!("`{}`", one_line(line, 200))).collect();
    format!(
        "lost with it, and not made by sm setup-sudo: {}; to keep a line, put it into a file of its own in {FOLDER}, with visudo -f",
        one_line(&shown.join(", "), 1000)
    )
}

/// As [`helper_beside`], after making sure of `sm` too: nobody is to be root by the administrator's
/// program, the one at `program` or the one beside the helper.
///
/// # Errors
/// `untrusted_path`, saying what is wrong with which component.
pub fn of_both(program: &Path) -> Result<PathBuf, Refusal> {
    let helper = helper_beside(program)?;
    for own in [program.to_owned(), helper.with_file_name("sm")] {
        if own.exists() {
            gives_no_rights(&own)?;
        }
    }
    Ok(helper)
}

/// The helper that is installed beside the program at `program`, after making sure that it can
/// be relied on and that being allowed to run it is not being allowed to run `sm`.
///
/// # Errors
/// `untrusted_path`, saying what is wrong with which component.
pub fn helper_beside(program: &Path) -> Result<PathBuf, Refusal> {
    let path = program.with_file_name("sm-helper");
    let untrusted = |reason: &str| {
        let hint = match install::again(program) {
            Some(again) => format!("install both programs again: {again}"),
            None => format!(
                "install both programs with `{} setup-sudo --install --user ACCOUNT`, or with packaging/install",
                program.display()
            ),
        };
        Refusal::new(Code::UntrustedPath, format!("{} {reason}", path.display())).hint(hint)
    };
    if std::fs::symlink_metadata(&path).is_err() {
        return Err(untrusted("does not exist"));
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
    if let Some(reason) = more_rights(&real, &data) {
        return Err(untrusted(reason));
    }
    if let Some(folder) = real.parent() {
        no_default_acl(folder)?;
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
    use super::{helper_beside, others};
    use crate::admin::setup_sudo::mark::is_ours;
    use std::path::Path;

    #[test]
    fn a_drop_in_is_ours_by_its_first_line() {
        for (text, expected) in [
            ("# Made by sm setup-sudo for account agent; do not edit\nagent ALL=ALL\n", true),
            ("# Made by sm setup-sudo --exact for group a; do not edit\n", true),
            ("# Made by sm setup-sudo\nagent ALL=(root) /bin/x\n", true),
            ("", true),
            (" \n\n", true),
            ("# Made by sm setup-sudoers\n", false),
            ("sm-admin ALL=(ALL) ALL\n", false),
            ("# said\n# Made by sm setup-sudo for account agent\n", false),
        ] {
            assert_eq!(is_ours(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_about_the_helper_alone_was_not_made_by_us() {
        let first = "# Made by sm setup-sudo for account agent; do not edit\n# more\n\n";
        for (line, is_other) in [
            ("agent ALL=(root) NOPASSWD: NOSETENV: /usr/local/bin/sm-helper", false),
            ("%ops ALL=(root) NOPASSWD: NOSETENV: /opt/sm/bin/sm-helper list", false),
            ("#1005 ALL=(root) NOPASSWD: NOSETENV: /usr/local/bin/sm-helper", false),
            ("#", false),
            ("agent ALL=(root) NOPASSWD: /usr/bin/id", true),
            ("#1005 ALL=(root) NOPASSWD: /usr/bin/id", true),
            ("agent ALL=(root) /usr/local/bin/sm-helper, /bin/sh", true),
            ("agent ALL=(ALL) ALL", true),
            ("Defaults:agent !requiretty", true),
            ("#includedir /etc/more", true),
            ("@include /etc/more", true),
        ] {
            let text = format!("{first}{line}\n");
            assert_eq!(others(&text), if is_other { vec![line] } else { vec![] }, "{line}");
        }
    }

    #[test]
    fn the_hint_for_a_missing_helper_can_be_run_by_root() {
        let refusal = helper_beside(Path::new("/nowhere/sm")).expect_err("a refusal");
        let hint = refusal.hint.expect("a hint");
        assert!(hint.contains("`/nowhere/sm setup-sudo --install --user ACCOUNT`"), "{hint}");
    }
}
