//! What happened beside a package operation and is no part of it: configuration files that were
//! kept, and units of the policy that went down.

use crate::helper::exec::Shown;
use crate::helper::plan::PolicyUnits;
use crate::helper::process::{Bounds, Ended, ask};
use crate::helper::text::one_line;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What a configuration file's name ends with where it lies beside the one in use (`dpkg(1)`,
/// `ucf(1)`, `pacman(8)`), and what has happened then.
const BESIDE: [(&str, &str); 7] = [
    (".dpkg-dist", "was changed on this host and stays; the package's own lies beside it"),
    (".dpkg-new", "was changed on this host and stays; the package's own lies beside it"),
    (".dpkg-old", "was replaced by the package's own; the old one lies beside it"),
    (".ucf-dist", "was changed on this host and stays; the package's own lies beside it"),
    (".ucf-old", "was replaced by the package's own; the old one lies beside it"),
    (".pacnew", "was changed on this host and stays; the package's own lies beside it"),
    (".pacsave", "was changed on this host and went with its package; it is kept"),
];

/// The most folders that are looked through, and the most files that are told of.
const MOST_FOLDERS: usize = 10_000;
const MOST_TOLD: usize = 10;

/// The longest path of one, in characters.
const LONGEST_PATH: usize = 200;

/// Where configuration files are.
const ETC: &str = "/etc";

/// How long the states of the units may take to read.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// The files that lie beside others, and when each was put there.
#[derive(Debug, PartialEq, Eq)]
pub struct Beside(BTreeMap<PathBuf, (i64, i64)>);

impl Beside {
    /// Those of now.
    pub fn now() -> Self {
        Self::below(Path::new(ETC))
    }

    fn below(top: &Path) -> Self {
        let mut found = BTreeMap::new();
        let mut folders = vec![top.to_path_buf()];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            count += 1;
            if count > MOST_FOLDERS {
                break;
            }
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                // Of the entry itself: no link is followed.
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file()
                    && suffix_of(&entry.path()).is_some()
                    && let Ok(data) = entry.metadata()
                {
                    found.insert(entry.path(), (data.ctime(), data.ctime_nsec()));
                }
            }
        }
        Self(found)
    }

    /// What was put there since.
    pub fn since(&self, before: &Self) -> Vec<String> {
        let is_new = |entry: &(&PathBuf, &(i64, i64))| before.0.get(entry.0) != Some(entry.1);
        let new: Vec<&PathBuf> = self.0.iter().filter(is_new).map(|(path, _)| path).collect();
        let told = new.iter().take(MOST_TOLD).filter_map(|path| {
            let (suffix, what) = suffix_of(path)?;
            let path = path.display().to_string();
            let file = one_line(path.strip_suffix(suffix)?, LONGEST_PATH);
            Some(format!("{file} {what}: {file}{suffix}"))
        });
        let mut told: Vec<String> = told.collect();
        if new.len() > MOST_TOLD {
            told.push(format!("and {} more configuration files", new.len() - MOST_TOLD));
        }
        told
    }
}

fn suffix_of(path: &Path) -> Option<(&'static str, &'static str)> {
    let name = path.to_str()?;
    BESIDE.into_iter().find(|(suffix, _)| name.ends_with(suffix))
}

/// How a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Up,
    Failed,
    Down,
    /// On its way, or not known.
    Between,
}

/// The states of the policy's units.
#[derive(Debug)]
pub struct States(Vec<State>);

impl States {
    /// Those of now; none where they can not be read.
    pub fn now(units: &PolicyUnits) -> Option<Self> {
        let deadline = Instant::now() + LOOK_TIMEOUT;
        // The policy bounds how many there are.
        let bounds = Bounds { deadline, output_bytes: 1 << 16, mask_secrets: false };
        let ran = ask(&units.states, bounds);
        let states = parse(&ran.stdout);
        (ran.ended == Ended::Exited(0) && states.len() == units.names.len()).then_some(Self(states))
    }

    /// The units that went down since; those that the caller may not know of are counted.
    pub fn since(&self, before: &Self, units: &PolicyUnits, shown: Shown<'_>) -> Vec<String> {
        let mut others = 0;
        let mut told = Vec::new();
        for ((name, before), after) in units.names.iter().zip(&before.0).zip(&self.0) {
            let what = match (before, after) {
                (State::Up, State::Failed) => "was active before and has failed",
                (State::Up, State::Down) => "was active before and is inactive now",
                (State::Failed, State::Failed) => continue,
                (_, State::Failed) => "has failed",
                _ => continue,
            };
            match (shown.0)(name) {
                true => told.push(format!("{name} {what}")),
                false => others += 1,
            }
        }
        match others {
            0 => {}
            1 => told.push("a unit that is not this caller's went down".to_owned()),
            _ => told.push(format!("{others} units that are not this caller's went down")),
        }
        told
    }
}

/// The answers of `systemctl show`, an empty line between two.
fn parse(shown: &str) -> Vec<State> {
    shown.trim().split("\n\n").map(state_of).collect()
}

fn state_of(shown: &str) -> State {
    let value = |key: &str| {
        let mut lines = shown.lines();
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or_default()
    };
    match (value("ActiveState"), value("SubState")) {
        // It died, and is started again after a while.
        (_, sub) if sub.starts_with("auto-restart") => State::Failed,
        ("active" | "reloading" | "refreshing", _) => State::Up,
        ("failed", _) => State::Failed,
        ("inactive", _) => State::Down,
        _ => State::Between,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_beside_a_file_is_told() {
        let top = std::env::temp_dir().join(format!("beside-{}", std::process::id()));
        std::fs::create_dir_all(top.join("a")).expect("a folder");
        let write = |name: &str| std::fs::write(top.join(name), "x").expect("a file");
        for name in ["old.dpkg-dist", "plain", "a/again.dpkg-dist"] {
            write(name);
        }
        let before = Beside::below(&top);
        std::fs::remove_file(top.join("a/again.dpkg-dist")).expect("it is there");
        for name in ["a/again.dpkg-dist", "a/new.pacnew", "other"] {
            write(name);
        }
        let told = Beside::below(&top).since(&before).join("\n");
        std::fs::remove_dir_all(&top).expect("the folder");
        assert_eq!(told.lines().count(), 2, "{told}");
        assert!(told.contains("again.dpkg-dist") && told.contains("new.pacnew"), "{told}");
    }

    #[test]
    fn how_units_are_is_read() {
        let shown = "LoadState=loaded\nActiveState=active\nSubState=running\n\n\
                     LoadState=not-found\nActiveState=inactive\nSubState=dead\n\n\
                     ActiveState=activating\nSubState=auto-restart\n\n\
                     ActiveState=activating\nSubState=start\n";
        let states = [State::Up, State::Down, State::Failed, State::Between];
        assert_eq!(parse(shown), states);
    }
}
