//! What apt and dpkg keep, whose change shows that they changed something.

use crate::request::action::Maintenance;
use std::ffi::OsStr;

/// What an operation changes.
pub fn of(action: Option<Maintenance>) -> &'static [&'static str] {
    match action {
        Some(Maintenance::Update) => &["/var/lib/apt/lists"],
        Some(Maintenance::Autoclean) => &["/var/cache/apt/archives"],
        _ => &["/var/lib/dpkg/status"],
    }
}

/// What a plan rests on.
pub const STATE: [&str; 4] = [
    "/var/lib/dpkg/status",
    "/var/lib/dpkg/updates",
    "/var/lib/apt/extended_states",
    "/var/lib/apt/lists",
];

/// Whether dpkg was ended before it could write down where it was: then apt refuses too.
pub fn has_journal() -> bool {
    let updates = std::fs::read_dir("/var/lib/dpkg/updates").into_iter().flatten().flatten();
    let is_number = |name: &OsStr| {
        name.to_str().is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
    };
    updates.map(|entry| entry.file_name()).any(|name| is_number(&name))
}
