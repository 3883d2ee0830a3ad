//! Which unit a process belongs to, by its cgroup.

/// The unit of the service manager that a process belongs to; none if it is no unit's. `shown` is its
/// `/proc/PID/cgroup` (`cgroups(7)`), `manager` that of the service manager itself.
///
/// What a user's own service manager has started belongs to `user@1000.service`.
pub fn unit_of(shown: &str, manager: &str) -> Option<String> {
    let top = path(manager)?;
    let top = top.strip_suffix("/init.scope").unwrap_or(top);
    let below = path(shown)?.strip_prefix(top)?;
    let mut parts = below.split('/').filter(|part| !part.is_empty());
    let unit = parts.find(|part| !part.ends_with(".slice"))?;
    // So are names written that the kernel has taken already (systemd's cg_escape).
    let unit = unit.strip_prefix('_').unwrap_or(unit);
    let is_unit = [".service", ".scope", ".socket", ".mount", ".swap"]
        .iter()
        .any(|kind| unit.ends_with(kind) && unit.len() > kind.len());
    is_unit.then(|| unit.to_owned())
}

/// The cgroup that the service manager made: in the one hierarchy, or in the one of its own.
fn path(shown: &str) -> Option<&str> {
    let named = shown.lines().find_map(|line| Some(line.split_once(":name=systemd:")?.1));
    named.or_else(|| shown.lines().find_map(|line| line.strip_prefix("0::")))
}

#[cfg(test)]
mod tests {
    use super::unit_of;

    #[test]
    fn the_unit_stands_behind_the_slices() {
        for (shown, manager, unit) in [
            ("0::/system.slice/nginx.service\n", "0::/init.scope\n", Some("nginx.service")),
            (
                "0::/system.slice/system-getty.slice/getty@tty1.service",
                "0::/init.scope",
                Some("getty@tty1.service"),
            ),
            ("0::/system.slice/docker.service/sub", "0::/init.scope", Some("docker.service")),
            ("0::/init.scope", "0::/init.scope", Some("init.scope")),
            (
                "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.service",
                "0::/init.scope",
                Some("user@1000.service"),
            ),
            (
                "0::/user.slice/user-1000.slice/session-3.scope",
                "0::/init.scope",
                Some("session-3.scope"),
            ),
            // In a container, and with the first version of cgroups.
            ("0::/box-7/system.slice/a.service", "0::/box-7/init.scope", Some("a.service")),
            (
                "4:cpu:/\n1:name=systemd:/system.slice/a.service\n0::/\n",
                "4:cpu:/\n1:name=systemd:/init.scope\n0::/\n",
                Some("a.service"),
            ),
            ("0::/system.slice/_cpu.service", "0::/init.scope", Some("cpu.service")),
            ("0::/box-8/system.slice/a.service", "0::/box-7/init.scope", None),
            ("0::/", "0::/init.scope", None),
            ("0::/system.slice", "0::/init.scope", None),
            ("0::/lxc/name", "0::/init.scope", None),
            ("0::/system.slice/.service", "0::/init.scope", None),
            ("", "0::/init.scope", None),
        ] {
            assert_eq!(unit_of(shown, manager).as_deref(), unit, "{shown}");
        }
    }
}
