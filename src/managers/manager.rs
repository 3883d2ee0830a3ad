//! What a package manager is to this program: all that is known of one is behind this trait.

use crate::managers::argv::Argv;
use crate::managers::asked::Asked;
use crate::managers::commands::Commands;
use crate::managers::inventory::{Inventory, Unfinished};
use crate::managers::lists::{Lists, NotFound};
use crate::managers::lock::Lock;
use crate::managers::providers::Providers;
use crate::managers::reason::Reason;
use crate::managers::run::Run;
use crate::managers::settings::Files;
use crate::managers::territory::Territory;
use crate::managers::transaction::Transaction;
use crate::request::action::{Maintenance, PackageAction};
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;
use crate::request::ran::Ran;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::PathBuf;

/// A package manager that can be driven.
pub type Manager = &'static dyn PackageManager;

/// A name as the policy has it.
#[derive(Debug, Clone, Copy)]
pub struct Names<'n> {
    /// The name of the package.
    pub general: &'n str,
    /// Its name in pacman's repositories; empty if it is the same.
    pub pacman: &'n str,
}

/// A package manager: its command lines, how its output is read, what it keeps on disk, and what
/// is said if it fails. What has a body here is what not every one of them needs.
pub trait PackageManager: Debug + Sync {
    // Which one it is.

