//! visudo, asked: is the configuration valid, and what does it not accept.

use crate::output::text::{one_line, shell_word};
use crate::request::code::{Code, Refusal};
use crate::sudo::ask::{is_sudo_rs, program};
use crate::sudo::files::files;
use crate::system::tool::{clean, output};
use crate::system::trust::trusted;
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Output;

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

/// What it printed in a line, without the files that visudo says are well.
pub fn message(output: &Output) -> String {
    let both = [&output.stderr[..], &output.stdout[..]].concat();
    let text = String::from_utf8_lossy(&both);
    let is_said = |line: &&str| !line.is_empty() && !line.ends_with(": parsed OK");
    let lines: Vec<&str> = text.lines().map(str::trim).filter(is_said).collect();
    let text = lines.join("; ");
    if text.is_empty() { format!("it ended with {}", output.status) } else { one_line(&text, 400) }
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

#[cfg(test)]
mod tests {
    use super::{Output, unknown_settings};
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
}
