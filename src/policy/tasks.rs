//! `[tasks.NAME]`: a command line that the policy spells out in full, and how it is run.

use crate::policy::model::{OnTimeout, Policy, TaskRule};
use crate::policy::table::{Pair, PolicyError, Source, Table};
use crate::request::confine::{Confine, TaskConfinement, is_never_written};
use std::ops::RangeInclusive;
use toml::Spanned;
use toml::de::DeValue;

/// The keys of a task.
pub const KEYS: [&str; 16] = [
    "argv",
    "user",
    "directory",
    "environment",
    "timeout_seconds",
    "on_timeout",
    "require_reason",
    "approval",
    "description",
    "snapshot",
    "confine",
    "write",
    "network",
    "not_before",
    "not_after",
    "window",
];

/// The account that runs it by default.
pub const ROOT: &str = "root";

/// The account that owns nothing: who is told of what waits, by default.
pub const NOBODY: &str = "nobody";

/// Its working directory by default.
const DIRECTORY: &str = "/";

/// The default time limit and the longest one, in seconds.
const TIMEOUT: u32 = 600;
const TIMEOUTS: RangeInclusive<u32> = 1..=86_400;

/// How long a program may take that is told of a request, in seconds: the caller waits for it.
const NOTIFIED: u32 = 10;

/// The longest description, in characters. It is part of the schema that an agent reads.
const LONGEST_DESCRIPTION: usize = 200;

/// Variables that the account or this program sets, and no policy may.
const FIXED: [&str; 5] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL"];

/// Variables that make a program load code, or a shell run some, that is in no command line (most are
/// from `env.c` of sudo). A name that ends with `*` is a prefix.
const LOADS_CODE: [&str; 29] = [
    "LD_*",
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "IFS",
    "CDPATH",
    "ENV",
    "BASH_ENV",
    "BASH_FUNC_*",
    "BASHOPTS",
    "SHELLOPTS",
    "GLOBIGNORE",
    "PS4",
    "PROMPT_COMMAND",
    "FPATH",
    "ZDOTDIR",
    "PERLLIB",
    "PERL5*",
    "PERLIO_DEBUG",
    "PYTHON*",
    "RUBYLIB",
    "RUBYOPT",
    "NODE_OPTIONS",
    "NODE_PATH",
    "JAVA_TOOL_OPTIONS",
    "LUA_*",
    "TERMINFO*",
    "TERMCAP",
    "HOSTALIASES",
    "MALLOC_*",
];

/// A task, word by word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The program, by its absolute path, and its arguments.
    pub argv: Vec<String>,
    /// The account that runs it.
    pub user: String,
    /// Its working directory.
    pub directory: String,
    /// Variables besides those that every program gets: `NAME=value`.
    pub environment: Vec<String>,
    /// Its time limit, in seconds.
    pub timeout_seconds: u32,
    /// What happens after that.
    pub on_timeout: OnTimeout,
    /// Whether a request needs a reason.
    pub require_reason: bool,
    /// Whether an administrator approves it first.
    pub approval: bool,
    /// What it is for; may be empty.
    pub description: String,
    /// Whether a snapshot is taken before it, and one after it.
    pub snapshot: bool,
    /// What it is confined to, if the policy says that.
    pub confinement: Option<TaskConfinement>,
}

impl Task {
    /// Reads a task and notes its mistakes.
    pub fn read(source: &Source<'_>, table: &Table<'_>) -> Option<Self> {
        let argv = table.required("argv", "[\"/usr/local/sbin/deploy\"]");
        let argv = argv.and_then(|argv| source.note(command(source, argv, "task")));
        let on_timeout = table.optional("on_timeout").map(|value| {
            source.note(source.string(value).and_then(|word| {
                source.one_of(value.span(), word, &OnTimeout::WORDS, "what can happen then")
            }))
        });
        let text = |key: &str, parse: fn(&str) -> Result<(), String>, default: &str| {
            let Some(value) = table.optional(key) else { return Some(default.to_owned()) };
            let text = source.note(source.string(value))?;
            let parsed = parse(text).map_err(|wrong| source.error(value.span(), wrong, None));
            source.note(parsed).map(|()| text.to_owned())
        };
        let user = text("user", account, ROOT);
        let directory = text("directory", folder, DIRECTORY);
        let environment = environment(source, table);
        let timeout_seconds = table.number("timeout_seconds", TIMEOUTS);
        let require_reason = table.boolean("require_reason");
        let approval = table.boolean("approval");
        let description = text("description", sentence, "");
        let snapshot = table.boolean("snapshot");
        Some(Self {
            argv: argv?.into_iter().map(str::to_owned).collect(),
            user: user?,
            directory: directory?,
            environment,
            timeout_seconds: timeout_seconds.unwrap_or(TIMEOUT),
            on_timeout: on_timeout.unwrap_or(Some(OnTimeout::Kill))?,
            require_reason: require_reason.unwrap_or(false),
            approval: approval.unwrap_or(false),
            description: description?,
            snapshot: snapshot.unwrap_or(false),
            confinement: confinement(source, table)?,
        })
    }

