//! Which hosts there are and how each is reached: an inventory, read once into values that hold
//! nothing that ssh could take for an option.

pub mod address;
pub mod ansible;
#[cfg(test)]
mod cases;
pub mod flat;
pub mod form;
pub mod glob;
pub mod groups;
pub mod host;
pub mod ini;
pub mod list_json;
pub mod literal;
pub mod pattern;
pub mod problem;
#[cfg(test)]
mod properties;
pub mod range;
pub mod ssh_arguments;
pub mod ssh_options;
pub mod variables;
pub mod words;
pub mod yaml;

use crate::admin::fleet::inventory::groups::Model;
use crate::admin::fleet::inventory::host::Host;
use crate::admin::fleet::inventory::problem::{Problem, shown};
use crate::admin::fleet::inventory::variables::Form;
use crate::admin::fleet::inventory::yaml::Kind;
use crate::request::code::{Code, Refusal};
use crate::system::accounts;
use std::collections::{HashMap, HashSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// A file of hosts that is larger is something else.
const MOST_BYTES: u64 = 8 << 20;

/// What is written for a file's name if the inventory comes by standard input.
pub const STANDARD_INPUT: &str = "-";

/// The hosts of an inventory, in the order in which the file names them first.
#[derive(Debug)]
pub struct Inventory {
    /// The file.
    pub file: PathBuf,
    /// The hosts.
    pub hosts: Vec<Host>,
    /// What is not as somebody who knows Ansible would expect: one sentence each, with file and
    /// line.
    pub warnings: Vec<String>,
    /// The groups, for patterns.
    groups: Vec<groups::Group>,
}

impl Inventory {
    /// The file that is meant: the one that was named, or the one at the usual place.
    ///
    /// # Errors
    /// If none was named and there is none.
    pub fn find(named: Option<&Path>) -> Result<PathBuf, Refusal> {
        if let Some(file) = named {
            return Ok(file.to_owned());
        }
        Self::usual_place().ok_or_else(|| {
            Refusal::new(
                Code::Usage,
                "no inventory was named, and there is none in the default place",
            )
            .hint(
                "write --inventory FILE, or keep it as ~/.config/agent-utilities/inventory.yml, \
                 inventory.yaml or inventory.ini there",
            )
        })
    }

    /// Where it is looked for when nobody says: the first that is there.
    pub fn usual_place() -> Option<PathBuf> {
        let folder = home()?.join(".config/agent-utilities");
        ["inventory.yml", "inventory.yaml", "inventory.ini"]
            .into_iter()
            .map(|name| folder.join(name))
            .find(|file| file.symlink_metadata().is_ok())
    }

    /// Reads it.
    ///
    /// # Errors
    /// With file and line, and host if it is about one.
    pub fn read(file: &Path) -> Result<Self, Refusal> {
        if file == Path::new(STANDARD_INPUT) {
            let bytes = contents(Path::new("standard input"), Ok(std::io::stdin().lock()))?;
            let mut inventory =
                Self::parse(Path::new("standard input"), &bytes, home().as_deref())?;
            file.clone_into(&mut inventory.file);
            return Ok(inventory);
        }
        let bytes = contents(file, std::fs::File::open(file))?;
        let mut inventory = Self::parse(file, &bytes, home().as_deref())?;
        let folder = file.parent().unwrap_or(Path::new(""));
        for name in ["group_vars", "host_vars"] {
            if folder.join(name).is_dir() {
                inventory.warnings.push(format!(
                    "{}: not read: variables count only in the inventory itself",
                    shown(&folder.join(name))
                ));
            }
        }
        Ok(inventory)
    }

    /// Reads what is in it. `home` is what `~` is.
    fn parse(file: &Path, bytes: &[u8], home: Option<&Path>) -> Result<Self, Refusal> {
        let (model, members) =
            Self::model(file, bytes, home).map_err(|problem| problem.refusal(file))?;
        Ok(Self {
            file: file.to_owned(),
            hosts: members,
            warnings: model.warnings.sentences(file),
            groups: model.groups,
        })
    }

    fn model(
        file: &Path,
        bytes: &[u8],
        home: Option<&Path>,
    ) -> problem::Result<(Model, Vec<Host>)> {
        let mut model = read_any_form(text(bytes)?)?;
        model.settle()?;
        if model.members.is_empty() {
            return Err(Problem::new(1, "it has no hosts").hint(
                "write for example: all: {hosts: {web1: {ansible_host: 192.0.2.1}}}; if Ansible made the file, check that it could read its own input",
            ));
        }
        let mut hosts = Vec::with_capacity(model.members.len());
        let mut warnings = std::mem::take(&mut model.warnings);
        let reader = host::Reader { file, home, model: &model };
        for number in 0..model.members.len() {
            let (host, noticed) = reader.host(number)?;
            for (line, whose, text) in noticed {
                warnings.add(line, whose, text);
            }
            hosts.push(host);
        }
        model.warnings = warnings;
        Ok((model, hosts))
    }

    /// The hosts that a pattern means, in the order of the inventory.
    ///
    /// # Errors
    /// If the pattern is none, or means no host.
    pub fn limited(&self, pattern: Option<&str>) -> Result<Vec<&Host>, Refusal> {
        let Some(pattern) = pattern else { return Ok(self.hosts.iter().collect()) };
        let in_order: Vec<&str> = self.hosts.iter().map(|host| host.alias.as_str()).collect();
        let hosts: HashMap<&str, usize> =
            in_order.iter().enumerate().map(|(number, alias)| (*alias, number)).collect();
        let names = pattern::Names { hosts, in_order, groups: &self.groups };
        let matching: HashSet<usize> = names.matching(pattern)?;
        let hosts = self.hosts.iter().enumerate();
        Ok(hosts.filter(|(number, _)| matching.contains(number)).map(|(_, host)| host).collect())
    }
}

/// The home of the account that runs this, as a shell has it.
pub fn home() -> Option<PathBuf> {
    let message = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    message.or_else(|| {
        let account = accounts::User::from_uid(nix::unistd::getuid()).ok().flatten();
        account.map(|account| account.dir)
    })
}

fn contents(file: &Path, source: std::io::Result<impl std::io::Read>) -> Result<Vec<u8>, Refusal> {
    let unreadable = |reason: &str| Refusal::new(Code::Usage, format!("{}: {reason}", shown(file)));
    let mut bytes = Vec::new();
    source.and_then(|source| source.take(MOST_BYTES + 1).read_to_end(&mut bytes)).map_err(
        |error| match error.kind() {
            std::io::ErrorKind::IsADirectory => {
                unreadable("a folder is not an inventory").hint("name one file in it")
            }
            _ => unreadable(&error.to_string()).hint("name a file with --inventory"),
        },
    )?;
    if bytes.len() as u64 > MOST_BYTES {
        let text = format!("an inventory of more than {} MiB is not read", MOST_BYTES >> 20);
        return Err(Problem::new(1, text).refusal(file));
    }
    Ok(bytes)
}

fn text(bytes: &[u8]) -> problem::Result<&str> {
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            Err(Problem::new(line, "not UTF-8").hint("save it as UTF-8"))
        }
    }
}

