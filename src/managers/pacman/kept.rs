//! What an upgrade of everything leaves as it is, as pacman says.

use crate::output::text::one_line;

/// Those that pacman leaves since its settings say so:
/// `warning: git: ignoring package upgrade (1-1 => 2-1)`
pub fn afterwards(stderr: &str) -> Vec<String> {
    let message = stderr.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("warning: ")?.split_once(": ignoring package ")?;
        let (_, versions) = rest.split_once(" (")?;
        let (from, to) = versions.strip_suffix(')')?.split_once(" => ")?;
        let message = format!(
            "{name} stays at {from}, although {to} is available: IgnorePkg or IgnoreGroup in pacman.conf holds it"
        );
        Some(one_line(&message, 300))
    });
    message.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn what_stays_is_told() {
        cases::each("managers/pacman_kept", |case| json!(afterwards(case.input("stderr"))));
    }
}
