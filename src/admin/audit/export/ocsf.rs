//! The Open Cybersecurity Schema Framework: process activity, class 1007. What it has no
//! attribute for is in `unmapped`.

use crate::admin::audit::export::extension::{operation, rest};
use crate::admin::audit::export::json::{Object, Quoted, Value, Words};
use crate::admin::audit::export::plain::{LONGEST, command_line, cut, milliseconds};
use crate::admin::audit::export::record::{Outcome, Record};
use crate::audit::record::Event;

/// The version of the schema.
const VERSION: &str = "1.9.0";

/// The profiles whose attributes an event has; the last one only if an agent asked.
const PROFILES: [&str; 3] = ["host", "security_control", "ai_operation"];

/// Writes a record as an event.
pub fn write(out: &mut Vec<u8>, record: &Record<'_>, host: &str) {
    let caller = record.caller.as_ref();
    let outcome = record.outcome();
    let agent = record.agent();
    let profiles = if agent.is_some() { &PROFILES[..] } else { &PROFILES[..2] };
    Object::line(out, |line| {
        line.raw(concat!(
            r#""category_uid":1,"category_name":"System Activity","#,
            r#""class_uid":1007,"class_name":"Process Activity","#,
            r#""activity_id":1,"activity_name":"Launch","#,
            r#""type_uid":100701,"type_name":"Process Activity: Launch""#
        ));
        let (severity_id, severity) = match (outcome, record.event()) {
            (Outcome::Failure, Some(Event::Refused)) => (3, "Medium"),
            (Outcome::Failure, _) => (2, "Low"),
            _ => (1, "Informational"),
        };
        line.put("severity_id", severity_id);
        line.put("severity", severity);
        let (status_id, status) = match outcome {
            Outcome::Success => (1, "Success"),
            Outcome::Failure => (2, "Failure"),
            Outcome::Unknown => (0, "Unknown"),
        };
        line.put("status_id", status_id);
        line.put("status", status);
        let [(action_id, action), (disposition_id, disposition)] = match record.event() {
            Some(Event::Refused) => [(2, "Denied"), (2, "Blocked")],
            Some(Event::Intent | Event::Result | Event::Checkpoint) => [(1, "Allowed"); 2],
            None => [(0, "Unknown"); 2],
        };
        line.put("action_id", action_id);
        line.put("action", action);
        line.put("disposition_id", disposition_id);
        line.put("disposition", disposition);
        line.maybe("status_code", record.code.as_ref());
        line.maybe("status_detail", record.error.as_ref());
        // In milliseconds.
        line.put("time", milliseconds(&record.time).unwrap_or(0));
        line.maybe("duration", record.duration_ms.map(|ms| ms.round() as i64));
        line.maybe("count", record.count);
        line.maybe("exit_code", record.returncode);
        line.put("message", cut(&record.message(), LONGEST));
        line.object("metadata", |metadata| {
            metadata.put("version", VERSION);
            metadata.object("product", |product| {
                product.raw(r#""name":"sm-helper","vendor_name":"sm""#);
                product.put("version", env!("CARGO_PKG_VERSION"));
            });
            metadata.put("profiles", profiles);
            metadata.raw(r#""log_name":"audit.jsonl""#);
            metadata.put("event_code", &record.event);
            metadata.put("uid", &record.hash);
            metadata.put("sequence", record.seq);
            metadata.maybe("correlation_uid", record.request_id.as_ref());
            metadata.put("original_time", &record.time);
        });
        line.object("device", |device| {
            device.put("hostname", host);
            device.put("type_id", 0);
            device.put("type", "Unknown");
        });
        line.object("actor", |actor| {
            actor.object("application", |application| application.put("name", "sm-helper"));
            actor.object("user", |user| {
                user.maybe("name", caller.and_then(|caller| caller.user.as_ref()));
                user.maybe("uid", caller.and_then(|caller| caller.uid).map(Quoted));
                if let Some(gid) = caller.and_then(|caller| caller.gid) {
                    user.put("groups", [Group(gid)]);
                }
            });
            actor.object("process", |process| {
                process.maybe("pid", caller.and_then(|caller| caller.pid));
            });
            actor.object("session", |session| {
                session.maybe("terminal", caller.and_then(|caller| caller.tty.as_ref()));
            });
        });
        // Of an agent its name is known, and it is the policy that gives it: both are stable.
        line.object("ai_agent", |own| {
            own.maybe("uid", agent);
            own.maybe("name", agent);
        });
        line.object("process", |process| {
            // The schema wants to know which process: its own number is not recorded.
            process.put("uid", record.request_id.as_deref().unwrap_or_default());
            if let Some(argv) = &record.argv {
                process.put("cmd_line", command_line(argv));
                if let Some(program) = argv.first() {
                    process
                        .put("name", cut(program.rsplit('/').next().unwrap_or(program), LONGEST));
                    process.put("path", program);
                }
            }
        });
        line.object("policy", |policy| policy.maybe("uid", record.policy.as_ref()));
        line.object("unmapped", |own| unmapped(own, record));
    });
}

/// A group of an account.
struct Group(u64);

impl Value for Group {
    fn write(&self, out: &mut Vec<u8>) {
        Object::value(out, |group| group.put("uid", Quoted(self.0)));
    }
}

/// What the schema has no attribute for.
fn unmapped(own: &mut Object<'_>, record: &Record<'_>) {
    if let Some(caller) = &record.caller {
        own.object("caller", |own| {
            own.maybe("via", caller.via.as_ref());
            own.maybe("loginuid", caller.loginuid);
        });
    }
    operation(own, record);
    own.maybe("argv", record.argv.as_deref().map(Words));
    own.maybe("reason", record.reason.as_ref());
    own.maybe("duration_ms", record.duration_ms);
    rest(own, record);
    own.maybe("prev", record.prev.as_ref());
}