    /// The task of a rule.
    pub fn of(policy: &Policy<'_>, rule: &TaskRule) -> Self {
        let words = |run| policy.words_of(run).map(str::to_owned).collect();
        let text = |span| policy.text_of(span).to_owned();
        Self {
            argv: words(rule.argv),
            user: text(rule.user),
            directory: text(rule.directory),
            environment: words(rule.environment),
            timeout_seconds: rule.timeout_seconds,
            on_timeout: rule.on_timeout,
            require_reason: rule.require_reason,
            approval: rule.approval,
            description: text(rule.description),
            snapshot: rule.snapshot,
            confinement: rule.is_confined.then(|| TaskConfinement {
                confine: rule.confine,
                write: words(rule.write),
                network: rule.network,
            }),
        }
    }

    /// What a policy has run when a request begins to wait for an approval: as an account without rights,
    /// with a network and nothing to write.
    pub fn notifier(policy: &Policy<'_>) -> Option<Self> {
        let argv: Vec<String> =
            policy.words_of(policy.approvals.notify).map(str::to_owned).collect();
        (!argv.is_empty()).then(|| Self {
            argv,
            user: policy.text_of(policy.approvals.notify_user).to_owned(),
            directory: DIRECTORY.to_owned(),
            environment: Vec::new(),
            timeout_seconds: NOTIFIED,
            on_timeout: OnTimeout::Kill,
            require_reason: false,
            approval: false,
            description: String::new(),
            snapshot: false,
            confinement: Some(TaskConfinement { network: true, ..TaskConfinement::default() }),
        })
    }

    /// What it is confined to.
    pub fn confined(&self) -> TaskConfinement {
        self.confinement.clone().unwrap_or_default()
    }

    /// Whether both run the same command line in the same way.
    pub fn runs_as(&self, other: &Self) -> bool {
        let runs = |task: &Self| {
            let Self { argv, user, directory, environment, on_timeout, .. } = task.clone();
            (argv, user, directory, environment, on_timeout)
        };
        runs(self) == runs(other)
    }
}

/// The most files and folders that a task can be allowed to write.
const MOST_WRITTEN: usize = 32;

/// What a task is confined to; `Some(None)` if nothing says it, none if it is wrong.
fn confinement(source: &Source<'_>, table: &Table<'_>) -> Option<Option<TaskConfinement>> {
    let confine = table.optional("confine").map(|value| {
        source.note(source.string(value).and_then(|word| {
            source.one_of(value.span(), word, &Confine::WORDS, "what a task can be confined to")
        }))
    });
    let write = table.optional("write").map(|value| source.note(written(source, value)));
    let network = table.boolean("network");
    if confine.is_none() && write.is_none() && network.is_none() {
        return Some(None);
    }
    let confine = confine.unwrap_or(Some(Confine::Strict))?;
    let is_strict = confine == Confine::Strict;
    for (key, value) in ["write", "network"].map(|key| (key, table.optional(key))) {
        if let Some(value) = value.filter(|_| !is_strict) {
            let wrong = format!("{key} is for a task with confine = \"strict\"");
            let hint = format!("omit {key}: with {:?} nothing has to be named", confine.word());
            source.note::<()>(Err(source.error(value.span(), wrong, Some(hint))));
            return None;
        }
    }
    let write = write.unwrap_or(Some(Vec::new()))?;
    Some(Some(TaskConfinement { confine, write, network: network.unwrap_or(false) }))
}

fn written<'v>(
    source: &Source<'_>,
    value: &'v Spanned<DeValue<'v>>,
) -> Result<Vec<String>, PolicyError> {
    let items = source.array(value)?;
    if items.len() > MOST_WRITTEN {
        let wrong = format!("a task writes at most {MOST_WRITTEN} files and folders");
        return Err(source.error(value.span(), wrong, None));
    }
    let mut paths = Vec::with_capacity(items.len());
    for item in items {
        let path = source.string(item)?;
        let wrong = |message: String, hint: &str| {
            Err(source.error(item.span(), message, Some(hint.to_owned())))
        };
        if folder(path).is_err() {
            let message =
                "what a task writes is an absolute path with no `.` or `..` in it".to_owned();
            return wrong(message, "nothing is expanded: write the whole path, as /srv/app");
        }
        if is_never_written(path) {
            let message = format!("a task cannot be allowed to write {path}");
            return wrong(
                message,
                "name the folders in it that it needs; for all of it: confine = \"none\"",
            );
        }
        paths.push(path.strip_suffix('/').unwrap_or(path).to_owned());
    }
    Ok(paths)
}

