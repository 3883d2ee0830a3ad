//! The host's own tools, asked: only those that nobody but root can change, and never for long.

use crate::system::accounts::User;
use crate::system::trust::trusted;
use crate::system::{kernel, tool};
use nix::unistd::Gid;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

/// The longest that one may take. A directory service that does not answer takes a while.
const LIMIT: Duration = Duration::from_secs(20);

/// Runs a tool of the system by its name; gives what it printed, whatever its exit status.
///
/// # Errors
/// Why it was not run to the end.
pub fn tool(name: &str, arguments: &[&str]) -> Result<Output, String> {
    let program = tool::find(name).ok_or_else(|| format!("this host has no {name}"))?;
    run(&program, arguments)
}

/// The same by its path.
///
/// # Errors
/// Why it was not run to the end.
pub fn run(program: &Path, arguments: &[&str]) -> Result<Output, String> {
    ended(program, command(program, arguments)?)
}

/// The same as an account, with these groups.
///
/// # Errors
/// Why it was not run to the end.
pub fn run_as(
    program: &Path,
    arguments: &[&str],
    user: &User,
    groups: Vec<Gid>,
) -> Result<Output, String> {
    let mut command = command(program, arguments)?;
    kernel::as_account(&mut command, user.uid, user.gid, groups);
    ended(program, command)
}

fn command(program: &Path, arguments: &[&str]) -> Result<Command, String> {
    // Root must not run what others can change, least of all to find out whether they can.
    trusted(program).map_err(|untrusted| untrusted.to_string())?;
    let mut command = tool::clean(program);
    // So many columns that sudo breaks no line.
    command.args(arguments).env("COLUMNS", "1000000").env("SYSTEMD_PAGER", "cat");
    Ok(command)
}

fn ended(program: &Path, command: Command) -> Result<Output, String> {
    tool::output_within(command, LIMIT).map_err(|error| format!("{}: {error}", program.display()))
}

/// What it printed, if it ended well.
///
/// # Errors
/// Why it did not.
pub fn text(output: Result<Output, String>) -> Result<String, String> {
    let output = output?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let message = tool::complaint(&[output.stdout, output.stderr].concat(), 300);
    Err(message.unwrap_or_else(|| output.status.to_string()))
}
