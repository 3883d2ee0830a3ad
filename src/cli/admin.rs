//! The grammar of `sm`.

use crate::audit::Event;
use crate::managers::host::{ALL, named};
use crate::managers::manager::Manager;
use crate::request::code::Code;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Least-privilege root for agents: the administrator's side.
#[derive(Debug, Parser)]
#[command(name = "sm", version, disable_help_subcommand = true, subcommand_required = true)]
pub struct Admin {
    /// One JSON object instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// Print each step and its time on standard error; twice: every program that is run
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
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
    /// Allow an account or a group to run sm-helper as root, and nothing else
    SetupSudo(SetupSudo),
    /// Allow accounts to use the helper over a socket, without sudo
    SetupBroker(SetupBroker),
    /// Answer one request on standard input (started by systemd)
    #[command(hide = true)]
    Broker,
    /// Refuse the request that standard input describes (started by systemd)
    #[command(hide = true)]
    Refuse,
    /// Install and set up the helper on every host of an inventory, over ssh
    BootstrapCluster(Bootstrap),
    /// List the hosts of an inventory, or make one request to all of them
    #[command(subcommand)]
    Fleet(FleetCommand),
    /// Show, check, compare or edit the policy
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Search and verify the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Show who may ask and by which route, what decides, what was asked for last, and what is not done yet
    Status,
    /// List the requests that wait for an approval, and what was answered
    Approvals {
        /// Only this one
        #[arg(conflicts_with = "follow")]
        id: Option<String>,
        /// Go on, and show each request when it begins to wait and when it is answered
        #[arg(long, short)]
        follow: bool,
    },
    /// Approve a request that waits for it: its account can make it once, until it expires
    Approve(Approve),
    /// Decline a request that waits for an approval: it is denied until it expires
    Decline {
        /// As `sm approvals` shows it
        id: String,
        /// Why; who asked for it is told
        #[arg(long, value_name = "TEXT")]
        reason: Option<OsString>,
    },
    /// Give an account the right to one operation for a time, on top of its policy
    Grant(Grant),
    /// List the rights that were given for a time
    Grants,
    /// End a right before its time
    Revoke {
        /// As `sm grants` shows it
        id: String,
    },
    /// Put back what an operation changed, from the snapshot before it; shows the files, and asks
    Undo(Undo),
    /// Refuse every request at once, whatever the policy says, until `sm enable`; operations under way are finished
    Disable {
        /// Why, for the note that `sm status` shows
        #[arg(long, value_name = "TEXT")]
        reason: Option<OsString>,
    },
    /// Have the policy decide again
    Enable,
    /// Check everything that the guarantees rest on, on this host: exit 0 if nothing is wrong, 1 otherwise;
    /// with -v, also list what is ok
    Doctor,
}

/// `sm approve`
#[derive(Debug, Clone, Args)]
pub struct Approve {
    /// As `sm approvals` shows it
    pub id: String,
    /// How long it holds, for example 30m [default: as long as it could be approved]
    #[arg(long = "for", value_name = "DURATION", allow_hyphen_values = true)]
    pub lasts: Option<String>,
    /// How often it can be used [default: 1]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub uses: Option<String>,
    /// Do not ask once more
    #[arg(long, short)]
    pub yes: bool,
}

/// `sm undo`
#[derive(Debug, Clone, Args)]
pub struct Undo {
    /// The request whose operation is undone, as `sm audit search` shows it
    #[arg(value_name = "REQUEST_ID")]
    pub id: OsString,
    /// Show what would come back, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Also overwrite what somebody else has changed since
    #[arg(long)]
    pub force: bool,
    /// Do not ask once more
    #[arg(long)]
    pub yes: bool,
}

