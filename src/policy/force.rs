//! The policy in force: the compiled policy, and what the site policy changes in it.

use crate::managers::systemd::alias;
use crate::managers::systemd::states::PolicyUnits;
use crate::policy::approved::{Approved, Line, Service};
use crate::policy::approver::Approver;
use crate::policy::callers;
use crate::policy::model::{Limits, Policy, SiteMode};
use crate::policy::operations::{operations, service};
use crate::policy::recipient::Recipient;
use crate::policy::removable::{Removable, not_held_up, removable, together};
use crate::policy::site::Site;
use crate::policy::tasks::Task;
use crate::policy::verdict::{Denial, judge};
use crate::policy::{COMPILED, presence, site};
use crate::request::action::{Action, Maintenance, ManagerAction, ServiceAction};
use crate::request::agent::AgentName;
use crate::request::code::{Code, Refusal};
use crate::request::name::UnitName;
use crate::request::operation::{Operation, Reason, Request, Shown};
use crate::request::who::Who;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// The policies that decide together.
#[derive(Debug)]
pub struct InForce {
    site: Option<Site>,
    /// The units that some caller may name; made when first needed.
    units: OnceLock<Option<Arc<PolicyUnits>>>,
}

impl InForce {
    /// Loads the site policy, if there is one.
    ///
    /// # Errors
    /// `policy_invalid`: then nothing is allowed.
    pub fn load() -> Result<Self, Refusal> {
        Ok(Self::with(site::load()?))
    }

    /// The policies as they would be with this text, read from `file`, as the site policy.
    ///
    /// # Errors
    /// `policy_invalid` if it cannot be one; `unsupported` if this program reads no site policy.
    pub fn supposing(file: &str, text: &str) -> Result<Self, Refusal> {
        if COMPILED.site_mode == SiteMode::Off {
            return Err(Refusal::new(
                Code::Unsupported,
                "this program was built with mode \"off\" and ignores site policies",
            ));
        }
        Ok(Self::with(Some(Site::Parsed(site::understood(file, text)?))))
    }

    /// The compiled policy alone.
    pub fn compiled() -> Self {
        Self::with(None)
    }

    fn with(site: Option<Site>) -> Self {
        Self { site, units: OnceLock::new() }
    }

