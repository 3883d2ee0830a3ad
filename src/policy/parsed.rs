//! A policy that is read from text.

use crate::output::hex::hex;
use crate::policy::model::{
    Approvals, CallerRule, Limits, PackageRule, Policy, SiteMode, Span, TaskRule, Undo, UnitRule,
};
use crate::policy::rows::Rows;
use crate::request::action::{Maintenance, ManagerAction, Set};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A policy that was read from text; [`Parsed::policy`] is the form in which it is used. What is skipped
/// here is what grows with the policy, and is kept apart ([`cache`](crate::policy::cache)).
#[derive(Debug, Serialize, Deserialize)]
pub struct Parsed {
    pub(super) file: String,
    #[serde(skip)]
    pub(super) text: String,
    pub(super) hash: String,
    pub(super) site_mode: SiteMode,
    pub(super) limits: Limits,
    #[serde(skip)]
    pub(super) units: Vec<UnitRule>,
    #[serde(skip)]
    pub(super) packages: Vec<PackageRule>,
    pub(super) tasks: Vec<TaskRule>,
    pub(super) callers: Vec<CallerRule>,
    pub(super) maintenance: Set<Maintenance>,
    pub(super) maintenance_approval: Set<Maintenance>,
    pub(super) maintenance_line: u32,
    #[serde(skip)]
    pub(super) maintenance_is_whole: bool,
    pub(super) manager: Set<ManagerAction>,
    pub(super) manager_approval: Set<ManagerAction>,
    pub(super) manager_line: u32,
    pub(super) undo: Undo,
    pub(super) allow_removals: bool,
    pub(super) approvals: Approvals,
    pub(super) recipients: Span,
    pub(super) recipients_line: u32,
    #[serde(skip)]
    pub(super) strings: Strings,
    #[serde(skip)]
    pub(super) words: Vec<Span>,
}

impl Parsed {
    /// A policy that grants nothing yet, with the hash of the text.
    pub(super) fn nothing(file: &str, text: &str, limits: Limits) -> Self {
        Self {
            file: file.to_owned(),
            text: text.to_owned(),
            hash: hex(&Sha256::digest(text.as_bytes())),
            site_mode: SiteMode::Off,
            limits,
            units: Vec::new(),
            packages: Vec::new(),
            tasks: Vec::new(),
            callers: Vec::new(),
            maintenance: Set::NONE,
            maintenance_approval: Set::NONE,
            maintenance_line: 0,
            maintenance_is_whole: true,
            manager: Set::NONE,
            manager_approval: Set::NONE,
            manager_line: 0,
            undo: Undo::NOTHING,
            allow_removals: false,
            approvals: Approvals::NOTHING,
            recipients: Span::NONE,
            recipients_line: 0,
            strings: Strings(String::new()),
            words: Vec::new(),
        }
    }

    /// The policy.
    pub fn policy(&self) -> Policy<'_> {
        Policy {
            file: &self.file,
            text: self.text.as_bytes(),
            hash: &self.hash,
            site_mode: self.site_mode,
            limits: self.limits,
            units: Rows::Plain(&self.units),
            packages: Rows::Plain(&self.packages),
            tasks: &self.tasks,
            callers: &self.callers,
            maintenance: self.maintenance,
            maintenance_approval: self.maintenance_approval,
            maintenance_line: self.maintenance_line,
            manager: self.manager,
            manager_approval: self.manager_approval,
            manager_line: self.manager_line,
            undo: self.undo,
            allow_removals: self.allow_removals,
            approvals: self.approvals,
            recipients: self.recipients,
            recipients_line: self.recipients_line,
            strings: self.strings.0.as_bytes(),
            words: Rows::Plain(&self.words),
        }
    }

    /// Adds a list of words.
    pub(super) fn run(&mut self, words: &[impl AsRef<str>]) -> Span {
        let at = self.words.len();
        for word in words {
            let span = self.strings.add(word.as_ref());
            self.words.push(span);
        }
        Span { at: at as u32, len: words.len() as u32 }
    }
}

/// All strings of a policy, one after another.
#[derive(Debug, Default)]
pub struct Strings(pub(super) String);

impl Strings {
    /// Adds a string.
    pub(super) fn add(&mut self, text: &str) -> Span {
        let at = self.0.len() as u32;
        self.0.push_str(text);
        Span { at, len: text.len() as u32 }
    }

    pub(super) fn get(&self, span: Span) -> &str {
        let at = span.at as usize;
        &self.0[at..at + span.len as usize]
    }
}
