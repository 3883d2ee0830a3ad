//! `-v`, `-vv` and `SM_LOG`: a command says on standard error what it does, and the broker in the
//! journal. The helper never does: its reply is all that it prints.

use crate::audit::journal::{JOURNAL, send_to};
use std::ffi::OsStr;
use std::io;
use tracing::Level;
use tracing_subscriber::fmt::{MakeWriter, SubscriberBuilder};

/// What sets the level if no flag does. sudo does not pass it on.
const VARIABLE: &str = "SM_LOG";

/// Under which name the broker's lines are found: `journalctl -t sm-broker`.
const IDENTIFIER: &str = "sm-broker";

const LEVELS: [(&str, Level); 5] = [
    ("error", Level::ERROR),
    ("warn", Level::WARN),
    ("info", Level::INFO),
    ("debug", Level::DEBUG),
    ("trace", Level::TRACE),
];

/// Begins to say on standard error what is done, if `-v` is given so often or `SM_LOG` is set.
pub fn begin(count: u8) {
    let by_flag = match count {
        0 => None,
        1 => Some(Level::INFO),
        _ => Some(Level::DEBUG),
    };
    let by_variable = by_variable().unwrap_or_else(|value| {
        // It only says more, so a mistake in it is no reason to leave the work undone.
        eprintln!(
            "sm: warning: {VARIABLE}={}: ignored, because it is not one of error, warn, info, debug, trace",
            value.escape_debug()
        );
        None
    });
    if let Some(level) = by_flag.max(by_variable) {
        listen(level, io::stderr);
    }
}

/// Begins to say in the journal what the broker does, if systemd was told so:
/// `systemctl set-environment SM_LOG=debug`.
pub fn begin_in_journal() {
    if let Ok(Some(level)) = by_variable() {
        listen(level, || Journal);
    }
}

fn by_variable() -> Result<Option<Level>, String> {
    std::env::var_os(VARIABLE).map_or(Ok(None), |value| level(&value))
}

/// The level of this name; none if it is empty.
fn level(value: &OsStr) -> Result<Option<Level>, String> {
    let named = LEVELS.iter().find(|(name, _)| value == *name);
    match named {
        Some((_, level)) => Ok(Some(*level)),
        None if value.is_empty() => Ok(None),
        None => Err(value.to_string_lossy().into_owned()),
    }
}

fn listen<W: for<'w> MakeWriter<'w> + Send + Sync + 'static>(level: Level, to: W) {
    let lines = SubscriberBuilder::default()
        .with_max_level(level)
        .with_writer(to)
        .with_target(false)
        .with_ansi(false)
        .without_time()
        // If nobody reads them the command continues all the same.
        .log_internal_errors(false);
    let _ = tracing::subscriber::set_global_default(lines.finish());
}

/// Takes one line at a time to the journal. The unit's own standard error is closed, since
/// connecting it to the journal makes each request slower.
struct Journal;

impl io::Write for Journal {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        // With this priority it gets through the unit's LogLevelMax=.
        let message =
            format!("MESSAGE={}\nPRIORITY=5\nSYSLOG_IDENTIFIER={IDENTIFIER}\n", text.trim());
        send_to(JOURNAL, message.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_five_names_set_a_level() {
        for (name, wanted) in LEVELS {
            assert_eq!(level(OsStr::new(name)), Ok(Some(wanted)));
        }
        assert_eq!(level(OsStr::new("")), Ok(None));
        for bad in ["TRACE", "2", "sm=debug", "debug ", "off"] {
            assert_eq!(level(OsStr::new(bad)), Err(bad.to_owned()));
        }
    }

    #[test]
    fn more_is_a_higher_level() {
        assert!(Some(Level::DEBUG) > Some(Level::INFO) && Some(Level::ERROR) > None);
    }
}