    /// The site policy, if it is read at all.
    pub fn site(&self) -> Option<Policy<'_>> {
        self.site.as_ref().map(Site::policy)
    }

    /// Why root may refuse what is allowed here: this process cannot tell whether a site policy is
    /// missing.
    pub fn doubt(&self) -> Option<&'static str> {
        let is_open = self.site.is_none() && COMPILED.site_mode != SiteMode::Off;
        (is_open && presence::is_unknown()).then_some(
            "root has answered no request since the boot, and only root knows whether this host had a site policy: if so, it is missing, and every request is refused",
        )
    }

    /// The text of a line of one of them.
    pub fn text_of(&self, line: &Line) -> String {
        let site = self.site().filter(|site| site.file == line.file);
        let text = site.map_or(COMPILED.text(), |site| site.text());
        let found = text.lines().nth((line.line as usize).saturating_sub(1));
        found.unwrap_or_default().trim().to_owned()
    }

    /// The hash of the policies that decide, for the audit log.
    pub fn hash(&self) -> String {
        match self.site() {
            None => COMPILED.hash.to_owned(),
            Some(site) => format!("{}+{}", COMPILED.hash, site.hash),
        }
    }

    /// Whether it has rules for callers.
    pub fn names_callers(&self) -> bool {
        !COMPILED.callers.is_empty() || self.site().is_some_and(|site| !site.callers.is_empty())
    }

    /// The agent that asks as this account: as the site policy has it, else the compiled one. It gives
    /// no right and takes none, so either may name one in every mode.
    pub fn agent(&self, who: &dyn Who) -> Option<AgentName> {
        let site = self.site();
        let own = site.as_ref().and_then(|site| callers::agent(site, who));
        let replaces = site.is_some() && COMPILED.site_mode == SiteMode::Replace;
        own.or_else(|| if replaces { None } else { callers::agent(&COMPILED, who) })
    }

    /// The limits in force.
    pub fn limits(&self) -> Limits {
        limits(&COMPILED, self.site().as_ref())
    }

    /// Whether the request is allowed to this caller.
    ///
    /// # Errors
    /// `denied` where it is not, `reason_required` where somebody wants to know why.
    pub fn judge(&self, who: &dyn Who, request: Request) -> Result<Approved, Denial> {
        let approved = self.verdict(who, request)?;
        let operation = &approved.request().operation;
        let changes = !operation.only_reads();
        let reread = Operation::Manager { action: ManagerAction::DaemonReload };
        let may_reread = changes && self.may(who, reread);
        let may_reset = match operation {
            Operation::Service { unit, .. } if changes => {
                self.may(who, service(ServiceAction::ResetFailed, unit.clone()))
            }
            _ => false,
        };
        let approved = approved.with_may_reread(may_reread).with_may_reset(may_reset);
        let asked = approved.request();
        match asked.operation {
            Operation::Service { .. } | Operation::Manager { .. } | Operation::Task { .. } => {
                Ok(approved)
            }
            Operation::Package { .. } | Operation::Maintenance { .. } | Operation::Undo { .. } => {
                let mut others = self.removable(who);
                others.retain(|other| asked.reason.is_some() || other.needs_no_reason());
                let all = self.maintenance(who);
                Ok(approved.with_removable(others).with_maintenance(all))
            }
        }
    }

    /// Whether the caller may also ask for this operation, with a reason if need be.
    fn may(&self, who: &dyn Who, operation: Operation) -> bool {
        self.decided(who, Request::with_any_reason(&operation)).is_ok()
    }

    /// The operations on all packages that the caller may ask for.
    fn maintenance(&self, who: &dyn Who) -> Vec<Maintenance> {
        let is_allowed = |action: &Maintenance| {
            self.may(who, Operation::Maintenance { action: *action, only_plan: false })
        };
        Maintenance::ALL.iter().copied().filter(is_allowed).collect()
    }

    /// The units whose states are read when packages change: all that a policy names. So the command
    /// line is the same for every caller, and a narrowing site policy cannot change it.
    fn units(&self) -> Option<Arc<PolicyUnits>> {
        let find = || {
            let operations = self.operations().into_iter();
            let units = operations.filter_map(|operation| match operation {
                Operation::Service { unit, .. } => Some(unit.as_str().to_owned()),
                _ => None,
            });
            let units: BTreeSet<String> = units.collect();
            PolicyUnits::of(units.into_iter().collect()).map(Arc::new)
        };
        self.units.get_or_init(find).clone()
    }

    /// What the caller may do to which units by restarting and stopping them, without an approval.
    pub fn services(&self, who: &dyn Who, reason: Option<&Reason>) -> Vec<Service> {
        let units: BTreeSet<UnitName> = self
            .operations()
            .into_iter()
            .filter_map(|one| match one {
                Operation::Service { unit, .. } => Some(unit),
                _ => None,
            })
            .collect();
        let service = |unit: UnitName| {
            let may = |action| {
                let request = Request::new(service(action, unit.clone()), reason.cloned());
                self.verdict(who, request).ok().filter(|approved| !approved.needs_approval())
            };
            let restart = may(ServiceAction::Restart);
            Service {
                unit: unit.as_str().to_owned(),
                may_restart: restart.is_some(),
                check: restart.and_then(|approved| approved.check),
                may_stop: may(ServiceAction::Stop).is_some(),
            }
        };
        let services = units.into_iter().map(service);
        services.filter(|service| service.may_restart || service.may_stop).collect()
    }

    /// Every package that the caller may remove.
    fn removable(&self, who: &dyn Who) -> Vec<Removable> {
        let compiled = removable(&COMPILED, who);
        match self.site() {
            None => compiled,
            Some(site) => {
                let all = together(compiled, removable(&site, who), COMPILED.site_mode);
                match COMPILED.site_mode {
                    SiteMode::Extend => not_held_up(&COMPILED, all),
                    SiteMode::Off | SiteMode::Narrow | SiteMode::Replace => all,
                }
            }
        }
    }

    /// The same without what else the caller could remove, since finding that takes a look at every
    /// name: for code that judges every name.
    ///
    /// # Errors
    /// `denied` where it is not, `reason_required` where somebody wants to know why.
    pub fn verdict(&self, who: &dyn Who, request: Request) -> Result<Approved, Denial> {
        let by_own = self.by_own_name(who, &request)?;
        let approved = self.decided(who, request)?;
        if let Operation::Undo { .. } = approved.request().operation {
            let services = self.services(who, approved.request().reason.as_ref());
            let approved = approved.with_services(services).asked_by(who.uid());
            return Ok(self.with_looks(approved));
        }
        let approved = match &by_own {
            Some(own) => approved.checked_like(own),
            None => self.checked_by_own_name(approved),
        };
        Ok(self.with_looks(approved))
    }

    /// This one with the units that are looked at where packages change.
    pub fn with_looks(&self, approved: Approved) -> Approved {
        let operation = &approved.request().operation;
        let looks = operation.changes_packages() || matches!(operation, Operation::Manager { .. });
        let units = if looks { self.units() } else { None };
        approved.with_units(units)
    }

    /// The verdict on the unit under its own name, if the request has an alias and a policy names
    /// both: an alias on the host must not get around the rules for the unit itself.
    fn by_own_name(&self, who: &dyn Who, request: &Request) -> Result<Option<Approved>, Denial> {
        let Operation::Service { action, unit, shown } = &request.operation else {
            return Ok(None);
        };
        let Some(own) = alias::own_name(unit.as_str()) else { return Ok(None) };
        let site = self.site();
        // If the site policy replaces the compiled one, the latter only adds checks.
        let is_replaced = site.is_some() && COMPILED.site_mode == SiteMode::Replace;
        let is_named = (COMPILED.unit(&own).is_some() && !is_replaced)
            || site.is_some_and(|site| site.unit(&own).is_some());
        let Some(name) = UnitName::parse(own.as_bytes()).ok().filter(|_| is_named) else {
            return Ok(None);
        };
        let operation = Operation::Service { action: *action, unit: name, shown: *shown };
        let own = Request { operation, ..request.clone() };
        self.decided(who, own).map(Some).map_err(|denial| {
            let code = denial.refusal.code;
            let (what, hint) = match code {
                Code::ReasonRequired => {
                    ("for which the policy requires a reason", denial.refusal.hint)
                }
                // The caller may not know the unit's own name.
                _ => (
                    "for which the policy does not allow it",
                    Some("`sm-helper list` shows what is allowed".to_owned()),
                ),
            };
            let error = format!("on this host {} is another name of a unit {what}", unit.as_str());
            Denial { refusal: Refusal { hint, ..Refusal::new(code, error) }, line: denial.line }
        })
    }

    /// Adds the compiled check of the unit's own name, if no policy in force names that: an alias must
    /// not get around the check either.
    fn checked_by_own_name(&self, approved: Approved) -> Approved {
        let Operation::Service { unit, .. } = &approved.request().operation else {
            return approved;
        };
        match alias::own_name(unit.as_str()).filter(|_| self.site.is_some()) {
            Some(own) if COMPILED.site_mode == SiteMode::Replace => {
                approved.checked_as(&COMPILED, &own)
            }
            _ => approved,
        }
    }

    fn decided(&self, who: &dyn Who, request: Request) -> Result<Approved, Denial> {
        decide(&COMPILED, self.site().as_ref(), who, request)
    }

    /// Whether the caller may know of this unit: `sm-helper list` shows it to them.
    pub fn shows_unit(&self, who: &dyn Who, unit: &str) -> bool {
        let Ok(name) = UnitName::parse(unit.as_bytes()) else { return false };
        let is_allowed = |action: &ServiceAction| {
            let unit = name.clone();
            let operation = Operation::Service { action: *action, unit, shown: Shown::USUAL };
            self.verdict(who, Request::with_any_reason(&operation)).is_ok()
        };
        // A request without a suffix means a service; the manager always writes one.
        name.as_str() == unit && ServiceAction::ALL.iter().any(is_allowed)
    }

    /// What is run when a request begins to wait for an approval, from the policy that decides. A site
    /// policy that can only narrow decides where the compiled one says nothing.
    pub fn notifier(&self) -> Option<Task> {
        let of = |policy: Policy<'_>| Task::notifier(&policy);
        match COMPILED.site_mode {
            SiteMode::Narrow => of(COMPILED).or_else(|| self.site().and_then(of)),
            _ => self.of_who_decides(of),
        }
    }

    /// Who may approve besides root, from the policy that decides. A site policy that can only narrow
    /// decides where the compiled one leaves it open ([`Policy::settles_approvers`]).
    pub fn approvers(&self) -> Vec<Approver> {
        let of = |policy: Policy<'_>| {
            let words = policy.words_of(policy.approvals.approvers);
            let approvers: Vec<Approver> = words.filter_map(Approver::parse).collect();
            (!approvers.is_empty()).then_some(approvers)
        };
        let found = match COMPILED.site_mode {
            SiteMode::Narrow if !COMPILED.settles_approvers() => self.site().and_then(of),
            _ => self.of_who_decides(of),
        };
        found.unwrap_or_default()
    }

    /// Whom what rotation puts aside of the audit log is encrypted to, from the policy that decides. A site
    /// policy that can only narrow decides where the compiled one names nobody.
    pub fn recipients(&self) -> Vec<Recipient> {
        let of = |policy: Policy<'_>| {
            let words = policy.words_of(policy.recipients);
            let recipients: Vec<Recipient> =
                words.filter_map(|word| Recipient::parse(word).ok()).collect();
            (!recipients.is_empty()).then_some(recipients)
        };
        let found = match COMPILED.site_mode {
            SiteMode::Narrow => of(COMPILED).or_else(|| self.site().and_then(of)),
            _ => self.of_who_decides(of),
        };
        found.unwrap_or_default()
    }

    /// A task, from the policy that decides about it: its description and time limit. None if no
    /// policy has a task with this name.
    pub fn task(&self, name: &str) -> Option<Task> {
        self.of_who_decides(|policy| policy.task(name).map(|rule| Task::of(&policy, rule)))
    }

    /// What `of` finds in the policy that decides about what is more than a name.
    fn of_who_decides<T>(&self, of: impl Fn(Policy<'_>) -> Option<T>) -> Option<T> {
        let site = self.site().and_then(&of);
        match COMPILED.site_mode {
            SiteMode::Extend => site.or_else(|| of(COMPILED)),
            SiteMode::Replace if self.site.is_some() => site,
            SiteMode::Off | SiteMode::Narrow | SiteMode::Replace => of(COMPILED),
        }
    }

    /// Every operation that either policy names, sorted by name. Not all of them need be allowed.
    pub fn operations(&self) -> Vec<Operation> {
        if let Some(site) = self.site().filter(|_| COMPILED.site_mode == SiteMode::Replace) {
            return operations(&site).collect();
        }
        let mut all: Vec<Operation> = operations(&COMPILED).collect();
        if let Some(site) = self.site().filter(|_| COMPILED.site_mode == SiteMode::Extend) {
            let known: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
            all.extend(operations(&site).filter(|more| !known.contains(&more.to_string())));
        }
        all
    }
}