/// `sm grant`
#[derive(Debug, Clone, Args)]
pub struct Grant {
    /// The account
    #[arg(long, value_name = "U", allow_hyphen_values = true)]
    pub user: String,
    /// How long it holds, for example 30m [default: 1h]
    #[arg(long = "for", value_name = "DURATION", allow_hyphen_values = true)]
    pub lasts: Option<String>,
    /// Until when it holds, as for journalctl: 17:00, 2026-11-21 19:30; UTC by default
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, conflicts_with = "lasts")]
    pub until: Option<String>,
    /// How often it can be used [default: as often as the policy's limits allow]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub uses: Option<String>,
    /// The operation, as for sm-helper
    #[arg(required = true, value_name = "REQUEST")]
    pub request: Vec<OsString>,
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
    /// Only the rule of those whom the policy lets approve, which every run puts in place too
    #[arg(long, conflicts_with_all = ["user", "group", "exact", "keep_exact"])]
    pub approvers: bool,
    /// First install this program for all accounts, unless a package did
    #[arg(long, conflicts_with_all = ["check", "remove", "print"])]
    pub install: bool,
    /// Print the drop-in and change nothing
    #[arg(long, conflicts_with_all = ["check", "remove"])]
    pub print: bool,
    /// Check whether the drop-in is in place: exit 0 if so, 1 if not
    #[arg(long, conflicts_with = "remove")]
    pub check: bool,
    /// Remove the drop-in
    #[arg(long)]
    pub remove: bool,
    /// Write one rule for each command line that the policy permits, so that sudo itself refuses the rest
    #[arg(long, conflicts_with = "remove")]
    pub exact: bool,
    /// Use --exact if the present drop-in is exact; for scripts that do not know which it is
    #[arg(long, conflicts_with_all = ["exact", "print", "check", "remove"])]
    pub keep_exact: bool,
    /// With --remove: remove every drop-in that names this program's helper
    #[arg(
        long,
        requires = "remove",
        conflicts_with_all = ["user", "group", "approvers", "install", "print", "check", "exact", "keep_exact"]
    )]
    pub all: bool,
}

/// `sm setup-broker`
#[derive(Debug, Clone, Args)]
pub struct SetupBroker {
    /// An account that may connect; may be given more than once
    #[arg(long, value_name = "U", allow_hyphen_values = true)]
    pub user: Vec<OsString>,
    /// First install this program for all accounts, unless a package did
    #[arg(long, conflicts_with_all = ["check", "remove"])]
    pub install: bool,
    /// Check whether everything is in place: exit 0 if so, 1 if not
    #[arg(long, conflicts_with = "remove")]
    pub check: bool,
    /// Remove the units and the group; with --user, only the account's membership
    #[arg(long)]
    pub remove: bool,
}

/// Which hosts.
#[derive(Debug, Clone, Args)]
pub struct Hosts {
    /// The inventory: Ansible's YAML or INI, the output of `ansible-inventory --list`, or aliases with hostname,
    /// user, port, identity_file; `-` is standard input
    /// [default: ~/.config/agent-utilities/inventory.yml, .yaml or .ini]
    #[arg(long, short, value_name = "FILE")]
    pub inventory: Option<PathBuf>,
    /// Only these hosts: names, groups, `*`, `!` and `:&`, as in Ansible
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
    /// Show what each host needs, and change nothing
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
    /// Do not count unreachable hosts as failures
    #[arg(long)]
    pub skip_unreachable: bool,
}

/// `sm fleet …`
#[derive(Debug, Subcommand)]
pub enum FleetCommand {
    /// List the hosts, and how each would be reached
    List {
        /// Which hosts
        #[command(flatten)]
        hosts: Hosts,
    },
    /// Make one request to sm-helper on each host, and print the replies as one JSON object, or as a table on a terminal
    Run(FleetRun),
    /// Have each host sign its audit log, keep the checkpoints here, and say whose log is not the one that
    /// was collected before
    Audit(FleetAudit),
}

/// How hosts are reached, and whether they have to be
#[derive(Debug, Clone, Args)]
pub struct Reached {
    /// Log in as this account instead of the inventory's
    #[arg(long, value_name = "U", allow_hyphen_values = true)]
    pub user: Option<String>,
    /// Trust a host's key the first time it is seen
    #[arg(long)]
    pub accept_new_host_keys: bool,
    /// Do not count unreachable hosts as failures
    #[arg(long)]
    pub skip_unreachable: bool,
}

