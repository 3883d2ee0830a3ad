//! What of sudo's configuration is in the way of an account's requests: which rule or setting, in
//! which line, and what to do about it.

use crate::output::text::one_line;
use crate::sudo::listing::{Entry, may_be};
use crate::sudo::remedy::Remedy;
use crate::sudo::written::{Account, Place, Setting, Written};
use nix::sys::statvfs::{FsFlags, statvfs};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Something that is in the way.
#[derive(Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// What it does, as a sentence continues: `asks for a password`.
    pub what: String,
    /// Where it is written, where that is in a file.
    pub place: Option<Place>,
    /// The setting's name, if it is one.
    pub setting: Option<String>,
    /// Of which requests it is in the way.
    pub is_for: Requests,
    /// What to do.
    pub remedy: Remedy,
}

/// Of which requests something is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requests {
    /// Of all.
    All,
    /// Of those that start a process.
    Processes,
    /// Of some, while others work.
    Some,
    /// Of all, on some hosts.
    Perhaps,
}

impl Obstacle {
    /// In one sentence.
    pub fn described(&self) -> String {
        match &self.place {
            Some(place) => format!("{place}: {}", self.what),
            None => self.what.clone(),
        }
    }
}

/// Settings of sudo's that requests do not survive, and what each does to them.
const SETTINGS: [(&str, Requests, &str); 5] = [
    ("requiretty", Requests::All, "the helper cannot be run without a terminal"),
    ("noexec", Requests::Processes, "the helper can start nothing"),
    (
        "intercept",
        Requests::Processes,
        "sudo asks its rules for each process that the helper starts",
    ),
    ("stay_setuid", Requests::All, "the helper starts with the account's own user id"),
    ("runchroot", Requests::All, "the helper's path leads to another program in that folder"),
];

/// Settings that requests survive on most hosts: named if they do not.
const SUSPECTS: [(&str, &str); 21] = [
    ("rlimit_as", LIMITED),
    ("rlimit_core", LIMITED),
    ("rlimit_cpu", LIMITED),
    ("rlimit_data", LIMITED),
    ("rlimit_fsize", LIMITED),
    ("rlimit_locks", LIMITED),
    ("rlimit_memlock", LIMITED),
    ("rlimit_nofile", LIMITED),
    ("rlimit_nproc", LIMITED),
    ("rlimit_rss", LIMITED),
    ("rlimit_stack", LIMITED),
    ("runcwd", "sudo runs nothing if there is no such folder"),
    ("role", "the helper may not start in that role"),
    ("type", "the helper may not start in that domain"),
    ("apparmor_profile", "the helper may not start in that profile"),
    ("log_input", LOGGED),
    ("log_output", LOGGED),
    ("log_stdin", LOGGED),
    ("log_stdout", LOGGED),
    ("log_stderr", LOGGED),
    ("logfile", LOGGED),
];

const LIMITED: &str = "root may not be able to raise the limit again";
const LOGGED: &str = "sudo runs nothing if it cannot write that log";

/// Tags and options of a rule that requests do not survive, or not on every host.
const TAGS: [(&str, Requests, &str); 9] = [
    ("NOEXEC", Requests::Processes, "the helper can start nothing"),
    (
        "INTERCEPT",
        Requests::Processes,
        "sudo asks its rules for each process that the helper starts",
    ),
    ("CHROOT", Requests::All, "the helper's path leads to another program in that folder"),
    ("ROLE", Requests::Perhaps, "the helper starts in that role"),
    ("TYPE", Requests::Perhaps, "the helper starts in that domain"),
    ("APPARMOR_PROFILE", Requests::Perhaps, "the helper starts in that profile"),
    ("NOTAFTER", Requests::Perhaps, "the rule ends"),
    ("TIMEOUT", Requests::Some, "sudo kills a request that takes longer"),
    ("CWD", Requests::Perhaps, "sudo runs nothing if there is no such folder"),
];

/// Whom it is about.
pub struct Asked<'a> {
    /// The account.
    pub account: &'a Account,
    /// The helper.
    pub helper: &'a Path,
    /// What sudo lists for the account.
    pub listed: &'a [Entry],
    /// What is written.
    pub written: &'a Written,
}

