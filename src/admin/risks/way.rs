//! What of a unit an account can change, and whose rights that gives.

use crate::admin::risks::access::Account;
use crate::admin::risks::callers::Caller;
use crate::admin::risks::risk::Kind;
use crate::admin::risks::unit::{Started, Unit, drop_in_folders};
use crate::request::who::Who;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What an account can change of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    pub kind: Kind,
    /// What it can write to: one of the paths, or a folder on the way to them.
    pub component: PathBuf,
    /// What it can change by that.
    pub paths: BTreeSet<PathBuf>,
    /// As whom it is run; none for root.
    pub account: Option<String>,
    /// The settings of the unit that have it run.
    pub settings: BTreeSet<String>,
}

impl Way {
    /// A folder that systemd reads units from.
    pub fn to_a_folder(folder: &Path, component: PathBuf) -> Self {
        Self {
            kind: Kind::UnitFile,
            component,
            paths: BTreeSet::from([folder.to_owned()]),
            account: None,
            settings: BTreeSet::new(),
        }
    }
}

/// All that the account can change of the unit, one for each thing that it can write to. `folders`
/// are those that systemd reads units from, which are looked at by themselves.
pub fn ways(unit: &Unit, caller: &Caller, account: &Account, folders: &[PathBuf]) -> Vec<Way> {
    let mut ways: Vec<Way> = Vec::new();
    let mut add = |kind: Kind, path: &Path, user: Option<&str>, settings: &[&str]| {
        let Some(component) = account.can_change(path) else { return };
        if kind == Kind::UnitFile && folders.contains(&component) {
            return;
        }
        // What runs as the caller itself is nothing new.
        let is_own = |user: &str| caller.is_user(user) || user == account.uid.to_string();
        if user.is_some_and(is_own) {
            return;
        }
        let is_same = |way: &&mut Way| {
            (way.kind, &*way.component, way.account.as_deref()) == (kind, &*component, user)
        };
        let settings = settings.iter().map(|one| (*one).to_owned());
        match ways.iter_mut().find(is_same) {
            Some(way) => {
                way.paths.insert(path.to_owned());
                way.settings.extend(settings);
            }
            None => ways.push(Way {
                kind,
                component,
                paths: BTreeSet::from([path.to_owned()]),
                account: user.map(str::to_owned),
                settings: settings.collect(),
            }),
        }
    };
    for file in unit.files.iter().map(Path::new) {
        add(Kind::UnitFile, file, None, &[]);
    }
    // What is put there adds to the unit, even if nothing is there yet.
    for name in unit.names.iter().flat_map(|name| drop_in_folders(name)) {
        for folder in folders.iter().map(|folder| folder.join(&name)).filter(|path| path.exists()) {
            add(Kind::UnitFile, &folder, None, &[]);
        }
    }
    let user = unit.user.as_deref();
    let of = |command: &Started| if command.is_root { None } else { user };
    for command in &unit.commands {
        for path in &command.used {
            add(Kind::Program, path, of(command), &[&command.setting]);
        }
    }
    for command in &unit.commands {
        for path in &unit.environment {
            add(Kind::Environment, path, of(command), &[&command.setting]);
        }
        if let Some(folder) = &unit.folder {
            add(Kind::Folder, folder, of(command), &[&command.setting]);
        }
    }
    let all = ways.clone();
    // The rights of root are those of every account, and a program that can be replaced says more
    // than the folder in which it is.
    ways.retain(|way| {
        let is_more = |other: &Way| {
            let is_there = other.component == way.component;
            let is_root_too = other.kind == way.kind && other.account.is_none();
            let is_program = [Kind::Program, Kind::Environment].contains(&other.kind);
            let is_same_account = other.account == way.account || other.account.is_none();
            is_there && way.account.is_some() && is_root_too
                || is_there && way.kind == Kind::Folder && is_program && is_same_account
        };
        !all.iter().any(is_more)
    });
    ways
}
