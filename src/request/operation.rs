//! What was asked for, as types that hold no bad value.

use crate::request::action::{
    Action, Maintenance, ManagerAction, PackageAction, ServiceAction, UNDO,
};
use crate::request::code::{Code, Refusal};
use crate::request::id::RequestId;
use crate::request::name::{NameError, PackageName, TaskName, UnitName, quoted};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// An operation of the helper's grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Something is done to a unit.
    Service {
        /// What.
        action: ServiceAction,
        /// To which.
        unit: UnitName,
        /// For `logs`: which lines.
        shown: Shown,
    },
    /// Something is done to the service manager.
    Manager {
        /// What.
        action: ManagerAction,
    },
    /// Something is done to a package.
    Package {
        /// What.
        action: PackageAction,
        /// To which, by the name that callers use.
        name: PackageName,
        /// Nothing is done but to say what would be.
        only_plan: bool,
    },
    /// Something is done to all packages.
    Maintenance {
        /// What.
        action: Maintenance,
        /// Nothing is done but to say what would be.
        only_plan: bool,
    },
    /// What an operation has done to packages is put back.
    Undo {
        /// The request that asked for that operation; none for whichever it is.
        id: Option<RequestId>,
        /// Whether also what others have changed since is overwritten, which is root's to say.
        is_forced: bool,
    },
    /// A command line of the policy's own is run.
    Task {
        /// What the policy calls it.
        name: TaskName,
    },
}

/// What is done to a task.
pub const RUN: &str = "run";

/// What asking for the result of a request begins with.
pub const RESULT: &str = "result";

/// The word in front of an action whose plan alone is asked for.
pub const PLAN: &str = "plan";

impl Operation {
    /// `service`, `package` or `task`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Service { .. } | Self::Manager { .. } => "service",
            Self::Package { .. } | Self::Maintenance { .. } | Self::Undo { .. } => "package",
            Self::Task { .. } => "task",
        }
    }

    /// The action as it is asked for: `restart`, `install`, `plan install`.
    pub fn action(&self) -> Cow<'static, str> {
        let word = self.word();
        if self.is_only_plan() { format!("{PLAN} {word}").into() } else { word.into() }
    }

    /// The action alone, as a policy names it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Service { action, .. } => action.word(),
            Self::Manager { action } => action.word(),
            Self::Package { action, .. } => action.word(),
            Self::Maintenance { action, .. } => action.word(),
            Self::Undo { .. } => UNDO,
            Self::Task { .. } => RUN,
        }
    }

    /// Whether only the plan of it is asked for.
    pub fn is_only_plan(&self) -> bool {
        matches!(
            self,
            Self::Package { only_plan: true, .. } | Self::Maintenance { only_plan: true, .. }
        )
    }

    /// The same operation if only its plan is asked for; none for what has no plan.
    pub fn only_planned(&self) -> Option<Self> {
        match self.clone() {
            Self::Service { .. } | Self::Manager { .. } | Self::Undo { .. } | Self::Task { .. } => {
                None
            }
            Self::Package { action, name, .. } => {
                Some(Self::Package { action, name, only_plan: true })
            }
            Self::Maintenance { action, .. } => Some(Self::Maintenance { action, only_plan: true }),
        }
    }

    /// Whether it changes nothing, so that nothing is lost if it does not come to the end.
    pub fn only_reads(&self) -> bool {
        use ServiceAction::{Logs, Status};
        self.is_only_plan() || matches!(self, Self::Service { action: Status | Logs, .. })
    }

    /// Whether it changes what is installed, or tries to.
    pub fn changes_packages(&self) -> bool {
        use Maintenance::{Autoclean, Update};
        match self {
            Self::Service { .. } | Self::Manager { .. } | Self::Task { .. } => false,
            Self::Maintenance { action: Update | Autoclean, .. } => false,
            Self::Undo { .. } => true,
            Self::Package { only_plan, .. } | Self::Maintenance { only_plan, .. } => !only_plan,
        }
    }

    /// What is done to all packages, if it is that.
    pub fn maintenance(&self) -> Option<Maintenance> {
        match self {
            Self::Maintenance { action, .. } => Some(*action),
            Self::Service { .. }
            | Self::Manager { .. }
            | Self::Package { .. }
            | Self::Undo { .. }
            | Self::Task { .. } => None,
        }
    }

    /// The canonical name, if the operation has one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Service { unit, .. } => Some(unit.as_str()),
            Self::Package { name, .. } => Some(name.as_str()),
            Self::Maintenance { .. } | Self::Manager { .. } => None,
            Self::Undo { id, .. } => id.as_ref().map(RequestId::as_str),
            Self::Task { name } => Some(name.as_str()),
        }
    }
}

