//! The host's tools, as `sm setup-broker` runs them.

use crate::request::code::{Code, Refusal};
use crate::system::tool;
use crate::system::trust::trusted;
use std::io;
use std::process::Output;

pub fn failed(what: &str, error: &io::Error) -> Refusal {
    Refusal::new(Code::CommandFailed, format!("{what}: {error}"))
}

/// Runs one of the host's own tools; what it has to say is for the case that it fails.
pub fn call(name: &str, arguments: &[&str]) -> Result<(), Refusal> {
    let output = output(name, arguments)?;
    if output.status.success() {
        return Ok(());
    }
    let message = tool::complaint(&output.stderr, 300);
    let message = message.unwrap_or_else(|| output.status.to_string());
    Err(Refusal::new(Code::CommandFailed, format!("{name} {} failed", arguments.join(" ")))
        .detail(message))
}

/// Runs one of the host's own tools to the end.
pub fn output(name: &str, arguments: &[&str]) -> Result<Output, Refusal> {
    let program = tool::find(name)
        .ok_or_else(|| Refusal::new(Code::Unsupported, format!("this host has no {name}")))?;
    // Root does not run what others can change.
    let (program, _) = trusted(&program)?;
    let mut command = tool::clean(&program);
    command.args(arguments);
    tool::output(command).map_err(|error| failed(&program.display().to_string(), &error))
}
