//! `list` and `version`: what there is, for callers who want to know before they ask.

use crate::managers::host::of_this_host;
use crate::policy::COMPILED;
use crate::policy::force::InForce;
use crate::reply::dialect::Dialect;
use crate::reply::{Reply, SCHEMA, schema};
use crate::request::caller::Caller;
use crate::request::operation::{Operation, RUN};
use crate::surface::{Allowed, allowed, possible};
use serde_json::{Map, json};

/// Answers what this caller may do on this host.
pub fn list(caller: &Caller, force: &InForce) -> Reply<'static> {
    let (mut services, mut packages, mut tasks) = (Map::new(), Map::new(), Map::new());
    let (mut maintenance, mut manager) = (Vec::new(), Vec::new());
    let (mut approval, mut undo) = (Vec::new(), false);
    for Allowed { operation, requires_reason: require_reason, needs_approval } in
        allowed(force, caller)
    {
        if needs_approval {
            approval.push(operation.to_string());
        }
        let into = match (&operation, operation.name()) {
            (Operation::Service { .. }, Some(name)) => services.entry(name),
            (Operation::Task { .. }, Some(name)) => {
                let mut row = json!({"actions": [RUN], "require_reason": require_reason});
                if let Some(task) = force.task(name) {
                    row["description"] = task.description.into();
                    row["timeout_seconds"] = task.timeout_seconds.into();
                }
                tasks.insert(name.to_owned(), row);
                continue;
            }
            (Operation::Undo { .. }, _) => {
                undo = true;
                continue;
            }
            (Operation::Manager { .. }, None) => {
                manager.push(operation.action());
                continue;
            }
            (_, Some(name)) => packages.entry(name),
            (_, None) => {
                maintenance.push(operation.action());
                continue;
            }
        };
        let row = into.or_insert_with(|| json!({"actions": [], "require_reason": require_reason}));
        if let Some(actions) = row["actions"].as_array_mut() {
            actions.push(operation.action().into());
        }
    }
    let bounds = force.limits();
    let limits = json!({
        "rate": {"count": bounds.rate_count, "per_seconds": bounds.rate_seconds},
        "output_bytes": bounds.output_bytes,
        "timeout_seconds": {"service": bounds.service_timeout, "package": bounds.package_timeout},
    });
    let reply = match approval.is_empty() {
        true => Reply::new(Ok(())),
        false => Reply::new(Ok(())).with("needs_approval", approval),
    };
    reply
        .with("user", &caller.user)
        .with("package_manager", of_this_host().map(|manager| manager.name()))
        .with("services", services)
        .with("packages", packages)
        .with("maintenance", maintenance)
        .with("undo", undo)
        .with("service_maintenance", manager)
        .with("tasks", tasks)
        .with("limits", limits)
}

/// Answers the same as a JSON Schema: one object that is both, a reply and a schema, for a schema
/// may have words that it does not know (JSON Schema 2020-12, section 6.5).
pub fn schema(caller: &Caller, force: &InForce, dialect: Dialect) -> Reply<'static> {
    let possible: Vec<_> = possible(force, caller, of_this_host()).collect();
    let tasks = |name: &str| force.task(name);
    let keywords = schema::of(&possible, &force.limits(), &tasks, dialect);
    keywords
        .into_iter()
        .fold(Reply::new(Ok(())), |reply, (keyword, value)| reply.with(&keyword, value))
}

/// Answers which program this is.
pub fn version() -> Reply<'static> {
    Reply::new(Ok(()))
        .with("version", env!("CARGO_PKG_VERSION"))
        .with("policy", json!({"file": COMPILED.file, "sha256": COMPILED.hash}))
        .with("contract", SCHEMA)
}
