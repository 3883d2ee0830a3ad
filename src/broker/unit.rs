//! The units of the broker on this host.

use std::fs;
use std::path::Path;

/// Where an administrator's units are (`systemd.unit(5)`).
pub const UNITS: &str = "/etc/systemd/system";

/// What `systemctl enable` makes.
pub const ENABLED: &str = "/etc/systemd/system/sockets.target.wants/sm.socket";

/// The socket's unit.
pub const SOCKET_UNIT: &str = "sm.socket";

/// Whether this is the text of a unit of ours, in whatever version, or of none.
pub fn is_ours(text: &str) -> bool {
    let is_broker = |line: &str| {
        line == "ListenStream=/run/sm/sm.sock"
            || line.starts_with("ExecStart=") && line.ends_with("/sm broker")
    };
    text.trim().is_empty() || text.lines().map(str::trim).any(is_broker)
}

/// Whether there should be a broker on this host.
pub fn is_set_up() -> bool {
    [Path::new(ENABLED), &Path::new(UNITS).join(SOCKET_UNIT)]
        .iter()
        .any(|path| path.symlink_metadata().is_ok() && !leads_to_another(path))
}

/// Whether a file that has a unit's name, or what a link leads to, is not a unit of this program's,
/// in whatever version and for whatever installation.
pub fn leads_to_another(path: &Path) -> bool {
    let is_file = path.metadata().is_ok_and(|data| data.is_file());
    is_file && fs::read(path).is_ok_and(|text| !is_ours(&String::from_utf8_lossy(&text)))
}
