//! sudo and visudo, asked: is the configuration valid, and what may an account run.

use crate::output::text::{one_line, shell_word};
use crate::request::code::{Code, Refusal};
use crate::sudo::folder::{FOLDER, is_read};
use crate::sudo::listing::{Entry, parse};
use crate::system::tool::{clean, complaint, find_in, output};
use crate::system::trust::trusted;
use nix::unistd::{Group, User};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where sudo and visudo are, also where an administrator has built them, or on NixOS.
const FOLDERS: [&str; 5] =
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/run/wrappers/bin"];

/// Where sudo or visudo is.
pub fn program(name: &str) -> Option<PathBuf> {
    find_in(&FOLDERS, name)
}

/// What it printed in a line, without the files that visudo says are well.
pub fn message(output: &Output) -> String {
    let both = [&output.stderr[..], &output.stdout[..]].concat();
    let text = String::from_utf8_lossy(&both);
    let is_said = |line: &&str| !line.is_empty() && !line.ends_with(": parsed OK");
    let lines: Vec<&str> = text.lines().map(str::trim).filter(is_said).collect();
    let text = lines.join("; ");
    if text.is_empty() { format!("it ended with {}", output.status) } else { one_line(&text, 400) }
}

/// Why it gave up, in a line: its last line comes first.
pub fn complained(output: &Output) -> String {
    complaint(&output.stderr, 400)
        .unwrap_or_else(|| format!("it ended without a message ({})", output.status))
}

/// The command that gives root the files whose owner or mode visudo complains of; none if it is
/// what they say that it does not accept.
pub fn access(message: &str, files: &[PathBuf]) -> Option<String> {
    let mut commands = Vec::new();
    for file in files {
        let name = file.to_string_lossy();
        // `FILE: bad permissions`, sudo-rs' `FILE must be owned by root`; `FILE:2:8: syntax error`.
        let mut rests = message.split(&*name).skip(1);
        let Ok(data) = file.metadata() else { continue };
        if rests.all(|rest| !rest.starts_with(' ') && !rest.starts_with(": ")) {
            continue;
        }
        let name = shell_word(&name);
        if data.uid() != 0 || data.gid() != 0 {
            commands.push(format!("chown root:root {name}"));
        }
        if data.mode() & 0o7777 != 0o440 {
            commands.push(format!("chmod 0440 {name}"));
        }
    }
    (!commands.is_empty()).then(|| commands.join(" && "))
}

/// visudo, which knows what sudo will read.
#[derive(Debug)]
pub struct Visudo(PathBuf);

impl Visudo {
    /// The one of this host.
    ///
    /// # Errors
    /// `unsupported` if there is none.
    pub fn find() -> Result<Self, Refusal> {
        program("visudo").map(Self).ok_or_else(|| {
            Refusal::new(
                Code::Unsupported,
                "there is no visudo on this host, so nothing was changed",
            )
            .hint("install sudo or sudo-rs first")
        })
    }

    /// Checks the whole configuration. Gives what is to be said of it all the same: sudo-rs continues
    /// without a setting that it does not know, as drop-ins of other programs have them, and its
    /// visudo does not accept it.
    ///
    /// # Errors
    /// What visudo said.
    pub fn check_all(&self) -> Result<Option<String>, Refusal> {
        let refusal = match self.check(None) {
            Ok(()) => return Ok(None),
            Err(refusal) => refusal,
        };
        let mut command = clean(&self.0);
        command.arg("-c");
        let unknown = output(command).ok().and_then(|output| unknown_settings(&output));
        match unknown.filter(|_| is_sudo_rs()) {
            Some(unknown) => Ok(Some(format!(
                "sudo-rs does not know these and ignores them: {}",
                one_line(&unknown.join("; "), 300)
            ))),
            None => Err(refusal),
        }
    }

    /// Checks one file, or without one the whole configuration.
    ///
    /// # Errors
    /// What visudo said.
    pub fn check(&self, file: Option<&Path>) -> Result<(), Refusal> {
        let mut command = clean(&self.0);
        command.arg("-c");
        if let Some(file) = file {
            command.arg("-f").arg(file);
        }
        let what = file
            .map_or_else(|| "sudo's configuration".to_owned(), |file| file.display().to_string());
        match output(command) {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => {
                let message = message(&output);
                let how = access(&message, &files()).unwrap_or_else(|| "visudo".to_owned());
                let refusal = Refusal::new(
                    Code::CommandFailed,
                    format!("visudo does not accept {what}: {message}"),
                );
                Err(refusal.hint(format!("fix what it names, with `{how}`, then run this again")))
            }
            Err(error) => {
                Err(Refusal::new(Code::CommandFailed, format!("{}: {error}", self.0.display())))
            }
        }
    }
}

/// The names of the settings that sudo-rs does not know, and continues without.
pub fn skipped() -> BTreeSet<String> {
    let visudo = program("visudo").filter(|visudo| trusted(visudo).is_ok() && is_sudo_rs());
    let checked = visudo.and_then(|visudo| {
        let mut command = clean(&visudo);
        command.arg("-c");
        output(command).ok()
    });
    let unknown = checked.map(|output| complaints(&output)).unwrap_or_default();
    let name = |one: String| Some(one.split('\'').nth(1)?.to_owned());
    unknown.into_iter().flatten().filter_map(name).collect()
}

