//! Undone without snapshots: the versions that an operation replaced are installed again.

use crate::exec::context::OperationContext;
use crate::exec::process::Bounds;
use crate::history::Entry;
use crate::outcome::{Outcome, Undone};
use crate::packages;
use crate::plan::{PackageSteps, Plan, UndoSteps};
use crate::request::code::{Code, Refusal};
use crate::request::id::request_id;

/// Has the package manager install them, exactly these packages in exactly these versions.
pub fn run(
    plan: &Plan,
    steps: &UndoSteps,
    entry: &Entry,
    bounds: Bounds,
    context: &mut OperationContext<'_>,
) -> Outcome {
    let commands = entry.replaced().and_then(|versions| steps.manager.back_to(&versions));
    let Some(commands) = commands.filter(|commands| commands.main == *plan.main()) else {
        let error = format!(
            "there are no snapshots of `{}`, and it replaced no versions that could be installed again",
            entry.operation
        );
        let refusal = Refusal::new(Code::Unsupported, error)
            .hint("what was installed can be removed: sm-helper package remove NAME");
        return Outcome::refused(refusal, None, None);
    };
    let (manager, units) = (steps.manager, steps.units.clone());
    let steps = PackageSteps { manager, name: None, commands, units };
    let mut outcome = packages::change(plan, &steps, bounds, context);
    if outcome.verdict.is_ok() && outcome.changed == Some(true) {
        let mut entry = entry.clone();
        entry.undone_by = Some(request_id().to_owned());
        if let Err(error) = entry.save() {
            outcome.warnings.push(format!("that it is undone cannot be written down: {error}"));
        }
        let (request_id, left) = (entry.id, Vec::new());
        outcome.undone = Some(Undone { request_id, files: 0, left, left_count: 0 });
    }
    outcome
}
