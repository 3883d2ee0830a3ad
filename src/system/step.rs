//! What a command of the administrator's does, and how long each step takes: for `-v` and `SM_LOG`.
//!
//! Nobody listens when the helper answers a request, and then nothing is put into words.

use crate::output::secrets::masked;
use crate::output::text::{one_line, shell_word};
use std::process::Command;
use std::time::{Duration, Instant};
use tracing::{Level, debug, enabled, info};

/// The longest line of a step, in characters.
const LONGEST: usize = 1000;

/// Does `work`, which is a step, and says how long it took.
pub fn step<T>(what: &str, work: impl FnOnce() -> T) -> T {
    debug!("{what} ...");
    let began = Instant::now();
    let result = work();
    done(what, began.elapsed());
    result
}

/// A step was done.
pub fn done(what: &str, took: Duration) {
    info!("{what}: {took:.1?}");
}

/// A program was run: a question to sudo is a step, all others are details. `ended` says how.
pub fn ran(command: &Command, ended: &str, took: Duration) {
    if !enabled!(Level::INFO) {
        return;
    }
    let line = line(command);
    let name = command.get_program().to_string_lossy();
    if matches!(name.rsplit('/').next(), Some("sudo" | "visudo")) {
        info!("{line}: {ended}, {took:.1?}");
    } else {
        debug!("{line}: {ended}, {took:.1?}");
    }
}

/// The command as it is typed. It can quote a request, and so a secret.
fn line(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let words: Vec<String> = words.map(|word| shell_word(&word.to_string_lossy())).collect();
    masked(&one_line(&words.join(" "), LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_moves_no_terminal_and_tells_no_secret() {
        let mut command = Command::new("/usr/bin/sudo");
        command.args(["-n", "a\x1b[2J b", "--password=hunter2hunter2"]);
        let line = line(&command);
        assert!(line.starts_with("/usr/bin/sudo -n ") && !line.contains('\x1b'), "{line}");
        assert!(!line.contains("hunter2"), "{line}");
    }
}
