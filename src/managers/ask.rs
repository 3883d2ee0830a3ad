//! A tool of the host's that is asked beside a request.

use crate::system::tool;
use crate::system::trust::trusted;

/// What a tool prints, if it succeeds.
pub fn printed(name: &str, arguments: &[&str]) -> Option<String> {
    // Root does not run what others can change.
    let (program, _) = trusted(&tool::find(name)?).ok()?;
    let mut command = tool::clean(&program);
    command.args(arguments);
    let output = tool::output(command).ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}
