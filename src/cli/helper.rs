//! The grammar of `sm-helper`.

use crate::reply::dialect::Dialect;
use crate::request::action::{Action, Maintenance, ManagerAction, PackageAction, ServiceAction};
use crate::request::code::{Code, Refusal};
use crate::request::operation::{PLAN, RUN, Request, ResultOf, Shown, Words};
use crate::request::route::Route;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;

/// Least-privilege root for agents, CI jobs and scripts.
///
/// Restarts a service, installs a package or runs a task, if the policy allows it, and answers with one JSON object.
#[derive(Debug, Parser)]
#[command(name = "sm-helper", disable_help_subcommand = true, subcommand_required = true)]
pub struct Helper {
    /// The flags that every command has.
    #[command(flatten)]
    pub common: Common,
    /// The command.
    #[command(subcommand)]
    pub command: HelperCommand,
}

impl Helper {
    /// The operation that is asked for; none for `list`, `version` and `result`.
    pub fn request(&self) -> Option<Result<Request, Refusal>> {
        let Common { reason, timeout, no_wait, .. } = self.common.clone();
        match &self.command {
            HelperCommand::Service { action, name, more, lines, since } => {
                Some(Request::service(&Words {
                    action: action.clone(),
                    names: name.iter().chain(more).cloned().collect(),
                    lines: lines.clone(),
                    since: since.clone(),
                    reason,
                    timeout,
                    no_wait,
                }))
            }
            HelperCommand::Package { action, names } => Some(Request::package(&Words {
                action: action.clone(),
                names: names.clone(),
                reason,
                timeout,
                no_wait,
                ..Words::default()
            })),
            HelperCommand::Task { action, name, more } => Some(Request::task(&Words {
                action: action.clone(),
                names: name.iter().chain(more).cloned().collect(),
                reason,
                timeout,
                no_wait,
                ..Words::default()
            })),
            HelperCommand::Undo { ids } => Some(Request::undo(&Words {
                names: ids.clone(),
                reason,
                timeout,
                no_wait,
                ..Words::default()
            })),
            // A question, unless its flags are wrong.
            HelperCommand::List { .. } | HelperCommand::Version | HelperCommand::Result { .. } => {
                let words = Words { reason, timeout, ..Words::default() };
                let wrong = self.result().and_then(Result::err);
                words.flags().err().or(wrong).map(Err)
            }
        }
    }

    /// The request whose result is asked for, if that is the question.
    pub fn result(&self) -> Option<Result<ResultOf, Refusal>> {
        let HelperCommand::Result { ids, wait } = &self.command else { return None };
        if self.common.dry_run {
            let wrong = Refusal::new(Code::Usage, "`result` runs nothing, and takes no --dry-run");
            return Some(Err(wrong.hint("omit --dry-run")));
        }
        Some(ResultOf::parse(ids, wait.as_deref()))
    }
}

/// The flags that every command of the helper has, before or after it.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Give a reason, which is recorded: 1 to 500 printable characters
    #[arg(long, global = true, value_name = "TEXT")]
    pub reason: Option<OsString>,
    /// Show the verdict and the command lines, and run nothing
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Give up after this many seconds; can only lower the policy's timeout
    #[arg(long, global = true, value_name = "SECONDS", allow_hyphen_values = true)]
    pub timeout: Option<OsString>,
    /// Begin the operation and do not wait for its end: `sm-helper result` has the rest
    #[arg(long, global = true)]
    pub no_wait: bool,
    /// Leave out of the reply what is said twice in it, for a model to read
    #[arg(long, global = true)]
    pub brief: bool,
    /// Indent the reply
    #[arg(long, global = true)]
    pub pretty: bool,
    /// The route to root
    #[arg(long, global = true, value_name = "WAY", value_enum, default_value_t = Route::Auto)]
    pub via: Route,
}

