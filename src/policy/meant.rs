//! What somebody most likely meant who wrote a key, a caller or an action that a policy does not
//! have: a key of another section, a word of systemd's, sudo's or apt's, a name without its quotes.

use crate::output::nearest::nearest;
use crate::request::action::{Action, ForAll, ManagerAction, PackageAction, ServiceAction, UNDO};
use toml::de::DeValue;

/// Keys that are written where there is none of that name: the section (`*` for any name), the
/// words, and what to write instead. `NAME` stands for what the value names.
const INSTEAD: &[(&str, &[&str], &str)] = &[
    ("", &["unit", "units"], "units are in [services]: write [services.units.NAME]"),
    (
        "",
        &["apt", "apt-get", "dpkg", "pacman", "names"],
        "packages are in [packages], each with a section of its own: [packages.names.NAME]",
    ),
    ("", &["actions", "action"], "write it below [services] or [packages]"),
    ("", &["user", "users", "account", "agent", "agents", "caller"], CALLERS),
    (
        "",
        &["group", "groups"],
        "who gets what: [callers.\"group:NAME\"] with services = [\"myapp\"]; without such a section, every account that is set up gets all of it",
    ),
    ("", &["version"], "write schema = 1"),
    ("services", &["user", "users", "account"], CALLERS),
    (
        "services",
        &["name", "names", "service", "services"],
        "write a section for each unit: [services.units.NAME]",
    ),
    (
        "services",
        &["allow", "allowed"],
        "write actions = [\"restart\", \"status\"], and a section for each unit: [services.units.myapp]",
    ),
    ("packages", &["user", "users", "account"], CALLERS),
    (
        "packages",
        &["allow", "allowed", "package", "packages", "unit", "units"],
        "write actions = [\"install\"], and a section for each package: [packages.names.NAME]",
    ),
    (
        "services.units.*",
        &["user", "users", "group", "account", "callers"],
        "who may ask for it: [callers.\"user:NAME\"] with services = [\"myapp\"]; as whom a unit runs stands in its unit file",
    ),
    ("services.units.*", &["allow", "allowed"], "write actions = [\"restart\", \"status\"]"),
    ("packages.names.*", &["allow", "allowed"], "write actions = [\"install\"]"),
    (
        "tasks.*",
        &["command", "cmd", "exec", "ExecStart", "script", "program", "run", "args", "arguments"],
        "write the program and its arguments: argv = [\"/usr/local/sbin/deploy\"]",
    ),
    (
        "tasks.*",
        &["cwd", "workdir", "dir", "chdir", "folder", "WorkingDirectory"],
        "write directory = \"/srv\"",
    ),
    ("tasks.*", &["env", "Environment"], "write environment = { NAME = \"value\" }"),
    ("tasks.*", &["runas", "run_as", "as", "account", "User"], "write user = \"deploy\""),
    ("callers.*", &["unit", "units", "service"], "write services = [\"NAME\"]"),
    ("callers.*", &["package", "names"], "write packages = [\"NAME\"]"),
    ("callers.*", &["task"], "write tasks = [\"NAME\"]"),
    (
        "callers.*",
        &["action", "actions"],
        "a caller gets all actions of a unit that it has; to grant fewer, list them in the section of the unit",
    ),
];

const CALLERS: &str = "who gets what: [callers.\"user:NAME\"] with services = [\"myapp\"]; without such a section, every account that is set up gets all of it";