/// `sm fleet audit`
#[derive(Debug, Clone, Args)]
pub struct FleetAudit {
    /// Which hosts
    #[command(flatten)]
    pub hosts: Hosts,
    /// How many hosts at once
    #[arg(long, default_value_t = 32, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub forks: u16,
    /// Where the checkpoints are kept, a file for each host [default: ~/.local/state/sm/fleet-audit]
    #[arg(long, value_name = "FOLDER")]
    pub store: Option<PathBuf>,
    /// Read each log from its beginning, not only what follows the last checkpoint that is kept
    #[arg(long)]
    pub full: bool,
    /// Read encrypted files here with this identity of age, which stays here
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
    /// How they are reached
    #[command(flatten)]
    pub reached: Reached,
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
    /// Start no other host once this many have failed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_fail: Option<u32>,
    /// How they are reached
    #[command(flatten)]
    pub reached: Reached,
    /// The request, as for sm-helper
    #[arg(last = true, required = true, value_name = "REQUEST")]
    pub request: Vec<OsString>,
}

/// `sm policy …`
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Print who may do what, and the policies in force as they were written
    Show {
        /// Print the command lines instead of who may do what
        #[arg(long)]
        argv: bool,
    },
    /// Check a policy file for mistakes
    Check {
        /// Check it as this host's site policy, which needs fewer keys than a compiled one
        #[arg(long)]
        site: bool,
        /// Fail with exit status 1 if there is a warning, apart from those of root by another name
        #[arg(long)]
        strict: bool,
        /// The file
        file: PathBuf,
    },
    /// Print every command line that can ever be run as root; at a terminal, who may do what
    Surface {
        /// Print the command lines at a terminal, too
        #[arg(long)]
        argv: bool,
        /// Only for this account, with the rights that it was given for a time [default: for all callers]
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// On which host
        #[command(flatten)]
        supposed: Supposed,
    },
    /// Show what the site policy changes: which operations come and go
    Diff {
        /// Print the command lines instead
        #[arg(long)]
        argv: bool,
        /// On which host
        #[command(flatten)]
        supposed: Supposed,
    },
    /// Edit the site policy as visudo edits sudoers: edit a copy, check it, install it whole
    Edit,
    /// Remove the site policy, so that the compiled policy alone decides
    Revert,
    /// Make the first site policy of this host, of what is named and nothing else; at a terminal by asking
    Init(Init),
    /// Hold the policy against a file of expectations: allow agent service restart myapp, deny agent package install vim;
    /// exit 0 if all are met, 1 otherwise
    Test {
        /// On which host
        #[command(flatten)]
        supposed: Supposed,
        /// The file
        file: PathBuf,
    },
    /// Allow an operation: change the site policy in place, and print what changes
    Allow(Change),
    /// No longer allow an operation: change the site policy in place, and print what changes
    Deny(Change),
    /// Show which line of the policy allows or refuses a request, and what would be run
    Explain {
        /// For this account [default: any that is allowed]
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// Suppose that the account is in this group, and in no other that is not given; may be given more than once
        #[arg(long, value_name = "G", requires = "user")]
        group: Vec<String>,
        /// Exit 1 if it is not so
        #[arg(long, value_name = "VERDICT", value_parser = ["allowed", "denied"])]
        expect: Option<String>,
        /// On which host
        #[command(flatten)]
        supposed: Supposed,
        /// The request, as for sm-helper
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        request: Vec<OsString>,
    },
}