/// The words of a command line in a policy: an absolute path and arguments, each of them plain text.
/// `what` says whose command line it is.
pub fn command<'v>(
    source: &Source<'_>,
    value: &'v Spanned<DeValue<'v>>,
    what: &str,
) -> Result<Vec<&'v str>, PolicyError> {
    let words = source.array(value)?;
    let mut texts = Vec::with_capacity(words.len());
    for (place, word) in words.iter().enumerate() {
        let text = source.string(word)?;
        if text.is_empty() || text.len() > 4096 || text.chars().any(char::is_control) {
            let wrong = format!("a word of a {what} is 1 to 4096 bytes with no control character");
            return Err(source.error(word.span(), wrong, None));
        }
        if place == 0 && !is_plain(text) {
            let wrong = format!(
                "the program of a {what} must be an absolute path with no `.` or `..` in it, not {text:?}"
            );
            let hint = match text.starts_with(['~', '$']) {
                true => "nothing is expanded: write the whole path, as /usr/local/sbin/deploy",
                false => "write the whole path, as /usr/local/sbin/deploy",
            };
            return Err(source.error(word.span(), wrong, Some(hint.to_owned())));
        }
        texts.push(text);
    }
    if words.is_empty() || words.len() > 64 {
        let hint = match what {
            "check" => "omit the key if there is nothing to check",
            _ => "write the program and its arguments: argv = [\"/usr/local/sbin/deploy\"]",
        };
        let wrong = format!("a {what} has 1 to 64 words");
        return Err(source.error(value.span(), wrong, Some(hint.to_owned())));
    }
    Ok(texts)
}

fn is_plain(path: &str) -> bool {
    path.starts_with('/')
        && path[1..].split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

/// Checks that this can be an account's name.
pub fn account(name: &str) -> Result<(), String> {
    let is_bad = |c: char| c.is_control() || c.is_whitespace() || ":/,".contains(c);
    match name.is_empty() || name.len() > 256 || name.contains(is_bad) {
        true => Err("this is not the name of an account".to_owned()),
        false => Ok(()),
    }
}

/// Checks that this is the absolute path of a folder.
fn folder(path: &str) -> Result<(), String> {
    let is_whole = path == "/" || is_plain(path.strip_suffix('/').unwrap_or(path));
    match is_whole && path.len() <= 4096 && !path.chars().any(char::is_control) {
        true => Ok(()),
        false => Err("a directory is an absolute path with no `.` or `..` in it".to_owned()),
    }
}

/// Checks that this is a line of text for a person.
fn sentence(text: &str) -> Result<(), String> {
    let length = text.chars().count();
    match length > LONGEST_DESCRIPTION || text.chars().any(char::is_control) {
        true => Err(format!(
            "a description is at most {LONGEST_DESCRIPTION} printable characters on one line"
        )),
        false => Ok(()),
    }
}

/// The words of `environment`, sorted by their names.
fn environment(source: &Source<'_>, table: &Table<'_>) -> Vec<String> {
    let pairs = table.words("environment", "environment = { DEPLOY_ENV = \"production\" }");
    let words = pairs.into_iter().filter_map(|pair| source.note(variable(source, pair)));
    let mut words: Vec<String> = words.collect();
    words.sort();
    words
}

fn variable(source: &Source<'_>, (key, value): Pair<'_>) -> Result<String, PolicyError> {
    let name = key.get_ref().as_ref();
    let wrong =
        |what: String, hint: &str| Err(source.error(key.span(), what, Some(hint.to_owned())));
    let is_name = !name.is_empty()
        && name.len() <= 128
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name {
        return wrong(
            format!("{name:?} is not the name of a variable"),
            "a name is letters, digits and _, and does not begin with a digit",
        );
    }
    if FIXED.contains(&name) {
        return wrong(
            format!("a task cannot set {name}"),
            "PATH is fixed; HOME, USER, LOGNAME and SHELL are those of `user`",
        );
    }
    if loads_code(name) {
        return wrong(
            format!("a task cannot set {name}: a program can load other code by it"),
            "put it into a script that root owns, and name that as the program",
        );
    }
    let text = source.string(value)?;
    if text.len() > 4096 || text.chars().any(char::is_control) {
        let what = "a value is at most 4096 bytes with no control character".to_owned();
        return Err(source.error(value.span(), what, None));
    }
    Ok(format!("{name}={text}"))
}

fn loads_code(name: &str) -> bool {
    LOADS_CODE.iter().any(|known| match known.strip_suffix('*') {
        Some(begin) => name.starts_with(begin),
        None => name == *known,
    })
}
