//! Puts back what an operation has done to packages.

use crate::exec::context::OperationContext;
use crate::exec::process::Bounds;
use crate::outcome::Outcome;
use crate::plan::{Plan, UndoSteps};
use crate::request::code::{Code, Refusal};

pub fn run(
    _plan: &Plan,
    _steps: &UndoSteps,
    _bounds: Bounds,
    _context: &mut OperationContext<'_>,
) -> Outcome {
    Outcome::refused(Refusal::new(Code::Unsupported, "not yet"), None, None)
}