/// The limits under both policies.
fn limits(compiled: &Policy<'_>, site: Option<&Policy<'_>>) -> Limits {
    match site {
        None => compiled.limits,
        Some(site) if compiled.site_mode == SiteMode::Narrow => {
            site.limits.stricter(&compiled.limits)
        }
        Some(site) => site.limits,
    }
}

/// The verdict of both policies together, for the name in the request. The mode of the compiled
/// policy says how they combine.
///
/// # Errors
/// `denied` where it is not allowed, `reason_required` where somebody wants to know why.
pub fn decide(
    compiled: &Policy<'_>,
    site: Option<&Policy<'_>>,
    who: &dyn Who,
    request: Request,
) -> Result<Approved, Denial> {
    let limits = limits(compiled, site);
    let Some(site) = site else { return judge(compiled, &limits, who, request) };
    if compiled.site_mode == SiteMode::Replace {
        let judged = judge(site, &limits, who, request);
        return judged.map(|approved| approved.checked_as_in(compiled));
    }
    if compiled.site_mode == SiteMode::Narrow {
        // Both must allow it, and commands come from the compiled policy alone.
        let by_site = judge(site, &limits, who, request.clone())?;
        let by_compiled = judge(compiled, &limits, who, request)?;
        return Ok(by_compiled.narrowed_by(by_site));
    }
    match judge(site, &limits, who, request.clone()) {
        Ok(approved) => {
            let approved = approved.checked_as_in(compiled).confined_as_in(compiled);
            Ok(approved.approved_as_in(compiled))
        }
        // The site policy may require a reason although the compiled one does not.
        Err(denial) if denial.refusal.code == Code::ReasonRequired => Err(denial),
        Err(by_site) => judge(compiled, &limits, who, request)
            .map_err(|by_compiled| if by_site.line.is_some() { by_site } else { by_compiled }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::managers::host::named;
    use crate::request::action::PackageAction;
    use crate::request::name::PackageName;
    use crate::request::who::Everybody;

    #[test]
    fn a_caller_may_know_of_the_units_that_the_policy_names() {
        let force = InForce::compiled();
        for (unit, shown) in [
            ("nginx.service", true),
            ("snapd.socket", true),
            ("nginx", false),
            ("nginx.socket", false),
            ("dbus.service", false),
            ("-.mount", false),
            ("", false),
        ] {
            assert_eq!(force.shows_unit(&Everybody, unit), shown, "{unit}");
        }
    }

    #[test]
    fn what_belongs_to_packages_comes_with_every_operation_on_them() {
        let apt = named("apt").expect("apt");
        let force = InForce::compiled();
        let judged = |action, asked: &str| {
            let name = PackageName::parse(asked.as_bytes()).expect("a name");
            let operation = Operation::Package { action, name, only_plan: false };
            let request = Request::new(operation, None);
            force.judge(&Everybody, request).expect("it is allowed")
        };
        for action in [PackageAction::Remove, PackageAction::Install] {
            let approved = judged(action, "nginx");
            assert!(approved.may_remove("curl", apt) && !approved.may_remove("bash", apt));
            let units = approved.units().expect("the policy names units");
            assert!(units.states.words().contains(&"nginx.service".to_owned()));
        }
    }
}
