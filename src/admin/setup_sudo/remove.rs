//! `sm setup-sudo --remove`: one drop-in, or with `--all` every one that names this program's
//! helper. Asks neither sudo nor the account database: both may be broken or gone by then.

use crate::admin::answer::{Answer, Failure};
use crate::admin::setup_sudo::approvers;
use crate::admin::setup_sudo::dropin::DropIn;
use crate::admin::setup_sudo::exact::rules;
use crate::admin::setup_sudo::mark::MARK;
use crate::admin::setup_sudo::rule;
use crate::request::code::{Code, Refusal};
use crate::sudo::account::Who;
use crate::sudo::folder;
use crate::system::file;
use crate::system::state;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Where the Debian package keeps the drop-ins while it goes, to put them back should it stay
/// after all (packaging/debian/common). What is removed meanwhile does not come back.
const KEPT: &str = "/run/sm-removed/sudoers.d";

/// Takes one away.
///
/// # Errors
/// If it is still there.
pub fn one(who: &Who, drop_in: &DropIn) -> Result<Answer, Failure> {
    let before = drop_in.text().ok().flatten().unwrap_or_default();
    let was_there = drop_in.remove()?;
    if let Some(name) = drop_in.path().file_name() {
        forget(&Path::new(KEPT).join(name))?;
    }
    let path = drop_in.path().display();
    let text = if was_there {
        format!("removed {path}: {} may no longer run the helper", who.described())
    } else {
        format!("nothing to do: {path} does not exist")
    };
    let answer = Answer::text(text)
        .with("changed", was_there)
        .with("path", drop_in.path().to_string_lossy());
    let others = rule::others(&before);
    if others.is_empty() {
        return Ok(answer);
    }
    Ok(answer.line(&rule::gone_with_it(&others)).with("dropped", others))
}

/// Removes every drop-in of ours that names the helper beside `program`, and that of those who may
/// approve. A rule that was made
/// by hand, or is for another installation, stays.
///
/// # Errors
/// If one is still there.
pub fn all(program: &Path) -> Result<Answer, Failure> {
    let helper = program.with_file_name("sm-helper");
    // setup-sudo writes the place itself, links resolved.
    let real = fs::canonicalize(&helper).unwrap_or_else(|_| helper.clone());
    let helpers = [&*helper, &*real];
    // Those who may approve have rules for `sm` itself.
    let own = [helper.with_file_name("sm"), real.with_file_name("sm")];
    let own = [&*own[0], &*own[1]];
    let programs = Programs { helpers: &helpers, own: &own };
    let ours = ours(folder::FOLDER, &programs)?;
    // The package calls this itself (`dpkg(1)`, "Internal environment").
    if std::env::var_os("DPKG_MAINTSCRIPT_NAME").is_none() {
        self::ours(KEPT, &programs)?.iter().try_for_each(|path| forget(path))?;
    }
    let mut lines = Vec::new();
    for path in &ours {
        DropIn::at(path).remove()?;
        lines.push(format!("removed {}", path.display()));
    }
    if lines.is_empty() {
        lines.push(format!("nothing to do: no drop-in names {}", helper.display()));
    }
    let removed: Vec<_> = ours.iter().map(|path| path.to_string_lossy()).collect();
    Ok(Answer::text(lines.join("\n")).with("changed", !ours.is_empty()).with("removed", removed))
}

/// What the drop-ins of this installation name.
struct Programs<'p> {
    /// The helper, by its name and by where that leads.
    helpers: &'p [&'p Path],
    /// `sm`, the same.
    own: &'p [&'p Path],
}

/// The drop-ins of this folder that are for one of these helpers alone.
fn ours(folder: &str, programs: &Programs<'_>) -> Result<Vec<PathBuf>, Refusal> {
    let unreadable =
        |error: io::Error| Refusal::new(Code::CommandFailed, format!("{folder}: {error}"));
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other.and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(unreadable)?,
    };
    let mut ours = Vec::new();
    for entry in entries {
        let is_named = entry.file_name().as_encoded_bytes().starts_with(b"sm-");
        if is_named && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let text = file::read(entry.path()).map_err(unreadable)?;
            let programs = match entry.file_name() == approvers::FILE {
                true => programs.own,
                false => programs.helpers,
            };
            if names_only(&String::from_utf8_lossy(&text), programs) {
                ours.push(entry.path());
            }
        }
    }
    ours.sort();
    Ok(ours)
}

fn forget(kept: &Path) -> Result<(), Refusal> {
    state::remove(kept)
        .map_err(|error| Refusal::new(Code::CommandFailed, format!("{}: {error}", kept.display())))
}

/// Whether the text is that of a drop-in of ours with rules for this helper and nothing else.
fn names_only(text: &str, helper: &[&Path]) -> bool {
    let rules = rules(text);
    let mut programs = rules
        .iter()
        .flat_map(|rule| rule.split([' ', '\t', ',']))
        .filter(|word| word.starts_with('/'));
    text.starts_with(MARK)
        && programs.clone().next().is_some()
        && programs.all(|program| helper.iter().any(|path| path.as_os_str() == program))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_drop_in_for_this_helper_is_ours() {
        let helper = Path::new("/usr/local/bin/sm-helper");
        let first = "# Made by sm setup-sudo for account agent; do not edit\n";
        for (text, expected) in [
            ("agent ALL=(root) NOPASSWD: NOSETENV: /usr/local/bin/sm-helper\n", true),
            ("#1005 ALL=(root) NOPASSWD: NOSETENV: /usr/local/bin/sm-helper version\n", true),
            (
                "a ALL=(root) /usr/local/bin/sm-helper list\na ALL=(root) /usr/local/bin/sm-helper\n",
                true,
            ),
            ("agent ALL=(root) NOPASSWD: NOSETENV: /opt/sm/bin/sm-helper\n", false),
            ("agent ALL=(root) /usr/local/bin/sm-helper, /bin/sh\n", false),
            ("a ALL=(root) /usr/local/bin/sm-helper\nb ALL=(root) /opt/sm/bin/sm-helper\n", false),
            ("# /usr/local/bin/sm-helper\n", false),
            ("agent ALL=(root) /usr/local/bin/sm-helper2\n", false),
            ("", false),
        ] {
            assert_eq!(names_only(&format!("{first}{text}"), &[helper]), expected, "{text}");
            assert!(!names_only(text, &[helper]), "made by hand: {text}");
        }
    }
}
