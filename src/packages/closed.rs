//! What is closed to a package's scripts, unless the operation is about it.

use crate::exec::confinement::closed_to;
use crate::managers::asked::Asked;
use crate::managers::confinement::Spares;
use crate::managers::inventory::Inventory;
use crate::managers::transaction::Transaction;
use crate::packages::work::Work;
use crate::request::action::Maintenance;
use crate::request::ran::Ran;
use crate::system::state;
use std::path::Path;

/// What the operation may change though it is closed otherwise: the packages are known from its plan, or
/// are those that were begun with.
pub fn spares(
    work: &Work<'_>,
    transaction: Option<&Transaction>,
    installed: Option<&Inventory>,
) -> Spares {
    match (work.operation().maintenance(), transaction, installed) {
        // No package's script runs.
        (Some(Maintenance::Update | Maintenance::Autoclean), ..) => Spares::default(),
        (Some(Maintenance::Repair), _, Some(installed)) => {
            Spares::of(installed.broken().into_iter().map(|(name, _)| name))
        }
        (_, Some(transaction), _) => {
            Spares::of(transaction.names().chain(work.steps.name.as_deref()))
        }
        (_, None, _) => Spares::ALL,
    }
}

/// The folder of the site policy.
const SETTINGS: &str = "/etc/sm";

/// That folder while it is there for this operation alone.
#[derive(Debug)]
pub struct Settings {
    is_made: bool,
}

impl Settings {
    /// Makes it if there is none: what is not there cannot be closed to a package, which would make it with
    /// a policy in it.
    pub fn there() -> Self {
        // If it cannot be made, nor can a package's script do it.
        let is_made =
            !Path::new(SETTINGS).exists() && state::folder(SETTINGS, 0o755, "root").is_ok();
        Self { is_made }
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        if self.is_made {
            // An administrator may have put something there meanwhile; then it stays.
            let _ = std::fs::remove_dir(SETTINGS);
        }
    }
}

/// Says of a package that it could not write what is closed to it.
pub fn warning(work: &Work<'_>, ran: &Ran, spares: Spares) -> Option<String> {
    let path = closed_to(ran, spares)?;
    let name = work.steps.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    Some(format!(
        "a package could not write to {path}, which is closed to package operations; if it should, an administrator runs it without sm: {}{name}",
        work.command()
    ))
}
