//! pacman, of Arch and its relatives.

mod beside;
mod commands;
mod failure;
mod files;
mod inventory;
mod kept;
mod lists;
mod locks;
pub mod message;
mod provides;
mod reasons;
mod records;
mod settings;
mod sources;
mod transaction;
mod vercmp;

use crate::managers::argv::Argv;
use crate::managers::ask::printed;
use crate::managers::asked::Asked;
use crate::managers::commands::Commands;
use crate::managers::inventory::Inventory;
use crate::managers::lists::{Lists, NotFound};
use crate::managers::lock::Lock;
use crate::managers::manager::{Names, PackageManager};
use crate::managers::providers::Providers;
use crate::managers::reason::Reason;
use crate::managers::run::Run;
use crate::managers::settings::Files;
use crate::managers::territory::Territory;
use crate::managers::transaction::Transaction;
use crate::request::action::{Maintenance, PackageAction};
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;
use crate::request::ran::{Ended, Ran};
use std::path::PathBuf;

/// pacman.
#[derive(Debug)]
pub struct Pacman;

impl PackageManager for Pacman {
    fn name(&self) -> &'static str {
        "pacman"
    }
    fn described(&self) -> &'static str {
        "Arch's"
    }
    fn program(&self) -> &'static str {
        commands::PACMAN
    }
    fn programs(&self) -> &'static [&'static str] {
        &[commands::PACMAN]
    }
    fn families(&self) -> &'static [&'static str] {
        &["arch", "archlinux"]
    }
    fn own_name<'n>(&self, names: Names<'n>) -> &'n str {
        if names.pacman.is_empty() { names.general } else { names.pacman }
    }

    fn package(&self, action: PackageAction, name: &str, removals: bool) -> Commands {
        commands::package(action, name, removals)
    }
    fn maintenance(&self, action: Maintenance, removals: bool) -> Result<Commands, Refusal> {
        commands::maintenance(action, removals)
    }
    fn inventory_command(&self) -> Argv {
        commands::inventory()
    }
    fn back_to(&self, versions: &[(String, String)]) -> Option<Commands> {
        commands::back_to(versions)
    }
    fn looks_ahead(&self) -> &'static str {
        "checkupdates(8) or pacman --query --deps --unrequired"
    }

    fn remove_by_hand(&self, names: &str) -> String {
        format!("pacman -R {names}")
    }
    fn reinstall_by_hand(&self, name: &str) -> String {
        format!("pacman -S {name}")
    }
    // One package alone would be upgraded past the libraries of the others.
    fn upgrade_by_hand(&self, _name: &str) -> String {
        "pacman -Syu".to_owned()
    }
    fn installs_clock(&self) -> &'static str {
        "pacman -S chrony"
    }
    // To read them alone is what breaks such a host.
    fn reads_lists(&self) -> (Maintenance, &'static str) {
        (Maintenance::Upgrade, "pacman -Syu")
    }
    fn shows_held(&self) -> &'static str {
        "IgnorePkg and HoldPkg in pacman.conf"
    }

    fn inventory(&self, printed: &str) -> Inventory {
        inventory::parse(printed)
    }
    fn transaction(
        &self,
        operation: &Operation,
        installed: &Inventory,
        printed: &str,
    ) -> Transaction {
        transaction::parse(operation, installed, printed)
    }
    fn with_questions(&self, planned: Transaction, asked: &str, all: &Inventory) -> Transaction {
        transaction::with_questions(planned, asked, all)
    }
    // It warns of settings that it does not know.
    fn says_nothing(&self, ran: &Ran) -> bool {
        let only_warns = ran.stderr.lines().all(|line| line.starts_with("warning: "));
        ran.ended == Ended::Exited(1) && ran.stdout.is_empty() && only_warns
    }
    // Asked before what it says else, since the name can be that of a group (`pacman(8)`,
    // `--remove`).
    fn is_missing(&self, name: &str, stderr: &str) -> bool {
        let is_it = |line: &str| line.strip_prefix("error: target not found: ") == Some(name);
        stderr.lines().any(is_it)
    }
    fn held(&self, operation: &Operation, ran: &Ran) -> Option<Refusal> {
        (ran.ended != Ended::Exited(0) && transaction::is_held(&ran.stdout)).then(|| {
            let error = format!("`{operation}` would remove what HoldPkg in pacman.conf holds");
            Refusal::new(Code::PlanRefused, error)
                .hint("an administrator holds it on purpose, and has to do this")
        })
    }
    fn no_way(&self, stdout: &str, stderr: &str) -> Option<Reason> {
        reasons::find(stdout, stderr)
    }
    fn not_found(&self, stderr: &str) -> Option<NotFound> {
        lists::not_found(stderr)
    }
    fn steps_of(&self, transaction: &Transaction) -> usize {
        transaction::steps_of(transaction)
    }
    fn is_step(&self, line: &str) -> bool {
        transaction::is_step(line)
    }
    fn kept_afterwards(&self, ran: &Ran) -> Vec<String> {
        kept::afterwards(&ran.stderr)
    }
    fn put_beside(&self, ran: &Ran) -> Vec<PathBuf> {
        beside::named(&ran.stderr)
    }

    fn upgrade_installs(&self) -> bool {
        true
    }
    fn tells_removals(&self) -> bool {
        false
    }

    fn locks(&self, _: Option<Maintenance>) -> &'static [Lock] {
        &locks::LOCKS
    }
    fn left_behind(&self, path: &str) -> Refusal {
        locks::left_behind(path)
    }
    fn was_too_late(&self, ran: &Ran) -> bool {
        locks::was_too_late(ran)
    }
    fn traces(&self, action: Option<Maintenance>) -> &'static [&'static str] {
        match action {
            Some(Maintenance::Autoclean) => &["/var/cache/pacman/pkg"],
            _ => &[records::FOLDER],
        }
    }
    fn state(&self) -> &'static [&'static str] {
        &[records::FOLDER, lists::FOLDER]
    }
    fn lists(&self) -> Lists {
        lists::now()
    }
    fn providers(&self, name: &str) -> Providers {
        provides::of(name)
    }
    fn owner(&self, path: &str) -> Option<String> {
        Some(printed("pacman", &["-Qqo", "--", path])?.trim().to_owned())
    }
    fn beside(&self) -> &'static [(&'static str, &'static str)] {
        &beside::BESIDE
    }
    // `pacman.conf(5)`, `alpm-hooks(5)`.
    fn trusts(&self) -> &'static [&'static str] {
        &["/etc/pacman.conf", "/etc/pacman.d", "/etc/pacman.d/hooks", "/usr/share/libalpm/hooks"]
    }
    fn patches_old_versions(&self) -> bool {
        false
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
    // Arch's kernels, and none of their headers and documents.
    fn is_kernel(&self, name: &str) -> bool {
        ["linux", "linux-lts", "linux-zen", "linux-hardened", "linux-rt"].contains(&name)
    }
    fn has_snapshot_hooks(&self) -> bool {
        files::has_snapshot_hooks()
    }
    fn settings(&self) -> &'static [Files] {
        &settings::FILES
    }
    fn processes(&self) -> &'static [&'static str] {
        &["pacman"]
    }

    fn in_the_way(
        &self,
        _: &dyn Asked,
        name: Option<&str>,
        installed: &Inventory,
    ) -> Option<Refusal> {
        records::not_whole(name?, installed)
    }

    fn unreadable(&self) -> &'static str {
        "nothing was changed; an administrator has to correct that, or its entry in /etc/pacman.conf"
    }
    fn looks_for_what_it_waits(&self) -> &'static str {
        "its settings are in /etc/pacman.conf"
    }
    fn does_nothing_for(&self) -> &'static str {
        "an administrator should look at /etc/pacman.conf and /var/log/pacman.log"
    }
    fn explained(&self, run: &Run<'_>, refusal: Refusal) -> Refusal {
        failure::of(run, refusal)
    }
    fn failed_silently(&self, ran: &Ran) -> Option<Refusal> {
        failure::of_script(ran)
    }
    // It writes down what is installed before the scripts of it have run.
    fn scripts_are_over(&self, so_far: &Ran) -> bool {
        failure::runs_last_hooks(so_far)
    }
}