/// Keys by the section in which they stand, for whoever writes them in another one.
const HOMES: &[(&str, &str)] = &[
    ("schema", "at the top of the file, before the first section"),
    ("site", "in a section of its own: [site]"),
    ("limits", "in a section of its own: [limits]"),
    ("services", "in a section of its own: [services]"),
    ("packages", "in a section of its own: [packages]"),
    ("tasks", "in a section of its own: [tasks.NAME]"),
    ("exec", "in a section of its own: [exec]"),
    ("replies", "in a section of its own: [replies]"),
    ("approvals", "in a section of its own: [approvals]"),
    ("audit", "in a section of its own: [audit]"),
    ("recipients", "below [audit]"),
    ("max_bytes_per_minute", "below [audit]"),
    ("max_total", "below [audit]"),
    ("checkpoint_records", "below [audit]"),
    ("expires_minutes", "below [approvals]"),
    ("approvers", "below [approvals]"),
    ("notify", "below [approvals]"),
    ("notify_user", "below [approvals]"),
    ("callers", "in a section of its own: [callers.\"user:NAME\"]"),
    ("mode", "below [site]"),
    ("rate", "below [limits]"),
    ("output_bytes", "below [limits]"),
    ("timeout_seconds", "below [limits] or [tasks.NAME]"),
    ("lock_seconds", "below [limits]"),
    ("mask_secrets", "below [replies]"),
    ("actions", "below [services] or [packages]"),
    ("maintenance", "below [services] or [packages]"),
    ("require_reason", "below [services], [packages] or [tasks.NAME]"),
    ("approval", "below [services], [packages], [tasks.NAME] or [callers.CALLER]"),
    ("agent", "below [callers.\"user:NAME\"]"),
    ("watch_seconds", "below [services] or [services.units.NAME]"),
    ("units", "below [services]"),
    ("names", "below [packages]"),
    ("allow_removals", "below [packages] or [packages.names.NAME]"),
    ("undo", "below [packages] or [callers.\"user:NAME\"]"),
    ("keep", "below [snapshots]"),
    ("min_free_percent", "below [snapshots]"),
    ("required", "below [snapshots]"),
    ("snapshot", "below [tasks.NAME]"),
    ("check", "below [services.units.NAME]"),
    ("check_start", "below [services.units.NAME]"),
    ("instances", "below [services.units.NAME]"),
    ("pacman", "below [packages.names.NAME]"),
    ("not_before", "below a unit, a package, a task or a caller"),
    ("not_after", "below a unit, a package, a task or a caller"),
    ("window", "below a unit, a package, a task or a caller"),
    ("argv", "below [tasks.NAME]"),
    ("user", "below [tasks.NAME]"),
    ("directory", "below [tasks.NAME]"),
    ("environment", "below [tasks.NAME]"),
    ("on_timeout", "below [tasks.NAME]"),
    ("description", "below [tasks.NAME]"),
    ("confine", "below [tasks.NAME] or [exec]"),
    ("write", "below [tasks.NAME]"),
    ("network", "below [tasks.NAME]"),
];

/// Sections whose keys are names, and what a list in the place of a name's section is meant as.
const OF_NAMES: [(&str, &str); 4] = [
    ("services.units", "actions = "),
    ("packages.names", "actions = "),
    ("tasks", "argv = "),
    ("callers", "services = "),
];

/// Actions by what other programs call them.
const CALLED: &[(&str, &str)] = &[
    ("try-restart", "restart"),
    ("condrestart", "restart"),
    ("reload-or-restart", "restart"),
    ("force-reload", "reload"),
    ("is-active", "status"),
    ("is-enabled", "status"),
    ("is-failed", "status"),
    ("show", "status"),
    ("journal", "logs"),
    ("journalctl", "logs"),
    ("kill", "stop"),
    ("reset", "reset-failed"),
    ("uninstall", "remove"),
    ("purge", "remove"),
    ("delete", "remove"),
    ("add", "install"),
    ("reinstall", "install"),
    ("dist-upgrade", "upgrade"),
    ("full-upgrade", "upgrade"),
    ("clean", "autoclean"),
];

/// Whether a key of `[path]` with this value is the name of an account: `[callers.user.agent]`.
pub fn is_an_account(path: &str, value: &DeValue<'_>) -> bool {
    value.is_table() && ["callers.user", "callers.group"].contains(&path)
}

