//! Many hosts at once, over the system's ssh: `sm bootstrap-cluster` and `sm fleet`.

pub mod arguments;
pub mod audit;
pub mod bootstrap;
pub mod encrypted;
pub mod greeting;
pub mod host_key;
pub mod inventory;
pub mod password;
pub mod pool;
pub mod program;
pub mod reply;
pub mod report;
pub mod row;
pub mod run;
pub mod setup;
pub mod ssh;
pub mod store;
pub mod table;
pub mod trouble;
pub mod visit;
pub mod words;

use crate::admin::answer::{Answer, Failure};
use crate::admin::fleet::inventory::host::Host;
use crate::admin::fleet::inventory::{Inventory, STANDARD_INPUT, home};
use crate::cli::{Bootstrap, FleetCommand, Hosts};
use crate::request::code::{Code, Refusal};
use crate::system::kernel;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// `sm bootstrap-cluster`
///
/// # Errors
/// What is wrong.
pub fn bootstrap(command: &Bootstrap) -> Result<Answer, Failure> {
    let is_inventory_piped =
        command.hosts.inventory.as_deref().is_some_and(|file| file.as_os_str() == STANDARD_INPUT);
    if is_inventory_piped && command.password_fd == Some(0) {
        return Err(Refusal::new(
            Code::Usage,
            "--inventory - and --password-fd 0 both read standard input",
        )
        .hint("pass the password on another descriptor: --password-fd 3 3<FILE")
        .into());
    }
    // Before anything else is opened.
    let password = command
        .password_fd
        .map(|number| {
            kernel::take_descriptor(number).map_err(|error| {
                Refusal::new(Code::Usage, format!("--password-fd {number}: {error}"))
                    .hint("give a descriptor that is open for reading: --password-fd 3 3<FILE")
            })
        })
        .transpose()?;
    command.user.as_deref().map(account).transpose()?;
    let inventory = read(&command.hosts)?;
    let hosts = inventory.limited(command.hosts.limit.as_deref())?;
    bootstrap::run(command, &hosts, password, fields(&inventory))
}

/// `sm fleet …`
///
/// # Errors
/// What is wrong.
pub fn run(command: &FleetCommand) -> Result<Answer, Failure> {
    match command {
        FleetCommand::List { hosts } => list(hosts),
        FleetCommand::Run(command) => {
            command.reached.user.as_deref().map(account).transpose()?;
            let inventory = read(&command.hosts)?;
            let hosts = inventory.limited(command.hosts.limit.as_deref())?;
            run::run(command, &hosts, fields(&inventory))
        }
        FleetCommand::Audit(command) => {
            command.reached.user.as_deref().map(account).transpose()?;
            let inventory = read(&command.hosts)?;
            let hosts = inventory.limited(command.hosts.limit.as_deref())?;
            let folder = match &command.store {
                Some(folder) => folder.clone(),
                None => usual_store()?,
            };
            audit::run(command, &hosts, &folder, fields(&inventory))
        }
    }
}

/// Where checkpoints are kept by default.
fn usual_store() -> Result<PathBuf, Refusal> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.filter(|folder| folder.is_absolute());
    let state = state.or_else(|| Some(home()?.join(".local/state")));
    state.map(|folder| folder.join("sm/fleet-audit")).ok_or_else(|| {
        Refusal::new(Code::Usage, "this account has no home to keep checkpoints in")
            .hint("name a folder: --store FOLDER")
    })
}

fn read(hosts: &Hosts) -> Result<Inventory, Refusal> {
    let file = Inventory::find(hosts.inventory.as_deref())?;
    let inventory = Inventory::read(&file)?;
    for warning in &inventory.warnings {
        eprintln!("sm: warning: {warning}");
    }
    Ok(inventory)
}

fn fields(inventory: &Inventory) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("inventory".to_owned(), json!(inventory.file));
    if !inventory.warnings.is_empty() {
        fields.insert("warnings".to_owned(), json!(inventory.warnings));
    }
    fields
}

/// The name of an account on hosts that are not this one: what `useradd(8)` takes, and nothing
/// that begins with a dash.
fn account(name: &str) -> Result<(), Refusal> {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let rest = bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if first && rest && name.len() <= 32 {
        return Ok(());
    }
    let quoted = crate::request::name::quoted(name.as_bytes());
    Err(Refusal::new(Code::InvalidArgument, format!("{quoted} is not an account name"))
        .hint("a name is at most 32 of A-Z a-z 0-9 _ . - and begins with a letter, a digit or _"))
}

fn list(hosts: &Hosts) -> Result<Answer, Failure> {
    let inventory = read(hosts)?;
    let chosen = inventory.limited(hosts.limit.as_deref())?;
    let lines: Vec<String> = chosen.iter().map(|host| described(host)).collect();
    let rows: Vec<Value> = chosen.iter().map(|host| json_of(host)).collect();
    let answer = Answer::text(lines.join("\n"));
    let answer =
        fields(&inventory).iter().fold(answer, |answer, (name, value)| answer.with(name, value));
    Ok(answer.with("hosts", rows))
}

fn described(host: &Host) -> String {
    let user = host.user.as_ref().map_or(String::new(), |user| format!("{user}@"));
    let port = host.port.map_or(String::new(), |port| format!(" port {port}"));
    let offline = if host.offline { " offline" } else { "" };
    format!("{}: {user}{}{port}{offline}", host.alias, host.address)
}

fn json_of(host: &Host) -> Value {
    let arguments: Vec<_> = host.ssh_arguments.iter().map(|word| word.to_string_lossy()).collect();
    json!({
        "host": host.alias,
        "address": host.address,
        "port": host.port,
        "user": host.user,
        "identity_file": host.identity,
        "ssh_arguments": arguments,
        "offline": host.offline,
        "line": host.line,
    })
}
