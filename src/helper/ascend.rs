//! The way from an ordinary account to root: `sudo -n` on this program's own path.

use super::codes::{Code, Refusal};
use super::reply;
use super::text::{one_line, shell_word};
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where sudo may be, the usual place first.
const SUDO: [&str; 3] = ["/usr/bin/sudo", "/usr/local/bin/sudo", "/run/wrappers/bin/sudo"];

/// How much of what sudo says is read.
const SAID: u64 = 4096;

/// Which way to root a caller wants (`--via`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Way {
    /// The best there is.
    #[default]
    Auto,
    /// The broker's socket.
    Socket,
    /// sudo.
    Sudo,
}

/// Has root answer the request: runs `sudo -n -- <helper> <arguments>` and passes its reply on.
///
/// The reply goes through this process, so that there is one also where sudo says no. Gives the
/// exit status of the reply that was passed on.
///
/// # Errors
/// `not_privileged` with what sudo said.
pub fn ascend(way: Way, helper: &Path, arguments: &[OsString]) -> Result<u8, Refusal> {
    if way == Way::Socket {
        return Err(not_privileged("this host has no broker at /run/sm/sm.sock".to_owned())
            .hint("leave --via out, or use --via sudo"));
    }
    let Some(sudo) = SUDO.iter().map(PathBuf::from).find(|path| path.exists()) else {
        return Err(not_privileged("there is no sudo on this host".to_owned())
            .hint("an administrator installs sudo, then runs: sm setup-sudo"));
    };
    let mut child = Command::new(&sudo)
        .arg("-n")
        .arg("--")
        .arg(helper)
        .args(arguments)
        // sudo's words are read by a program: in English, whatever the caller's language.
        .env_clear()
        .envs([("PATH", "/usr/bin:/bin"), ("LC_ALL", "C.UTF-8")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_privileged(format!("{} could not be run: {error}", sudo.display())))?;
    let passed = child.stdout.take().and_then(reply::pass_on);
    // A few words at most: they fit the pipe, so that reading them second can not block sudo.
    let mut said = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        let _ = stderr.take(SAID).read_to_end(&mut said);
    }
    let status = child.wait().ok().and_then(|status| status.code());
    match (passed, status) {
        (Some(exit), _) => Ok(exit),
        // sudo's own refusals (`sudo(8)`, "Exit value").
        (None, Some(1)) => Err(refused(helper, &String::from_utf8_lossy(&said))),
        (None, _) => Err(Refusal::new(
            Code::Internal,
            "the privileged side ended without a reply; what it had begun may go on",
        )
        .hint("the audit log says what was begun")),
    }
}

fn refused(helper: &Path, said: &str) -> Refusal {
    let lines = said.lines().map(|line| line.trim().trim_start_matches("sudo: "));
    let said = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    let said = if said.is_empty() { "it gave no reason".to_owned() } else { one_line(&said, 300) };
    let account = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten();
    let account = account.map_or_else(|| nix::unistd::getuid().to_string(), |user| user.name);
    not_privileged(format!("sudo did not let {account} run {} as root: {said}", helper.display()))
        .hint(format!(
            "an administrator allows it with: sm setup-sudo --user {}",
            shell_word(&account)
        ))
}

fn not_privileged(error: String) -> Refusal {
    Refusal::new(Code::NotPrivileged, error)
}
