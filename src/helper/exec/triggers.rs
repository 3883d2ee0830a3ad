//! What wakes a unit though nobody asks for it: a socket, a timer, a path, an automount, the bus,
//! a unit that upholds it. Who stops a service and leaves its socket has not stopped it for long.

use super::Shown;
use super::others::Others;
use crate::helper::unit::Unit;
use std::path::Path;

/// Where the bus is told which names it may have a unit started for (`dbus-daemon(1)`).
const BUS_FOLDERS: [&str; 5] = [
    "/etc/dbus-1/system-services",
    "/run/dbus-1/system-services",
    "/usr/local/share/dbus-1/system-services",
    "/usr/share/dbus-1/system-services",
    "/lib/dbus-1/system-services",
];

/// What may wake a unit at this moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wakers {
    units: Vec<String>,
    bus_name: Option<String>,
}

impl Wakers {
    /// Those of this unit that are up.
    pub fn of(unit: &Unit, others: Option<&Others>) -> Self {
        let is_up = |name: &&String| others.is_none_or(|others| others.is_up(name));
        let units = unit.wakers.iter().filter(is_up).cloned().collect();
        let bus_name = unit.bus_name.as_ref().filter(|name| is_activated(name)).cloned();
        Self { units, bus_name }
    }

    /// The same with the socket that is called like the service: with `Accept=yes` it starts
    /// instances of a template and not the service, and listens in its place.
    pub fn or_socket(mut self, name: &str, others: Option<&Others>) -> Self {
        let socket = name.strip_suffix(".service").map(|stem| format!("{stem}.socket"));
        if let Some(socket) = socket
            && !self.units.contains(&socket)
            && others.is_some_and(|others| others.is_up(&socket))
        {
            self.units.push(socket);
        }
        self
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.units.is_empty() && self.bus_name.is_none()
    }

    /// Who they are, for a sentence.
    pub fn listed(&self, shown: Shown<'_>) -> String {
        let bus = self.bus_name.as_ref().map(|_| "the bus, where a program asks for it".to_owned());
        let units = (!self.units.is_empty()).then(|| shown.listed(&self.units));
        units.into_iter().chain(bus).collect::<Vec<_>>().join(" and ")
    }
}

/// Whether what asks for this name on the bus has its unit started.
fn is_activated(bus_name: &str) -> bool {
    // What has a slash in it is no bus name.
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
        let wakers = Wakers::of(&unit, None);
        assert_eq!(wakers.units, ["a.socket", "a.timer", "b.service"]);
        assert_eq!(wakers.bus_name, None);
        let all = |_: &str| true;
        assert_eq!(wakers.listed(Shown(&all)), "a.socket, a.timer, b.service");
        let none = |_: &str| false;
        assert_eq!(wakers.listed(Shown(&none)), "3 units that are not in the policy");
        assert!(Wakers::of(&unit, Some(&Others::default())).is_none());
        assert!(Wakers::of(&Unit::default(), None).is_none());
    }
}