/// What to write instead of a key that `[path]` does not have; these it has.
pub fn key(path: &str, key: &str, value: &DeValue<'_>, keys: &[&str]) -> String {
    let instead = INSTEAD.iter().find(|(of, words, _)| is_at(path, of) && words.contains(&key));
    if let Some((_, _, hint)) = instead {
        return with_names(hint, value);
    }
    let shown = plain(key);
    // A header `[services.units.docker.io]`, which is a table in a table.
    let name = of_names(path).filter(|_| value.is_table());
    if let Some((holder, name)) =
        name.filter(|_| !keys.contains(&key) || is_an_account(path, value))
    {
        return match (holder, name) {
            ("callers", "user" | "group") => {
                format!("write [callers.\"{name}:{shown}\"], with the quotes")
            }
            _ => format!("a name with a dot in it needs quotes: [{holder}.\"{name}.{shown}\"]"),
        };
    }
    if let Some(near) = nearest(key, keys.iter().copied()) {
        return format!("did you mean {near:?}?");
    }
    if let Some((_, home)) = HOMES.iter().find(|(word, _)| *word == key) {
        return format!("it stands {home}");
    }
    let names = match path {
        "services" => "services.units",
        "packages" => "packages.names",
        _ => "",
    };
    if !names.is_empty() {
        let is_action = ServiceAction::from_word(key).is_some()
            || PackageAction::from_word(key).is_some()
            || ForAll::from_word(key).is_some();
        let section = |name: &str| format!("[{names}.{}]", word(name));
        let hint = match is_action {
            true => format!(
                "write actions = [{key:?}], and a section for each name: {}",
                named(value).iter().map(|name| section(name)).collect::<Vec<_>>().join(" ")
            ),
            false => format!("write a section for each name: {}", section(key)),
        };
        if is_action || value.is_table() || value.is_array() {
            return hint.trim_end_matches([' ', ':']).to_owned();
        }
    }
    let section = if path.is_empty() { "the policy".to_owned() } else { format!("[{path}]") };
    format!("the keys of {section} are: {}", keys.join(", "))
}

/// What to write instead of a value in the place of a name's section.
pub fn section(holder: &str, name: &str, value: &DeValue<'_>) -> String {
    let header = match holder {
        "callers" => format!("[callers.{}]", word(&caller_key(name))),
        _ => format!("[{holder}.{}]", word(name)),
    };
    let key = OF_NAMES.iter().find(|(of, _)| *of == holder).map_or("", |(_, key)| key);
    let words: Vec<String> = named(value).iter().map(|word| format!("{word:?}")).collect();
    match (words.is_empty(), holder) {
        (false, _) => format!("write a section: {header} with {key}[{}]", words.join(", ")),
        (true, "tasks") => format!("write a section: {header} with argv = [\"/absolute/program\"]"),
        (true, _) => format!("write a section (it may be empty): {header}"),
    }
}

/// What to write instead of something that is not a caller.
pub fn caller(text: &str) -> String {
    let text = plain(text);
    let text = text.trim();
    let all = ["*", "all", "any", "everybody", "everyone", "others", "other", "default"];
    let (kind, name) = text.split_once(':').unwrap_or(("", text));
    let (kind, name) = (kind.trim().to_lowercase(), name.trim());
    if all.contains(&name.to_lowercase().as_str()) {
        return "whoever no other section names: [callers.default]".to_owned();
    }
    let group = name.strip_prefix(['%', '@']);
    let is_group = group.is_some() || ["group", "groups", "gid"].contains(&kind.as_str());
    let is_number = ["uid", "gid"].contains(&kind.as_str());
    let name = if is_number { "NAME" } else { group.unwrap_or(name) };
    if kind.is_empty() && ["user", "group"].contains(&name) {
        return format!("write [callers.\"{name}:NAME\"], with the quotes");
    }
    match kind.as_str() {
        _ if name.is_empty() => {
            "write [callers.\"user:NAME\"], [callers.\"group:NAME\"] or [callers.default]"
                .to_owned()
        }
        _ if is_group => format!("write [callers.\"group:{name}\"], with the group's name"),
        "user" | "users" | "uid" | "account" => {
            format!("write [callers.\"user:{name}\"], with the account's name")
        }
        _ => format!(
            "write [callers.\"user:{name}\"] for an account, [callers.\"group:{name}\"] for a group"
        ),
    }
}

/// The key of a caller's section that is called so.
pub fn caller_key(name: &str) -> String {
    match name == "default" || name.contains(':') {
        true => name.to_owned(),
        false => format!("user:{name}"),
    }
}

/// What a name can be, where it is not said what is wrong with this one.
pub fn name(text: &str, hint: Option<String>) -> String {
    let last = text.rsplit(['/', ' ']).next().unwrap_or_default();
    let is_command = text.starts_with('/')
        || ["systemctl ", "service ", "apt ", "apt-get "]
            .iter()
            .any(|begin| text.starts_with(begin));
    if let Some(hint) = hint {
        hint
    } else if text.contains('%') {
        "list each instance by its name".to_owned()
    } else if is_command && !last.is_empty() {
        format!("write the name alone: {last:?}")
    } else if let Some((name, _)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) {
        format!("write the name alone: {name:?}")
    } else {
        "a name is a letter or a digit, then at most 127 of A-Z a-z 0-9 + _ . @ : -".to_owned()
    }
}

