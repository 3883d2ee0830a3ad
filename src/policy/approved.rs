//! What the policy says about a request that it allows.

use crate::managers::manager::Manager;
use crate::managers::systemd::states::PolicyUnits;
use crate::policy::model::{Limits, Policy, Snapshots};
use crate::policy::removable::Removable;
use crate::policy::tasks::Task;
use crate::request::action::Maintenance;
use crate::request::operation::{Operation, Request};
use std::sync::Arc;

/// A line of a policy. Its text is looked up only when it is shown: code that judges every name would
/// otherwise read the whole policy for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The policy's file, as messages name it.
    pub file: String,
    /// From 1.
    pub line: u32,
}

impl Line {
    pub fn boxed(policy: &Policy<'_>, line: u32) -> Box<Self> {
        Box::new(Self::of(policy, line))
    }

    pub fn of(policy: &Policy<'_>, line: u32) -> Self {
        Self { file: policy.file.to_owned(), line }
    }
}

/// What a caller may do to a unit whose files come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub unit: String,
    /// Whether to restart it.
    pub may_restart: bool,
    /// The command that must exit 0 before that.
    pub check: Option<Vec<String>>,
    /// Whether to stop it.
    pub may_stop: bool,
}

/// A request that the policy allows. Only [`judge`](crate::policy::verdict::judge) makes one, and a plan takes nothing else.
#[derive(Debug)]
pub struct Approved {
    pub(super) request: Request,
    pub(super) lines: Vec<Line>,
    pub(super) check: Option<Vec<String>>,
    pub(super) checks_start: bool,
    pub(super) pacman: Option<String>,
    pub(super) allow_removals: bool,
    pub(super) removable: Vec<Removable>,
    pub(super) task: Option<Task>,
    pub(super) is_compiled_in: bool,
    pub(super) units: Option<Arc<PolicyUnits>>,
    pub(super) maintenance: Vec<Maintenance>,
    pub(super) services: Vec<Service>,
    pub(super) asker: Option<u32>,
    pub(super) needs_approval: bool,
    pub(super) grant: Option<String>,
    pub(super) may_reread: bool,
    pub(super) may_reset: bool,
    pub(super) limits: Limits,
    pub(super) watch_seconds: Option<u32>,
    pub(super) timeout: u32,
    pub(super) warnings: Vec<String>,
}

impl Approved {
    /// What was asked.
    pub fn request(&self) -> &Request {
        &self.request
    }
    /// The lines of the policy that allow it.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }
    /// The command that must exit 0 before it.
    pub fn check(&self) -> Option<&[String]> {
        self.check.as_deref()
    }
    /// Whether that is also for a unit that is down.
    pub fn checks_start(&self) -> bool {
        self.checks_start
    }
    /// The package's name in pacman's repositories, where it has another one there.
    pub fn pacman(&self) -> Option<&str> {
        self.pacman.as_deref()
    }
    /// Whether it may remove packages that it was not asked to remove.
    pub fn allow_removals(&self) -> bool {
        self.allow_removals
    }
    /// Whether the caller could ask for the removal of this package too; `name` is what the
    /// package manager calls it.
    pub fn may_remove(&self, name: &str, manager: Manager) -> bool {
        self.removable.iter().any(|package| package.name_for(manager) == name)
    }
    /// Whether an administrator approves it first. What only looks needs no approval, and who has given
    /// the right for a time has approved it.
    pub fn needs_approval(&self) -> bool {
        self.needs_approval && self.grant.is_none() && !self.request.operation.only_reads()
    }
    /// The right that the caller was given for a time, where that is what allows it.
    pub fn grant(&self) -> Option<&str> {
        self.grant.as_deref()
    }
    /// Whether the caller could have the service manager read all unit files: for a hint.
    pub fn may_reread(&self) -> bool {
        self.may_reread
    }
    /// Whether the caller could have the service manager forget that the unit failed: for a hint.
    pub fn may_reset(&self) -> bool {
        self.may_reset
    }
    /// Whether the caller could ask for this to be done to all packages: for a hint.
    pub fn may_do_to_all(&self, action: Maintenance) -> bool {
        self.maintenance.contains(&action)
    }
    /// What is run, where a task is asked for.
    pub fn task(&self) -> Option<&Task> {
        self.task.as_ref()
    }
    /// Whether it is the compiled policy that says how: whoever built it in has chosen also what no
    /// site policy may.
    pub fn is_compiled_in(&self) -> bool {
        self.is_compiled_in
    }
    /// The units whose states are looked at where packages change.
    pub fn units(&self) -> Option<Arc<PolicyUnits>> {
        self.units.clone()
    }
    /// What the caller may do to units, where what was done to packages is undone.
    pub fn services(&self) -> &[Service] {
        &self.services
    }
    /// How long the unit is watched after a start, restart or reload, in seconds.
    pub fn watch_seconds(&self) -> u32 {
        self.watch_seconds.unwrap_or(self.limits.watch_seconds)
    }
    /// How long to wait while another package operation runs, in seconds.
    pub fn lock_seconds(&self) -> u32 {
        self.limits.lock_seconds
    }
    /// Which snapshots are taken.
    pub fn snapshots(&self) -> Snapshots {
        self.limits.snapshots
    }
    /// Whether what looks like a secret is masked in the reply.
    pub fn mask_secrets(&self) -> bool {
        self.limits.mask_secrets
    }
    /// The bound on each of `stdout` and `stderr`, in bytes.
    pub fn output_bytes(&self) -> u32 {
        self.limits.output_bytes
    }
    /// The longest it may take, in seconds.
    pub fn timeout(&self) -> u32 {
        self.timeout
    }
    /// What the caller should know though the request is allowed.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// This approval with the check of another policy, and how long that one watches the unit,
    /// where it says nothing of its own: naming a unit once more does not take these away.
    #[must_use]
    pub fn checked_as_in(self, policy: &Policy<'_>) -> Self {
        let Operation::Service { unit, .. } = &self.request.operation else { return self };
        let unit = unit.as_str().to_owned();
        self.checked_as(policy, &unit)
    }