/// As it is asked for: `service restart nginx.service`.
impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Undo { .. } => f.write_str(UNDO)?,
            _ => write!(f, "{} {}", self.kind(), self.action())?,
        }
        self.name().map_or(Ok(()), |name| write!(f, " {name}"))
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(3))?;
        map.serialize_entry("kind", self.kind())?;
        map.serialize_entry("action", &self.action())?;
        map.serialize_entry("name", &self.name())?;
        map.end()
    }
}

/// Which lines of a unit's log: so many of the last, and of those the ones of the last minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    lines: u32,
    minutes: Option<u32>,
}

impl Shown {
    /// The most lines that can be asked for.
    pub const MOST_LINES: u32 = 1000;
    /// The most minutes that can be asked for: a week.
    pub const MOST_MINUTES: u32 = 10_080;
    /// What is shown if nothing is asked for.
    pub const USUAL: Self = Self { lines: 50, minutes: None };

    /// How many lines.
    pub fn lines(self) -> u32 {
        self.lines
    }

    /// Of how many minutes; none for any.
    pub fn minutes(self) -> Option<u32> {
        self.minutes
    }

    fn parse(words: &Words) -> Result<Self, Refusal> {
        let bounded = |flag, text: &Option<std::ffi::OsString>, most| {
            text.as_deref().map(|text| number(flag, text, most)).transpose()
        };
        Ok(Self {
            lines: bounded("--lines", &words.lines, Self::MOST_LINES)?.unwrap_or(Self::USUAL.lines),
            minutes: bounded("--since", &words.since, Self::MOST_MINUTES)?,
        })
    }
}

/// Why an operation is asked for: 1 to 500 printable characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason(String);

impl Reason {
    /// The longest one, in characters.
    pub const LONGEST: usize = 500;

    /// Some reason, for finding out what a request with one would run.
    pub fn any() -> Self {
        Self("any".to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes it as it is, or not at all.
    ///
    /// # Errors
    /// `invalid_argument` with what is wrong.
    pub fn parse(text: &OsStr) -> Result<Self, Refusal> {
        let bad = |what: String| {
            Refusal::new(Code::InvalidArgument, format!("the reason {what}"))
                .hint("give 1 to 500 printable characters on one line: --reason \"deploy of 1.4\"")
        };
        let Some(text) = text.to_str() else {
            return Err(bad("is not UTF-8".to_owned()));
        };
        let length = text.chars().count();
        if length > Self::LONGEST {
            return Err(bad(format!("is {length} characters long, {} are allowed", Self::LONGEST)));
        }
        if text.trim().is_empty() {
            return Err(bad("is empty".to_owned()));
        }
        match text.chars().find(|c| crate::output::text::is_hidden(*c)) {
            Some(c) => Err(bad(format!("holds the unprintable character U+{:04X}", u32::from(c)))),
            None => Ok(Self(text.to_owned())),
        }
    }
}

/// An operation and how it is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// What.
    pub operation: Operation,
    /// Why.
    pub reason: Option<Reason>,
    /// In how many seconds at most, if the caller wants less than the policy allows.
    pub timeout: Option<u32>,
    /// Whether the caller does not wait for the end.
    pub no_wait: bool,
}

/// What the command line holds, before any of it is believed.
#[derive(Debug, Clone, Default)]
pub struct Words {
    /// The action's word; the grammar lets only known ones through.
    pub action: String,
    /// What stands where the name belongs.
    pub names: Vec<std::ffi::OsString>,
    /// `--lines`
    pub lines: Option<std::ffi::OsString>,
    /// `--since`
    pub since: Option<std::ffi::OsString>,
    /// `--reason`
    pub reason: Option<std::ffi::OsString>,
    /// `--timeout`
    pub timeout: Option<std::ffi::OsString>,
    /// `--no-wait`
    pub no_wait: bool,
}

impl Words {
    /// What every command may have: the reason and the timeout.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub fn flags(&self) -> Result<(Option<Reason>, Option<u32>), Refusal> {
        let reason = self.reason.as_deref().map(Reason::parse).transpose()?;
        let timeout = self.timeout.as_deref().map(|text| number("--timeout", text, 86_400));
        Ok((reason, timeout.transpose()?))
    }
}