/// Reads whichever form it is, as Ansible does: what YAML has a mapping for is YAML, and all else
/// INI.
fn read_any_form(text: &str) -> problem::Result<Model> {
    let yaml = match yaml::load(text) {
        Ok(root) => match &root.kind {
            Kind::Map(top) => return read_mapping(top),
            _ => Problem::new(root.line, format!("the inventory is {}", root.what()))
                .hint("write a mapping: all: {hosts: {web1: {ansible_host: 192.0.2.1}}}"),
        },
        Err(problem) => problem,
    };
    let mut model = Model::default();
    let Err(ini) = ini::read(text, &mut model) else {
        return Ok(model);
    };
    // Who stumbles over the first line says nothing of the rest.
    let first = 1 + text.lines().take_while(|line| ini::content(line).is_none()).count();
    Err(if text.starts_with("#!") {
        Problem::new(1, "this is a script, and scripts are not run")
            .hint("give its output: ./SCRIPT --list | sm fleet list --inventory -")
    } else if ini::head(text.lines().find_map(ini::content).unwrap_or_default()).is_some() {
        ini
    } else if looks_like_ini(text) {
        ini.or("YAML", &yaml, first)
    } else {
        yaml.or("INI", &ini, first)
    })
}

fn read_mapping(top: &[(yaml::Key, std::rc::Rc<yaml::Node>)]) -> problem::Result<Model> {
    let mut model = Model::default();
    if list_json::is_one(top) {
        list_json::read(top, &mut model)?;
        return Ok(model);
    }
    match form::of(top)? {
        Form::Ansible => ansible::read(top, &mut model)?,
        Form::Flat => flat::read(top, &mut model)?,
    }
    Ok(model)
}

/// Whether the one who wrote it meant INI: it has a head of a section, or nothing that only YAML has.
fn looks_like_ini(text: &str) -> bool {
    let of_yaml = |line: &str| {
        line.ends_with(':')
            || line.contains(": ")
            || ["- ", "{", "---", "&", "*", "!", "|", ">"].iter().any(|mark| line.starts_with(mark))
    };
    let mut lines = text.lines().filter_map(ini::content);
    text.lines().filter_map(ini::content).any(|line| ini::head(line).is_some())
        || !lines.any(of_yaml)
}
