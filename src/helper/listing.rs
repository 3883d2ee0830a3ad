//! `list` and `version`: what there is, for callers who want to know before they ask.

use super::caller::Caller;
use super::host::PackageManager;
use super::reply::{Reply, SCHEMA};
use crate::policy::COMPILED;
use serde_json::{Map, Value, json};

/// Answers what this caller may do on this host.
pub fn list(caller: &Caller) -> u8 {
    let policy = &COMPILED;
    let services: Map<String, Value> = policy
        .units
        .iter()
        .map(|rule| {
            let row =
                json!({"actions": rule.actions.words(), "require_reason": rule.require_reason});
            (policy.text_of(rule.name).to_owned(), row)
        })
        .collect();
    let packages: Map<String, Value> = policy
        .packages
        .iter()
        .map(|rule| {
            let row =
                json!({"actions": rule.actions.words(), "require_reason": rule.require_reason});
            (policy.text_of(rule.name).to_owned(), row)
        })
        .collect();
    let limits = json!({
        "output_bytes": policy.limits.output_bytes,
        "timeout_seconds": {"service": policy.limits.service_timeout, "package": policy.limits.package_timeout},
    });
    Reply::new(Ok(()))
        .with("user", &caller.user)
        .with("package_manager", PackageManager::of_this_host().map(PackageManager::name))
        .with("services", services)
        .with("packages", packages)
        .with("maintenance", policy.maintenance.words())
        .with("limits", limits)
        .send()
}

/// Answers which program this is.
pub fn version() -> u8 {
    Reply::new(Ok(()))
        .with("version", env!("CARGO_PKG_VERSION"))
        .with("policy", json!({"file": COMPILED.file, "sha256": COMPILED.hash}))
        .with("contract", SCHEMA)
        .send()
}