/// A question for what came of an own request; without an id, for the last ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultOf {
    /// Of which.
    pub id: Option<RequestId>,
    /// How many seconds to wait for its end.
    pub wait: u32,
}

impl ResultOf {
    /// The longest wait, in seconds.
    pub const LONGEST_WAIT: u32 = 3600;

    /// Reads the id and `--wait`.
    ///
    /// # Errors
    /// `usage` if there is more than one id, or a wait for none; `invalid_argument` if one of them is
    /// not what it should be.
    pub fn parse(ids: &[std::ffi::OsString], wait: Option<&OsStr>) -> Result<Self, Refusal> {
        let wrong = |what: &str| {
            Refusal::new(Code::Usage, what)
                .hint("usage: sm-helper result [REQUEST_ID [--wait SECONDS]]")
        };
        let id = match ids {
            [] => None,
            [id] => Some(RequestId::parse(id)?),
            _ => return Err(wrong("`result` takes one id")),
        };
        let wait = wait.map(|text| number("--wait", text, Self::LONGEST_WAIT)).transpose()?;
        if id.is_none() && wait.is_some() {
            return Err(wrong(
                "`result --wait` needs the id of the request whose end it waits for",
            ));
        }
        Ok(Self { id, wait: wait.unwrap_or(0) })
    }
}

/// What only root can answer.
#[derive(Debug, Clone)]
pub enum ForRoot {
    /// That something is done, or looked at.
    Request(Request),
    /// What came of an earlier request.
    Result(ResultOf),
}

impl Request {
    /// A request for this and no more than this.
    pub fn new(operation: Operation, reason: Option<Reason>) -> Self {
        Self { operation, reason, timeout: None, no_wait: false }
    }

    /// A request for this with some reason, which is a condition on who asks and not on what is done.
    pub fn with_any_reason(operation: &Operation) -> Self {
        Self::new(operation.clone(), Some(Reason::any()))
    }

    /// A request about a unit.
    ///
    /// # Errors
    /// `usage` if there is not one name, `invalid_argument` if something is not what it should be.
    pub fn service(words: &Words) -> Result<Self, Refusal> {
        let command = format!("service {}", words.action);
        if let Some(action) = ManagerAction::from_word(&words.action) {
            return Self::manager(words, action, &command);
        }
        let action = known::<ServiceAction>(&words.action)?;
        let unit = one_name(&words.names, &command, "unit", UnitName::parse)?;
        if action != ServiceAction::Logs {
            not_of_logs(words, &command)?;
        }
        let shown = Shown::parse(words)?;
        Self::with(words, Operation::Service { action, unit, shown })
    }

    fn manager(words: &Words, action: ManagerAction, command: &str) -> Result<Self, Refusal> {
        for name in &words.names {
            UnitName::parse(name.as_bytes()).map_err(bad_name)?;
        }
        if !words.names.is_empty() {
            return Err(Refusal::new(Code::Usage, format!("`{command}` takes no name"))
                .hint("it is for the unit files of all units: omit the name"));
        }
        not_of_logs(words, command)?;
        Self::with(words, Operation::Manager { action })
    }

    /// A request about a package, or about all of them.
    ///
    /// # Errors
    /// As for [`Request::service`].
    pub fn package(words: &Words) -> Result<Self, Refusal> {
        let only_plan = words.action == PLAN;
        let (word, names) = match words.names.split_first() {
            _ if !only_plan => (words.action.clone(), words.names.as_slice()),
            None => return Err(no_plan("the unit or package is missing")),
            Some((word, names)) => (word.to_string_lossy().into_owned(), names),
        };
        let command = format!("package {}{word}", if only_plan { "plan " } else { "" });
        let named = PackageAction::from_word(&word);
        let operation = match (named, Maintenance::from_word(&word)) {
            (Some(action), for_all) if for_all.is_none() || !names.is_empty() => {
                let name = one_name(names, &command, "package", PackageName::parse)?;
                Operation::Package { action, name, only_plan }
            }
            (_, Some(action)) => {
                // Something that is no name is that first, whatever is wrong besides.
                for name in names {
                    PackageName::parse(name.as_bytes()).map_err(bad_name)?;
                }
                if !names.is_empty() {
                    return Err(Refusal::new(Code::Usage, format!("`{command}` takes no name"))
                        .hint("it is for all packages: omit the name"));
                }
                if only_plan && !matches!(action, Maintenance::Upgrade | Maintenance::Autoremove) {
                    return Err(no_plan(&format!("`package {word}` has none")));
                }
                Operation::Maintenance { action, only_plan }
            }
            (_, None) if only_plan => {
                return Err(no_plan(&format!("{} has none", quoted(word.as_bytes()))));
            }
            (_, None) => return Err(unknown(&word)),
        };
        Self::with(words, operation)
    }