/// `sm policy init`
#[derive(Debug, Clone, Args)]
pub struct Init {
    /// A unit and what may be done to it; may be given more than once
    #[arg(long, value_name = "NAME:ACTIONS")]
    pub unit: Vec<String>,
    /// Packages and what may be done to them [default: install]; may be given more than once
    #[arg(long, value_name = "NAMES[:ACTIONS]")]
    pub package: Vec<String>,
    /// What may be done to all packages at once, or to systemd: update,upgrade,daemon-reload
    #[arg(long, value_name = "ACTIONS")]
    pub maintenance: Option<String>,
    /// A command line of your own, by the name that callers use: a program without arguments; may be
    /// given more than once
    #[arg(long, value_name = "NAME=/PROGRAM")]
    pub task: Vec<String>,
    /// For this account alone
    #[arg(long, value_name = "U")]
    pub user: Option<String>,
    /// For the accounts in this group alone
    #[arg(long, value_name = "G", conflicts_with = "user")]
    pub group: Option<String>,
    /// In the place of a policy that is there, which is kept beside it
    #[arg(long)]
    pub replace: bool,
    /// Print the policy, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

impl Init {
    /// Whether there is something that is to be allowed.
    pub fn names_something(&self) -> bool {
        let named = [&self.unit, &self.package, &self.task];
        named.iter().any(|list| !list.is_empty()) || self.maintenance.is_some()
    }
}

/// `sm policy allow`, `sm policy deny`
#[derive(Debug, Clone, Args)]
pub struct Change {
    /// For this account alone
    #[arg(long, value_name = "U")]
    pub user: Option<String>,
    /// For the accounts in this group alone
    #[arg(long, value_name = "G", conflicts_with = "user")]
    pub group: Option<String>,
    /// Print what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// As for sm-helper, with commas between actions: service restart,status myapp
    #[arg(required = true, num_args = 1..)]
    pub request: Vec<String>,
}

/// What to suppose instead of what this host has.
#[derive(Debug, Clone, Default, Args)]
pub struct Supposed {
    /// Use this file as the site policy instead of /etc/sm/policy.toml
    #[arg(long, value_name = "FILE")]
    pub site: Option<PathBuf>,
    /// Assume a host with this package manager [default: this host's]
    #[arg(long, value_name = "NAME", value_parser = package_managers())]
    pub package_manager: Option<Manager>,
}

/// The name of one that is known.
fn package_managers() -> impl TypedValueParser<Value = Manager> {
    let names = ALL.map(|manager| PossibleValue::new(manager.name()).help(manager.described()));
    PossibleValuesParser::new(names).try_map(|name| named(&name).ok_or("it is not known"))
}

/// `sm audit …`
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Print the last requests
    Tail {
        /// Then print each new record
        #[arg(short, long)]
        follow: bool,
        /// How many
        #[arg(short = 'n', long, default_value_t = 20, value_name = "N")]
        lines: usize,
        /// How they are shown
        #[command(flatten)]
        shown: Shown,
    },
    /// Search requests
    Search {
        /// Which
        #[command(flatten)]
        filter: AuditFilter,
        /// How many at most, the last ones
        #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        /// How they are shown
        #[command(flatten)]
        shown: Shown,
    },
    /// Count requests by account, operation and result
    Stats {
        /// Which records count
        #[command(flatten)]
        filter: AuditFilter,
    },
    /// Check that no record is missing or was changed
    Verify(Verify),
    /// Sign the log until here: what is before it can then no longer be changed unnoticed
    Checkpoint,
    /// Print the public half of the key that signs checkpoints, to be kept elsewhere
    Key {
        /// Put a new key in its place, which the old one signs
        #[arg(long)]
        rotate: bool,
        /// With --rotate: have systemd-creds(1) seal the new key with the TPM, or with a file of systemd's
        #[arg(long, value_name = "WITH", requires = "rotate", value_parser = ["tpm2", "host"])]
        seal: Option<String>,
    },
    /// Encrypt what rotation has put aside to the policy's recipients; a timer does it
    Encrypt,
    /// Have the kernel watch the helper, the policy and the log, if auditd is installed, and a timer encrypt what is
    /// put aside, if the policy names recipients
    Setup,
    /// Print the records in a form that SIEM tools read, one event a line
    Export(Export),
}

