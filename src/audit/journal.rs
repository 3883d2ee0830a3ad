//! The journal, over its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL), and syslog if
//! there is no journal.

use crate::audit::record::{Event, Link, Record};
use crate::request::code::Code;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

/// The name under which records are found: `journalctl -t sm-helper`.
pub const IDENTIFIER: &str = "sm-helper";

/// Where the journal listens.
pub const JOURNAL: &str = "/run/systemd/journal/socket";
/// Where syslog listens.
pub const SYSLOG: &str = "/dev/log";

/// Sends the record to the journal, or to syslog if there is no journal or it does not take
/// the record. `link` is its place in the chain, if it has one. Gives the name of the one that
/// has taken it; whether that keeps it is for its own settings to say.
///
/// # Errors
/// If neither takes it.
pub fn send(record: &Record<'_>, line: &str, link: Option<&Link>) -> io::Result<&'static str> {
    let by_journal = if Path::new(JOURNAL).exists() {
        send_to(JOURNAL, &native(record, line, link))
    } else {
        Err(io::Error::new(io::ErrorKind::NotFound, "this host has neither a journal nor syslog"))
    };
    if by_journal.is_ok() || !Path::new(SYSLOG).exists() {
        return by_journal.map(|()| "the journal");
    }
    let (facility, severity) = (10, priority(record)); // authpriv
    let text = format!(
        "<{}>{IDENTIFIER}[{}]: {}",
        facility * 8 + severity,
        std::process::id(),
        line.trim_end()
    );
    send_to(SYSLOG, text.as_bytes()).map(|()| "syslog")
}

/// Sends a datagram, and waits for nobody.
///
/// # Errors
/// If nobody takes it.
pub fn send_to(path: &str, bytes: &[u8]) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    // A journal that does not read must not hold the request.
    socket.set_nonblocking(true)?;
    socket.send_to(bytes, path).map(|_| ())
}

/// One field a line; a value that may hold a line break goes with its length in front.
fn native(record: &Record<'_>, line: &str, link: Option<&Link>) -> Vec<u8> {
    let operation = record.operation.map(ToString::to_string);
    let argv = record.argv.map(|argv| serde_json::to_string(argv).unwrap_or_default());
    let reason = record.reason.as_deref().map(str::to_owned);
    let what = match (&operation, record.event) {
        (Some(operation), _) => operation.clone(),
        (None, Event::Checkpoint) => "the audit log is signed".to_owned(),
        (None, _) => "not a request".to_owned(),
    };
    let rehearsed = if record.dry_run { " --dry-run" } else { "" };
    let message = format!(
        "{}: {what}{rehearsed}: {} {}",
        record.caller.user,
        record.event.word(),
        record.code.word()
    );
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let fields: [(&str, Option<String>); 19] = [
        ("MESSAGE", Some(message)),
        ("PRIORITY", number(Some(priority(record)))),
        ("SYSLOG_IDENTIFIER", Some(IDENTIFIER.to_owned())),
        ("SM_EVENT", Some(record.event.word().to_owned())),
        ("SM_CODE", Some(record.code.word().to_owned())),
        ("SM_REQUEST_ID", Some(record.request_id.to_string())),
        ("SM_USER", Some(record.caller.user.clone())),
        ("SM_UID", number(Some(record.caller.uid.into()))),
        ("SM_AGENT", record.caller.agent.as_ref().map(|agent| agent.as_str().to_owned())),
        ("SM_VIA", Some(record.caller.via.word().to_owned())),
        ("SM_OPERATION", operation),
        ("SM_DRY_RUN", record.dry_run.then(|| "true".to_owned())),
        ("SM_ARGV", argv),
        ("SM_REASON", reason),
        ("SM_ERROR", record.error.as_deref().map(str::to_owned)),
        ("SM_RETURNCODE", record.returncode.map(|code| code.to_string())),
        ("SM_SEQ", number(link.map(|link| link.seq))),
        ("SM_HASH", link.map(|link| link.hash.clone())),
        ("SM_RECORD", Some(line.trim_end().to_owned())),
    ];
    let mut bytes = Vec::with_capacity(2048);
    for (name, value) in fields {
        let Some(value) = value else { continue };
        bytes.extend(name.as_bytes());
        bytes.push(b'\n');
        bytes.extend((value.len() as u64).to_le_bytes());
        bytes.extend(value.as_bytes());
        bytes.push(b'\n');
    }
    bytes
}

/// As syslog(3) counts: 4 warning, 5 notice. Nothing is less than a notice: the journal drops that
/// if the unit that it comes from has `LogLevelMax=notice`, as the broker's has (sm-broker.service).
fn priority(record: &Record<'_>) -> u64 {
    match (record.event, record.code) {
        (Event::Refused, _) | (_, Code::Ok) => 5,
        _ => 4,
    }
}
