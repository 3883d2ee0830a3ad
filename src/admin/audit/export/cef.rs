//! ArcSight's Common Event Format, version 0. What it has no key for has one of our own, which
//! begins with `sm`.

use crate::admin::audit::export::plain::{self, LONGEST, command_line, milliseconds, number};
use crate::admin::audit::export::record::{Outcome, Record, Value};
use crate::audit::record::Event;
use std::io::Write as _;

/// Where each field goes: its path in a record, the key, and for a custom key its label; in the
/// order in which a record shows its fields.
pub const KEYS: [(&str, &str, Option<&str>); 48] = [
    ("seq", "externalId", None),
    ("time", "smTime", None),
    ("event", "smEvent", None),
    ("request_id", "cs3", Some("request_id")),
    ("caller.uid", "suid", None),
    ("caller.user", "suser", None),
    ("caller.gid", "smGid", None),
    ("caller.pid", "spid", None),
    ("caller.via", "smVia", None),
    ("caller.tty", "smTty", None),
    ("caller.loginuid", "smLoginuid", None),
    ("caller.agent", "smAgent", None),
    ("operation.kind", "smKind", None),
    ("operation.action", "smAction", None),
    ("operation.name", "smName", None),
    ("argv", "cs1", Some("argv")),
    ("reason", "cs2", Some("reason")),
    ("approval", "smApproval", None),
    ("code", "smCode", None),
    ("asked", "smAsked", None),
    ("error", "reason", None),
    ("allow", "smAllow", None),
    ("count", "cnt", None),
    ("dry_run", "smDryRun", None),
    ("returncode", "cn1", Some("returncode")),
    ("stdout.bytes", "smStdoutBytes", None),
    ("stdout.sha256", "smStdoutSha256", None),
    ("stderr.bytes", "smStderrBytes", None),
    ("stderr.sha256", "smStderrSha256", None),
    ("duration_ms", "cfp1", Some("duration_ms")),
    ("snapshot.before", "smSnapshotBefore", None),
    ("snapshot.after", "smSnapshotAfter", None),
    ("snapshot.undo", "smSnapshotUndo", None),
    ("snapshot.why_not", "smSnapshotWhyNot", None),
    ("undone.request_id", "smUndoneRequestId", None),
    ("undone.files", "smUndoneFiles", None),
    ("undone.left", "smUndoneLeft", None),
    ("undone.left_count", "smUndoneLeftCount", None),
    ("torn_bytes", "smTornBytes", None),
    ("lost_records", "smLostRecords", None),
    ("checkpoint.host", "smCheckpointHost", None),
    ("checkpoint.machine", "smCheckpointMachine", None),
    ("checkpoint.key", "smCheckpointKey", None),
    ("checkpoint.next", "smCheckpointNext", None),
    ("checkpoint.signature", "smCheckpointSignature", None),
    ("policy", "cs4", Some("policy")),
    ("prev", "cs6", Some("prev")),
    ("hash", "cs5", Some("hash")),
];

/// What is escaped in a value.
const ESCAPED: &[u8; 2] = b"=\\";

/// Writes a record as an event.
pub fn write(out: &mut Vec<u8>, record: &Record<'_>, host: &str) {
    let code = record.code.as_deref().unwrap_or("-");
    let severity = match (record.outcome(), record.event()) {
        (Outcome::Failure, Some(Event::Refused)) => "6",
        (Outcome::Failure, _) => "5",
        _ => "3",
    };
    out.extend_from_slice(b"CEF:0");
    for part in ["sm", "sm-helper", env!("CARGO_PKG_VERSION")] {
        header(out, part);
    }
    header(out, &[&record.event, ":", code].concat());
    header(out, &record.asked_for());
    header(out, severity);
    out.push(b'|');
    out.extend_from_slice(b"dvchost=");
    value(out, host);
    if let Some(moment) = milliseconds(&record.time) {
        out.extend_from_slice(b" rt=");
        number(out, moment.into());
    }
    pair(out, "act", &record.action());
    pair(out, "outcome", record.outcome().word());
    pair(out, "msg", &record.message());
    // In the same order, so that each is looked for behind the one before it.
    let mut keys = KEYS.iter();
    record.each(|path, content| {
        let Some((_, key, label)) = keys.find(|(known, ..)| *known == path) else {
            return;
        };
        if let Some(label) = label {
            for part in [" ", key, "Label=", label] {
                out.extend_from_slice(part.as_bytes());
            }
        }
        begin(out, key);
        match content {
            Value::Text(text) => plain::write_text(out, text, ESCAPED),
            Value::Texts(texts) => value(out, &command_line(texts)),
            Value::Number(content) => number(out, content),
            Value::Decimal(number) => drop(write!(out, "{number}")),
            Value::Bool(is) => drop(write!(out, "{is}")),
        }
    });
    out.push(b'\n');
}

/// A part of the header, in which `|` and `\` are escaped.
fn header(out: &mut Vec<u8>, text: &str) {
    /// The longest one, in characters.
    const LONGEST: usize = 512;
    out.push(b'|');
    plain::write(out, text, LONGEST, b"|\\");
}

fn pair(out: &mut Vec<u8>, key: &str, text: &str) {
    begin(out, key);
    value(out, text);
}

fn begin(out: &mut Vec<u8>, key: &str) {
    out.push(b' ');
    out.extend_from_slice(key.as_bytes());
    out.push(b'=');
}

/// A value that is no text of a record.
fn value(out: &mut Vec<u8>, text: &str) {
    plain::write(out, text, LONGEST, ESCAPED);
}
