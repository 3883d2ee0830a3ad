//! The form of a policy in use: tables of plain numbers that point into one text.
//!
//! The build script writes such a table into the program, where loading it costs nothing (no
//! allocation, no relocation, only the pages that a request touches); the parser makes the same
//! table from a file. All code that reads a policy reads this form.

use crate::policy::rows::Rows;
use crate::request::action::{Maintenance, ManagerAction, PackageAction, ServiceAction, Set};
use crate::request::confine::Confine;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What the site file may do to the compiled policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SiteMode {
    /// The site file is not read.
    Off,
    /// The site file can only take rights away.
    Narrow,
    /// The site file can only add rights, except those on the never-list.
    Extend,
    /// The site file is the policy, except rights on the never-list. Without a site file the compiled
    /// policy holds; its checks also hold for units that have none in the site file.
    Replace,
}

impl SiteMode {
    /// Every mode with its word.
    pub const WORDS: [(&'static str, Self); 4] = [
        ("off", Self::Off),
        ("narrow", Self::Narrow),
        ("extend", Self::Extend),
        ("replace", Self::Replace),
    ];

    /// The word for it in a policy.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, mode)| *mode == self).map_or("off", |(word, _)| word)
    }
}

/// Limits on the load that a caller can cause, and on the output it can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Operations that an account may ask for in [`Limits::rate_seconds`].
    pub rate_count: u32,
    /// The length of the window, in seconds.
    pub rate_seconds: u32,
    /// The bound on each of `stdout` and `stderr` in a reply, in bytes.
    pub output_bytes: u32,
    /// The longest that a service operation may take, in seconds.
    pub service_timeout: u32,
    /// The longest that a package operation may take, in seconds.
    pub package_timeout: u32,
    /// How long a package operation waits while another one runs, in seconds.
    pub lock_seconds: u32,
    /// How long a unit is watched after a start, restart or reload, in seconds.
    pub watch_seconds: u32,
    /// Whether a reply has `[masked]` instead of what looks like a secret.
    pub mask_secrets: bool,
    /// Whether nothing is run that cannot be confined by all that confines it.
    pub must_confine: bool,
    /// How long an administrator can approve what waits for it, in minutes.
    pub approval_minutes: u32,
    /// Which snapshots are taken.
    pub snapshots: Snapshots,
    /// How large the audit log can become.
    pub audit: AuditLog,
}

/// How much of the audit log an account may take, how much is kept of it, and how often it is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLog {
    /// What the records of an account may take within any minute, in bytes. None where no policy says so.
    pub minute_bytes: Option<u32>,
    /// Whether each account has the usual share ([`crate::limits::share`]): the bound of a minute stands
    /// in its place, except in a policy that can only narrow.
    pub has_usual_share: bool,
    /// What all files of the log may take together, in bytes on disk.
    pub total_bytes: u64,
    /// After how many records the log is signed.
    pub checkpoint_records: u32,
}

impl AuditLog {
    /// The defaults.
    pub const USUAL: Self = Self {
        minute_bytes: None,
        has_usual_share: true,
        total_bytes: 1 << 30,
        checkpoint_records: 1000,
    };

    /// The smaller of each.
    fn stricter(self, other: Self) -> Self {
        let both = self.minute_bytes.into_iter().chain(other.minute_bytes);
        Self {
            minute_bytes: both.min(),
            has_usual_share: self.has_usual_share || other.has_usual_share,
            total_bytes: self.total_bytes.min(other.total_bytes),
            checkpoint_records: self.checkpoint_records.min(other.checkpoint_records),
        }
    }
}

/// Which snapshots of the file system are taken, and how many are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshots {
    /// Whether one is taken before each package operation, and one after it.
    pub packages: bool,
    /// Of how many operations they are kept.
    pub keep: u32,
    /// How much of the file system must be free for another one, in percent.
    pub min_free_percent: u32,
    /// Whether an operation is refused if there can be none before it.
    pub required: bool,
}

impl Snapshots {
    /// The defaults.
    pub const USUAL: Self =
        Self { packages: false, keep: 10, min_free_percent: 10, required: false };

    /// Those of a site policy that can only narrow: it takes none away, and says how many are kept.
    fn stricter(self, compiled: Self) -> Self {
        Self {
            packages: self.packages || compiled.packages,
            required: self.required || compiled.required,
            ..self
        }
    }
}