/// What to write instead of a word that is not one of these actions, where that can be told.
pub fn action<A: Action>(text: &str) -> Option<String> {
    let takes = |word: &str| A::from_word(word).is_some();
    let lower = text.to_lowercase();
    if ["*", "all", "any"].contains(&lower.as_str()) {
        return Some("list each action by its name".to_owned());
    }
    if lower == UNDO {
        return Some("it is no action: below [packages] write undo = true".to_owned());
    }
    if takes("restart") && ManagerAction::from_word(&lower).is_some() {
        return Some(format!(
            "for all unit files at once, below [services]: maintenance = [{lower:?}]"
        ));
    }
    if takes("install") && ForAll::from_word(&lower).is_some() {
        return Some(format!(
            "for all packages at once, below [packages]: maintenance = [{lower:?}]"
        ));
    }
    if takes("daemon-reload") && ServiceAction::from_word(&lower).is_some() {
        return Some(format!("for units that are named, below [services]: actions = [{lower:?}]"));
    }
    if !takes("autoremove") && takes("daemon-reload") && ForAll::from_word(&lower).is_some() {
        return Some(format!("for packages, below [packages]: maintenance = [{lower:?}]"));
    }
    if takes("autoremove") && PackageAction::from_word(&lower).is_some() {
        return Some(format!(
            "for packages that are named, below [packages]: actions = [{lower:?}]"
        ));
    }
    let (_, instead) = CALLED.iter().find(|(word, instead)| *word == lower && takes(instead))?;
    Some(format!("did you mean {instead:?}?"))
}

/// Whether a path is this one; `*` is any name.
fn is_at(path: &str, of: &str) -> bool {
    match of.strip_suffix(".*") {
        Some(holder) => of_names(path).is_some_and(|(of, _)| of == holder),
        None => path == of,
    }
}

/// The holder of names in which a section is, and its name there.
fn of_names(path: &str) -> Option<(&'static str, &str)> {
    OF_NAMES.iter().find_map(|(holder, _)| {
        let name = path.strip_prefix(holder)?.strip_prefix('.')?;
        Some((*holder, name.trim_matches('"')))
    })
}

/// The hint, once for what the value names.
fn with_names(hint: &str, value: &DeValue<'_>) -> String {
    match named(value).first() {
        Some(name) if name.contains(':') => hint.replace("user:NAME", name),
        Some(name) if hint.contains("\"NAME\"") || hint.contains(":NAME\"") => {
            hint.replace("NAME", name)
        }
        Some(name) => hint.replace("NAME", &word(name)),
        None => hint.to_owned(),
    }
}

/// The first names in a value: a word, a list of them, or the keys of a table.
fn named(value: &DeValue<'_>) -> Vec<String> {
    const SHOWN: usize = 3;
    let words = |text: &str| {
        let words = text.split([' ', ',']).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    let mut all = match value {
        DeValue::String(text) => words(text),
        DeValue::Array(items) => {
            items.iter().filter_map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
        }
        DeValue::Table(table) => {
            let below = ["units", "names"].iter().find_map(|key| table.get(*key));
            if let Some(below) = below.filter(|below| below.get_ref().is_table()) {
                return named(below.get_ref());
            }
            let sections = table.iter().filter(|(_, value)| value.get_ref().is_table());
            sections.map(|(key, _)| key.get_ref().to_string()).collect()
        }
        _ => Vec::new(),
    };
    all.truncate(SHOWN);
    all.iter().map(|name| plain(name)).collect()
}

/// What was written, as a hint can hold it: on one line, and with nothing that a terminal obeys.
pub fn plain(text: &str) -> String {
    const SHOWN: usize = 100;
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| !c.is_control() && !turns(*c)).take(SHOWN).collect()
}

/// A name as it stands in a header.
pub fn word(name: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    match !name.is_empty() && name.bytes().all(is_bare) {
        true => name.to_owned(),
        false => format!("{name:?}"),
    }
}
