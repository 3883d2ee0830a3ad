//! What an administrator can give for a time, whatever the rules for callers say: within the compiled
//! policy where no site policy can add to that, and else all but what stands for full root.

use crate::policy::COMPILED;
use crate::policy::approved::Approved;
use crate::policy::force::InForce;
use crate::policy::meant::word;
use crate::policy::model::{Policy, SiteMode};
use crate::policy::parse::Parsed;
use crate::policy::site::understood;
use crate::policy::table::Mistakes;
use crate::policy::verdict::judge;
use crate::request::code::{Code, Refusal};
use crate::request::operation::{Operation, Request};
use crate::request::who::Everybody;

impl InForce {
    /// The approval of a request that an administrator has given to its caller: as the policy that names
    /// it has it, with its check and what it is confined to.
    ///
    /// # Errors
    /// `denied` if nobody can give it, `reason_required` where the policy wants to know why.
    pub fn granted(&self, request: Request) -> Result<Approved, Refusal> {
        let limits = self.limits();
        let by = |policy: &Policy<'_>| {
            let for_all = Policy { callers: &[], ..*policy };
            judge(&for_all, &limits, &Everybody, request.clone()).map_err(|denial| denial.refusal)
        };
        let can_add = matches!(COMPILED.site_mode, SiteMode::Extend | SiteMode::Replace);
        let site = self.site();
        let mut judged = match site.filter(|_| can_add) {
            Some(site) => by(&site),
            None => by(&COMPILED),
        };
        let is_denied = |judged: &Result<Approved, Refusal>| {
            judged.as_ref().is_err_and(|refusal| refusal.code == Code::Denied)
        };
        if is_denied(&judged) && can_add {
            judged = by(&COMPILED);
        }
        if is_denied(&judged)
            && can_add
            && let Some(added) = added(&request.operation)
        {
            judged = match added {
                Ok(added) => by(&added.policy()),
                Err(mistakes) => Err(Refusal::new(Code::Denied, mistakes.first().message.clone())
                    .hint("what stands for full root can only be compiled in")),
            };
        }
        let approved = judged?.checked_as_in(&COMPILED).confined_as_in(&COMPILED);
        Ok(self.with_looks(match site {
            Some(site) => approved.checked_as_in(&site),
            None => approved,
        }))
    }
}

impl InForce {
    /// The approval of what root itself asks for, who needs no rule for it: under the limits in force, and
    /// with all that any caller may do to units.
    ///
    /// # Errors
    /// `denied` for what only a policy can spell out.
    pub fn for_root(&self, request: Request) -> Result<Approved, Refusal> {
        let denied =
            || Refusal::new(Code::Denied, format!("only a policy has `{}`", request.operation));
        let added = added(&request.operation).ok_or_else(denied)??;
        let limits = self.limits();
        let approved = judge(&added.policy(), &limits, &Everybody, request.clone());
        let approved = approved.map_err(|denial| denial.refusal)?;
        let services = self.services(&Everybody, request.reason.as_ref());
        Ok(self.with_looks(approved.with_services(services).asked_by(Some(0))))
    }
}

/// A policy with this operation and nothing else; none for a task, whose command line some policy has to
/// spell out.
fn added(operation: &Operation) -> Option<Result<Parsed, Mistakes>> {
    let action = operation.action();
    let named = |section: &str, names: &str, name: &str| {
        format!("[{section}]\nactions = [\"{action}\"]\n[{section}.{names}.{}]\n", word(name))
    };
    let text = match operation {
        Operation::Service { unit, .. } => named("services", "units", unit.as_str()),
        Operation::Package { name, .. } => named("packages", "names", name.as_str()),
        Operation::Maintenance { .. } => format!("[packages]\nmaintenance = [\"{action}\"]\n"),
        Operation::Manager { .. } => format!("[services]\nmaintenance = [\"{action}\"]\n"),
        Operation::Undo { .. } => "[packages]\nundo = true\n".to_owned(),
        Operation::Task { .. } => return None,
    };
    Some(understood("the grant", &format!("schema = 1\n{text}")))
}
