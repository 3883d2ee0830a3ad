//! apt and dpkg, of Debian and its relatives.

mod beside;
mod commands;
mod failure;
mod files;
mod hooks;
mod inventory;
mod kept;
mod lists;
mod locks;
mod options;
mod owner;
mod provides;
mod reasons;
mod settings;
mod sources;
mod traces;
mod transaction;
mod unfinished;

use crate::managers::argv::Argv;
use crate::managers::asked::Asked;
use crate::managers::commands::Commands;
use crate::managers::inventory::{Inventory, Unfinished};
use crate::managers::lists::{Lists, NotFound};
use crate::managers::lock::Lock;
use crate::managers::manager::PackageManager;
use crate::managers::providers::Providers;
use crate::managers::reason::Reason;
use crate::managers::run::Run;
use crate::managers::settings::Files;
use crate::managers::territory::Territory;
use crate::managers::transaction::Transaction;
use crate::request::action::{Maintenance, PackageAction};
use crate::request::code::Refusal;
use crate::request::operation::Operation;
use crate::request::ran::Ran;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// apt, which has dpkg do what it planned.
#[derive(Debug)]
pub struct Apt;

impl PackageManager for Apt {
    fn name(&self) -> &'static str {
        "apt"
    }
    fn described(&self) -> &'static str {
        "Debian's, through `apt-get`"
    }
    fn program(&self) -> &'static str {
        commands::APT_GET
    }
    fn programs(&self) -> &'static [&'static str] {
        &commands::PROGRAMS
    }
    fn families(&self) -> &'static [&'static str] {
        &["debian", "ubuntu"]
    }
    fn environment(&self) -> &'static [(&'static str, &'static str)] {
        &commands::ENVIRONMENT
    }

    fn package(&self, action: PackageAction, name: &str, removals: bool) -> Commands {
        commands::package(action, name, removals)
    }
    fn maintenance(&self, action: Maintenance, _removals: bool) -> Result<Commands, Refusal> {
        Ok(commands::maintenance(action))
    }
    fn inventory_command(&self) -> Argv {
        commands::inventory()
    }
    fn back_to(&self, versions: &[(String, String)]) -> Option<Commands> {
        Some(commands::back_to(versions))
    }
    fn looks_ahead(&self) -> &'static str {
        "apt-get --simulate"
    }

    fn remove_by_hand(&self, names: &str) -> String {
        format!("apt-get remove {names}")
    }
    fn reinstall_by_hand(&self, name: &str) -> String {
        format!("apt-get install --reinstall {name}")
    }
    fn upgrade_by_hand(&self, name: &str) -> String {
        format!("apt-get update && apt-get install {name}")
    }
    fn installs_clock(&self) -> &'static str {
        "apt-get install systemd-timesyncd"
    }
    fn reads_lists(&self) -> (Maintenance, &'static str) {
        (Maintenance::Update, "apt-get update")
    }
    fn shows_held(&self) -> &'static str {
        "apt-mark showhold"
    }

    fn inventory(&self, printed: &str) -> Inventory {
        inventory::parse(printed)
    }
    fn transaction(&self, _: &Operation, installed: &Inventory, printed: &str) -> Transaction {
        transaction::parse(printed, installed)
    }
    fn no_way(&self, stdout: &str, stderr: &str) -> Option<Reason> {
        reasons::find(stdout, stderr)
    }
    fn not_found(&self, stderr: &str) -> Option<NotFound> {
        lists::not_found(stderr)
    }
    fn instead(&self, printed: &str, name: &str) -> Option<String> {
        reasons::instead(printed, name)
    }
    fn steps_of(&self, transaction: &Transaction) -> usize {
        transaction::steps_of(transaction)
    }
    fn is_step(&self, line: &str) -> bool {
        transaction::is_step(line)
    }
    fn kept_beforehand(&self, simulated: &str, installed: &Inventory) -> Vec<String> {
        kept::beforehand(simulated, installed)
    }

    fn locks(&self, action: Option<Maintenance>) -> &'static [Lock] {
        locks::of(action)
    }
    fn was_too_late(&self, ran: &Ran) -> bool {
        locks::was_too_late(ran)
    }
    fn traces(&self, action: Option<Maintenance>) -> &'static [&'static str] {
        traces::of(action)
    }
    fn state(&self) -> &'static [&'static str] {
        &traces::STATE
    }
    fn has_journal(&self) -> bool {
        traces::has_journal()
    }
    fn lists(&self) -> Lists {
        lists::now()
    }
    fn asked_a_source(&self, ran: &Ran) -> bool {
        sources::asked_any(ran)
    }
    fn providers(&self, name: &str) -> Providers {
        provides::of(name)
    }
    fn owner(&self, path: &str) -> Option<String> {
        owner::of(path)
    }
    fn beside(&self) -> &'static [(&'static str, &'static str)] {
        &beside::BESIDE
    }
    fn settings_elsewhere(&self) -> BTreeSet<PathBuf> {
        beside::folders_elsewhere(Path::new(beside::INFO))
    }
    // `apt.conf(5)`, `sources.list(5)`, `dpkg.cfg(5)`.
    fn trusts(&self) -> &'static [&'static str] {
        &[
            "/etc/apt",
            "/etc/apt/apt.conf.d",
            "/etc/apt/preferences.d",
            "/etc/apt/sources.list.d",
            "/etc/apt/trusted.gpg.d",
            "/etc/dpkg",
            "/etc/dpkg/dpkg.cfg.d",
        ]
    }
    fn territory(&self) -> Territory {
        files::TERRITORY
    }
    fn is_list(&self, path: &str) -> bool {
        files::is_list(path)
    }
    fn lists_of(&self, name: &str) -> Vec<String> {
        files::list_of(name)
    }
    fn all_lists(&self) -> Vec<PathBuf> {
        files::all_lists()
    }
    fn listed(&self, text: &str) -> Vec<String> {
        files::listed(text)
    }
    fn is_kernel(&self, name: &str) -> bool {
        name.starts_with("linux-image-")
    }
    fn has_snapshot_hooks(&self) -> bool {
        files::has_snapshot_hooks()
    }
    fn settings(&self) -> &'static [Files] {
        &settings::FILES
    }
    fn processes(&self) -> &'static [&'static str] {
        // dpkg waits for scripts.
        &["apt-get", "dpkg"]
    }
    fn is_fetching(&self, program: &str) -> bool {
        program.starts_with("/usr/lib/apt/methods/")
    }

    fn in_the_way(
        &self,
        asked: &dyn Asked,
        name: Option<&str>,
        installed: &Inventory,
    ) -> Option<Refusal> {
        unfinished::in_the_way(asked, name, installed)
    }
    fn way_out(&self, asked: &dyn Asked, all: &Inventory, begun: &[(&str, Unfinished)]) -> String {
        unfinished::way_out(asked, all, begun)
    }
    fn for_want_of(&self, asked: &dyn Asked, all: &Inventory, name: &str) -> String {
        unfinished::for_want_of(asked, all, name)
    }

    fn unreadable(&self) -> &'static str {
        "nothing was changed; an administrator has to correct that file; older versions are in /var/lib/dpkg/status-old and /var/backups"
    }
    fn looks_for_what_it_waits(&self) -> &'static str {
        "apt-config dump names the commands that apt runs"
    }
    fn does_nothing_for(&self) -> &'static str {
        "an administrator should look for a setting that prevents it, such as no-act: in /etc/dpkg/dpkg.cfg, /etc/dpkg/dpkg.cfg.d, or with: apt-config dump"
    }
    fn explained_simulation(
        &self,
        asked: &dyn Asked,
        installed: &Inventory,
        ran: &Ran,
        refusal: Refusal,
    ) -> Refusal {
        failure::of_simulation(asked, installed, ran, refusal)
    }
    fn explained(&self, run: &Run<'_>, refusal: Refusal) -> Refusal {
        failure::of(run, refusal)
    }
    fn explained_alone(&self, asked: &dyn Asked, ran: &Ran, refusal: Refusal) -> Refusal {
        failure::of_update(asked, ran, refusal)
    }
}
