//! The command with which an administrator allows what was denied.

use crate::output::text::shell_word;
use crate::policy::never;
use crate::request::action::UNDO;
use crate::request::name::is_of_the_broker;
use crate::request::operation::Operation;

/// That command; none if no site policy may grant the operation. `user` is the caller, if the
/// command is to allow it for that account alone.
pub fn allow(operation: &Operation, user: Option<&str>) -> Option<String> {
    // A task is a command line; only a policy's text says which.
    if matches!(operation, Operation::Task { .. }) {
        return None;
    }
    let is_never = |name: &str| match operation {
        Operation::Service { .. } => never::unit(name) || is_of_the_broker(name),
        _ => never::package(name),
    };
    if operation.name().is_some_and(is_never) {
        return None;
    }
    // The plan of an operation is allowed with the operation.
    let whole = match operation {
        Operation::Undo { .. } => UNDO.to_owned(),
        _ => operation.to_string().replacen(" plan ", " ", 1),
    };
    let user = user.map(|user| format!("--user {} ", shell_word(user))).unwrap_or_default();
    Some(format!("sm policy allow {user}{whole}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::operations::service;
    use crate::request::action::{PackageAction, ServiceAction};
    use crate::request::name::{PackageName, UnitName};

    #[test]
    fn what_no_site_policy_grants_has_no_command() {
        let unit = |name: &str| UnitName::parse(name.as_bytes()).expect("a unit");
        let restart = |name: &str| service(ServiceAction::Restart, unit(name));
        for (name, expected) in [
            ("myapp", Some("sm policy allow service restart myapp.service")),
            ("dbus", None),
            ("sm.socket", None),
        ] {
            assert_eq!(allow(&restart(name), None).as_deref(), expected, "{name}");
        }
        let operation = Operation::Package {
            action: PackageAction::Install,
            name: PackageName::parse(b"vim").expect("a package"),
            only_plan: true,
        };
        let expected = "sm policy allow --user 'a b' package install vim";
        assert_eq!(allow(&operation, Some("a b")).as_deref(), Some(expected));
    }
}