/// The complaints of sudo-rs' visudo, if all of them are of settings that it does not know.
fn unknown_settings(output: &Output) -> Option<Vec<String>> {
    let known: Vec<String> = complaints(output).into_iter().collect::<Result<_, _>>().ok()?;
    (!known.is_empty()).then_some(known)
}

/// Each complaint of sudo-rs' visudo, behind which it shows the line and marks the place in it: the
/// setting that it does not know, with its file and line, or as an error whatever else it is.
pub fn complaints(output: &Output) -> Vec<Result<String, String>> {
    const UNKNOWN: &str = ": syntax error: unknown setting: ";
    let both = [&output.stderr[..], &output.stdout[..]].concat();
    let text = String::from_utf8_lossy(&both).into_owned();
    let is_complaint = |line: &&str| {
        line.starts_with('/') && !line.ends_with(": parsed OK") && line.contains(": ")
    };
    let all = text.lines().filter(is_complaint).map(|line| {
        let (place, setting) = line.split_once(UNKNOWN).ok_or_else(|| line.to_owned())?;
        Ok(format!("{setting} in {}", place.rsplit_once(':').map_or(place, |(line, _)| line)))
    });
    all.collect()
}

/// Makes sure that sudo reads the drop-ins.
///
/// # Errors
/// `unsupported` if it does not.
pub fn reads_drop_ins(folder: &str) -> Result<(), Refusal> {
    let main = main_file();
    let text = std::fs::read(main).map_err(|error| {
        Refusal::new(Code::Unsupported, format!("{}: {error}; nothing was changed", main.display()))
            .hint("install sudo or sudo-rs first")
    })?;
    let text = String::from_utf8_lossy(&text);
    let is_it =
        |included: Included| included.is_folder && Path::new(&included.path) == Path::new(folder);
    if text.lines().filter_map(Included::by).any(is_it) {
        return Ok(());
    }
    Err(Refusal::new(
        Code::Unsupported,
        format!("{} does not include {folder}, so a drop-in there would do nothing; nothing was changed", main.display()),
    )
    .hint(format!("add the line `@includedir {folder}` at its end, with visudo")))
}

/// The file that sudo reads first.
pub fn main_file() -> &'static Path {
    // sudo-rs prefers a file of its own if there is one.
    let own = Path::new("/etc/sudoers-rs");
    if own.exists() && is_sudo_rs() { own } else { Path::new("/etc/sudoers") }
}

/// The files that sudo reads: the first, and those of its folder that it does not skip.
pub fn files() -> Vec<PathBuf> {
    let mut files = vec![main_file().to_owned()];
    files.extend(entries(Path::new(FOLDER)));
    files.sort();
    files
}

/// The files of an included folder, except those that sudo skips.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_read = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        is_read(&name)
    };
    entries.map(|entry| entry.path()).filter(is_read).collect()
}

/// What a line of sudoers includes.
#[derive(Debug, PartialEq, Eq)]
pub struct Included {
    /// As it is written, its quotes removed.
    pub path: String,
    /// Whether what is in it is meant.
    pub is_folder: bool,
}

impl Included {
    /// The path, of this host: `%h` is its name, without its domain.
    pub fn here(&self) -> String {
        let name = nix::unistd::gethostname().unwrap_or_default().to_string_lossy().into_owned();
        self.path.replace("%h", name.split('.').next().unwrap_or_default())
    }

    /// Reads the line; none if it includes nothing. `#include` is no comment (`sudoers(5)`).
    pub fn by(line: &str) -> Option<Self> {
        let rest = line.trim().strip_prefix(['@', '#'])?.strip_prefix("include")?;
        let (is_folder, rest) = match rest.strip_prefix("dir") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let rest = rest.strip_prefix([' ', '\t'])?.trim();
        let path = rest.trim_matches('"').replace("\\ ", " ");
        Some(Self { path, is_folder })
    }
}

/// Whether this host's sudo is sudo-rs.
pub fn is_sudo_rs() -> bool {
    // Root does not run what others can change.
    let sudo = program("sudo").filter(|sudo| trusted(sudo).is_ok());
    let version = sudo.and_then(|sudo| {
        let mut command = clean(&sudo);
        command.arg("--version");
        output(command).ok()
    });
    version.is_some_and(|output| output.stdout.starts_with(b"sudo-rs"))
}

/// sudo, as root asks it about others.
#[derive(Debug)]
pub struct Sudo(PathBuf);

impl Sudo {
    /// The one of this host.
    ///
    /// # Errors
    /// `unsupported` if there is none.
    pub fn find() -> Result<Self, Refusal> {
        program("sudo").map(Self).ok_or_else(|| {
            Refusal::new(Code::Unsupported, "there is no sudo on this host")
                .hint("install sudo or sudo-rs first")
        })
    }

