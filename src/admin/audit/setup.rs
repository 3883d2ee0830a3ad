//! `sm audit setup`: has the kernel watch the helper, the policy, the drop-ins and the log, and a timer encrypt
//! what rotation puts aside.

use crate::admin::answer::{Answer, Failure};
use crate::admin::audit::archive::timer;
use crate::output::text::one_line;
use crate::policy::force::InForce;
use crate::request::code::{Code, Refusal};
use crate::system::{state, tool};
use std::fs;
use std::path::{Path, PathBuf};

/// The rules, as they are packaged.
const RULES: &str = include_str!("../../../packaging/audit/sm.rules");

/// The rules for the helper beside this program.
pub fn rules(program: &Path) -> String {
    let helper = program.with_file_name("sm-helper");
    RULES.replace("/usr/local/bin/sm-helper", &helper.to_string_lossy())
}

/// Where augenrules(8) collects rules from.
pub const FOLDER: &str = "/etc/audit/rules.d";

/// The rules' file.
pub fn file() -> PathBuf {
    Path::new(FOLDER).join("sm.rules")
}

/// The command that gives the file that is somebody else's another name, under which auditd reads it.
pub fn make_room() -> String {
    format!("mv --no-clobber {FOLDER}/sm.rules {FOLDER}/not-sm.rules")
}

/// Whether what has that name is somebody else's: ours watch a helper under this key, in every
/// version and for every installation.
pub fn is_foreign(path: &Path) -> bool {
    let Ok(bytes) = fs::read(path) else { return path.symlink_metadata().is_ok() };
    let text = String::from_utf8_lossy(&bytes);
    let is_ours =
        |line: &str| line.starts_with("-w ") && line.ends_with("/sm-helper -p x -k sm-exec");
    !text.trim().is_empty() && !text.lines().map(str::trim).any(is_ours)
}

/// Has the kernel watch, and what is put aside encrypted if the policy says to whom.
///
/// # Errors
/// If there is nothing to set up, or auditd or systemd does not take it.
pub fn setup(program: &Path) -> Result<Answer, Failure> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Failure::of(
            Refusal::new(Code::NotPrivileged, "audit rules are root's")
                .hint(format!("run: sudo {} audit setup", program.display())),
        ));
    }
    let encrypts = match InForce::load()?.recipients().is_empty() {
        true => None,
        false => Some(timer::enable(program)?),
    };
    let (Some(auditctl), true) = (tool::find("auditctl"), Path::new(FOLDER).is_dir()) else {
        let what = "auditd is not installed on this host, so";
        return match encrypts {
            Some(answer) => Ok(answer.warned(vec![format!("{what} the kernel watches nothing")])),
            None => Err(Failure::of(
                Refusal::new(Code::Unsupported, format!("{what} nothing was changed")).hint(
                    "install the package auditd (Debian) or audit (Arch), then run this again",
                ),
            )),
        };
    };
    let watched = watch(program, &auditctl)?;
    Ok(match encrypts {
        Some(answer) => watched.and(answer),
        None => watched,
    })
}

/// Installs the rules and loads them.
fn watch(program: &Path, auditctl: &Path) -> Result<Answer, Failure> {
    let rules = rules(program);
    let path = file();
    if is_foreign(&path) {
        let path = path.display();
        return Err(Failure::of(
            Refusal::new(
                Code::CommandFailed,
                format!(
                    "{path} has other rules than sm's, so it stays as it is; nothing was changed"
                ),
            )
            .hint(format!("give it another name, then run this again: {}", make_room())),
        ));
    }
    let changed = fs::read(&path).ok().as_deref() != Some(rules.as_bytes());
    if changed {
        let new = path.with_extension("new");
        state::put(&path, &new, rules.as_bytes(), 0o640).map_err(|error| {
            Refusal::new(Code::CommandFailed, format!("{}: {error}", path.display()))
        })?;
    }
    // The watched folders must exist for the kernel to watch them.
    for (folder, mode, group) in [("/etc/sm", 0o755, "root"), ("/var/log/sm", 0o750, "adm")] {
        state::folder(folder, mode, group)
            .map_err(|error| Refusal::new(Code::UntrustedPath, error.to_string()))?;
    }
    let mut load = tool::clean(auditctl);
    load.arg("-R").arg(&path);
    let loaded = tool::output(load);
    let answer = Answer::text(format!("{} is installed", path.display()))
        .with("changed", changed)
        .with("path", path.to_string_lossy());
    match loaded {
        Ok(output) if output.status.success() => Ok(answer
            .line("the kernel has the rules: ausearch -k sm-exec, sm-config, sm-log")
            .with("loaded", true)),
        Ok(output) => {
            let message =
                String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned();
            // Rules that are there already make auditctl complain, and stay in force.
            if message.contains("exists") && !message.contains("denied") {
                return Ok(answer.line("the kernel already had the rules").with("loaded", true));
            }
            Err(Failure::of(
                Refusal::new(
                    Code::CommandFailed,
                    format!("{} is installed but could not be loaded: {}", path.display(), one_line(&message, 300)),
                )
                .hint("they are loaded at the next boot, unless auditing is locked or hidden from this container"),
            ))
        }
        Err(error) => Err(Failure::of(Refusal::new(
            Code::CommandFailed,
            format!("{}: {error}", auditctl.display()),
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rules_file_is_ours_by_what_it_watches() {
        let path = std::env::temp_dir().join(format!("sm-rules-{}", std::process::id()));
        assert!(!is_foreign(&path));
        for (text, foreign) in [
            (RULES.to_owned(), false),
            (rules(Path::new("/opt/x/sm")), false),
            (format!("-D\n{RULES}-b 8192\n"), false),
            (String::new(), false),
            ("## ours\n-w /srv/sm -p wa -k sm\n".to_owned(), true),
            ("# -w /usr/local/bin/sm-helper -p x -k sm-exec\n".to_owned(), true),
        ] {
            fs::write(&path, &text).expect("a file");
            assert_eq!(is_foreign(&path), foreign, "{text}");
        }
        fs::remove_file(&path).expect("it is there");
    }
}
