//! The grammar of both programs.

mod usage;

use crate::helper::ascend::Way;
use crate::helper::codes::Refusal;
use crate::helper::host::PackageManager;
use crate::helper::request::{PLAN, Request, Words};
use crate::policy::action::{Action, Maintenance, PackageAction, ServiceAction};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Least-privilege root for agents, CI jobs and scripts.
///
/// Restarts a service or installs a package, if the policy allows it, and answers with one JSON object.
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
    /// The operation that is asked for; none for `list` and `version`.
    pub fn request(&self) -> Option<Result<Request, Refusal>> {
        let (reason, timeout) = (self.common.reason.clone(), self.common.timeout.clone());
        match &self.command {
            HelperCommand::Service { action, names, lines, since } => {
                Some(Request::service(&Words {
                    action: action.clone(),
                    names: names.clone(),
                    lines: lines.clone(),
                    since: since.clone(),
                    reason,
                    timeout,
                }))
            }
            HelperCommand::Package { action, names } => Some(Request::package(&Words {
                action: action.clone(),
                names: names.clone(),
                reason,
                timeout,
                ..Words::default()
            })),
            HelperCommand::List { .. } | HelperCommand::Version => None,
        }
    }
}

/// The flags that every command of the helper has, before or after it.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Why this is asked for: 1 to 500 printable characters, recorded
    #[arg(long, global = true, value_name = "TEXT")]
    pub reason: Option<OsString>,
    /// Answer as the real call would, but run nothing
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Give up after so many seconds; can only lower the policy's
    #[arg(long, global = true, value_name = "SECONDS", allow_hyphen_values = true)]
    pub timeout: Option<OsString>,
    /// Indent the reply
    #[arg(long, global = true)]
    pub pretty: bool,
    /// The way to root
    #[arg(long, global = true, value_name = "WAY", value_enum, default_value = "auto")]
    pub via: Way,
}

/// The helper's commands.
#[derive(Debug, Subcommand)]
pub enum HelperCommand {
    /// Do something to a unit
    Service {
        /// What to do
        #[arg(value_parser = words::<ServiceAction>())]
        action: String,
        /// The unit: `nginx`, `nginx.service`, `snapd.socket`
        #[arg(value_name = "UNIT")]
        names: Vec<OsString>,
        /// For `logs`: how many lines, 1 to 1000
        #[arg(long, value_name = "N", allow_hyphen_values = true)]
        lines: Option<OsString>,
        /// For `logs`: only those of the last so many minutes, 1 to 10080
        #[arg(long, value_name = "MINUTES", allow_hyphen_values = true)]
        since: Option<OsString>,
    },
    /// Do something to a package, or to all
    Package {
        /// What to do
        #[arg(value_parser = package_words())]
        action: String,
        /// The package; none for what is done to all. For `plan`: the action, then the package
        #[arg(value_name = "NAME")]
        names: Vec<OsString>,
    },
    /// What this caller may do on this host
    List {
        /// As a JSON Schema, with a definition for each operation
        #[arg(long)]
        schema: bool,
    },
    /// Which program and which policy this is
    Version,
}

/// Least-privilege root for agents: the administrator's side.
#[derive(Debug, Parser)]
#[command(name = "sm", version, disable_help_subcommand = true, subcommand_required = true)]
pub struct Admin {
    /// One JSON object instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// The command.
    #[command(subcommand)]
    pub command: AdminCommand,
}

/// The administrator's commands.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// The helper itself: `sm helper A…` is `sm-helper A…`
    #[command(disable_help_flag = true)]
    Helper {
        /// Its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Let an account or a group run sm-helper as root, and nothing else
    SetupSudo(SetupSudo),
    /// Let accounts reach the helper over a socket, without sudo
    SetupBroker(SetupBroker),
    /// Answer one request over the connection on standard input: for the service manager
    #[command(hide = true)]
    Broker,
    /// Install and set up the helper on every host of an inventory, over ssh
    BootstrapCluster(Bootstrap),
    /// The hosts of an inventory, and one request to all of them
    #[command(subcommand)]
    Fleet(FleetCommand),
    /// Look at the policy
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Look at the record of what was asked, refused and done
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Check on this host what the guarantees rest on: exit 0 if nothing is wrong, 1 if something is
    Doctor,
}