    /// The same with what that policy says of this unit: another name of the one that was asked for.
    #[must_use]
    pub fn checked_as(mut self, policy: &Policy<'_>, unit: &str) -> Self {
        if let Operation::Service { action, .. } = &self.request.operation
            && action.wakes()
            && let Some(rule) = policy.unit(unit)
        {
            if self.check.is_none() {
                self.check = policy.check_of(&rule).map(owned);
                self.checks_start = rule.check_start;
            }
            self.watch_seconds = self.watch_seconds.or(rule.watch_seconds);
        }
        self
    }

    /// This approval of a task with what it is confined to in another policy, where this one does not say.
    #[must_use]
    pub fn confined_as_in(mut self, policy: &Policy<'_>) -> Self {
        if let (Some(task), Operation::Task { name }) = (&mut self.task, &self.request.operation)
            && task.confinement.is_none()
            && let Some(rule) = policy.task(name.as_str())
        {
            task.confinement = Task::of(policy, rule).confinement;
        }
        self
    }

    /// This approval with the check of another one of the same unit, and the longer watch.
    #[must_use]
    pub fn checked_like(mut self, other: &Self) -> Self {
        if other.check.is_some() {
            self.check = other.check.clone();
            self.checks_start |= other.checks_start;
        }
        self.needs_approval |= other.needs_approval;
        self.watch_seconds = self.watch_seconds.max(other.watch_seconds);
        self
    }

    /// This approval where a policy that can only remove has approved too.
    #[must_use]
    pub fn narrowed_by(mut self, other: Self) -> Self {
        self.allow_removals &= other.allow_removals;
        self.needs_approval |= other.needs_approval;
        self.watch_seconds = match other.watch_seconds {
            Some(seconds) => Some(self.watch_seconds().max(seconds)),
            None => self.watch_seconds,
        };
        if let (Some(task), Some(other)) = (&mut self.task, other.task) {
            task.snapshot |= other.snapshot;
            if let Some(confinement) = &other.confinement {
                task.confinement = Some(task.confined().narrowed_by(confinement));
            }
        }
        // A task has a time of its own in each.
        self.timeout = self.timeout.min(other.timeout);
        self.lines.extend(other.lines);
        self
    }

    /// This one, which a right allows that was given for a time.
    #[must_use]
    pub fn by_grant(self, id: String) -> Self {
        Self { grant: Some(id), ..self }
    }

    /// This one, where an administrator approves it first.
    #[must_use]
    pub fn with_approval(mut self) -> Self {
        self.needs_approval = true;
        self
    }

    /// This one, where an administrator approves it first if that policy says so.
    #[must_use]
    pub fn approved_as_in(self, policy: &Policy<'_>) -> Self {
        match needs_approval(policy, &self.request.operation) {
            true => self.with_approval(),
            false => self,
        }
    }

    /// This approval with what else the caller could remove.
    #[must_use]
    pub fn with_removable(mut self, removable: Vec<Removable>) -> Self {
        self.removable = removable;
        self
    }

    /// This approval with the units that are looked at.
    #[must_use]
    pub fn with_units(mut self, units: Option<Arc<PolicyUnits>>) -> Self {
        self.units = units;
        self
    }

    /// Whether what this account has asked for is the caller's own, or the caller is root.
    pub fn is_askers(&self, uid: u32) -> bool {
        self.asker.is_some_and(|asker| asker == 0 || asker == uid)
    }

    /// This approval with who asks.
    #[must_use]
    pub fn asked_by(mut self, uid: Option<u32>) -> Self {
        self.asker = uid;
        self
    }

    /// This approval with what the caller may do to units.
    #[must_use]
    pub fn with_services(mut self, services: Vec<Service>) -> Self {
        self.services = services;
        self
    }

    /// This approval with whether the caller could have the service manager read all unit files.
    #[must_use]
    pub fn with_may_reread(mut self, may_reread: bool) -> Self {
        self.may_reread = may_reread;
        self
    }

    /// This approval with whether the caller could have the service manager forget that the unit
    /// failed.
    #[must_use]
    pub fn with_may_reset(mut self, may_reset: bool) -> Self {
        self.may_reset = may_reset;
        self
    }

    /// This approval with what else the caller could ask to be done to all packages.
    #[must_use]
    pub fn with_maintenance(mut self, actions: Vec<Maintenance>) -> Self {
        self.maintenance = actions;
        self
    }
}

/// Whether a policy has an administrator approve this operation first, whoever asks.
fn needs_approval(policy: &Policy<'_>, operation: &Operation) -> bool {
    match operation {
        Operation::Service { action, unit, .. } => {
            policy.unit(unit.as_str()).is_some_and(|rule| rule.approval.has(*action))
        }
        Operation::Package { action, name, .. } => {
            policy.package(name.as_str()).is_some_and(|rule| rule.approval.has(*action))
        }
        Operation::Maintenance { action, .. } => policy.maintenance_approval.has(*action),
        Operation::Manager { action } => policy.manager_approval.has(*action),
        Operation::Undo { .. } => policy.undo.approval,
        Operation::Task { name } => policy.task(name.as_str()).is_some_and(|rule| rule.approval),
    }
}

pub fn owned(words: Vec<&str>) -> Vec<String> {
    words.into_iter().map(str::to_owned).collect()
}