    /// Its name in `list` and on command lines.
    fn name(&self) -> &'static str;
    /// Whose it is, for a help text.
    fn described(&self) -> &'static str;
    /// Its program: if it is there, the host has this package manager.
    fn program(&self) -> &'static str;
    /// All programs of its own that root runs.
    fn programs(&self) -> &'static [&'static str];
    /// The families of hosts that have it, as `ID` and `ID_LIKE` of `os-release(5)`.
    fn families(&self) -> &'static [&'static str];
    /// What it calls a package.
    fn own_name<'n>(&self, names: Names<'n>) -> &'n str {
        names.general
    }
    /// What is in the environment of whatever is run, so that it knows that nobody is there.
    fn environment(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    // What is run.

    /// What is run for one package; `removals` is whether others may go for it.
    fn package(&self, action: PackageAction, name: &str, removals: bool) -> Commands;
    /// What is run for all packages.
    ///
    /// # Errors
    /// `unsupported` for what it cannot do.
    fn maintenance(&self, action: Maintenance, removals: bool) -> Result<Commands, Refusal>;
    /// What prints what is installed.
    fn inventory_command(&self) -> Argv;
    /// What is run to have these versions of packages instead of those that are installed; none if it cannot.
    fn back_to(&self, versions: &[(String, String)]) -> Option<Commands>;
    /// With what an administrator sees beforehand what an operation without a simulation changes.
    fn looks_ahead(&self) -> &'static str;

    // What an administrator runs by hand.

    /// Takes packages away.
    fn remove_by_hand(&self, names: &str) -> String;
    /// Puts the files of a package there again.
    fn reinstall_by_hand(&self, name: &str) -> String;
    /// Upgrades a package.
    fn upgrade_by_hand(&self, name: &str) -> String;
    /// Installs what synchronises the clock.
    fn installs_clock(&self) -> &'static str;
    /// Reads the lists again: the operation that does it here, and by hand.
    fn reads_lists(&self) -> (Maintenance, &'static str);
    /// Shows what is held, or where that is written.
    fn shows_held(&self) -> &'static str;

    // How what it prints is read.

    /// What is installed.
    fn inventory(&self, printed: &str) -> Inventory;
    /// What a simulation says that an operation would change.
    fn transaction(
        &self,
        operation: &Operation,
        installed: &Inventory,
        printed: &str,
    ) -> Transaction;
    /// The same with what it would ask before.
    fn with_questions(&self, planned: Transaction, _asked: &str, _: &Inventory) -> Transaction {
        planned
    }
    /// Whether a question that failed says by that that there is nothing of what was asked for.
    fn says_nothing(&self, _: &Ran) -> bool {
        false
    }
    /// Whether a removal failed since no such package is there.
    fn is_missing(&self, _name: &str, _stderr: &str) -> bool {
        false
    }
    /// What is said if a simulation failed since the administrator holds a package.
    fn held(&self, _: &Operation, _: &Ran) -> Option<Refusal> {
        None
    }
    /// Why there is no way to do it, if a simulation failed for that.
    fn no_way(&self, stdout: &str, stderr: &str) -> Option<Reason>;
    /// Why a package, or a version of it, could not be found.
    fn not_found(&self, stderr: &str) -> Option<NotFound>;
    /// The package that it says is there already instead of the one that was named.
    fn instead(&self, _printed: &str, _name: &str) -> Option<String> {
        None
    }
    /// What an upgrade of all leaves as it is, as the simulation says: a sentence each.
    fn kept_beforehand(&self, _simulated: &str, _: &Inventory) -> Vec<String> {
        Vec::new()
    }
    /// The same, as the upgrade itself says.
    fn kept_afterwards(&self, _: &Ran) -> Vec<String> {
        Vec::new()
    }
    /// How many lines that begin a step it prints for this transaction; 0 if nobody knows.
    fn steps_of(&self, _: &Transaction) -> usize {
        0
    }
    /// Whether this line that it prints begins a step.
    fn is_step(&self, _line: &str) -> bool {
        false
    }
    /// The configuration files that it says it has put beside others.
    fn put_beside(&self, _: &Ran) -> Vec<PathBuf> {
        Vec::new()
    }

    // What it cannot do.

    /// Whether to upgrade a package that is not there would install it.
    fn upgrade_installs(&self) -> bool {
        false
    }
    /// Whether a simulation names all that would be removed.
    fn tells_removals(&self) -> bool {
        true
    }

    // What it keeps on disk.

    /// The locks that whoever does this holds.
    fn locks(&self, action: Option<Maintenance>) -> &'static [Lock];
    /// What is said of a lock that was left behind.
    fn left_behind(&self, path: &str) -> Refusal {
        let error =
            format!("{path} was left behind by a {} that was ended in the middle", self.name());
        Refusal::new(Code::PlanRefused, error).hint(format!(
            "an administrator should check that no package manager runs, then run: rm {path}"
        ))
    }
    /// Whether a command failed because somebody else was quicker: its own words, and none of what
    /// it says before it runs a package's scripts, whose words are not to be believed.
    fn was_too_late(&self, ran: &Ran) -> bool;
    /// The files and folders whose change shows that an operation changed something.
    fn traces(&self, action: Option<Maintenance>) -> &'static [&'static str];
    /// Those that a plan rests on.
    fn state(&self) -> &'static [&'static str];
    /// Whether it was ended before it could write down where it was.
    fn has_journal(&self) -> bool {
        false
    }
    /// How the lists of what can be installed are.
    fn lists(&self) -> Lists;
    /// Whether the command that reads the lists again asked any source.
    fn asked_a_source(&self, _: &Ran) -> bool {
        true
    }
    /// What is there that provides the name.
    fn providers(&self, name: &str) -> Providers;
    /// The installed package that has put this file there.
    fn owner(&self, path: &str) -> Option<String>;
    /// What a configuration file's name ends with if it lies beside the one in use, and what
    /// has happened then.
    fn beside(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }
    /// The folders outside of `/etc` in which packages have configuration files.
    fn settings_elsewhere(&self) -> BTreeSet<PathBuf> {
        BTreeSet::new()
    }
    /// The files and folders of its settings: who can change them can have commands run as root.
    fn trusts(&self) -> &'static [&'static str];
    /// Whether its distributions fix vulnerabilities without a new version of the program.
    fn patches_old_versions(&self) -> bool {
        true
    }
    /// The files of its settings that name commands.
    fn settings(&self) -> &'static [Files] {
        &[]
    }
    /// Its own processes, by name, which wait for others.
    fn processes(&self) -> &'static [&'static str];
    /// Whether this is a program with which it fetches.
    fn is_fetching(&self, _program: &str) -> bool {
        false
    }

    // What operations write, for who puts it back.

    /// The files and folders.
    fn territory(&self) -> Territory;
    /// Whether it keeps the names of a package's files in this file.
    fn is_list(&self, path: &str) -> bool;
    /// The files in which it keeps those of an installed package.
    fn lists_of(&self, name: &str) -> Vec<String>;
    /// Those of all installed packages.
    fn all_lists(&self) -> Vec<PathBuf>;
    /// The paths in such a file.
    fn listed(&self, text: &str) -> Vec<String>;
    /// Whether a package is a kernel, which is booted and not restarted.
    fn is_kernel(&self, name: &str) -> bool;
    /// Whether hooks of its own have a snapshot taken before each operation and one after it.
    fn has_snapshot_hooks(&self) -> bool {
        false
    }

    // What is in the way, and what is to be done about it.

    /// Refuses what has to wait until something else is brought to the end.
    fn in_the_way(&self, _: &dyn Asked, _name: Option<&str>, _: &Inventory) -> Option<Refusal> {
        None
    }
    /// What to do about packages that were begun with, of which there is at least one.
    fn way_out(&self, _: &dyn Asked, _: &Inventory, begun: &[(&str, Unfinished)]) -> String {
        let names: Vec<&str> = begun.iter().map(|(name, _)| *name).collect();
        format!(
            "an administrator has to reinstall it: {}",
            self.reinstall_by_hand(&names.join(" "))
        )
    }
    /// What to do about a package that lacks what it depends on.
    fn for_want_of(&self, _: &dyn Asked, _: &Inventory, name: &str) -> String {
        format!("an administrator has to find out what {name} lacks, and install it")
    }

    // What is said of a failure.

    /// What can be done if it cannot say what is installed.
    fn unreadable(&self) -> &'static str;
    /// Where to look for what a simulation that is not done in time waits for.
    fn looks_for_what_it_waits(&self) -> &'static str;
    /// What keeps it from what it was told to do, though it ends with success.
    fn does_nothing_for(&self) -> &'static str;
    /// Why a simulation failed, if that is known.
    fn explained_simulation(
        &self,
        _: &dyn Asked,
        _: &Inventory,
        _: &Ran,
        refusal: Refusal,
    ) -> Refusal {
        refusal
    }
    /// Why an operation that changes packages failed, if that is known.
    fn explained(&self, run: &Run<'_>, refusal: Refusal) -> Refusal;
    /// Why an operation that changes no package failed, if that is known.
    fn explained_alone(&self, _: &dyn Asked, _: &Ran, refusal: Refusal) -> Refusal {
        refusal
    }
    /// What failed in an operation that ended with success.
    fn failed_silently(&self, _: &Ran) -> Option<Refusal> {
        None
    }
    /// Whether all scripts have run, while it still runs and the packages are as they should be.
    fn scripts_are_over(&self, _so_far: &Ran) -> bool {
        true
    }
}
