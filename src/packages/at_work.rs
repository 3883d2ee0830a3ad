//! What a package operation is waiting for.

use crate::managers::manager::Manager;
use crate::managers::settings::{self, Setting};
use crate::output::text::one_line;
use std::fs::read_to_string;

/// The process that waits for nothing but itself, below those that the calling process has started: the
/// hook, with its option and file, or the package's script, that an operation waits for.
pub fn at_work(manager: Manager) -> Option<String> {
    // Its own command line says nothing new.
    let own = manager.processes();
    let mut pid = "self".to_owned();
    let mut last = None;
    // Deeper than any script calls another; a process can have ended in between.
    for _ in 0..8 {
        let Some(child) = first_child(manager, &pid) else { break };
        let name = read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
        if !own.contains(&name.trim()) {
            last = words(&child).map(|words| described(manager, &words));
            break;
        }
        pid = child;
    }
    last
}

/// The first child that is not one of those with which the package manager fetches.
fn first_child(manager: Manager, pid: &str) -> Option<String> {
    let fetches = |pid: &String| words(pid).is_some_and(|words| manager.is_fetching(&words[0]));
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let children =
        tasks.flatten().filter_map(|task| read_to_string(task.path().join("children")).ok());
    let numbers =
        children.flat_map(|all| all.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    let mut numbers = numbers.filter(|pid| !fetches(pid));
    numbers.next()
}

/// The words of its command line; none if it has none.
fn words(pid: &str) -> Option<Vec<String>> {
    let line = read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
    let line = line.trim_end_matches('\0');
    (!line.is_empty()).then(|| line.split('\0').map(str::to_owned).collect())
}

fn described(manager: Manager, words: &[String]) -> String {
    match settings::of_process(manager.settings(), words) {
        Some(Setting { option, command, file }) => {
            let place = format!("{} in {}", one_line(&option, 60), file.display());
            format!("{place}: {}", one_line(&command, 200))
        }
        None => one_line(&words.join(" "), 200),
    }
}
