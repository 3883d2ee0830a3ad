//! A package that the package manager has begun with and not come to an end.

use crate::managers::asked::Asked;
use crate::managers::inventory::{Inventory, Unfinished};
use crate::packages::work::Work;
use crate::request::action::PackageAction;
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;

/// Refuses what would not help the package that is asked for, or make it worse: `changes` is
/// whether the package manager would do something with it.
pub fn beyond_help(
    work: &Work<'_>,
    name: &str,
    inventory: &Inventory,
    changes: bool,
) -> Option<Refusal> {
    let Operation::Package { action, .. } = *work.operation() else { return None };
    let how = inventory.unfinished(name)?;
    let helps = match (action, how) {
        (PackageAction::Remove, Unfinished::Broken) => false,
        // To it, to unpack another version is to begin again.
        (PackageAction::Upgrade, Unfinished::Broken | Unfinished::Unpacking) => changes,
        (PackageAction::Install, Unfinished::Broken | Unfinished::Unpacking) => false,
        _ => true,
    };
    (!helps).then(|| {
        let error = format!("{name} is {}; `{}` does not help", how.word(), work.operation());
        Refusal::new(Code::PlanRefused, error).hint(work.manager().way_out(
            work,
            inventory,
            &[(name, how)],
        ))
    })
}