impl Limits {
    /// The defaults.
    pub const USUAL: Self = Self {
        rate_count: 30,
        rate_seconds: 60,
        output_bytes: 65_536,
        service_timeout: 120,
        package_timeout: 1800,
        lock_seconds: 30,
        watch_seconds: 2,
        mask_secrets: true,
        must_confine: false,
        approval_minutes: 60,
        snapshots: Snapshots::USUAL,
        audit: AuditLog::USUAL,
    };

    /// The stricter value of each limit; `other` is the compiled policy's.
    #[must_use]
    pub fn stricter(&self, other: &Self) -> Self {
        // One rate is stricter if it never allows more within the other's window than the other
        // does. If neither is, the smaller count in the longer window is as strict as both.
        let implies = |one: &Self, two: &Self| {
            let windows = two.rate_seconds.div_ceil(one.rate_seconds);
            u64::from(windows) * u64::from(one.rate_count) <= u64::from(two.rate_count)
        };
        let (rate_count, rate_seconds) = if implies(self, other) {
            (self.rate_count, self.rate_seconds)
        } else if implies(other, self) {
            (other.rate_count, other.rate_seconds)
        } else {
            (self.rate_count.min(other.rate_count), self.rate_seconds.max(other.rate_seconds))
        };
        Self {
            rate_count,
            rate_seconds,
            output_bytes: self.output_bytes.min(other.output_bytes),
            service_timeout: self.service_timeout.min(other.service_timeout),
            package_timeout: self.package_timeout.min(other.package_timeout),
            lock_seconds: self.lock_seconds.min(other.lock_seconds),
            // The longer a unit is watched, the less likely is a false success.
            watch_seconds: self.watch_seconds.max(other.watch_seconds),
            mask_secrets: self.mask_secrets || other.mask_secrets,
            must_confine: self.must_confine || other.must_confine,
            approval_minutes: self.approval_minutes.min(other.approval_minutes),
            snapshots: self.snapshots.stricter(other.snapshots),
            audit: self.audit.stricter(other.audit),
        }
    }
}

/// A string of the policy: where it stands in [`Policy::strings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first byte.
    pub at: u32,
    /// How many bytes.
    pub len: u32,
}

impl Span {
    /// Nothing.
    pub const NONE: Self = Self { at: 0, len: 0 };
}

/// When something is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// From this moment on, in seconds since 1970.
    pub not_before: i64,
    /// Before this one.
    pub not_after: i64,
    /// On these days and at this time, as a policy writes it
    /// ([`Window`](crate::policy::window::Window)); empty for always.
    pub window: Span,
}

impl When {
    /// At all times.
    pub const ALWAYS: Self = Self { not_before: i64::MIN, not_after: i64::MAX, window: Span::NONE };
}

/// What is allowed for one unit.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct UnitRule {
    /// The complete unit name.
    pub name: Span,
    /// The line of the policy that names it, from 1.
    pub line: u32,
    /// The line of the policy that grants its actions.
    pub actions_line: u32,
    /// What may be done to it.
    pub actions: Set<ServiceAction>,
    /// What an administrator approves first.
    pub approval: Set<ServiceAction>,
    /// Whether a request must say why.
    pub require_reason: bool,
    /// The command that must exit 0 before a start, restart or reload: a run of
    /// [`Policy::words`]; empty for none.
    pub check: Span,
    /// Whether the check also applies to a unit that is down. Some checks need a running unit.
    pub check_start: bool,
    /// How long it is watched, where it says something else than [`Limits::watch_seconds`].
    pub watch_seconds: Option<u32>,
    /// When it is allowed.
    pub when: When,
}

/// What is allowed for one package.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct PackageRule {
    /// The name that callers use.
    pub name: Span,
    /// The name in pacman's repositories; empty where it is the same.
    pub pacman: Span,
    /// The line of the policy that names it, from 1.
    pub line: u32,
    /// The line of the policy that grants its actions.
    pub actions_line: u32,
    /// What may be done to it.
    pub actions: Set<PackageAction>,
    /// What an administrator approves first.
    pub approval: Set<PackageAction>,
    /// Whether a request must say why.
    pub require_reason: bool,
    /// Whether an operation on it may remove other packages, where it says something else than
    /// [`Policy::allow_removals`].
    pub allow_removals: Option<bool>,
    /// When it is allowed.
    pub when: When,
}

