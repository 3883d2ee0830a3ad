//! The Elastic Common Schema. What it has no field for is below `sm`, as custom fields are
//! (<https://www.elastic.co/docs/reference/ecs/ecs-custom-fields-in-ecs>).

use crate::admin::audit::export::extension::{operation, rest};
use crate::admin::audit::export::json::{Object, Quoted, Words};
use crate::admin::audit::export::plain::{LONGEST, command_line, cut};
use crate::admin::audit::export::record::{Outcome, Record};
use crate::audit::record::Event;

/// The version of the schema.
const VERSION: &str = "9.4.0";

/// Writes a record as an event.
pub fn write(out: &mut Vec<u8>, record: &Record<'_>, host: &str) {
    let (caller, asked) = (record.caller.as_ref(), record.operation.as_ref());
    let kind = asked.and_then(|asked| asked.kind.as_deref());
    let user = caller.and_then(|caller| caller.user.as_ref());
    let has_failed = record.outcome() == Outcome::Failure;
    Object::line(out, |line| {
        line.put("@timestamp", &record.time);
        line.put("message", cut(&record.message(), LONGEST));
        line.object("ecs", |ecs| ecs.put("version", VERSION));
        line.object("event", |event| {
            event.raw(r#""kind":"event","module":"sm","dataset":"sm.audit""#);
            let categories: &[&str] =
                if kind == Some("package") { &["package", "process"] } else { &["process"] };
            event.put("category", categories);
            event.put("type", types(record, kind));
            event.put("action", cut(&record.action(), LONGEST));
            event.put("outcome", record.outcome().word());
            event.maybe("code", record.code.as_ref());
            event.maybe("reason", record.reason.as_ref());
            event.put("sequence", record.seq);
            event.put("id", &record.hash);
            event.put("hash", &record.hash);
            // In nanoseconds.
            event.maybe("duration", record.duration_ms.map(|ms| (ms * 1e6) as i64));
        });
        line.object("log", |log| log.put("level", if has_failed { "warning" } else { "notice" }));
        line.object("host", |own| {
            own.put("hostname", host);
            own.put("name", host);
        });
        line.object("service", |service| service.put("type", "sm"));
        line.object("user", |own| {
            own.maybe("id", caller.and_then(|caller| caller.uid).map(Quoted));
            own.maybe("name", user);
            own.object("group", |group| {
                group.maybe("id", caller.and_then(|caller| caller.gid).map(Quoted));
            });
        });
        line.object("gen_ai", |own| {
            own.object("agent", |agent| agent.maybe("name", record.agent()));
        });
        line.object("related", |related| {
            related.put("hosts", [host]);
            related.maybe("user", user.map(|user| [user]));
        });
        line.object("process", |process| {
            if let Some(argv) = &record.argv {
                process.maybe("executable", argv.first());
                process.put("args", Words(argv));
                process.put("args_count", argv.len());
                process.put("command_line", command_line(argv));
            }
            process.maybe("exit_code", record.returncode);
        });
        if has_failed {
            line.object("error", |error| {
                error.maybe("code", record.code.as_ref());
                error.maybe("message", record.error.as_ref());
            });
        }
        line.object("rule", |rule| rule.maybe("ruleset", record.policy.as_ref()));
        if kind == Some("package") {
            let name = asked.and_then(|asked| asked.name.as_ref());
            line.object("package", |package| package.maybe("name", name));
        }
        line.object("sm", |sm| own(sm, record));
    });
}

/// What the schema has no field for.
fn own(sm: &mut Object<'_>, record: &Record<'_>) {
    sm.put("event", &record.event);
    sm.maybe("request_id", record.request_id.as_ref());
    if let Some(caller) = &record.caller {
        sm.object("caller", |own| {
            own.maybe("pid", caller.pid);
            own.maybe("via", caller.via.as_ref());
            own.maybe("tty", caller.tty.as_ref());
            own.maybe("loginuid", caller.loginuid);
        });
    }
    operation(sm, record);
    if record.outcome() != Outcome::Failure {
        sm.maybe("error", record.error.as_ref());
    }
    sm.maybe("count", record.count);
    rest(sm, record);
    sm.maybe("prev", record.prev.as_ref());
}

/// The types of an event that its categories expect.
fn types(record: &Record<'_>, kind: Option<&str>) -> &'static [&'static str] {
    let action = record.operation.as_ref().and_then(|operation| operation.action.as_deref());
    match record.event() {
        Some(Event::Intent) => &["start"],
        Some(Event::Result) if record.argv.is_some() && record.dry_run != Some(true) => {
            match (kind, action, record.outcome()) {
                (Some("package"), Some("install"), Outcome::Success) => &["end", "installation"],
                (Some("package"), Some("remove"), Outcome::Success) => &["end", "deletion"],
                (Some("package"), Some("upgrade"), Outcome::Success) => &["end", "change"],
                _ => &["end"],
            }
        }
        _ => &["info"],
    }
}
