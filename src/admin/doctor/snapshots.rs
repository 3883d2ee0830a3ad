//! Whether this host can take the snapshots that the policy wants, and what they do not have.

use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::{Finding, Status};
use crate::managers::host::of_this_host;
use crate::managers::snapshots::Snapshotter;
use crate::policy::force::InForce;
use crate::request::operation::Operation;
use crate::snapshots::{covered, free_percent, wrong_folder};
use std::path::Path;

pub fn snapshots(context: &Context) -> Vec<Finding> {
    let Ok(force) = &context.policy else {
        return vec![Finding::ok("without a policy none are taken")];
    };
    let settings = force.limits().snapshots;
    let is_wanted = settings.packages || has_task(force);
    let by = match (Snapshotter::here(), is_wanted) {
        (Ok(by), true) => by,
        (Ok(_), false) => {
            return vec![Finding::ok(
                "the policy wants none; this host can take them: [snapshots] packages = true",
            )];
        }
        (Err(impossible), false) => {
            return vec![Finding::ok(format!("the policy wants none; {}", impossible.reason))];
        }
        (Err(impossible), true) => {
            let status = if settings.required { Status::Problem } else { Status::Warning };
            let found = format!("no snapshot can be taken: {}", impossible.reason);
            return vec![Finding::new(status, found).fix(impossible.hint)];
        }
    };
    let mut found = Vec::new();
    if let Some(wrong) = wrong_folder(&by) {
        let status = if settings.required { Status::Problem } else { Status::Warning };
        let fix = format!("ls -ld {}; mv it away, and the next operation makes it", by.folder());
        found.push(Finding::new(status, format!("no snapshot can be taken: {wrong}")).fix(fix));
    }
    let free = free_percent();
    if free < settings.min_free_percent.into() {
        let status = if settings.required { Status::Problem } else { Status::Warning };
        let what = format!(
            "{free} % of the file system are free, and with less than {} % no snapshot is taken",
            settings.min_free_percent
        );
        found.push(Finding::new(status, what).fix(format!("ls {}; df -h /", by.folder())));
    }
    let manager = of_this_host();
    let elsewhere = manager.map(covered::elsewhere).unwrap_or_default();
    if !elsewhere.is_empty() {
        let what = format!(
            "the snapshots do not have {}: other file systems or subvolumes",
            elsewhere.join(", ")
        );
        let means = "what an operation changes there does not come back; the reply says so before";
        found.push(Finding::warning(what).means(means).fix("findmnt --types btrfs,ext4,xfs,vfat"));
    }
    if found.is_empty() {
        found.push(Finding::ok(described(&by, settings.keep)));
    }
    found
}

fn described(by: &Snapshotter, keep: u32) -> String {
    let hooks = of_this_host().is_some_and(|manager| manager.has_snapshot_hooks());
    match by {
        Snapshotter::Snapper(config) if hooks => {
            format!(
                "the package manager's own hooks have snapper take them, by its configuration {config}"
            )
        }
        Snapshotter::Snapper(config) => {
            format!(
                "snapper takes them, by its configuration {config}; those of {keep} operations are kept"
            )
        }
        Snapshotter::Btrfs => {
            let snapper = Path::new("/usr/bin/snapper").exists();
            let note = if snapper { "; snapper has no configuration for /" } else { "" };
            format!(
                "btrfs takes them, in {}; those of {keep} operations are kept{note}",
                by.folder()
            )
        }
    }
}

/// Whether a task of the policy wants them.
fn has_task(force: &InForce) -> bool {
    force.operations().into_iter().any(|operation| match operation {
        Operation::Task { name } => force.task(name.as_str()).is_some_and(|task| task.snapshot),
        _ => false,
    })
}
