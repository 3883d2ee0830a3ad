//! The policy's units whose files come back: stopped if the operation had installed them, restarted if they ran.

use crate::exec::process::{Bounds, ask};
use crate::files::changes::Change;
use crate::files::tree::Tree;
use crate::managers::manager::Manager;
use crate::packages::states::States;
use crate::plan::{Service, UndoSteps};
use crate::request::ran::Ended;
use crate::undo::compared::Compared;
use crate::undo::scope::absolute;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// Where the files of units are.
const FOLDERS: [&str; 3] = ["usr/lib/systemd/system", "lib/systemd/system", "etc/systemd/system"];

/// How long a unit may take to stop or to start.
const PATIENCE: Duration = Duration::from_secs(120);

/// The policy's units that the operation was about, and how they were.
#[derive(Debug)]
pub struct Units<'s> {
    steps: &'s UndoSteps,
    /// Those with a package whose files come back.
    names: BTreeSet<String>,
    /// Those that had no file before it.
    new: BTreeSet<String>,
    /// Those that were up before it.
    were_up: &'s [String],
    /// Those that are up.
    are_up: Vec<String>,
    /// Whether the service manager has to read unit files.
    is_reread: bool,
}

/// What became of them.
#[derive(Debug, Default)]
pub struct Told {
    /// Those that should be restarted, and were not.
    pub restart_needed: BTreeSet<String>,
    /// What the caller should know.
    pub warnings: Vec<String>,
}

impl<'s> Units<'s> {
    /// Those whose files come back.
    pub fn of(steps: &'s UndoSteps, compared: &Compared, were_up: &'s [String]) -> Self {
        let policy = steps.units.as_ref();
        let policy_names = policy.map(|units| units.names.clone()).unwrap_or_default();
        // Also what an undo that was killed had put back already.
        let changes = compared.whole();
        let files = unit_files(steps.manager, compared, &changes);
        let names: BTreeSet<String> =
            policy_names.into_iter().filter(|name| files.contains(name)).collect();
        let had_file = |name: &String| has_file(&compared.before, name);
        let new = names.iter().filter(|name| !had_file(name)).cloned().collect();
        let are_up = policy
            .and_then(|units| States::now(units).map(|states| states.up(units)))
            .unwrap_or_default();
        let is_unit_file = |path: String| path.contains("/systemd/system/");
        let is_reread = changes.iter().any(|one| is_unit_file(absolute(&one.path)));
        Self { steps, names, new, were_up, are_up, is_reread }
    }

    fn service(&self, name: &str) -> Option<&'s Service> {
        self.steps.services.iter().find(|service| service.unit == name)
    }

    /// Stops those that came with the operation, while their files are still there.
    pub fn stop(&self, told: &mut Told) {
        for name in self.new.iter().filter(|name| self.are_up.contains(name)) {
            match self.service(name).and_then(|service| service.stop.as_ref()) {
                Some(stop) if succeeds(stop) => {}
                Some(_) => told.warnings.push(format!("{name}, which the operation had installed, could not be stopped")),
                None => told.warnings.push(format!(
                    "{name}, which the operation had installed, still runs, as the policy does not allow to stop it"
                )),
            }
        }
    }

    /// Has the service manager read what has come back, and restarts those that ran.
    pub fn restart(&self, told: &mut Told) {
        if let Some(units) = self.steps.units.as_ref().filter(|_| self.is_reread) {
            succeeds(&units.reread);
        }
        let ran = |name: &&String| self.were_up.contains(name) || self.are_up.contains(name);
        for name in self.names.iter().filter(|name| !self.new.contains(*name)).filter(ran) {
            let service = self.service(name);
            let Some((service, restart)) =
                service.and_then(|service| Some((service, service.restart.as_ref()?)))
            else {
                told.restart_needed.insert(name.clone());
                continue;
            };
            if service.check.as_ref().is_some_and(|check| !succeeds(check)) {
                told.restart_needed.insert(name.clone());
                told.warnings.push(format!("{name} was not restarted, as its check failed"));
            } else if !succeeds(restart) {
                told.restart_needed.insert(name.clone());
                told.warnings.push(format!("{name} could not be restarted: ask for its status"));
            }
        }
    }
}

/// The names of all unit files of the packages whose files come back, and of those that own a file which a
/// script has changed.
fn unit_files(manager: Manager, compared: &Compared, changes: &[Change]) -> BTreeSet<String> {
    let mut found: BTreeSet<String> =
        compared.scope.listed().iter().filter_map(|path| unit_in(path)).collect();
    let unlisted = changes.iter().filter(|change| !change.is_directory);
    let unlisted = unlisted.map(|change| absolute(&change.path));
    let unlisted = unlisted.filter(|path| path.starts_with("/etc/"));
    let unlisted = unlisted.filter(|path| !compared.scope.listed().contains(path));
    let unlisted: BTreeSet<String> = unlisted.collect();
    if unlisted.is_empty() {
        return found;
    }
    // Asked of the lists, since to ask the package manager would be a command line for each file.
    for list in manager.all_lists() {
        let listed = manager.listed(&std::fs::read_to_string(list).unwrap_or_default());
        if listed.iter().any(|path| unlisted.contains(path)) {
            found.extend(listed.iter().filter_map(|path| unit_in(path)));
        }
    }
    found
}

/// The unit whose file this is.
fn unit_in(path: &str) -> Option<String> {
    let (folder, name) = path.rsplit_once('/')?;
    let folder = folder.trim_start_matches('/');
    FOLDERS.contains(&folder).then(|| name.to_owned())
}

fn has_file(tree: &Tree, name: &str) -> bool {
    FOLDERS
        .iter()
        .any(|folder| tree.entry(&Path::new(folder).join(name)).is_ok_and(|entry| entry.is_some()))
}

fn succeeds(argv: &crate::managers::argv::Argv) -> bool {
    let deadline = Instant::now() + PATIENCE;
    let bounds = Bounds { deadline, output_bytes: 1 << 16, mask_secrets: true };
    ask(argv, bounds).ended == Ended::Exited(0)
}
