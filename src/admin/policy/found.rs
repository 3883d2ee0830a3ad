//! What a host has that an agent may be meant to look after: the units that administrators made,
//! and the servers that everybody knows.

use crate::output::text::one_line;
use crate::policy::never;
use crate::request::name::{UnitName, is_of_the_broker};
use crate::system::file;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Where administrators put units of their own (`systemd.unit(5)`).
const OWN: &str = "/etc/systemd/system";

/// Where packages put theirs.
const PACKAGED: [&str; 2] = ["/usr/lib/systemd/system", "/lib/systemd/system"];

/// Servers that are restarted or reloaded after a change of their settings. None of these gives
/// root to whoever restarts it; `docker` and the like would.
const SERVERS: [&str; 16] = [
    "apache2",
    "caddy",
    "haproxy",
    "httpd",
    "lighttpd",
    "mariadb",
    "memcached",
    "mysql",
    "nginx",
    "postgresql",
    "rabbitmq-server",
    "redis",
    "redis-server",
    "traefik",
    "valkey",
    "varnish",
];

/// A unit of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its complete name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// What it says of itself, if it says something.
    pub description: Option<String>,
}

/// The units, sorted: those that administrators made first.
pub fn units() -> Vec<Found> {
    let mut found = own();
    let known: Vec<String> = found.iter().map(|unit| unit.name.clone()).collect();
    let servers = SERVERS.iter().map(|name| format!("{name}.service"));
    found.extend(servers.filter(|name| !known.contains(name)).filter_map(|name| packaged(&name)));
    found
}

/// A unit by its complete name, wherever it is.
pub fn unit(name: &str) -> Option<Found> {
    let path = Path::new(OWN).join(name);
    if path.exists() { Some(of(name, &path)) } else { packaged(name) }
}

/// A link is what `systemctl enable` or an alias made; a template, a timer or a socket is nothing
/// to restart.
fn own() -> Vec<Found> {
    let entries = fs::read_dir(OWN).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let mut found = BTreeMap::new();
    for entry in files {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_one = name.ends_with(".service")
            && UnitName::parse_granted(name.as_bytes()).is_ok()
            && !never::unit(&name)
            && !is_of_the_broker(&name);
        if is_one && !is_run_once(&entry.path()) {
            found.insert(name.clone(), of(&name, &entry.path()));
        }
    }
    found.into_values().collect()
}

/// What a timer starts, or a boot once.
fn is_run_once(file: &Path) -> bool {
    file.with_extension("timer").exists()
        || value(file, "Type").is_some_and(|kind| kind.eq_ignore_ascii_case("oneshot"))
}

fn packaged(name: &str) -> Option<Found> {
    let mut paths = PACKAGED.iter().map(|folder| Path::new(folder).join(name));
    paths.find(|path| path.is_file()).map(|path| of(name, &path))
}

fn of(name: &str, file: &Path) -> Found {
    let description = value(file, "Description").map(|text| one_line(&text, 80));
    Found {
        name: name.to_owned(),
        file: file.to_string_lossy().into_owned(),
        description: description.filter(|text| !text.is_empty()),
    }
}

/// The last value of a setting in a unit's file.
fn value(file: &Path, key: &str) -> Option<String> {
    const LARGEST: u64 = 1 << 20;
    if fs::metadata(file).is_ok_and(|data| !data.is_file() || data.len() > LARGEST) {
        return None;
    }
    let text = String::from_utf8_lossy(&file::read(file).ok()?).into_owned();
    let values = text.lines().filter_map(|line| line.trim().split_once('='));
    values.rev().find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned())
}
