//! Where the settings of pacman name a command.

use crate::managers::settings::Files;

/// Where they are.
pub const FILES: [Files; 2] =
    [("/etc/pacman.d/hooks", ".hook", of_alpm), ("/usr/share/libalpm/hooks", ".hook", of_alpm)];

/// `Exec = COMMAND` (`alpm-hooks(5)`).
fn of_alpm(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter_map(|line| {
        let (option, command) = line.split_once('=')?;
        (option.trim() == "Exec").then(|| ("Exec".to_owned(), command.trim().to_owned()))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(found: &[(String, String)]) -> Vec<(&str, &str)> {
        found.iter().map(|(option, command)| (option.as_str(), command.as_str())).collect()
    }

    #[test]
    fn the_command_of_a_hook_is_read() {
        let found = of_alpm("[Action]\nWhen = PostTransaction\nExec = /bin/sh -c 'sleep 9'\n");
        assert_eq!(pairs(&found), [("Exec", "/bin/sh -c 'sleep 9'")]);
    }
}