    /// A request for a task. What it runs and how stands in the policy: of the caller's there is its
    /// name and nothing else.
    ///
    /// # Errors
    /// As for [`Request::service`].
    pub fn task(words: &Words) -> Result<Self, Refusal> {
        if words.action != RUN {
            return Err(unknown(&words.action));
        }
        let command = format!("task {RUN}");
        let name = one_name(&words.names, &command, "task", TaskName::parse)?;
        Self::with(words, Operation::Task { name })
    }

    /// A request to put back what an earlier one has done to packages.
    ///
    /// # Errors
    /// `usage` if there is not one id, `invalid_argument` if something is not what it should be.
    pub fn undo(words: &Words) -> Result<Self, Refusal> {
        let [id] = words.names.as_slice() else {
            return Err(Refusal::new(
                Code::Usage,
                "`undo` takes one id, that of the request to undo",
            )
            .hint("usage: sm-helper undo REQUEST_ID"));
        };
        Self::with(words, Operation::Undo { id: Some(RequestId::parse(id)?), is_forced: false })
    }

    fn with(words: &Words, operation: Operation) -> Result<Self, Refusal> {
        let (reason, timeout) = words.flags()?;
        Ok(Self { operation, reason, timeout, no_wait: words.no_wait })
    }
}

/// Makes sure that no flag is given that only `service logs` has.
fn not_of_logs(words: &Words, command: &str) -> Result<(), Refusal> {
    let flag = [("--lines", &words.lines), ("--since", &words.since)];
    let flag = flag.iter().find(|(_, value)| value.is_some());
    flag.map_or(Ok(()), |(flag, _)| {
        Err(Refusal::new(Code::Usage, format!("`{command}` takes no {flag}"))
            .hint(format!("{flag} goes with `service logs`")))
    })
}

fn known<A: Action>(word: &str) -> Result<A, Refusal> {
    A::from_word(word).ok_or_else(|| unknown(word))
}

fn unknown(word: &str) -> Refusal {
    Refusal::new(Code::Usage, format!("{} is not an action", quoted(word.as_bytes())))
}

fn no_plan(cause: &str) -> Refusal {
    Refusal::new(Code::Usage, format!("there is no plan: {cause}")).hint(
        "sm-helper package plan <install|remove|upgrade> <package>, or: plan <upgrade|autoremove>",
    )
}

fn bad_name(error: NameError) -> Refusal {
    Refusal::new(Code::InvalidArgument, error.to_string())
        .hint("a name is a letter or a digit, then at most 127 of A-Z a-z 0-9 + _ . @ : -")
}

/// The one name of an operation that needs one.
fn one_name<N>(
    names: &[std::ffi::OsString],
    command: &str,
    what: &str,
    parse: fn(&[u8]) -> Result<N, NameError>,
) -> Result<N, Refusal> {
    let mut parsed = None;
    for name in names {
        let name = parse(name.as_bytes()).map_err(bad_name)?;
        parsed.get_or_insert(name);
    }
    let wrong = match (parsed, names.len()) {
        (Some(name), 1) => return Ok(name),
        (None, _) => format!("`{command}` needs the name of a {what}"),
        (Some(_), count) => format!("`{command}` takes one {what}, and {count} were named"),
    };
    Err(Refusal::new(Code::Usage, wrong).hint(format!("usage: sm-helper {command} <{what}>")))
}

/// A number from 1 to `most`, in decimal digits and nothing else.
fn number(flag: &str, text: &OsStr, most: u32) -> Result<u32, Refusal> {
    let digits = text.to_str().filter(|t| t.len() <= 9 && t.bytes().all(|b| b.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse().ok()) {
        Some(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(Refusal::new(
            Code::InvalidArgument,
            format!("{} is not a number from 1 to {most}", quoted(text.as_bytes())),
        )
        .hint(format!("{flag} takes a whole number from 1 to {most}"))),
    }
}
