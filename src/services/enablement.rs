//! Whether a unit is enabled, before and after: `systemctl enable` reports success even if it has
//! enabled nothing, and prints nothing about the links of a System V script.

use crate::managers::systemd::alias::{self, CONFIGURED};
use crate::managers::systemd::closure::Units;
use crate::managers::systemd::unit::Unit;
use crate::request::action::ServiceAction::{self, Disable, Enable};
use crate::request::code::{Code, Refusal};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The runlevels, each of which has a folder of System V scripts that it starts (`update-rc.d(8)`),
/// and those in which services run.
const RUNLEVELS: [&str; 8] = ["0", "1", "2", "3", "4", "5", "6", "S"];
const MULTI_USER: [&str; 4] = ["2", "3", "4", "5"];

/// Every link that enables something, and its target.
#[derive(Debug, PartialEq, Eq)]
pub struct Links(BTreeSet<(PathBuf, Option<PathBuf>)>);

impl Links {
    /// The links as they are now.
    pub fn now() -> Self {
        let mut links = BTreeSet::new();
        for folder in CONFIGURED {
            for (path, name) in entries(Path::new(folder)) {
                // The units that a unit wants are in a folder with its name.
                if name.to_str().is_some_and(|name| {
                    [".wants", ".requires", ".upholds"].iter().any(|end| name.ends_with(end))
                }) {
                    links.extend(entries(&path).map(|(path, _)| with_target(path)));
                } else {
                    links.insert(with_target(path));
                }
            }
        }
        for level in RUNLEVELS {
            links.extend(entries(&runlevel(level)).map(|(path, _)| with_target(path)));
        }
        Self(links)
    }

    /// The other units that were enabled or disabled along with this one since then: those in `Also=`
    /// of its file, and of theirs.
    pub fn also_changed(&self, since: &Self, name: &str) -> Vec<String> {
        let mut also = BTreeSet::new();
        let mut left = vec![name.to_owned()];
        while let Some(unit) = left.pop() {
            left.extend(
                alias::enabled_with(&unit).into_iter().filter(|unit| also.insert(unit.clone())),
            );
        }
        let changed = self.0.symmetric_difference(&since.0);
        let named: BTreeSet<&str> = changed
            .filter_map(|(link, _)| link.file_name().and_then(|name| name.to_str()))
            .collect();
        also.into_iter().filter(|unit| unit != name && named.contains(unit.as_str())).collect()
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = (PathBuf, OsString)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| (entry.path(), entry.file_name()))
}

fn with_target(path: PathBuf) -> (PathBuf, Option<PathBuf>) {
    let target = std::fs::read_link(&path).ok();
    (path, target)
}

fn runlevel(level: &str) -> PathBuf {
    PathBuf::from(format!("/etc/rc{level}.d"))
}

/// Whether a System V script of this name is started at boot: a link `S01NAME`.
fn script_starts(unit: &str) -> bool {
    let Some(name) = unit.strip_suffix(".service") else { return false };
    let is_start = |file: &OsString| {
        let file = file.to_str().and_then(|file| file.strip_prefix('S')).unwrap_or_default();
        file.get(..2).is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
            && file.get(2..) == Some(name)
    };
    MULTI_USER.iter().any(|level| entries(&runlevel(level)).any(|(_, file)| is_start(&file)))
}