/// What happens to a task that exceeds its time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnTimeout {
    /// It is killed with all its processes.
    Kill,
    /// It continues to its end, and the caller is told.
    Continue,
}

impl OnTimeout {
    /// Each with its word.
    pub const WORDS: [(&'static str, Self); 2] =
        [("kill", Self::Kill), ("continue", Self::Continue)];
}

/// A command line that callers may run. For its meaning see [`Task`](crate::policy::tasks::Task).
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct TaskRule {
    /// The name that callers use.
    pub name: Span,
    /// The line of the policy that names it, from 1.
    pub line: u32,
    /// The program and its arguments: a run of [`Policy::words`].
    pub argv: Span,
    /// As whom.
    pub user: Span,
    /// Where.
    pub directory: Span,
    /// `NAME=value`: a run of [`Policy::words`].
    pub environment: Span,
    /// The longest it may take, in seconds.
    pub timeout_seconds: u32,
    /// What happens then.
    pub on_timeout: OnTimeout,
    /// Whether a request must say why.
    pub require_reason: bool,
    /// Whether an administrator approves it first.
    pub approval: bool,
    /// What it is for; empty where nothing says it.
    pub description: Span,
    /// Whether a snapshot is taken before it, and one after it.
    pub snapshot: bool,
    /// Whether the policy says what it is confined to.
    pub is_confined: bool,
    /// How much is closed to it.
    pub confine: Confine,
    /// What it writes all the same: a run of [`Policy::words`].
    pub write: Span,
    /// Whether it has a network.
    pub network: bool,
    /// When it is allowed.
    pub when: When,
}

/// Whom a caller rule applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallerKind {
    /// The account of this name.
    User,
    /// Everybody in the group of this name.
    Group,
    /// Every caller to whom no other rule applies.
    Default,
}

/// The part of the policy that some callers get: only what is named here.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct CallerRule {
    /// Whom it is for.
    pub kind: CallerKind,
    /// The account's or the group's name.
    pub name: Span,
    /// The line of the policy that names it, from 1.
    pub line: u32,
    /// The units: a run of [`Policy::words`], sorted.
    pub services: Span,
    /// The packages: a run of [`Policy::words`], sorted.
    pub packages: Span,
    /// The tasks: a run of [`Policy::words`], sorted.
    pub tasks: Span,
    /// What may be done to all packages at once.
    pub maintenance: Set<Maintenance>,
    /// What may be done to the service manager.
    pub manager: Set<ManagerAction>,
    /// Whether they may undo what they did to packages.
    pub undo: bool,
    /// Whether an administrator approves first whatever they change.
    pub approval: bool,
    /// The agent that asks as this account ([`AgentName`](crate::request::agent::AgentName)); empty
    /// where the policy names none.
    pub agent: Span,
    /// When it is allowed.
    pub when: When,
}

/// Whether callers may undo what they did to packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// Whether they may.
    pub is_granted: bool,
    /// Whether an administrator approves it first.
    pub approval: bool,
    /// The line of the policy that says so; 0 where no line does.
    pub line: u32,
}

impl Undo {
    /// They may not.
    pub const NOTHING: Self = Self { is_granted: false, approval: false, line: 0 };
}

/// Who approves what waits for it, and who hears of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Approvals {
    /// Who may approve besides root: a run of [`Policy::words`], each `user:NAME` or `group:NAME`.
    pub approvers: Span,
    /// The line of the policy that names them; 0 where no line does.
    pub approvers_line: u32,
    /// What is run when a request begins to wait for an approval: a run of [`Policy::words`], empty for
    /// nothing.
    pub notify: Span,
    /// The line of the policy that names it; 0 where no line does.
    pub notify_line: u32,
    /// As whom.
    pub notify_user: Span,
}

impl Approvals {
    /// Only root approves, and nobody is told.
    pub const NOTHING: Self = Self {
        approvers: Span::NONE,
        approvers_line: 0,
        notify: Span::NONE,
        notify_line: 0,
        notify_user: Span::NONE,
    };
}