impl Asked<'_> {
    /// Everything that is in the way of all requests, or of some.
    pub fn obstacles(&self) -> Vec<Obstacle> {
        let mut found = self.later_rules();
        found.extend(self.tags());
        found.extend(self.settings());
        found
    }

    /// Rules that come after those that let the helper run, and ask for a password or take them
    /// back. sudo goes by the last one that fits.
    fn later_rules(&self) -> Vec<Obstacle> {
        let as_root = self.listed.iter().filter(|entry| entry.is_as_root());
        let all: Vec<(bool, &String)> = as_root
            .flat_map(|entry| entry.commands.iter().map(|command| (entry.is_free(), command)))
            .filter(|(_, command)| may_be(command.trim_start_matches('!'), self.helper))
            .collect();
        let mut found = Vec::new();
        for (at, (is_free, command)) in all.iter().enumerate() {
            let is_taken = command.starts_with('!');
            if *is_free && !is_taken {
                continue;
            }
            let bare = command.trim_start_matches('!');
            let lets = |(is_free, command): &(bool, &String)| *is_free && !command.starts_with('!');
            // What a still later rule lets through again is in nobody's way.
            let later = all[at + 1..].iter().filter(|one| lets(one));
            let again: BTreeSet<Option<&str>> = later.map(|one| self.arguments(one.1)).collect();
            let is_again = |command: &str| {
                let arguments = self.arguments(command);
                [None, Some(""), arguments].iter().any(|one| again.contains(one))
            };
            let is_lost =
                |one: &(bool, &String)| lets(one) && self.overlap(bare, one.1) && !is_again(one.1);
            if !all[..at].iter().any(is_lost) {
                continue;
            }
            let rule = self.written.rule(self.account, command, (!is_taken).then_some(false));
            let shown = one_line(bare, 120);
            let what = match is_taken {
                true => format!("a later rule takes `{shown}` back"),
                false => format!("a later rule for `{shown}` asks for a password"),
            };
            let place = rule.map(|rule| rule.place.clone());
            let remedy = Remedy::of_rule(place.as_ref());
            found.push(Obstacle { what, place, setting: None, is_for: Requests::Some, remedy });
        }
        found
    }

    /// Whether what the second one lets through is, or may in part be, the first one's.
    fn overlap(&self, one: &str, other: &str) -> bool {
        self.covers(one, other) || self.covers(other, one)
    }

    /// Whether the first one is about all that the second one is about, or may be.
    fn covers(&self, one: &str, other: &str) -> bool {
        let (Some(one), Some(other)) = (self.arguments(one), self.arguments(other)) else {
            // All, a folder or a pattern.
            return self.arguments(one).is_none();
        };
        one.is_empty() || one == other || one.contains(['*', '?', '[', '^'])
    }

    /// What stands behind the helper's name; none if something wider is named.
    fn arguments<'c>(&self, command: &'c str) -> Option<&'c str> {
        let (path, arguments) = command.split_once(' ').unwrap_or((command, ""));
        (Path::new(path) == self.helper).then_some(arguments)
    }

    /// Tags of the rule that decides.
    fn tags(&self) -> Vec<Obstacle> {
        let rules = self.written.rules(self.account);
        let mut last = rules.iter().rev().filter(|rule| may_be(&rule.command.text, self.helper));
        let Some(rule) = last.next() else { return Vec::new() };
        let tags = rule.command.tags.iter();
        let found = tags.filter_map(|tag| {
            let name = tag.split('=').next().unwrap_or_default();
            let (_, is_for, reason) = TAGS.iter().find(|(known, ..)| *known == name)?;
            Some(Obstacle {
                what: format!("{tag} holds for the helper: {reason}"),
                place: Some(rule.place.clone()),
                setting: None,
                is_for: *is_for,
                remedy: Remedy::of_rule(Some(rule.place)),
            })
        });
        found.collect()
    }

    fn settings(&self) -> Vec<Obstacle> {
        let holds = |name: &str| {
            let setting = self.written.setting(self.account, self.helper, name)?;
            (!setting.text.starts_with('!')).then_some(setting)
        };
        let mut found: Vec<Obstacle> = SETTINGS
            .iter()
            .filter_map(|(name, is_for, reason)| {
                Some(self.set(&holds(name)?, name, *is_for, reason))
            })
            .collect();
        let full = || full_log(holds("iolog_dir").map(|setting| setting.text));
        found.extend(SUSPECTS.iter().filter_map(|(name, reason)| {
            let mut one = self.set(&holds(name)?, name, Requests::Perhaps, reason);
            // What is written to the terminal's log is no line of `logfile`.
            if let Some(folder) = full().filter(|_| *reason == LOGGED && *name != "logfile") {
                one.what = format!("{}, and {} is full", one.what, folder.display());
                one.is_for = Requests::All;
                one.remedy = Remedy::Room(folder);
            }
            Some(one)
        }));
        let timeout = holds("command_timeout").filter(|setting| {
            let value = setting.text.split_once('=').map_or("", |(_, value)| value);
            value.trim_matches(['"', ' ']) != "0"
        });
        found.extend(timeout.map(|setting| {
            let reason = "sudo kills a request that takes longer";
            self.set(&setting, "command_timeout", Requests::Some, reason)
        }));
        found
    }

    fn set(&self, setting: &Setting<'_>, name: &str, is_for: Requests, reason: &str) -> Obstacle {
        Obstacle {
            what: format!("{} holds for the helper: {reason}", setting.text),
            place: Some(setting.place.clone()),
            setting: Some(name.to_owned()),
            is_for,
            // Those for a command weigh more than all others, wherever they stand (sudoers(5)).
            remedy: Remedy::Except(format!("Defaults!{} !{name}", self.helper.display())),
        }
    }
}

/// The folder of sudo's I/O log, as far as it is there, if its file system takes nothing more:
/// sudo itself then ends without a word.
fn full_log(setting: Option<&str>) -> Option<PathBuf> {
    let set = setting.and_then(|text| text.split_once('=')).map(|(_, value)| value);
    let folder = set.map_or("/var/log/sudo-io", |value| value.trim_matches(['"', ' ']));
    // `%{user}` and the like are folders in it.
    let folder = Path::new(folder.split('%').next().unwrap_or_default());
    let there = folder.ancestors().find(|path| path.is_dir())?;
    let data = statvfs(there).ok()?;
    let is_full = data.blocks_available() == 0
        // Some file systems have as many as they have room for, and say 0.
        || data.files() > 0 && data.files_available() == 0
        || data.flags().contains(FsFlags::ST_RDONLY);
    is_full.then(|| there.to_owned())
}