/// Why the unit is not disabled: that would remove every link to it, including the one that is its
/// name here, and then nothing could enable it again.
pub fn obstacle(action: ServiceAction, name: &str) -> Option<Refusal> {
    let others = if action == Disable { alias::enabled_with(name) } else { Vec::new() };
    if others.iter().any(|other| other != name && alias::goes_with_disable(other)) {
        let error = format!(
            "disabling {name} also disables another unit (`Also=`) and removes its name, so that nothing could enable it again; nothing was done"
        );
        return Some(Refusal::new(Code::CheckFailed, error)
            .hint(format!("an administrator can disable it, and then link the other one again: systemctl disable {name}")));
    }
    let is_gone = action == Disable && alias::goes_with_disable(name);
    is_gone.then(|| {
        let (what, hint) = match alias::own_name(name) {
            Some(own) => (
                format!("{name} is another name of {own}, and disabling it removes this name"),
                format!("disable it by its own name, if the policy allows it: sm-helper service disable {own}; or ask an administrator: systemctl disable {own}"),
            ),
            None => (
                format!("{name} is linked from another folder, and disabling it removes the link"),
                format!("an administrator can disable it, and then link it again: systemctl disable {name}"),
            ),
        };
        let error = format!("{what}: nothing could enable it again, so nothing was done");
        Refusal::new(Code::CheckFailed, error).hint(hint)
    })
}

/// What is known about a unit after `systemctl enable` or `disable` has succeeded.
#[derive(Debug, Clone, Copy)]
pub struct After<'a> {
    /// Its `UnitFileState`; empty if it has none.
    pub state: &'a str,
    /// Whether links were made or removed that the manager has not read.
    pub is_unread: bool,
    /// Whether a System V script of its name is started at boot.
    pub script_starts: bool,
    /// Whether another unit starts it without a link in `/etc` or `/run`.
    pub is_wanted: bool,
}

impl<'a> After<'a> {
    /// Judges by the unit as the manager knows it.
    pub fn of(unit: &'a Unit, name: &str, is_unread: bool) -> Self {
        let state = unit.state.unit_file_state.as_deref().unwrap_or_default();
        let script_starts = state == "generated" && script_starts(name);
        // If the manager has not read the new links, what it knows is out of date.
        Self { state, is_unread, script_starts, is_wanted: unit.is_wanted && !is_unread }
    }

    /// Whether the unit is now enabled or disabled as requested, and a warning even if it is.
    ///
    /// # Errors
    /// `command_failed` if nothing was enabled, or if the unit is still enabled.
    pub fn judged(self, action: ServiceAction, name: &str) -> Result<Option<String>, Refusal> {
        match action {
            Enable => self.enabled(name),
            Disable => self.disabled(name),
            _ => Ok(None),
        }
    }

    fn enabled(self, name: &str) -> Result<Option<String>, Refusal> {
        let nothing = |reason: &str, hint: &str| {
            let error = format!("nothing was enabled: {name} {reason}");
            Err(Refusal::new(Code::CommandFailed, error).hint(hint))
        };
        let by_hand = "an administrator can give it an [Install] section in a drop-in, or enable the unit that starts it";
        match self.state {
            "enabled" | "enabled-runtime" => Ok(None),
            "generated" if self.script_starts => Ok(None),
            "indirect" => Ok(Some(format!(
                "{name} itself is not started at boot: only the units in Also= of its unit file were enabled"
            ))),
            // The manager has not read the new links.
            "disabled" | "" if self.is_unread => Ok(None),
            "static" if self.is_wanted => Ok(Some(format!(
                "{name} has no [Install] section, so nothing was enabled: the units that want it start it"
            ))),
            "static" => nothing("has no [Install] section in its unit file", by_hand),
            "linked" | "linked-runtime" => {
                nothing("is linked and has no [Install] section in its unit file", by_hand)
            }
            "generated" => nothing(
                "is generated from another file, which says whether it is started at boot",
                "an administrator has to change the file that it is generated from",
            ),
            "transient" => nothing(
                "was made for this boot only",
                "to keep it after the next boot, an administrator has to write a unit file",
            ),
            "alias" => nothing(
                "is another name of a unit",
                "ask for the unit by its own name, if the policy allows it",
            ),
            "masked" | "masked-runtime" => nothing(
                "is masked",
                "an administrator masked it on purpose, and can undo it with systemctl unmask",
            ),
            state => nothing(
                &format!("is {} now", if state.is_empty() { "not enabled" } else { state }),
                by_hand,
            ),
        }
    }

