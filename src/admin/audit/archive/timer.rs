//! The timer that encrypts what rotation has put aside: a package's own units, or copies.

use crate::admin::answer::{Answer, Failure};
use crate::admin::call;
use crate::admin::setup_broker::units;
use crate::broker::unit::UNITS;
use crate::request::code::{Code, Refusal};
use crate::system::file;
use std::path::Path;

/// The timer.
pub const TIMER: &str = "sm-audit-encrypt.timer";

/// The units as they are in packaging/systemd.
const FILES: [(&str, &str); 2] = [
    (TIMER, include_str!("../../../../packaging/systemd/sm-audit-encrypt.timer")),
    (
        "sm-audit-encrypt.service",
        include_str!("../../../../packaging/systemd/sm-audit-encrypt.service"),
    ),
];

/// Puts the units in place and starts the timer, now and at each boot.
///
/// # Errors
/// If systemd does not take them, or they are another program's.
pub fn enable(program: &Path) -> Result<Answer, Failure> {
    let wanted = units::of(&FILES, program)?;
    for (name, _) in FILES {
        let path = Path::new(UNITS).join(name);
        let text = file::read_to_string(&path).unwrap_or_default();
        if path.symlink_metadata().is_ok() && !text.contains("sm-audit-encrypt") {
            let what =
                format!("{} is another program's unit, so it stays as it is", path.display());
            return Err(Refusal::new(Code::CommandFailed, what)
                .hint(format!("rename it, or move it: mv {} /root", path.display()))
                .into());
        }
    }
    let changed = units::place(&wanted)? || !is_enabled();
    let commands: [&[&str]; 2] = [&["daemon-reload"], &["--quiet", "enable", "--now", "--", TIMER]];
    for command in commands.iter().filter(|_| changed) {
        call::text(call::tool("systemctl", command)).map_err(|error| {
            let what = format!("{TIMER} cannot be started: {error}");
            Failure::of(Refusal::new(Code::CommandFailed, what).hint(format!(
                "look at: systemctl status {TIMER}; or run sm audit encrypt as often as you like"
            )))
        })?;
    }
    Ok(Answer::text(format!("{TIMER} encrypts what is put aside of the log"))
        .with("timer", TIMER)
        .with("timer_changed", changed))
}

/// Whether systemd starts it.
pub fn is_enabled() -> bool {
    let is =
        |word: &str| call::text(call::tool("systemctl", &["--quiet", word, "--", TIMER])).is_ok();
    is("is-enabled") && is("is-active")
}