/// A whole policy. Rules are sorted by name, for binary search.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'p> {
    /// The file it was made from, as it was named.
    pub file: &'p str,
    /// The text of that file, UTF-8.
    pub text: &'p [u8],
    /// SHA-256 of the text, in hexadecimal.
    pub hash: &'p str,
    /// What the site file may do.
    pub site_mode: SiteMode,
    /// The bounds.
    pub limits: Limits,
    /// One rule a unit, sorted by name.
    pub units: Rows<'p, UnitRule>,
    /// One rule a package, sorted by name.
    pub packages: Rows<'p, PackageRule>,
    /// One rule a task, sorted by name.
    pub tasks: &'p [TaskRule],
    /// Who gets only a part of it.
    pub callers: &'p [CallerRule],
    /// What may be done to all packages at once.
    pub maintenance: Set<Maintenance>,
    /// What of it an administrator approves first.
    pub maintenance_approval: Set<Maintenance>,
    /// The line of the policy that grants it; 0 where no line does.
    pub maintenance_line: u32,
    /// What may be done to the service manager.
    pub manager: Set<ManagerAction>,
    /// What of it an administrator approves first.
    pub manager_approval: Set<ManagerAction>,
    /// The line of the policy that grants it; 0 where no line does.
    pub manager_line: u32,
    /// Whether callers may undo what they did to packages.
    pub undo: Undo,
    /// Whether an operation may remove packages that it was not asked to remove.
    pub allow_removals: bool,
    /// Who approves, and who hears of what waits.
    pub approvals: Approvals,
    /// Whom what rotation puts aside of the audit log is encrypted to: a run of [`Policy::words`], each a
    /// [`Recipient`](crate::policy::recipient::Recipient).
    pub recipients: Span,
    /// The line of the policy that names them; 0 where no line does.
    pub recipients_line: u32,
    /// All strings, one after another, each UTF-8.
    pub strings: &'p [u8],
    /// The words of all lists, one list after another.
    pub words: Rows<'p, Span>,
}

impl<'p> Policy<'p> {
    /// The text of a span.
    pub fn text_of(&self, span: Span) -> &'p str {
        let bytes = self.strings.get(range(span)).unwrap_or_default();
        str::from_utf8(bytes).unwrap_or_default()
    }

    /// The text of the file.
    pub fn text(&self) -> &'p str {
        str::from_utf8(self.text).unwrap_or_default()
    }

    /// Whether it decides who may approve: it names somebody, or has something approved. Where it does
    /// not, whatever needs an approval does so for the site policy, and who lifts that gives no more than
    /// this policy.
    pub fn settles_approvers(&self) -> bool {
        self.approvals.approvers.len > 0
            || self.maintenance_approval != Set::NONE
            || self.manager_approval != Set::NONE
            || self.undo.approval
            || self.units.iter().any(|rule| rule.approval != Set::NONE)
            || self.packages.iter().any(|rule| rule.approval != Set::NONE)
            || self.tasks.iter().any(|rule| rule.approval)
            || self.callers.iter().any(|rule| rule.approval)
    }

    /// The rule for a unit, by its complete name, compared whole.
    pub fn unit(&self, name: &str) -> Option<UnitRule> {
        self.units.find(0..self.units.len(), |rule| self.text_of(rule.name).cmp(name))
    }

    /// The rule for a package, by the name callers use, compared whole.
    pub fn package(&self, name: &str) -> Option<PackageRule> {
        self.packages.find(0..self.packages.len(), |rule| self.text_of(rule.name).cmp(name))
    }

    /// The rule for a task, by the name callers use, compared whole.
    pub fn task(&self, name: &str) -> Option<&'p TaskRule> {
        let found = self.tasks.binary_search_by(|rule| self.text_of(rule.name).cmp(name));
        found.ok().and_then(|at| self.tasks.get(at))
    }

    /// The argv of a unit's `check`, where it has one.
    pub fn check_of(&self, rule: &UnitRule) -> Option<Vec<&'p str>> {
        Some(self.words_of(rule.check).collect()).filter(|words: &Vec<_>| !words.is_empty())
    }

    /// The words of a run.
    pub fn words_of(&self, run: Span) -> impl Iterator<Item = &'p str> + use<'p> {
        let policy = *self;
        range(run).filter_map(move |at| policy.words.get(at)).map(move |word| policy.text_of(word))
    }

    /// Whether a sorted run of words holds this one, compared whole.
    pub fn holds(&self, run: Span, wanted: &str) -> bool {
        self.words.find(range(run), |word| self.text_of(*word).cmp(wanted)).is_some()
    }
}

/// Where it stands.
fn range(span: Span) -> Range<usize> {
    let at = span.at as usize;
    at..at + span.len as usize
}
