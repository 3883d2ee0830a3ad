//! Which units are reloaded along with a unit, and by which signal, where their reload is one.

use crate::managers::systemd::show::{named_units, value};
use nix::sys::signal::Signal;
use std::collections::{BTreeMap, BTreeSet};

/// What `systemctl show` is asked of all units that the manager has in memory.
pub const PROPERTIES: &str = "Id,Type,MainPID,PropagatesReloadTo,ReloadSignal,ExecReload";

/// The programs that send a signal.
const SENDERS: [&str; 3] = ["kill", "pkill", "killall"];

/// All units, as far as a reload is about them.
#[derive(Debug, Default)]
pub struct Reloads(BTreeMap<String, Reload>);

/// The reload of one of them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Reload {
    main_pid: Option<i32>,
    to: Vec<String>,
    signals: Vec<Signal>,
}

impl Reloads {
    /// Reads what `systemctl show` printed of all units, a paragraph each.
    pub fn parse(shown: &str) -> Self {
        let unit = |paragraph: &str| {
            let main_pid = value(paragraph, "MainPID").and_then(|pid| pid.parse().ok());
            let reload = Reload {
                main_pid: main_pid.filter(|pid| *pid > 0),
                to: named_units(paragraph, &["PropagatesReloadTo"]),
                signals: signals(paragraph),
            };
            Some((value(paragraph, "Id")?.to_owned(), reload))
        };
        Self(shown.split("\n\n").filter_map(unit).collect())
    }

    /// The units that are reloaded with one of these, themselves too, and end at it: `dies` says
    /// whether the signal ends a process.
    pub fn ended<'n>(
        &'n self,
        names: impl IntoIterator<Item = &'n str>,
        dies: impl Fn(i32, Signal) -> bool,
    ) -> BTreeSet<&'n str> {
        let mut all = BTreeSet::new();
        let mut found: Vec<&str> = names.into_iter().collect();
        while let Some(name) = found.pop() {
            if all.insert(name) {
                let to = self.0.get(name).into_iter().flat_map(|reload| &reload.to);
                found.extend(to.map(String::as_str));
            }
        }
        all.retain(|name| {
            self.0.get(*name).is_some_and(|reload| {
                let pid = reload.main_pid;
                pid.is_some_and(|pid| reload.signals.iter().any(|signal| dies(pid, *signal)))
            })
        });
        all
    }
}

/// The signals that a reload sends to the main process, as far as the unit file shows it:
/// `ExecReload=/bin/kill -HUP $MAINPID`, or `Type=notify-reload` (`systemd.service(5)`).
fn signals(shown: &str) -> Vec<Signal> {
    let by_manager = value(shown, "ReloadSignal")
        .filter(|_| value(shown, "Type") == Some("notify-reload"))
        .and_then(|number| Signal::try_from(number.parse::<i32>().ok()?).ok());
    let lines = shown.lines().filter_map(|line| line.strip_prefix("ExecReload="));
    let argv = lines.filter_map(|line| line.split_once("argv[]=")?.1.split(" ; ").next());
    argv.filter_map(sent).chain(by_manager).collect()
}

/// The signal that a command line sends, where it sends one (`kill(1)`).
fn sent(argv: &str) -> Option<Signal> {
    let plain = |word: &'_ str| word.trim_matches(['"', '\'', ';']).to_owned();
    let mut words = argv.split_whitespace().map(plain);
    words.find(|word| SENDERS.contains(&word.rsplit('/').next().unwrap_or_default()))?;
    let named = match words.next()?.as_str() {
        "-s" | "--signal" | "-n" => words.next()?,
        word => word.strip_prefix("--signal=").or(word.strip_prefix('-'))?.to_owned(),
    };
    match named.parse::<i32>() {
        Ok(number) => Signal::try_from(number).ok(),
        Err(_) => format!("SIG{}", named.trim_start_matches("SIG")).parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn who_ends_at_a_reload_is_found_at_any_depth() {
        cases::each("managers/systemctl_reloads", |case| {
            let reloads = Reloads::parse(case.input("stdout"));
            // Which signals end which processes: `2 SIGHUP`.
            let deadly: Vec<&str> = case.input("deadly").lines().collect();
            let dies = |pid: i32, signal: Signal| deadly.contains(&&*format!("{pid} {signal}"));
            let ended =
                case.input("reloaded").lines().map(|name| (name, reloads.ended([name], dies)));
            let units = reloads.0.iter().map(|(name, reload)| {
                let signals: Vec<&str> = reload.signals.iter().map(|one| one.as_str()).collect();
                (name, json!({"main_pid": reload.main_pid, "to": reload.to, "signals": signals}))
            });
            json!({
                "units": units.collect::<BTreeMap<_, _>>(),
                "ended": ended.collect::<BTreeMap<_, _>>(),
            })
        });
    }
}