/// `sm audit verify`
#[derive(Debug, Clone, Default, Args)]
pub struct Verify {
    /// Verify the checkpoints, too: what sm audit key printed, of one key or of several
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Checkpoints that were kept elsewhere, one a line: the log must have them
    #[arg(long, value_name = "FILE", requires = "key")]
    pub checkpoints: Option<PathBuf>,
    /// Verify this log, a file or a folder, instead of this host's
    #[arg(long, value_name = "PATH")]
    pub log: Option<PathBuf>,
    /// Verify the log that is on standard input, as sm audit export --format jsonl printed it
    #[arg(long, conflicts_with = "log")]
    pub stdin: bool,
    /// Read encrypted files with this identity of age
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
    /// Leave encrypted files out
    #[arg(long, conflicts_with = "identity")]
    pub skip_encrypted: bool,
}

/// `sm audit export`
#[derive(Debug, Clone, Args)]
pub struct Export {
    /// In which form
    #[arg(long)]
    pub format: ExportFormat,
    /// Since this time, as for journalctl: 2026-11-21 19:30, yesterday, "2 hours ago", -2h; UTC by default
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub since: Option<String>,
    /// Until this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, conflicts_with_all = ["follow", "state"])]
    pub until: Option<String>,
    /// Begin with what follows the record of this number and this hash
    #[arg(long, value_name = "NUMBER:HASH", conflicts_with_all = ["since", "state"])]
    pub after: Option<String>,
    /// Then print each new record
    #[arg(short, long)]
    pub follow: bool,
    /// Remember in this file what was exported, and go on from there the next time
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Read encrypted files with this identity of age
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
    /// In place of the records of an encrypted file, print lines of JSON
    #[arg(long, value_name = "HOW", conflicts_with_all = ["since", "until", "follow", "state", "identity"])]
    pub encrypted: Option<EncryptedAs>,
}

/// What is printed of an encrypted file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum EncryptedAs {
    /// One that names it, its first and last record and its size
    Name,
    /// The same, and behind it others with its bytes
    Base64,
}

/// In which form records are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportFormat {
    /// Elastic Common Schema
    Ecs,
    /// Open Cybersecurity Schema Framework
    Ocsf,
    /// Common Event Format
    Cef,
    /// Syslog with structured data
    Rfc5424,
    /// The records as they are
    Jsonl,
}

/// How records are shown to people.
#[derive(Debug, Clone, Args)]
pub struct Shown {
    /// Print a line for each record, not for each request
    #[arg(long)]
    pub records: bool,
    /// Print times in UTC, also on a terminal, where they are local by default
    #[arg(long)]
    pub utc: bool,
}

/// The id of a request, or as much of its end as `sm audit` shows.
fn end_of_id(text: &str) -> Result<String, String> {
    let text = text.to_ascii_lowercase();
    let is_of_an_id = |byte: u8| byte == b'-' || byte.is_ascii_hexdigit();
    if (8..=36).contains(&text.len()) && text.bytes().all(is_of_an_id) {
        return Ok(text);
    }
    Err("give the request_id of a reply, or its last eight characters".to_owned())
}

/// Which records.
#[derive(Debug, Clone, Default, Args)]
pub struct AuditFilter {
    /// Of this account
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Of the agent that the policy names so
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// With this code
    #[arg(long, value_parser = PossibleValuesParser::new(Code::all().map(Code::word)))]
    pub code: Option<String>,
    /// Of this kind
    #[arg(long, value_parser = PossibleValuesParser::new(Event::ALL.map(Event::word)))]
    pub event: Option<String>,
    /// Of this operation: service, "service restart", "package install git"
    #[arg(long)]
    pub operation: Option<String>,
    /// About this unit or package
    #[arg(long)]
    pub name: Option<String>,
    /// Of the request with this id, or whose id ends with these eight or more characters
    #[arg(long, value_parser = end_of_id)]
    pub id: Option<String>,
    /// With this text anywhere
    #[arg(long)]
    pub text: Option<String>,
    /// Since this time, as for journalctl: 2026-11-21 19:30, yesterday, "2 hours ago", -2h; UTC by default
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub since: Option<String>,
    /// Until this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub until: Option<String>,
    /// Read encrypted files with this identity of age
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
}