/// `sm setup-sudo`
#[derive(Debug, Clone, Args)]
pub struct SetupSudo {
    /// The account [default: the one that called sudo]
    #[arg(long, value_name = "U", conflicts_with = "group", allow_hyphen_values = true)]
    pub user: Option<OsString>,
    /// The group
    #[arg(long, value_name = "G", allow_hyphen_values = true)]
    pub group: Option<OsString>,
    /// First copy this program, unless it is a package's, to /usr/local/bin: sm and sm-helper
    #[arg(long, conflicts_with_all = ["check", "remove", "print"])]
    pub install: bool,
    /// Print the drop-in and change nothing
    #[arg(long, conflicts_with_all = ["check", "remove"])]
    pub print: bool,
    /// Say whether the drop-in is in place: exit 0 if so, 1 if not
    #[arg(long, conflicts_with = "remove")]
    pub check: bool,
    /// Take the drop-in away
    #[arg(long)]
    pub remove: bool,
    /// One rule for each command line that the policy permits, so that sudo itself refuses the rest
    #[arg(long, conflicts_with = "remove")]
    pub exact: bool,
    /// --exact where the drop-in that is in place is, for those who set up what they do not know
    #[arg(long, conflicts_with_all = ["exact", "print", "check", "remove"])]
    pub keep_exact: bool,
    /// With --remove: every drop-in that names this program's helper
    #[arg(
        long,
        requires = "remove",
        conflicts_with_all = ["user", "group", "install", "print", "check", "exact", "keep_exact"]
    )]
    pub all: bool,
}

/// `sm setup-broker`
#[derive(Debug, Clone, Args)]
pub struct SetupBroker {
    /// An account that may connect; may be given more than once
    #[arg(long, value_name = "U", allow_hyphen_values = true)]
    pub user: Vec<OsString>,
    /// First copy this program, unless it is a package's, to /usr/local/bin: sm and sm-helper
    #[arg(long, conflicts_with_all = ["check", "remove"])]
    pub install: bool,
    /// Say whether all is in place: exit 0 if so, 1 if not
    #[arg(long, conflicts_with = "remove")]
    pub check: bool,
    /// Take it away: the units or, with --user, the account's membership alone
    #[arg(long)]
    pub remove: bool,
}

/// Which hosts.
#[derive(Debug, Clone, Args)]
pub struct Hosts {
    /// The inventory: Ansible's YAML, or alias to hostname, user, port, identity_file
    /// [default: ~/.config/agent-utilities/inventory.yml or .yaml]
    #[arg(long, short, value_name = "FILE")]
    pub inventory: Option<PathBuf>,
    /// Only these: names, groups, `*`, `!` and `:&` as Ansible has them
    #[arg(long, short, value_name = "PATTERN", allow_hyphen_values = true)]
    pub limit: Option<String>,
}

/// `sm bootstrap-cluster`
#[derive(Debug, Clone, Args)]
pub struct Bootstrap {
    /// Which hosts
    #[command(flatten)]
    pub hosts: Hosts,
    /// How many hosts at once
    #[arg(long, default_value_t = 32, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub forks: u16,
    /// The account that may run the helper [default: on each host the one that logs in]
    #[arg(long, value_name = "U", allow_hyphen_values = true)]
    pub user: Option<String>,
    /// Say what each host needs, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The program for hosts of another architecture; may be given more than once
    #[arg(long, value_name = "ARCH=PATH")]
    pub binary: Vec<String>,
    /// Read sudo's password from this descriptor instead of asking at the terminal
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..=65535))]
    pub password_fd: Option<i32>,
    /// Trust a host's key the first time it is seen
    #[arg(long)]
    pub accept_new_host_keys: bool,
    /// Hosts that can not be reached are no failure
    #[arg(long)]
    pub skip_unreachable: bool,
}

/// `sm fleet …`
#[derive(Debug, Subcommand)]
pub enum FleetCommand {
    /// The hosts, and how each would be reached
    List {
        /// Which hosts
        #[command(flatten)]
        hosts: Hosts,
    },
    /// One request to sm-helper on each host, and the replies as one JSON object
    Run(FleetRun),
}

