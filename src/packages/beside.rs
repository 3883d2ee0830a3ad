//! What happened beside a package operation and is no part of it: configuration files that were
//! kept, and units of the policy that went down.

use crate::exec::context::Shown;
use crate::exec::process::{Bounds, ask};
use crate::managers::systemd::states::PolicyUnits;
use crate::output::text::one_line;
use crate::request::ran::Ended;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What a configuration file's name ends with where it lies beside the one in use (`dpkg(1)`,
/// `ucf(1)`, `pacman(8)`), and what has happened then.
const BESIDE: [(&str, &str); 8] = [
    (".dpkg-dist", STAYS),
    (".dpkg-new", STAYS),
    (".dpkg-old", "was replaced by the package's own; the old one lies beside it"),
    (".dpkg-bak", "was changed on this host, and its package has it no more; it is kept"),
    (".ucf-dist", STAYS),
    (".ucf-old", "was replaced by the package's own; the old one lies beside it"),
    (".pacnew", STAYS),
    (".pacsave", "was changed on this host and went with its package; it is kept"),
];

/// What is said of one that an administrator changed.
const STAYS: &str = "was changed on this host and stays; the package's own lies beside it";

/// The most folders that are looked through, and the most files that are told of.
const MOST_FOLDERS: usize = 10_000;
const MOST_TOLD: usize = 10;

/// The longest path of one, in characters.
const LONGEST_PATH: usize = 200;

/// Where configuration files are.
const ETC: &str = "/etc";

/// Where dpkg keeps the names of each package's configuration files.
const INFO: &str = "/var/lib/dpkg/info";

/// How long the states of the units may take to read.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// The files that lie beside others, and when each was put there.
#[derive(Debug, PartialEq, Eq)]
pub struct Beside(BTreeMap<PathBuf, (i64, i64)>);

impl Beside {
    /// Those of now.
    pub fn now() -> Self {
        let mut all = Self::below(Path::new(ETC));
        for folder in folders_elsewhere(Path::new(INFO)) {
            all.look_into(&folder, &mut Vec::new());
        }
        all
    }

    /// With those that pacman says it has put somewhere: also outside of `/etc`, as a package's
    /// `backup` and `NoUpgrade` in pacman.conf may have it (`pacman(8)`). It says so on standard error, where
    /// no script of a package writes: `warning: /opt/a.conf installed as /opt/a.conf.pacnew`
    pub fn and_of_pacman(mut self, stderr: &str) -> Self {
        for line in stderr.lines() {
            let Some(rest) = line.strip_prefix("warning: ") else { continue };
            let names = rest.split_once(" installed as ").or_else(|| rest.split_once(" saved as "));
            let Some((_, beside)) = names else { continue };
            let path = Path::new(beside);
            if suffix_of(path).is_some()
                && let Ok(data) = path.symlink_metadata()
            {
                self.0.insert(path.to_owned(), (data.ctime(), data.ctime_nsec()));
            }
        }
        self
    }

    fn below(top: &Path) -> Self {
        let mut found = Self(BTreeMap::new());
        let mut folders = vec![top.to_path_buf()];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            count += 1;
            if count > MOST_FOLDERS {
                break;
            }
            found.look_into(&folder, &mut folders);
        }
        found
    }

    /// Adds what is in a folder itself; those in it are told.
    fn look_into(&mut self, folder: &Path, more: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            // Of the entry itself: no link is followed.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                more.push(entry.path());
            } else if kind.is_file()
                && suffix_of(&entry.path()).is_some()
                && let Ok(data) = entry.metadata()
            {
                self.0.insert(entry.path(), (data.ctime(), data.ctime_nsec()));
            }
        }
    }

    /// What was put there since.
    pub fn since(&self, before: &Self) -> Vec<String> {
        let is_new = |entry: &(&PathBuf, &(i64, i64))| before.0.get(entry.0) != Some(entry.1);
        let new: Vec<&PathBuf> = self.0.iter().filter(is_new).map(|(path, _)| path).collect();
        let told = new.iter().take(MOST_TOLD).filter_map(|path| {
            let (suffix, mut what) = suffix_of(path)?;
            let path = path.display().to_string();
            let file = path.strip_suffix(suffix)?;
            if what == STAYS && Path::new(file).symlink_metadata().is_err() {
                what = "was deleted on this host and stays so; the package's own lies there";
            }
            let file = one_line(file, LONGEST_PATH);
            Some(format!("{file} {what}: {file}{suffix}"))
        });
        let mut told: Vec<String> = told.collect();
        if new.len() > MOST_TOLD {
            told.push(format!("and {} more configuration files", new.len() - MOST_TOLD));
        }
        told
    }
}

