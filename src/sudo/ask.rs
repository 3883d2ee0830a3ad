//! sudo, asked: what may an account run.

use crate::request::code::{Code, Refusal};
use crate::sudo::listing::{Entry, parse};
use crate::system::tool::{clean, complaint, find_in, output};
use crate::system::trust::trusted;
use std::ffi::{OsStr, OsString};
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

/// Why it gave up, in a line: its last line comes first.
pub fn complained(output: &Output) -> String {
    complaint(&output.stderr, 400)
        .unwrap_or_else(|| format!("it ended without a message ({})", output.status))
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

/// Replaces this process by `sudo <program> <arguments>`, which asks for the password itself.
pub fn become_root(program_path: &Path, arguments: &[OsString]) -> Refusal {
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
