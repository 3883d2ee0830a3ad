//! The commands of the administrator's own that apt runs (`apt.conf(5)`).

use crate::managers::apt::settings::FILES;
use crate::managers::settings;
use crate::output::text::one_line;
use crate::request::code::{Code, Refusal};

/// What apt says of those whose option it does not name, and the option. Of the last there is one
/// for each command of apt's: `AptCli::Hooks::Install`.
const SAID: [(&str, &str); 2] = [
    ("E: Failure running script ", "DPkg::Pre-Install-Pkgs"),
    ("E: Failure running hook ", "AptCli::Hooks"),
];

/// A command that failed: in which option it stands, and what it is.
#[derive(Debug, PartialEq, Eq)]
pub struct Hook {
    /// `DPkg::Post-Invoke`
    pub option: String,
    /// The command.
    pub command: String,
}

impl Hook {
    /// What apt said of it, if it failed for that. A script of a package can write there too:
    /// it makes another sentence of it, and nothing else.
    pub fn failed(stderr: &str) -> Option<Self> {
        stderr.lines().find_map(|line| {
            let problem = line.strip_prefix("E: Problem executing scripts ");
            let (option, command) = match problem.and_then(|rest| rest.split_once(' ')) {
                Some((option, command)) => (option, command.trim_matches('\'')),
                None => SAID.iter().find_map(|(message, option)| {
                    line.strip_prefix(message).map(|command| (*option, command))
                })?,
            };
            let (option, command) = (one_line(option, 60), one_line(command, 200));
            Some(Self { option, command })
        })
    }
}

/// The refusal of an operation that failed for one of them; `done` is what is so all the same.
pub fn failed(short: &str, hook: &Hook, done: &str) -> Refusal {
    let error = format!("`{short}` failed, because a command from apt.conf failed{done}");
    let file = settings::file_of(&FILES, &hook.command);
    let file = file.map_or("/etc/apt/apt.conf.d".to_owned(), |file| file.display().to_string());
    Refusal::new(Code::CommandFailed, error)
        .detail(format!("{}: {}", hook.option, hook.command))
        .hint(format!("an administrator has to fix that command, or remove it from {file}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn a_hook_that_failed_is_found() {
        cases::each("managers/apt_failed_hook", |case| {
            let hook = Hook::failed(case.input("stderr"));
            hook.map(|hook| json!({"option": hook.option, "command": hook.command})).into()
        });
    }
}
