//! What came of an operation: not what the package manager said of it, but what is installed
//! afterwards, beside what was asked for.

use crate::exec::context::verdict;
use crate::managers::asked::Asked;
use crate::managers::inventory::{Inventory, Unfinished};
use crate::managers::run::Run;
use crate::managers::transaction::Transaction;
use crate::output::text::one_line;
use crate::packages::lists;
use crate::packages::work::Work;
use crate::request::action::{Maintenance, PackageAction};
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;
use crate::request::ran::{Ended, Ran};
use std::collections::BTreeSet;

/// An operation that was run, and what is installed before and after it.
pub struct Done<'d> {
    /// What was asked.
    pub work: &'d Work<'d>,
    /// What the package manager takes the name for; none if there is no name.
    pub name: Option<&'d str>,
    /// What it said that it would change.
    pub transaction: Option<&'d Transaction>,
    /// What was installed.
    pub before: &'d Inventory,
    /// What is installed.
    pub after: &'d Inventory,
    /// What the command did.
    pub ran: &'d Ran,
}

impl Done<'_> {
    /// `ok` if what was asked for is so.
    pub fn verdict(&self) -> Result<(), Refusal> {
        let missing = self.missing();
        match verdict(self.work.plan, self.ran) {
            Ok(()) if missing.is_empty() => {
                self.work.manager().failed_silently(self.ran).map_or(Ok(()), Err)
            }
            Ok(()) => Err(self.nothing_less(&missing)),
            Err(refusal) => Err(self.explained(refusal, missing.is_empty())),
        }
    }

    /// Whether all is as it was asked for, while the command still runs.
    pub fn is_so(&self) -> bool {
        self.work.manager().scripts_are_over(self.ran) && self.missing().is_empty()
    }

    /// What is not as it was asked for, a few words each.
    fn missing(&self) -> BTreeSet<String> {
        let mut missing = BTreeSet::new();
        let empty = Transaction::default();
        let transaction = self.transaction.unwrap_or(&empty);
        for change in transaction.arriving() {
            missing.extend(self.is_not_there(&change.name, Some(&change.version)));
        }
        // One that is in the way for a while is removed and comes back.
        let comes_back = |name: &str| transaction.arriving().any(|change| change.name == name);
        for change in transaction.remove.iter().filter(|change| !comes_back(&change.name)) {
            missing.extend(self.is_not_gone(&change.name));
        }
        match (self.work.operation(), self.name) {
            (Operation::Package { action: PackageAction::Remove, .. }, Some(name)) => {
                missing.extend(self.is_not_gone(name));
            }
            (Operation::Package { .. }, Some(name)) => {
                missing.extend(self.is_not_there(name, None));
            }
            _ => {}
        }
        for (name, how) in self.begun() {
            missing.insert(format!("{name} is {}", how.word()));
        }
        missing
    }

    fn is_not_there(&self, name: &str, version: Option<&str>) -> Option<String> {
        if let Some(how) = self.after.unfinished(name) {
            return Some(format!("{name} is {}", how.word()));
        }
        let Some(row) = self.after.get(name).filter(|_| self.after.has(name)) else {
            return Some(format!("{name} is not installed"));
        };
        let other = version.filter(|version| row.version != *version)?;
        Some(format!("{name} is installed in version {} and not {other}", row.version))
    }

    fn is_not_gone(&self, name: &str) -> Option<String> {
        match self.after.unfinished(name) {
            Some(how) => Some(format!("{name} is {}", how.word())),
            None => self.after.has(name).then(|| format!("{name} is still installed")),
        }
    }

    /// What is not come to the end and was before; to repair is to bring all to their end.
    fn begun(&self) -> Vec<(&str, Unfinished)> {
        let repairs = self.work.operation().maintenance() == Some(Maintenance::Repair);
        let mut begun = self.after.broken();
        begun.retain(|(name, _)| {
            repairs || Some(*name) == self.name || self.before.unfinished(name).is_none()
        });
        begun
    }

    /// The command ended with success, and it is none.
    fn nothing_less(&self, missing: &BTreeSet<String>) -> Refusal {
        let short = self.work.command();
        let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
        let missing = one_line(&missing.join(", "), 300);
        let error = format!("`{short}` succeeded, and yet {missing}");
        let hint = match self.begun().as_slice() {
            [] => {
                let look = self.work.manager().does_nothing_for();
                format!("`stdout` has what it did; {look}")
            }
            begun => self.work.manager().way_out(self.work, self.after, begun),
        };
        Refusal::new(Code::CommandFailed, error).hint(hint)
    }

    /// The command failed; `is_so` is whether what was asked for is so all the same.
    fn explained(&self, refusal: Refusal, is_so: bool) -> Refusal {
        if !matches!(self.ran.ended, Ended::Exited(_)) {
            return refusal;
        }
        let (asked, ran, installed): (&dyn Asked, _, _) = (self.work, self.ran, self.after);
        let run = Run { asked, ran, installed, begun: &self.begun(), is_so };
        let refusal = self.work.manager().explained(&run, refusal);
        lists::too_old(self.work, self.ran, refusal)
    }
}
