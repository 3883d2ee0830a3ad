//! The tasks of the policy: that each can run as it should, and only root can change what it runs.

use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::{Finding, or_ok};
use crate::admin::doctor::paths::{fix, fix_or};
use crate::policy::COMPILED;
use crate::policy::force::InForce;
use crate::policy::tasks::Task;
use crate::request::operation::Operation;
use crate::tasks::ready::obstacle;
use std::path::Path;

pub fn tasks(context: &Context) -> Vec<Finding> {
    let Ok(force) = &context.policy else {
        return vec![Finding::ok("without a policy there are none")];
    };
    let all = all(force);
    // One policy is for many hosts: of a program that is not on this one there is no task either.
    let here = all.iter().filter(|(_, task)| program(task).symlink_metadata().is_ok());
    let (mut found, mut count) = (Vec::new(), 0);
    for (name, task) in here {
        count += 1;
        let Some(refusal) = obstacle(task, COMPILED.task(name).is_some()) else { continue };
        let finding = Finding::problem(format!("the task {name}: {}", refusal.error));
        let other = || "sm policy edit".to_owned();
        let weak = [program(task), Path::new(&task.directory)]
            .into_iter()
            .find(|path| fix(path).is_some());
        found.push(finding.fix(weak.map_or_else(other, |path| fix_or(path, other()))));
    }
    or_ok(found, format!("{count} of {} can run on this host", all.len()))
}

fn all(force: &InForce) -> Vec<(String, Task)> {
    let operations = force.operations().into_iter();
    let tasks = operations.filter_map(|operation| match operation {
        Operation::Task { name } => Some(name.as_str().to_owned()),
        _ => None,
    });
    tasks.filter_map(|name| Some((name.clone(), force.task(&name)?))).collect()
}

fn program(task: &Task) -> &Path {
    Path::new(task.argv.first().map_or("", String::as_str))
}
