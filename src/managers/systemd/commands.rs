//! Every command line that speaks to systemd, or is run because of a unit.

use crate::managers::argv::{Argv, PLAIN_TEXT, UTF8};
use crate::managers::confinement::Confinement;
use crate::managers::systemd::unit::{MORE_PROPERTIES, PROPERTIES, STATUS_PROPERTIES};
use crate::managers::systemd::{bonds, manager_log as log_fields, reloads};
use crate::request::action::{Action, ServiceAction};

/// `systemctl(1)`.
const SYSTEMCTL: &str = "/usr/bin/systemctl";
/// `journalctl(1)`.
const JOURNALCTL: &str = "/usr/bin/journalctl";
/// `systemd-run(1)`.
const SYSTEMD_RUN: &str = "/usr/bin/systemd-run";

/// In the environment of what is run: no pager, no colours, no links (`systemctl(1)`), and
/// times in UTC with `TZ`.
pub const ENVIRONMENT: [(&str, &str); 3] =
    [("SYSTEMD_PAGER", "cat"), ("SYSTEMD_COLORS", "0"), ("SYSTEMD_URLIFY", "0")];

/// Changes the unit.
pub fn change(action: ServiceAction, unit: &str) -> Argv {
    systemctl(&[action.word(), "--", unit])
}

/// Changes whether the unit is started at boot. systemd does that by its own name alone, and would
/// have the manager read every unit file again, also one that an administrator is still at work on.
pub fn change_links(action: ServiceAction, own_name: &str) -> Argv {
    let words = [action.word(), "--no-reload", "--", own_name];
    systemctl_within(&words, Confinement::LINKS)
}

/// Has the manager read all unit files again.
pub fn daemon_reload() -> Argv {
    systemctl(&["daemon-reload"])
}

/// Has the manager forget that the unit failed, and count its starts again.
pub fn reset_failed(unit: &str) -> Argv {
    systemctl(&["reset-failed", "--", unit])
}

/// The manager does the work.
fn systemctl(words: &[&str]) -> Argv {
    systemctl_within(words, Confinement::READER)
}

fn systemctl_within(words: &[&str], confinement: Confinement) -> Argv {
    let words = [&[SYSTEMCTL, "--no-pager", "--no-ask-password"], words].concat();
    Argv::new(&words, UTF8, confinement)
}

/// A program that a policy names in its own words, to be passed before a unit is touched.
pub fn check(words: &[String]) -> Argv {
    Argv::new(&words.iter().map(String::as_str).collect::<Vec<_>>(), UTF8, Confinement::Check)
}

/// The unit's state.
pub fn state(unit: &str) -> Argv {
    show(&["--", unit], PROPERTIES)
}

/// The same, for one whose state is asked for.
pub fn status(unit: &str) -> Argv {
    show(&["--", unit], &format!("{PROPERTIES},{STATUS_PROPERTIES}"))
}

/// The same with all that has to be known before the unit is touched.
pub fn whole_state(unit: &str) -> Argv {
    show(&["--", unit], &format!("{PROPERTIES},{MORE_PROPERTIES}"))
}

/// Whether the file of any unit that the manager has loaded is to be read again. No shell sees the
/// star.
pub fn unread_files() -> Argv {
    show(&["*"], "NeedDaemonReload")
}

/// Which unit starts which, at boot.
pub fn pulls() -> Argv {
    show(&["*"], bonds::PULLS_PROPERTIES)
}

/// How all units that the manager has in memory are bound to each other.
pub fn bonds() -> Argv {
    show_all("*", bonds::PROPERTIES, PLAIN_TEXT)
}

/// Which targets stop when nothing needs them any more: an eighth of the cost of all units.
pub fn unneeded_targets() -> Argv {
    show_all("*.target", bonds::UNNEEDED_PROPERTIES, PLAIN_TEXT)
}

/// Of the units in memory whose names match, also of those that are down.
fn show_all(pattern: &str, properties: &str, locale: &'static str) -> Argv {
    let properties = format!("--property={properties}");
    let words = [SYSTEMCTL, "--no-pager", "show", "--all", &properties, pattern];
    Argv::new(&words, locale, Confinement::READER)
}

/// How all units that the manager has in memory are reloaded, and with which others.
pub fn reloads() -> Argv {
    show_all("*", reloads::PROPERTIES, UTF8)
}