/// The folders outside of `/etc` in which packages have configuration files: a path a line, after
/// a word of what becomes of it (`deb-conffiles(5)`).
fn folders_elsewhere(info: &Path) -> BTreeSet<PathBuf> {
    let lists = std::fs::read_dir(info).into_iter().flatten().flatten().map(|entry| entry.path());
    let lists = lists.filter(|path| path.extension().is_some_and(|kind| kind == "conffiles"));
    let mut folders = BTreeSet::new();
    for text in lists.filter_map(|path| std::fs::read_to_string(path).ok()) {
        let paths =
            text.lines().filter_map(|line| line.find('/').map(|start| Path::new(&line[start..])));
        let elsewhere = paths.filter(|path| !path.starts_with(ETC));
        folders
            .extend(elsewhere.filter_map(Path::parent).map(Path::to_path_buf).take(MOST_FOLDERS));
    }
    folders
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
    /// It died, and is started again after a while.
    Restarts,
    /// On its way, or not known.
    Between,
}

/// The states of the policy's units.
#[derive(Debug)]
pub struct States(Vec<Look>);

/// What is seen of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    state: State,
    /// Its file is another one than the service manager has read.
    is_stale: bool,
}

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
            if after.is_stale && !before.is_stale && after.state == State::Up && (shown.0)(name) {
                told.push(format!(
                    "{name} runs, and its unit file was changed and not read: an administrator runs systemctl daemon-reload, before which it is not restarted"
                ));
            }
            let what = match (before.state, after.state) {
                (State::Up, State::Failed) => "was active before and has failed",
                (State::Up, State::Down) => "was active before and is inactive now",
                (State::Up, State::Restarts) => {
                    "was active before; it fails and is started again and again"
                }
                (State::Failed, State::Failed) | (State::Restarts, State::Restarts) => continue,
                (_, State::Restarts) => "fails and is started again and again",
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
fn parse(shown: &str) -> Vec<Look> {
    let looks = shown.trim().split("\n\n").map(|shown| Look {
        state: state_of(shown),
        is_stale: shown.lines().any(|line| line == "NeedDaemonReload=yes"),
    });
    looks.collect()
}

fn state_of(shown: &str) -> State {
    let value = |key: &str| {
        let mut lines = shown.lines();
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or_default()
    };
    match (value("ActiveState"), value("SubState")) {
        (_, sub) if sub.starts_with("auto-restart") => State::Restarts,
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
        // What pacman names is told, wherever it is, if it is there.
        write("far.pacsave");
        let path = top.display();
        let said = format!(
            "warning: {path}/far saved as {path}/far.pacsave\nwarning: /no/x installed as /no/x.pacnew\n\
             warning: {path}/other installed as {path}/other\n"
        );
        let empty = || Beside(BTreeMap::new());
        let by_pacman = empty().and_of_pacman(&said).since(&empty());
        std::fs::remove_dir_all(&top).expect("the folder");
        assert!(by_pacman.len() == 1 && by_pacman[0].contains("far.pacsave"), "{by_pacman:?}");
        assert_eq!(told.lines().count(), 2, "{told}");
        assert!(told.contains("again.dpkg-dist") && told.contains("new.pacnew"), "{told}");
    }

    #[test]
    fn how_units_are_is_read() {
        let shown = "LoadState=loaded\nActiveState=active\nSubState=running\n\n\
                     LoadState=not-found\nActiveState=inactive\nSubState=dead\n\n\
                     ActiveState=activating\nSubState=auto-restart\n\n\
                     ActiveState=activating\nSubState=start\n";
        let states = [State::Up, State::Down, State::Restarts, State::Between];
        let looks = parse(shown);
        assert_eq!(looks.iter().map(|look| look.state).collect::<Vec<_>>(), states);
        assert!(looks.iter().all(|look| !look.is_stale));
        assert!(parse("ActiveState=active\nNeedDaemonReload=yes\n")[0].is_stale);
    }
}
