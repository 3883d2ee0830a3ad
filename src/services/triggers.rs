//! What may start a unit without a request: a socket, a timer, a path, an automount, D-Bus, or a
//! unit that upholds it. A service that is stopped while its socket is up may soon be up again.

use crate::exec::context::Shown;
use crate::managers::systemd::alias;
use crate::managers::systemd::unit::Unit;
use crate::services::others::Others;
use crate::system::file;
use std::path::Path;

/// The folders that tell D-Bus which names may start a unit (`dbus-daemon(1)`).
const BUS_FOLDERS: [&str; 5] = [
    "/etc/dbus-1/system-services",
    "/run/dbus-1/system-services",
    "/usr/local/share/dbus-1/system-services",
    "/usr/share/dbus-1/system-services",
    "/lib/dbus-1/system-services",
];

/// What may start a unit right now.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wakers {
    units: Vec<String>,
    bus_name: Option<String>,
}

impl Wakers {
    /// The triggers of this unit that are up; `name` is its own name.
    ///
    /// The socket with the service's name counts, too: with `Accept=yes` it starts instances of a
    /// template instead of the service, and listens in its place.
    pub fn of(unit: &Unit, name: &str, others: Option<&Others>) -> Self {
        let is_up = |name: &&String| others.is_none_or(|others| others.is_up(name));
        let mut units: Vec<String> = unit.wakers.iter().filter(is_up).cloned().collect();
        if let Some(socket) = socket_of(name)
            && !units.contains(&socket)
            && others.is_some_and(|others| others.is_up(&socket))
        {
            units.push(socket);
        }
        let own = unit.bus_name.clone().filter(|name| is_activated(name));
        let bus_name = own.or_else(|| bus_name_for(name));
        Self { units, bus_name }
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.units.is_empty() && self.bus_name.is_none()
    }

    /// Their names, as part of a sentence.
    pub fn listed(&self, shown: Shown<'_>) -> String {
        let bus = self.bus_name.as_ref().map(|_| "D-Bus, when a program asks for it".to_owned());
        let units = (!self.units.is_empty()).then(|| shown.listed(&self.units));
        units.into_iter().chain(bus).collect::<Vec<_>>().join(" and ")
    }
}

/// Whether anything could start the unit, up or not; `name` is its own name.
pub fn may_be_woken(unit: &Unit, name: &str) -> bool {
    !unit.wakers.is_empty()
        || unit.bus_name.is_some()
        || socket_of(name).is_some_and(|socket| alias::has_file(&socket))
        || bus_name_for(name).is_some()
}

fn socket_of(name: &str) -> Option<String> {
    name.strip_suffix(".service").map(|stem| format!("{stem}.socket"))
}

/// The bus name that starts this unit (`SystemdService=` of `dbus-daemon(1)`). The unit file need
/// not have it.
fn bus_name_for(unit: &str) -> Option<String> {
    let entries = BUS_FOLDERS.iter().filter_map(|folder| std::fs::read_dir(folder).ok());
    entries.flatten().flatten().find_map(|entry| {
        let text = file::read_to_string(entry.path()).ok()?;
        let started = text.lines().filter_map(|line| line.trim().strip_prefix("SystemdService="));
        let is_it = |name: &str| name == unit || alias::own_name(name).as_deref() == Some(unit);
        let mut started = started.map(str::trim);
        let name = entry.file_name().to_str()?.strip_suffix(".service")?.to_owned();
        started.any(is_it).then_some(name)
    })
}

/// Whether a request for this bus name starts its unit.
fn is_activated(bus_name: &str) -> bool {
    // A bus name has no slash.
    !bus_name.contains('/')
        && BUS_FOLDERS
            .iter()
            .any(|folder| Path::new(folder).join(format!("{bus_name}.service")).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wakes_a_unit_is_told_of_as_far_as_it_may_be() {
        let unit = Unit::parse("TriggeredBy=a.socket a.timer\nUpheldBy=b.service\nBusName=../x\n");
        let wakers = Wakers::of(&unit, "x.target", None);
        assert_eq!(wakers.units, ["a.socket", "a.timer", "b.service"]);
        assert_eq!(wakers.bus_name, None);
        let all = |_: &str| true;
        assert_eq!(wakers.listed(Shown(&all)), "a.socket, a.timer, b.service");
        let none = |_: &str| false;
        assert_eq!(wakers.listed(Shown(&none)), "3 units that are not in the policy");
        assert!(Wakers::of(&unit, "x.target", Some(&Others::default())).is_none());
        assert!(Wakers::of(&Unit::default(), "x.target", None).is_none());
    }
}
