//! The rights that `sm policy allow` and `sm policy deny` name, and how a policy's text says them.

use crate::admin::policy::document::{Document, Kind, Lists};
use crate::admin::policy::subject::Subject;
use crate::output::text::{one_line, shell_word};
use crate::policy::operations::service;
use crate::request::action::{
    Action, Maintenance, ManagerAction, PackageAction, ServiceAction, UNDO,
};
use crate::request::code::{Code, Refusal};
use crate::request::name::{NameError, PackageName, TaskName, UnitName};
use crate::request::operation::{Operation, RUN};

/// Which of the two commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// `sm policy allow`
    Allow,
    /// `sm policy deny`
    Deny,
}

impl Direction {
    /// The word of the command.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }

    /// Changes a policy's text accordingly.
    ///
    /// # Errors
    /// If a policy cannot say it.
    pub fn apply(
        self,
        document: &mut Document,
        whom: Option<&Subject>,
        asked: &Asked,
    ) -> Result<(), Refusal> {
        match self {
            Self::Allow => allow(document, whom, asked),
            Self::Deny => deny(document, whom, asked),
        }
    }
}

/// The rights to allow or deny.
#[derive(Debug)]
pub struct Asked {
    /// The names, with the actions on each.
    pub names: Vec<(Kind, Vec<&'static str>, String)>,
    /// The operations on all packages.
    pub maintenance: Vec<&'static str>,
    /// The operations on the service manager.
    pub manager: Vec<&'static str>,
    /// Whether it is about undoing what was done to packages.
    pub undo: bool,
    /// The same as operations.
    pub operations: Vec<Operation>,
    /// The words after the flags, as typed.
    pub words: String,
}

impl Asked {
    /// The operations without a name, with the section that grants them.
    fn for_all(&self) -> impl Iterator<Item = (Kind, &[&'static str])> {
        let both = [(Kind::Package, &self.maintenance), (Kind::Unit, &self.manager)];
        let some = both.into_iter().filter(|(_, actions)| !actions.is_empty());
        some.map(|(kind, actions)| (kind, actions.as_slice()))
    }
}

/// Reads the words: those of a request, with commas between actions and any number of names.
///
/// # Errors
/// `usage` or `invalid_argument`.
pub fn read(words: &[String]) -> Result<Asked, Refusal> {
    let usage = |error: String, hint: &str| Refusal::new(Code::Usage, error).hint(hint);
    let (kind, actions, names) = match words {
        [word] if word == UNDO => (word.as_str(), Vec::new(), &words[1..]),
        [kind, actions, names @ ..] if ["service", "package", "task"].contains(&kind.as_str()) => {
            (kind.as_str(), actions.split(',').collect::<Vec<_>>(), names)
        }
        _ => {
            return Err(usage(
                format!("`{}` is not an operation", one_line(&words.join(" "), 100)),
                "for example: service restart,status myapp, package install git, package update, undo",
            ));
        }
    };
    let mut asked = Asked {
        names: Vec::new(),
        maintenance: Vec::new(),
        manager: Vec::new(),
        undo: kind == UNDO,
        operations: Vec::new(),
        words: words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" "),
    };
    match kind {
        UNDO => asked.operations.push(Operation::Undo { id: None, is_forced: false }),
        "service"
            if names.is_empty()
                && actions.iter().all(|word| ManagerAction::from_word(word).is_some()) =>
        {
            for action in known::<ManagerAction>(&actions)? {
                asked.operations.push(Operation::Manager { action });
                asked.manager.push(action.word());
            }
        }
        "service" => {
            if let Some(word) = actions.iter().find(|word| ManagerAction::from_word(word).is_some())
            {
                let hint = format!("on its own, without a name: service {word}");
                return Err(usage(format!("{word} is for all unit files at once"), &hint));
            }
            let actions: Vec<ServiceAction> = known(&actions)?;
            if names.is_empty() {
                return Err(usage(
                    "no unit was named".to_owned(),
                    "for example: service restart,status myapp",
                ));
            }
            let words: Vec<&str> = actions.iter().map(|action| action.word()).collect();
            for name in names {
                let unit = UnitName::parse_granted(name.as_bytes()).map_err(no_name)?;
                asked
                    .operations
                    .extend(actions.iter().map(|action| service(*action, unit.clone())));
                asked.names.push((Kind::Unit, words.clone(), unit.as_str().to_owned()));
            }
        }
        "task" => {
            if actions != [RUN] || names.is_empty() {
                let hint = "for example: task run deploy";
                return Err(usage("a task is run, by its name".to_owned(), hint));
            }
            for name in names {
                let name = TaskName::parse(name.as_bytes()).map_err(no_name)?;
                asked.names.push((Kind::Task, vec![RUN], name.as_str().to_owned()));
                asked.operations.push(Operation::Task { name });
            }
        }
        _ if names.is_empty() => {
            let one = actions.iter().find(|word| {
                Maintenance::from_word(word).is_none() && PackageAction::from_word(word).is_some()
            });
            if let Some(word) = one {
                let hint = format!("for example: package {word} git");
                return Err(usage(format!("{word} is for packages, and none was named"), &hint));
            }
            for action in known::<Maintenance>(&actions)? {
                asked.operations.push(Operation::Maintenance { action, only_plan: false });
                asked.maintenance.push(action.word());
            }
        }
        _ => {
            let all = actions.iter().find(|word| {
                PackageAction::from_word(word).is_none() && Maintenance::from_word(word).is_some()
            });
            if let Some(word) = all {
                let hint = format!("without a name: package {word}");
                return Err(usage(format!("{word} is for all packages at once"), &hint));
            }
            let actions: Vec<PackageAction> = known(&actions)?;
            let words: Vec<&str> = actions.iter().map(|action| action.word()).collect();
            for name in names {
                let name = PackageName::parse(name.as_bytes()).map_err(no_name)?;
                asked.names.push((Kind::Package, words.clone(), name.as_str().to_owned()));
                asked.operations.extend(actions.iter().map(|action| Operation::Package {
                    action: *action,
                    name: name.clone(),
                    only_plan: false,
                }));
            }
        }
    }
    Ok(asked)
}

/// The actions of these words.
fn known<A: Action>(words: &[&str]) -> Result<Vec<A>, Refusal> {
    let find = |word: &&str| {
        A::from_word(word).ok_or_else(|| {
            let all: Vec<&str> = A::ALL.iter().map(|action| action.word()).collect();
            Refusal::new(Code::Usage, format!("`{}` is not an action", one_line(word, 50)))
                .hint(format!("there are: {}", all.join(", ")))
        })
    };
    words.iter().map(find).collect()
}

fn no_name(error: NameError) -> Refusal {
    let refusal = Refusal::new(Code::InvalidArgument, error.to_string());
    Refusal { hint: error.hint(), ..refusal }
}

fn allow(document: &mut Document, whom: Option<&Subject>, asked: &Asked) -> Result<(), Refusal> {
    let before = document.everything();
    let no_task = asked
        .names
        .iter()
        .find(|(kind, _, name)| *kind == Kind::Task && document.actions_of(*kind, name).is_empty());
    if let Some((_, _, name)) = no_task {
        let error = format!("the policy has no task {name}, which would say what is run");
        let lines = task_lines(name).join(", ");
        return Err(Refusal::new(Code::Usage, error).hint(format!(
            "write it with `sm policy edit`, then all callers may run it: {lines}"
        )));
    }
    for (kind, actions, name) in &asked.names {
        document.grant(*kind, actions, name);
    }
    for (kind, actions) in asked.for_all() {
        document.grant_maintenance(kind, actions);
    }
    if asked.undo {
        document.set_undo(true);
    }
    let Some(whom) = whom else { return Ok(()) };
    give_own_table(document, whom, &before);
    for (kind, _, name) in &asked.names {
        document.give(&whom.key(), *kind, name);
    }
    for (_, actions) in asked.for_all() {
        document.give_maintenance(&whom.key(), actions);
    }
    if asked.undo {
        document.set_undo_of(&whom.key(), true);
    }
    Ok(())
}

/// The lines that make a task.
pub fn task_lines(name: &str) -> [String; 2] {
    [format!("[tasks.{name}]"), "argv = [\"/absolute/program\"]".to_owned()]
}

/// Makes a table for the caller if it has none, with everything that it has without one. `before` is
/// all that the policy granted. Callers whom no table names keep what they had.
fn give_own_table(document: &mut Document, whom: &Subject, before: &Lists) {
    let default = Subject::Others.key();
    if document.lists_of(&default).is_none() {
        document.make_caller(&default, before);
    }
    if document.lists_of(&whom.key()).is_some() {
        return;
    }
    let has_table = document.callers().iter().any(|caller| {
        let group = caller.strip_prefix("group:");
        group.is_some_and(|group| whom.is_among(&Subject::Group(group.to_owned())))
    });
    let own = if has_table { None } else { document.lists_of(&default) };
    document.make_caller(&whom.key(), &own.unwrap_or_default());
}

fn deny(document: &mut Document, whom: Option<&Subject>, asked: &Asked) -> Result<(), Refusal> {
    let Some(whom) = whom else {
        for (kind, actions, name) in &asked.names {
            document.revoke(*kind, actions, name);
        }
        for (kind, actions) in asked.for_all() {
            document.revoke_maintenance(kind, actions);
        }
        if asked.undo {
            document.set_undo(false);
        }
        return Ok(());
    };
    let before = document.everything();
    give_own_table(document, whom, &before);
    for (kind, actions, name) in &asked.names {
        // The command line of a task stands nowhere else.
        if *kind == Kind::Task {
            document.take(&whom.key(), *kind, name);
            continue;
        }
        // A caller's table lists names, not actions: a name stays as long as the caller keeps an action.
        let is_the_only_one = document
            .callers()
            .iter()
            .filter_map(|caller| Some((caller, document.lists_of(caller)?)))
            .all(|(caller, lists)| *caller == whom.key() || !lists.has(*kind, name));
        if is_the_only_one {
            document.revoke(*kind, actions, name);
        } else if document.actions_of(*kind, name).iter().all(|has| actions.contains(&has.as_str()))
        {
            document.take(&whom.key(), *kind, name);
        } else {
            return Err(Refusal::new(
                Code::Unsupported,
                format!(
                    "{name} cannot be denied to {whom} in part: other callers have it too, and whoever has a name has all of its actions"
                ),
            )
            .hint(format!("deny it to all: sm policy deny {}", asked.words)));
        }
    }
    for (_, actions) in asked.for_all() {
        document.take_maintenance(&whom.key(), actions);
    }
    if asked.undo {
        document.set_undo_of(&whom.key(), false);
    }
    Ok(())
}
