//! `[tasks]`: the command lines that the policy spells out.

use crate::policy::model::TaskRule;
use crate::policy::parsed::Parsed;
use crate::policy::table::{DeKey, Source, Table};
use crate::policy::tasks::Task;
use crate::request::name::TaskName;
use toml::Spanned;

impl Parsed {
    pub(super) fn task(
        &mut self,
        source: &Source<'_>,
        key: &Spanned<DeKey<'_>>,
        table: &Table<'_>,
    ) {
        let name = TaskName::parse(key.get_ref().as_bytes())
            .map_err(|error| source.wrong_name(key.span(), key.get_ref(), &error));
        let name = source.note_names(name);
        // A caller's list that names a task with a mistake is not a second mistake.
        let (Some(task), Some(name)) = (Task::read(source, table), name) else {
            source.miss_names();
            return;
        };
        let confinement = task.confinement.clone();
        let is_confined = confinement.is_some();
        let confinement = confinement.unwrap_or_default();
        let rule = TaskRule {
            name: self.strings.add(name.as_str()),
            line: source.line(key.span().start),
            argv: self.run(&task.argv),
            user: self.strings.add(&task.user),
            directory: self.strings.add(&task.directory),
            environment: self.run(&task.environment),
            timeout_seconds: task.timeout_seconds,
            on_timeout: task.on_timeout,
            require_reason: task.require_reason,
            approval: task.approval,
            description: self.strings.add(&task.description),
            snapshot: task.snapshot,
            is_confined,
            confine: confinement.confine,
            write: self.run(&confinement.write),
            network: confinement.network,
            when: self.when(source, table),
        };
        self.tasks.push(rule);
    }
}
