//! What an upgrade of everything leaves as it is, as pacman says.

use crate::output::text::one_line;

/// Those that pacman leaves since its settings say so:
/// `warning: git: ignoring package upgrade (1-1 => 2-1)`
pub fn afterwards(stderr: &str) -> Vec<String> {
    let told = stderr.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("warning: ")?.split_once(": ignoring package ")?;
        let (_, versions) = rest.split_once(" (")?;
        let (from, to) = versions.strip_suffix(')')?.split_once(" => ")?;
        let told = format!(
            "{name} stays at {from}, although {to} is available: IgnorePkg or IgnoreGroup in pacman.conf holds it"
        );
        Some(one_line(&told, 300))
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_told() {
        let told = afterwards("warning: x\nwarning: git: ignoring package upgrade (1-1 => 2-1)\n");
        assert!(told[0].starts_with("git stays at 1-1, although 2-1 is available"), "{told:?}");
    }
}