/// `sm fleet run`
#[derive(Debug, Clone, Args)]
pub struct FleetRun {
    /// Which hosts
    #[command(flatten)]
    pub hosts: Hosts,
    /// How many hosts at once
    #[arg(long, default_value_t = 32, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub serial: u16,
    /// Begin with no further host once so many have failed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_fail: Option<u32>,
    /// Log in as this account instead of the inventory's
    #[arg(long, value_name = "U", allow_hyphen_values = true)]
    pub user: Option<String>,
    /// Trust a host's key the first time it is seen
    #[arg(long)]
    pub accept_new_host_keys: bool,
    /// Hosts that can not be reached are no failure
    #[arg(long)]
    pub skip_unreachable: bool,
    /// The request, as for sm-helper
    #[arg(last = true, required = true, value_name = "REQUEST")]
    pub request: Vec<OsString>,
}

/// `sm policy …`
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// The policy in force, as it was written
    Show,
    /// Say what is wrong with a policy file, if anything
    Check {
        /// As this host's site policy, which may say less than one to compile in
        #[arg(long)]
        site: bool,
        /// The file
        file: PathBuf,
    },
    /// Every command line that can ever be run as root
    Surface(Supposed),
    /// What the site policy changes in that
    Diff(Supposed),
    /// Change the site policy, as visudo does: a copy, an editor, checked, put in place whole
    Edit,
    /// Which line of the policy allows or refuses a request, and what would be run
    Explain {
        /// As this account asks it [default: any that may]
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// On which host
        #[command(flatten)]
        supposed: Supposed,
        /// The request, as for sm-helper
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        request: Vec<OsString>,
    },
}

/// What to suppose instead of what this host has.
#[derive(Debug, Clone, Default, Args)]
pub struct Supposed {
    /// As if this file were the site policy, /etc/sm/policy.toml
    #[arg(long, value_name = "FILE")]
    pub site: Option<PathBuf>,
    /// As on a host with this package manager [default: this host's]
    #[arg(long, value_name = "NAME", value_enum)]
    pub package_manager: Option<PackageManager>,
}

/// `sm audit …`
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// The last records
    Tail {
        /// Go on with each new one
        #[arg(short, long)]
        follow: bool,
        /// How many
        #[arg(short = 'n', long, default_value_t = 20, value_name = "N")]
        lines: usize,
    },
    /// The records that fit
    Search {
        /// Which
        #[command(flatten)]
        filter: AuditFilter,
        /// How many at most, the last ones
        #[arg(long, default_value_t = 1000, value_name = "N")]
        limit: usize,
    },
    /// How often which account asked for what, and what came of it
    Stats {
        /// Which records count
        #[command(flatten)]
        filter: AuditFilter,
    },
    /// Whether every record is there and as it was written
    Verify,
    /// Have the kernel watch the helper, the policy and the log, where auditd is installed
    Setup,
}

/// Which records.
#[derive(Debug, Clone, Default, Args)]
pub struct AuditFilter {
    /// Of this account
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// With this code: ok, denied, …
    #[arg(long)]
    pub code: Option<String>,
    /// Of this kind: intent, result or refused
    #[arg(long)]
    pub event: Option<String>,
    /// Of this operation: service, "service restart", "package install git"
    #[arg(long)]
    pub operation: Option<String>,
    /// About this unit or package
    #[arg(long)]
    pub name: Option<String>,
    /// With this text anywhere
    #[arg(long)]
    pub text: Option<String>,
    /// From then on: a time, a day, or how long ago (2h)
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Before then
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

fn words<A: Action>() -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(A::ALL.iter().map(|action| action.word()))
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

/// What a command line turned out to be.
pub enum Parsed<T> {
    /// A command.
    Command(T),
    /// A question for help: the text.
    Help(String),
    /// Neither.
    Wrong(Refusal),
}

/// Reads the helper's arguments, without the program's name.
pub fn helper(arguments: &[OsString]) -> Parsed<Helper> {
    let mut grammar = Helper::command();
    grammar.build();
    let arguments = names_behind_dashes(&grammar, arguments);
    parse(grammar, arguments)
}

/// Reads the administrator's arguments, without the program's name.
pub fn admin(arguments: &[OsString]) -> Parsed<Admin> {
    parse(Admin::command(), arguments.to_vec())
}

fn parse<T: FromArgMatches>(mut grammar: clap::Command, arguments: Vec<OsString>) -> Parsed<T> {
    let name = OsString::from(grammar.get_name());
    let words = std::iter::once(name).chain(arguments.iter().cloned());
    match grammar.try_get_matches_from_mut(words).and_then(|matches| T::from_arg_matches(&matches))
    {
        Ok(command) => Parsed::Command(command),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Parsed::Help(error.render().to_string())
            }
            _ => Parsed::Wrong(usage::refusal(&grammar, &arguments, &error)),
        },
    }
}

