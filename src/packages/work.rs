//! A request about packages on its way: its plan, and what goes with that.

use crate::managers::asked::Asked;
use crate::managers::manager::Manager;
use crate::plan::{PackageSteps, Plan};
use crate::request::action::Maintenance;
use crate::request::operation::Operation;

/// A request about packages.
#[derive(Clone, Copy)]
pub struct Work<'w> {
    /// The plan.
    pub plan: &'w Plan,
    /// What goes with it.
    pub steps: &'w PackageSteps,
}

impl Work<'_> {
    /// The package manager.
    pub fn manager(&self) -> Manager {
        self.steps.manager
    }
}

impl Asked for Work<'_> {
    fn operation(&self) -> &Operation {
        &self.plan.request().operation
    }
    fn command(&self) -> String {
        self.plan.main().short()
    }
    fn may_remove(&self, name: &str) -> bool {
        self.plan.approved().may_remove(name, self.manager())
    }
    fn may_do_to_all(&self, action: Maintenance) -> bool {
        self.plan.approved().may_do_to_all(action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::managers::toy::TOY;
    use crate::packages::expected::{Bounds, judge};
    use crate::packages::{lists, locks, provides};
    use crate::plan::{Steps, plan};
    use crate::policy::force::InForce;
    use crate::request::action::PackageAction;
    use crate::request::code::{Code, Refusal};
    use crate::request::name::PackageName;
    use crate::request::operation::Request;
    use crate::request::ran::Ran;
    use crate::request::who::Everybody;
    use std::time::Instant;

    #[test]
    fn a_new_package_manager_is_judged_and_explained_by_its_own_file() {
        let name = PackageName::parse(b"curl").expect("a name");
        let operation =
            Operation::Package { action: PackageAction::Upgrade, name, only_plan: false };
        let request = Request::new(operation.clone(), None);
        let approved = InForce::compiled().judge(&Everybody, request).expect("it is allowed");
        let plan = plan(approved, Some(TOY)).expect("a plan");
        let Steps::Package(steps) = plan.steps() else { panic!("it is about packages") };
        let work = Work { plan: &plan, steps };
        assert_eq!(work.command(), "toy upgrade");
        assert!(locks::wait(work.manager(), None, Instant::now()).is_ok());
        let message = provides::message(work.manager(), "curl");
        assert_eq!(message.as_deref(), Some("curl-lite, which is installed, provides it"));

        let inventory = work.manager().inventory("curl 1\nother 1\n");
        let transaction = work.manager().transaction(&operation, &inventory, "other 1\n");
        let bounds = Bounds {
            manager: TOY,
            operation: &operation,
            name: Some("curl"),
            inventory: &inventory,
            removals: false,
            may_go_along: &|_| false,
        };
        let refusal = judge(&transaction, &bounds).expect_err("it removes another one");
        assert_eq!(
            refusal.error,
            "`package upgrade curl` would also remove other, which was not asked for"
        );

        let ran = Ran { stderr: "toy: what is curl?\n".to_owned(), ..Ran::nothing() };
        let failed = lists::too_old(&work, &ran, Refusal::new(Code::CommandFailed, "failed"));
        let way = failed.hint.expect("a hint");
        assert!(way.starts_with("the box is older than it: "), "{way}");
        let nothing = lists::nothing_known(&work).expect("there are no lists");
        assert!(nothing.error.ends_with("has no package source in /nonexistent/toy.conf"));
    }
}
