//! The rights that a first policy should grant, and to whom.

use crate::admin::policy::asked::{Asked, Direction, read};
use crate::admin::policy::document::{Document, Kind, Lists};
use crate::admin::policy::found;
use crate::admin::policy::subject::Subject;
use crate::cli::Init;
use crate::output::text::one_line;
use crate::policy::site::FILE;
use crate::request::action::{Action, ManagerAction};
use crate::request::code::{Code, Refusal};
use crate::request::operation::RUN;
use crate::sudo::account::Who as Account;
use std::collections::BTreeSet;
use std::ffi::OsStr;

/// The comment at the top of a first policy.
const TOP: &str = "\
# What agents may have done as root on this host, and nothing else. Made by: sm policy init
# To change it: sm policy allow, sm policy deny, sm policy edit. All it comes to: sm policy surface
";

/// The rights to grant, and to whom.
#[derive(Debug, Default)]
pub struct Wanted {
    /// The rights.
    pub asked: Vec<Asked>,
    /// The tasks among them: the name and the program of each.
    pub programs: Vec<(String, String)>,
    /// To whom; none for every caller.
    pub whom: Option<Subject>,
}

impl Wanted {
    /// Reads the flags.
    ///
    /// # Errors
    /// `usage` or `invalid_argument`.
    pub fn of(init: &Init) -> Result<Self, Refusal> {
        let mut asked = Vec::new();
        for unit in &init.unit {
            asked.push(Self::unit(unit)?);
        }
        for packages in &init.package {
            let (names, actions) = packages.split_once(':').unwrap_or((packages, "install"));
            asked.push(words(&["package", actions], names)?);
        }
        if let Some(actions) = &init.maintenance {
            let is_manager = |word: &&str| ManagerAction::from_word(word).is_some();
            let (manager, packages): (Vec<&str>, Vec<&str>) =
                actions.split(',').partition(is_manager);
            for (kind, actions) in [("service", manager), ("package", packages)] {
                if !actions.is_empty() {
                    asked.push(words(&[kind, &actions.join(",")], "")?);
                }
            }
        }
        let mut programs = Vec::new();
        for task in &init.task {
            let Some((name, program)) = task.split_once('=') else {
                let task = one_line(task, 100);
                let error = format!("`{task}` does not say what the task runs");
                return Err(Refusal::new(Code::Usage, error)
                    .hint(format!("for example: --task {task}=/usr/local/sbin/{task}")));
            };
            asked.push(read(&["task", RUN, name].map(str::to_owned))?);
            programs.push((name.to_owned(), program.to_owned()));
        }
        let whom = whom(init.user.as_deref(), init.group.as_deref())?;
        Ok(Self { asked, programs, whom })
    }

    /// A unit with its actions: `myapp:restart,status`.
    fn unit(text: &str) -> Result<Asked, Refusal> {
        // The name of a unit may contain a colon, an action may not.
        match text.rsplit_once(':') {
            Some((name, actions)) if !name.is_empty() => words(&["service", actions], name),
            _ => Err(Refusal::new(
                Code::Usage,
                format!("`{}` does not say what may be done to the unit", one_line(text, 100)),
            )
            .hint(format!("for example: --unit {}:restart,status,logs", one_line(text, 100)))),
        }
    }

    /// The policy.
    ///
    /// # Errors
    /// If a policy cannot say it.
    pub fn document(&self) -> Result<Document, Refusal> {
        let mut document = Document::parse(FILE, &format!("{TOP}schema = 1\n"))?;
        for (name, program) in &self.programs {
            document.make_task(name, program);
        }
        for asked in &self.asked {
            Direction::Allow.apply(&mut document, None, asked)?;
            for (_, _, name) in asked.names.iter().filter(|(kind, ..)| *kind == Kind::Unit) {
                if let Some(text) = found::unit(name).and_then(|unit| unit.description) {
                    document.comment(Kind::Unit, name, &text);
                }
            }
        }
        if let Some(whom) = &self.whom {
            let all = document.everything();
            document.make_caller(&whom.key(), &all);
            document.make_caller(&Subject::Others.key(), &Lists::default());
        }
        Ok(document)
    }

    /// The units that this host does not have.
    pub fn unknown(&self) -> Vec<String> {
        let names = self.asked.iter().flat_map(|asked| &asked.names);
        let units = names.filter(|(kind, ..)| *kind == Kind::Unit).map(|(_, _, name)| name);
        let units: BTreeSet<&String> = units.filter(|name| found::unit(name).is_none()).collect();
        units.into_iter().map(|name| format!("there is no {name} on this host yet")).collect()
    }

    /// The next steps.
    pub fn next(&self) -> String {
        match &self.whom {
            Some(Subject::Group(name)) => format!("next: sm setup-sudo --group {name}"),
            Some(Subject::User(name)) => format!("next: sm setup-sudo --user {name}"),
            _ => "next: sm setup-sudo --user NAME".to_owned(),
        }
    }
}

/// The words of a request, with names between commas.
fn words(begin: &[&str], names: &str) -> Result<Asked, Refusal> {
    let names = names.split(',').filter(|name| !name.is_empty());
    let words: Vec<String> = begin.iter().copied().chain(names).map(str::to_owned).collect();
    read(&words)
}

/// The account or the group of this name.
///
/// # Errors
/// `invalid_argument` if it does not exist.
pub fn whom(user: Option<&str>, group: Option<&str>) -> Result<Option<Subject>, Refusal> {
    if user.is_none() && group.is_none() {
        return Ok(None);
    }
    // Requests of root through the helper are judged, too.
    if user == Some("root") {
        return Ok(Some(Subject::User("root".to_owned())));
    }
    Ok(Some(match Account::find(user.map(OsStr::new), group.map(OsStr::new), true)? {
        Account::User { name, .. } => Subject::User(name),
        Account::Group { name, .. } => Subject::Group(name),
    }))
}