    /// The one that is known to be here.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The program with nothing of ours in its surroundings.
    pub fn command(&self) -> Command {
        clean(&self.0)
    }

    /// Whether sudo lets the account run the program with these arguments as root, with or without
    /// a password.
    ///
    /// # Errors
    /// If it does not: what sudo said, if anything.
    pub fn allows(
        &self,
        account: &str,
        path: &Path,
        arguments: &[impl AsRef<OsStr>],
    ) -> Result<(), String> {
        let mut command = clean(&self.0);
        command.args(["-n", "-l", "-U", account, "-u", "root", "--"]).arg(path).args(arguments);
        match output(command) {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) if output.stderr.is_empty() => Err("it is not allowed to".to_owned()),
            Ok(output) => Err(complained(&output)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// What sudo lists for the account.
    ///
    /// # Errors
    /// What sudo said.
    pub fn lists(&self, account: &str) -> Result<Vec<Entry>, String> {
        let mut command = clean(&self.0);
        // So many columns that sudo breaks no line.
        command.args(["-n", "-ll", "-U", account]).env("COLUMNS", "1000000");
        match output(command) {
            Ok(output) if output.status.success() => {
                parse(&String::from_utf8_lossy(&output.stdout))
            }
            Ok(output) => Err(complained(&output)),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// An account that is in the group.
pub fn member_of(group: &str) -> Option<User> {
    members_of(group).next()
}

/// The accounts that are in the group, save root.
pub fn members_of(group: &str) -> impl Iterator<Item = User> {
    let group = Group::from_name(group).ok().flatten();
    // Also those whose own group it is, whom the group's entry does not name.
    let passwd = std::fs::read("/etc/passwd").unwrap_or_default();
    let passwd = String::from_utf8_lossy(&passwd).into_owned();
    group.into_iter().flat_map(move |group| {
        let local = passwd.lines().filter_map(|line| line.split(':').next()).map(str::to_owned);
        let names: Vec<String> = group.mem.iter().cloned().chain(local).collect();
        names
            .into_iter()
            .filter_map(|name| User::from_name(&name).ok().flatten())
            .filter(move |user| user.gid == group.gid || group.mem.contains(&user.name))
            .filter(|user| !user.uid.is_root())
    })
}

/// Replaces this process by `sudo <program> <arguments>`, which asks for the password itself.
pub fn become_root(program_path: &Path, arguments: &[std::ffi::OsString]) -> Refusal {
    match program("sudo") {
        Some(sudo) => {
            let error = Command::new(sudo).arg("--").arg(program_path).args(arguments).exec();
            Refusal::new(Code::NotPrivileged, format!("sudo could not be run: {error}"))
        }
        None => {
            Refusal::new(Code::NotPrivileged, "this needs root, and there is no sudo on this host")
        }
    }
}

/// As root, whatever sudo's configuration makes of who is not named, and without a question.
pub const AS_ROOT: [&str; 4] = ["-n", "-u", "root", "--"];

#[cfg(test)]
mod tests {
    use super::{Included, Output, unknown_settings};
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn only_settings_that_are_not_known_are_gone_on_without() {
        let unknown =
            "/etc/sudoers.d/c:1:14: syntax error: unknown setting: 'x'\nDefaults !x\n ^\n";
        let other =
            "/etc/sudoers.d/c:2:9: syntax error: expecting '=' but found 'b'\nbad bad\n ^\n";
        let owner = "/etc/sudoers.d/d: bad permissions, should be mode 0440\n";
        let end = "visudo: invalid sudoers file\n";
        let of = |stderr: String| {
            let status = std::process::ExitStatus::from_raw(256);
            unknown_settings(&Output { status, stdout: Vec::new(), stderr: stderr.into_bytes() })
        };
        let known = of(format!("{unknown}{unknown}{end}")).expect("only such");
        assert_eq!(known, ["'x' in /etc/sudoers.d/c:1", "'x' in /etc/sudoers.d/c:1"]);
        for bad in [format!("{unknown}{other}{end}"), format!("{unknown}{owner}"), end.to_owned()] {
            assert_eq!(of(bad.clone()), None, "{bad}");
        }
    }

    #[test]
    fn what_a_line_includes_is_seen() {
        for (line, included) in [
            ("@includedir /etc/sudoers.d", Some(("/etc/sudoers.d", true))),
            ("#includedir /etc/sudoers.d/", Some(("/etc/sudoers.d/", true))),
            ("  @includedir\t\"/etc/sudoers.d\" ", Some(("/etc/sudoers.d", true))),
            ("#include more", Some(("more", false))),
            ("@include /etc/a\\ b", Some(("/etc/a b", false))),
            ("@include \"/etc/a b\"", Some(("/etc/a b", false))),
            ("# @includedir /etc/sudoers.d", None),
            ("#includedirs /etc/sudoers.d", None),
            ("#included by hand", None),
        ] {
            let wanted =
                included.map(|(path, is_folder)| Included { path: path.to_owned(), is_folder });
            assert_eq!(Included::by(line), wanted, "{line}");
        }
    }
}