/// The helper's commands.
#[derive(Debug, Subcommand)]
pub enum HelperCommand {
    /// Start, stop, restart, reload, enable or disable a unit, reset its failure, or show its status or logs
    #[command(override_usage = "sm-helper service [OPTIONS] <ACTION> [UNIT]")]
    Service {
        /// What to do
        #[arg(value_parser = service_words())]
        action: String,
        /// The unit: `nginx`, `nginx.service`, `snapd.socket`; none for `daemon-reload`
        // Its absence and what is more are answered by the request, which says it better.
        #[arg(value_name = "UNIT")]
        name: Option<OsString>,
        /// What is too much
        #[arg(hide = true)]
        more: Vec<OsString>,
        /// For `logs`: how many lines
        #[arg(long, value_name = "N", help = lines_help(), allow_hyphen_values = true)]
        lines: Option<OsString>,
        /// For `logs`: only lines of the last MINUTES, 1 to 10080 [default: all]
        #[arg(long, value_name = "MINUTES", allow_hyphen_values = true)]
        since: Option<OsString>,
    },
    /// Install, remove or upgrade a package, or maintain all packages
    #[command(override_usage = "sm-helper package [OPTIONS] [plan] <ACTION> [NAME]")]
    Package {
        /// What to do
        #[arg(value_parser = package_words())]
        action: String,
        /// The package; omit it for operations on all packages. For `plan`: the action, then the package
        #[arg(value_name = "NAME")]
        names: Vec<OsString>,
    },
    /// Run a command line that the policy has written out whole
    #[command(override_usage = "sm-helper task [OPTIONS] run <TASK>")]
    Task {
        /// What to do
        #[arg(value_parser = PossibleValuesParser::new([RUN]))]
        action: String,
        /// The task: `sm-helper list` shows which there are
        #[arg(value_name = "TASK")]
        name: Option<OsString>,
        /// What is too much
        #[arg(hide = true)]
        more: Vec<OsString>,
    },
    /// Put back what the last package operation of this caller changed
    #[command(override_usage = "sm-helper undo [OPTIONS] <REQUEST_ID>")]
    Undo {
        /// The field `request_id` of the reply of that operation
        #[arg(value_name = "REQUEST_ID")]
        ids: Vec<OsString>,
    },
    /// Show the reply of an own request again, how far it is, or the last requests
    #[command(override_usage = "sm-helper result [OPTIONS] [REQUEST_ID]")]
    Result {
        /// The field `request_id` of a reply; omit it for a list of the last requests
        #[arg(value_name = "REQUEST_ID")]
        ids: Vec<OsString>,
        /// Wait for the end of the request up to this many seconds, at most 3600
        #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
        wait: Option<OsString>,
    },
    /// Show what this caller may do on this host
    List {
        /// Print it as a JSON Schema, with a definition for each operation
        #[arg(
            long,
            value_name = "DIALECT",
            value_enum,
            num_args = 0..=1,
            require_equals = true,
            default_missing_value = "json-schema"
        )]
        schema: Option<Dialect>,
    },
    /// Show the versions of this program and its policy
    Version,
}

/// The value is read by the request, so clap does not know it and its default.
fn lines_help() -> String {
    let (most, usual) = (Shown::MOST_LINES, Shown::USUAL.lines());
    format!("For `logs`: the number of lines, 1 to {most} [default: {usual}]")
}

fn service_words() -> impl TypedValueParser<Value = String> {
    let of_units = ServiceAction::ALL.iter().map(|action| action.word());
    PossibleValuesParser::new(of_units.chain(ManagerAction::ALL.iter().map(|action| action.word())))
}

fn package_words() -> impl TypedValueParser<Value = String> {
    let mut all: Vec<&str> = PackageAction::ALL.iter().map(|action| action.word()).collect();
    for action in Maintenance::ALL {
        if !all.contains(&action.word()) {
            all.push(action.word());
        }
    }
    all.push(PLAN);
    PossibleValuesParser::new(all)
}
