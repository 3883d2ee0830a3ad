//! What a host has that an agent may be meant to look after: the units that administrators made,
//! and the servers that everybody knows.

use crate::managers::systemd::alias::template_of;
use crate::output::text::one_line;
use crate::policy::never;
use crate::request::name::{UnitName, is_of_the_broker};
use crate::system::file;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::path::Path;

/// Where administrators put units of their own (`systemd.unit(5)`).
const OWN: [&str; 2] = ["/etc/systemd/system", "/usr/local/lib/systemd/system"];

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
    let names = [Some(name.to_owned()), template_of(name).map(|(template, _)| template)];
    names.into_iter().flatten().find_map(|file| {
        let own = OWN.iter().map(|folder| Path::new(folder).join(&file)).find(|path| path.exists());
        own.map(|path| of(name, &path))
            .or_else(|| packaged(&file).map(|found| Found { name: name.to_owned(), ..found }))
    })
}

/// A timer or a socket is nothing to restart, and a template only by its instances.
fn own() -> Vec<Found> {
    let mut found = BTreeMap::new();
    for folder in OWN {
        let entries: Vec<DirEntry> = fs::read_dir(folder).into_iter().flatten().flatten().collect();
        for entry in entries.iter().filter(|entry| is_made(entry)) {
            offer(&mut found, &entry.file_name(), &entry.path());
        }
        // Instances have no files of their own: those that are started at boot are known.
        let wants =
            entries.iter().filter(|entry| entry.path().extension() == Some("wants".as_ref()));
        for entry in wants.flat_map(|entry| fs::read_dir(entry.path())).flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let Some((template, _)) = template_of(&name) else { continue };
            let template = Path::new(folder).join(template);
            if template.exists() {
                offer(&mut found, name.as_ref().as_ref(), &template);
            }
        }
    }
    found.into_values().collect()
}

fn offer(found: &mut BTreeMap<String, Found>, name: &OsStr, file: &Path) {
    let Some(name) = name.to_str() else { return };
    let is_one = name.ends_with(".service")
        && UnitName::parse_granted(name.as_bytes()).is_ok()
        && !never::unit(name)
        && !is_of_the_broker(name);
    if is_one && !is_run_once(file) {
        found.insert(name.to_owned(), of(name, file));
    }
}

/// Whether it is a unit's file that an administrator made, be it a link to one elsewhere
/// (`systemctl link`). Other links are what `systemctl enable`, `mask` or an alias made.
fn is_made(entry: &DirEntry) -> bool {
    let Ok(kind) = entry.file_type() else { return false };
    if !kind.is_symlink() {
        return kind.is_file();
    }
    let Ok(target) = fs::canonicalize(entry.path()) else { return false };
    let is_known = OWN.iter().chain(&PACKAGED).any(|folder| target.starts_with(folder));
    target.is_file() && !is_known && target.file_name() == Some(&entry.file_name())
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