/// The states of these units. No `--`, which is followed by what was asked for everywhere else; a
/// name of a unit begins with a letter or a digit.
pub fn states(units: &[String]) -> Argv {
    let units: Vec<&str> = units.iter().map(String::as_str).collect();
    show(&units, "LoadState,ActiveState,SubState,NeedDaemonReload")
}

/// What `systemctl show` prints of a state is ASCII in any locale, and loading one costs it a tenth
/// of its time.
fn show(units: &[&str], properties: &str) -> Argv {
    let property = format!("--property={properties}");
    Argv::new(
        &[&[SYSTEMCTL, "--no-pager", "show", &property], units].concat(),
        PLAIN_TEXT,
        Confinement::READER,
    )
}

/// The units that the manager has loaded, and their states: one question to the manager, unlike
/// `show` of every unit, which is one for each.
pub fn list_units() -> Argv {
    let words = ["--no-pager", "--plain", "--no-legend", "--full", "--all", "list-units"];
    Argv::new(&[&[SYSTEMCTL], &words[..]].concat(), UTF8, Confinement::READER)
}

/// The last starts of all units since the boot, good or not (`sd-messages.h`:
/// `SD_MESSAGE_UNIT_STARTED`, `SD_MESSAGE_UNIT_FAILED`).
pub fn all_starts() -> Argv {
    let words = [
        JOURNALCTL,
        "--no-pager",
        "--quiet",
        "--boot",
        "--lines=10000",
        "--output=json",
        "--output-fields=UNIT",
        "_PID=1",
        "MESSAGE_ID=39f53479d3a045ac8e11786248231fbf",
        "MESSAGE_ID=be02cf6855d2428ba40df7e9d022f03d",
    ];
    Argv::new(&words, UTF8, Confinement::READER)
}

/// Has the manager start `program`, which has nothing of this process: neither its limits nor its
/// cgroup. It reads and writes these two files. Comes back when it has ended.
///
/// What it is told is in no word of it, since every account can read those.
pub fn start_apart(program: &str, command: &str, input: &str, output: &str) -> Argv {
    let input = format!("StandardInput=file:{input}");
    let output = format!("StandardOutput=file:{output}");
    let words = [
        SYSTEMD_RUN,
        "--quiet",
        "--collect",
        "--no-ask-password",
        "--service-type=oneshot",
        "--description=Least-privilege root for agents: a request under limits of its caller's",
        "--property=LogLevelMax=notice",
        "--property=LimitFSIZE=infinity",
        "--property=TimeoutStartSec=20",
        "--property=StandardError=null",
        "--property",
        &input,
        "--property",
        &output,
        "--",
        program,
        command,
    ];
    Argv::new(&words, PLAIN_TEXT, Confinement::READER)
}

/// What the manager has logged of a unit with these names: the manager, which is the process with
/// the number 1, and nobody else.
pub fn manager_log(names: &[String]) -> Argv {
    let fields = format!("--output-fields={}", log_fields::FIELDS);
    let mut words = vec![JOURNALCTL, "--no-pager", "--quiet", "--boot", "--lines=50"];
    words.extend(["--output=json", &fields]);
    let units = units_of(names);
    words.extend(units.iter().map(String::as_str));
    words.push("_PID=1");
    Argv::new(&words, UTF8, Confinement::READER)
}

/// The last lines of the log of a unit with these names, of the last minutes if those are given.
pub fn log(names: &[String], lines: &str, minutes: Option<&str>) -> Argv {
    let lines = format!("--lines={lines}");
    let since = minutes.map(|minutes| format!("--since=-{minutes}min"));
    let mut words = vec![JOURNALCTL, "--no-pager", "--quiet", "--output=short-iso", &lines];
    if let Some(since) = &since {
        // From the newest back, to be turned around: before systemd 255 `--lines` with `--since`
        // gives the first lines of that time, not the last.
        words.extend([since, "--reverse"]);
    }
    let units = units_of(names);
    words.extend(units.iter().map(String::as_str));
    Argv::new(&words, UTF8, Confinement::READER)
}

/// The journal knows a unit by its own name, and by another one from before it was one.
fn units_of(names: &[String]) -> Vec<String> {
    names.iter().map(|name| format!("--unit={name}")).collect()
}