/// Moves a word that stands where a name belongs behind `--` where it begins with a dash and is
/// no flag, so that `package install --force` is told what is wrong with that name.
fn names_behind_dashes(grammar: &clap::Command, arguments: &[OsString]) -> Vec<OsString> {
    let flags: Vec<&clap::Arg> = grammar
        .get_arguments()
        .chain(grammar.get_subcommands().flat_map(clap::Command::get_arguments))
        .collect();
    let mut kept = Vec::with_capacity(arguments.len() + 2);
    let mut behind: Vec<OsString> = Vec::new();
    let mut plain = 0;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        if text == "--" {
            behind.extend(words.by_ref().cloned());
            break;
        }
        let is_dashed = text.len() > 1 && text.starts_with('-');
        let name = text.strip_prefix("--").and_then(|rest| rest.split('=').next());
        let flag = name.and_then(|name| flags.iter().find(|flag| flag.get_long() == Some(name)));
        match flag {
            // The kind and the action are there and no name yet: this is the name.
            None if is_dashed && plain == 2 && text != "-h" => {
                behind.push(word.clone());
                plain += 1;
                continue;
            }
            None => plain += usize::from(!is_dashed),
            Some(_) => {}
        }
        kept.push(word.clone());
        if flag.is_some_and(|flag| flag.get_action().takes_values()) && !text.contains('=') {
            kept.extend(words.next().cloned());
        }
    }
    if !behind.is_empty() {
        kept.push(OsString::from("--"));
        kept.append(&mut behind);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code that these words get before any policy is asked.
    fn code(words: &[&str]) -> &'static str {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        match helper(&words) {
            Parsed::Command(helper) => match helper.request() {
                Some(Err(refusal)) => refusal.code.word(),
                Some(Ok(_)) | None => "ok",
            },
            Parsed::Help(_) => "help",
            Parsed::Wrong(refusal) => refusal.code.word(),
        }
    }

    #[test]
    fn the_grammar_takes_what_it_should_and_nothing_else() {
        Helper::command().debug_assert();
        Admin::command().debug_assert();
        for (line, expected) in [
            ("service restart nginx", "ok"),
            ("--dry-run service restart nginx", "ok"),
            ("service restart nginx --dry-run --pretty", "ok"),
            ("service --timeout 5 restart nginx --reason why", "ok"),
            ("service restart -- nginx", "ok"),
            ("service logs nginx --lines 10", "ok"),
            ("package upgrade", "ok"),
            ("package upgrade curl", "ok"),
            ("package update", "ok"),
            ("list", "ok"),
            ("--help", "help"),
            ("service --help", "help"),
            ("", "usage"),
            ("service", "usage"),
            ("service restart", "usage"),
            ("service restart nginx caddy", "usage"),
            ("service destroy nginx", "usage"),
            ("service restart nginx --lines 5", "usage"),
            ("service restart nginx --force", "usage"),
            ("package install", "usage"),
            ("package update curl", "usage"),
            ("frobnicate", "usage"),
            ("setup-sudo", "usage"),
            ("policy surface", "usage"),
            ("package install -y", "invalid_argument"),
            ("package install --force", "invalid_argument"),
            ("package install -y curl", "invalid_argument"),
            ("package install -- -y", "invalid_argument"),
            ("package install curl-", "invalid_argument"),
            ("package update curl/x", "invalid_argument"),
            ("service restart nginx;reboot", "invalid_argument"),
            ("service restart nginx --timeout 0", "invalid_argument"),
            ("service restart nginx --timeout -1", "invalid_argument"),
            ("service restart nginx --timeout 1e3", "invalid_argument"),
            ("service logs nginx --lines 1001", "invalid_argument"),
        ] {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(code(&words), expected, "{line}");
        }
        assert_eq!(code(&["service", "restart", ""]), "invalid_argument");
        assert_eq!(code(&["service", "restart", "nginx", "--reason", ""]), "invalid_argument");
        assert_eq!(code(&["service", "restart", "nginx", "--reason", "a\nb"]), "invalid_argument");
    }
}
