//! A package manager that does not exist: all that it takes to add one.

use crate::managers::argv::{Argv, UTF8};
use crate::managers::commands::Commands;
use crate::managers::confinement::Confinement;
use crate::managers::inventory::{Installed, Inventory, Stage};
use crate::managers::lists::{Lists, NotFound};
use crate::managers::lock::Lock;
use crate::managers::manager::{Manager, PackageManager};
use crate::managers::providers::Providers;
use crate::managers::reason::Reason;
use crate::managers::run::Run;
use crate::managers::territory::Territory;
use crate::managers::transaction::{Change, Transaction};
use crate::request::action::{Action, Maintenance, PackageAction};
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;
use crate::request::ran::Ran;
use std::path::PathBuf;

/// It prints `NAME VERSION` for whatever it is asked.
#[derive(Debug)]
struct Toy;

/// The toy.
pub const TOY: Manager = &Toy;

const PROGRAM: &str = "/usr/bin/toy";

fn toy(words: &[&str]) -> Argv {
    Argv::new(&[&[PROGRAM], words].concat(), UTF8, Confinement::PACKAGE_MANAGER)
}

fn rows(printed: &str) -> impl Iterator<Item = (String, String)> {
    let rows = printed.lines().filter_map(|line| line.split_once(' '));
    rows.map(|(name, version)| (name.to_owned(), version.to_owned()))
}

impl PackageManager for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }
    fn described(&self) -> &'static str {
        "nobody's"
    }
    fn program(&self) -> &'static str {
        PROGRAM
    }
    fn programs(&self) -> &'static [&'static str] {
        &[PROGRAM]
    }
    fn families(&self) -> &'static [&'static str] {
        &["toybox"]
    }

    fn package(&self, action: PackageAction, name: &str, _removals: bool) -> Commands {
        Commands {
            inventory: Some(toy(&["list"])),
            simulation: Some(toy(&["--dry-run", action.word(), name])),
            ..Commands::alone(toy(&[action.word(), name]))
        }
    }
    fn maintenance(&self, action: Maintenance, _removals: bool) -> Result<Commands, Refusal> {
        match action {
            Maintenance::Upgrade => Ok(Commands::alone(toy(&["upgrade"]))),
            _ => Err(Refusal::new(Code::Unsupported, "toy cannot do that")),
        }
    }
    fn inventory_command(&self) -> Argv {
        toy(&["list"])
    }
    fn back_to(&self, _: &[(String, String)]) -> Option<Commands> {
        None
    }
    fn territory(&self) -> Territory {
        let state = "/nonexistent/toy";
        Territory { state, folders: &[], caches: &[], locks: &[] }
    }
    fn is_list(&self, _: &str) -> bool {
        false
    }
    fn lists_of(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn all_lists(&self) -> Vec<PathBuf> {
        Vec::new()
    }
    fn listed(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn is_kernel(&self, _: &str) -> bool {
        false
    }
    fn looks_ahead(&self) -> &'static str {
        "toy --dry-run"
    }

    fn remove_by_hand(&self, names: &str) -> String {
        format!("toy remove {names}")
    }
    fn reinstall_by_hand(&self, name: &str) -> String {
        format!("toy install {name}")
    }
    fn upgrade_by_hand(&self, name: &str) -> String {
        format!("toy upgrade {name}")
    }
    fn installs_clock(&self) -> &'static str {
        "toy install clock"
    }
    fn reads_lists(&self) -> (Maintenance, &'static str) {
        (Maintenance::Update, "toy refresh")
    }
    fn shows_held(&self) -> &'static str {
        "toy held"
    }

    fn inventory(&self, printed: &str) -> Inventory {
        let row = |(name, version)| {
            let (stage, is_held, is_going, is_essential) = (Stage::Done, false, false, false);
            (name, Installed { version, stage, is_held, is_going, is_essential })
        };
        Inventory::new(rows(printed).map(row).collect(), None)
    }
    fn transaction(&self, _: &Operation, _: &Inventory, printed: &str) -> Transaction {
        let remove = rows(printed).map(|(name, version)| Change { name, version, from: None });
        Transaction { remove: remove.collect(), ..Transaction::default() }
    }
    fn no_way(&self, _stdout: &str, stderr: &str) -> Option<Reason> {
        stderr.strip_prefix("toy: no way: ").map(|cause| Reason::Breaks(cause.to_owned()))
    }
    fn not_found(&self, stderr: &str) -> Option<NotFound> {
        let found = NotFound { reason: "the box is older than it", may_lack_lists: false };
        stderr.starts_with("toy: what is ").then_some(found)
    }

    fn locks(&self, _: Option<Maintenance>) -> &'static [Lock] {
        &[Lock::IsFile("/nonexistent/toy.lock")]
    }
    fn was_too_late(&self, ran: &Ran) -> bool {
        ran.stderr.starts_with("toy: locked")
    }
    fn traces(&self, _: Option<Maintenance>) -> &'static [&'static str] {
        self.state()
    }
    fn state(&self) -> &'static [&'static str] {
        &["/nonexistent/toybox"]
    }
    fn lists(&self) -> Lists {
        Lists::NoSource("/nonexistent/toy.conf")
    }
    fn providers(&self, name: &str) -> Providers {
        Providers { provide: vec![format!("{name}-lite")], of_group: Vec::new() }
    }
    fn trusts(&self) -> &'static [&'static str] {
        &["/nonexistent/toy.conf"]
    }
    fn owner(&self, _path: &str) -> Option<String> {
        None
    }
    fn processes(&self) -> &'static [&'static str] {
        &["toy"]
    }

    fn unreadable(&self) -> &'static str {
        "an administrator should tip the box over"
    }
    fn looks_for_what_it_waits(&self) -> &'static str {
        "toy has no settings"
    }
    fn does_nothing_for(&self) -> &'static str {
        "an administrator should look into the box"
    }
    fn explained(&self, _: &Run<'_>, refusal: Refusal) -> Refusal {
        refusal
    }
}