    fn disabled(self, name: &str) -> Result<Option<String>, Refusal> {
        match self.state {
            "enabled" | "enabled-runtime" if self.is_unread => Ok(None),
            "enabled" | "enabled-runtime" => {
                let error = format!("{name} is still enabled ({})", self.state);
                let hint = "an administrator should look for a link that systemctl disable does not remove, for example below /run (systemctl disable --runtime)";
                Err(Refusal::new(Code::CommandFailed, error).hint(hint))
            }
            "generated" if self.script_starts => {
                let error = format!("the script of {name} is still started at boot");
                let hint =
                    "an administrator should look at its links in /etc/rc?.d (update-rc.d(8))";
                Err(Refusal::new(Code::CommandFailed, error).hint(hint))
            }
            _ if self.is_wanted => Ok(Some(format!(
                "{name} may still be started at boot: another unit wants it, and disabling does not change that"
            ))),
            _ => Ok(None),
        }
    }
}

/// Says that the boot does not start an enabled unit, if that is known: the units that want it do
/// not exist or are not started themselves. `units` has all units that the manager has read.
pub fn not_at_boot(name: &str, own_name: &str, units: &Units) -> Option<String> {
    let wanting = alias::wanted_by(&[name, own_name]);
    // No link says what should start the unit, or only a template does, without its instance.
    if wanting.is_empty() || wanting.iter().any(|unit| unit.contains("@.")) {
        return None;
    }
    let is_started = units.starts_any(&alias::boot_targets(), &wanting)?;
    (!is_started).then(|| {
        format!(
            "{name} is enabled, but the boot does not start it: what it is enabled for (WantedBy= in its unit file) does not exist or is not started at boot itself"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every state of a unit file of `systemctl(1)`, "is-enabled", and none.
    const STATES: [&str; 16] = [
        "enabled",
        "enabled-runtime",
        "linked",
        "linked-runtime",
        "alias",
        "masked",
        "masked-runtime",
        "static",
        "indirect",
        "disabled",
        "generated",
        "transient",
        "bad",
        "not-found",
        "invalid",
        "",
    ];

    fn after(state: &str) -> After<'_> {
        After { state, is_unread: false, script_starts: false, is_wanted: false }
    }

    #[test]
    fn success_of_enable_is_a_unit_that_is_enabled() {
        for state in STATES {
            let judged = after(state).judged(Enable, "a.service");
            match state {
                "enabled" | "enabled-runtime" => assert_eq!(judged.expect("ok"), None, "{state}"),
                "indirect" => assert!(judged.expect("ok").is_some(), "{state}"),
                _ => {
                    let refusal = judged.expect_err(state);
                    assert!(refusal.error.starts_with("nothing was enabled: a.service"));
                    assert!(refusal.hint.is_some(), "{state}");
                }
            }
        }
        let script = After { script_starts: true, ..after("generated") };
        assert_eq!(script.judged(Enable, "a.service").expect("ok"), None);
        let wanted = After { is_wanted: true, ..after("static") };
        assert!(wanted.judged(Enable, "a.service").expect("ok").is_some());
        let unread = After { is_unread: true, ..after("disabled") };
        assert!(unread.judged(Enable, "a.service").is_ok());
        let unread = After { is_unread: true, ..after("enabled") };
        assert!(unread.judged(Disable, "a.service").is_ok());
    }

    #[test]
    fn success_of_disable_is_a_unit_that_is_not_enabled() {
        for state in STATES {
            let judged = after(state).judged(Disable, "a.service");
            assert_eq!(judged.is_err(), state.starts_with("enabled"), "{state}");
            let wanted = After { is_wanted: true, ..after(state) };
            let warned = wanted.judged(Disable, "a.service").is_ok_and(|message| message.is_some());
            assert_eq!(warned, !state.starts_with("enabled"), "{state}");
        }
        let script = After { script_starts: true, ..after("generated") };
        assert!(script.judged(Disable, "a.service").is_err());
    }
}
