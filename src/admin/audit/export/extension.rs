//! What no JSON format has a field for, as each of them has it in its extension.

use crate::admin::audit::export::json::{Object, Words};
use crate::admin::audit::export::record::{Record, Seal};

/// The operation in its parts.
pub fn operation(own: &mut Object<'_>, record: &Record<'_>) {
    if let Some(operation) = &record.operation {
        own.object("operation", |own| {
            own.maybe("kind", operation.kind.as_ref());
            own.maybe("action", operation.action.as_ref());
            own.maybe("name", operation.name.as_ref());
        });
    }
}

/// What is the same in all of them.
pub fn rest(own: &mut Object<'_>, record: &Record<'_>) {
    own.maybe("approval", record.approval.as_ref());
    own.maybe("asked", record.asked.as_deref().map(Words));
    own.maybe("allow", record.allow.as_ref());
    own.maybe("dry_run", record.dry_run);
    for (key, seal) in [("stdout", &record.stdout), ("stderr", &record.stderr)] {
        if let Some(Seal { bytes, sha256 }) = seal {
            own.object(key, |own| {
                own.maybe("bytes", *bytes);
                own.maybe("sha256", sha256.as_ref());
            });
        }
    }
    if let Some(snapshot) = &record.snapshot {
        own.object("snapshot", |own| {
            own.maybe("before", snapshot.before);
            own.maybe("after", snapshot.after);
            own.maybe("undo", snapshot.undo);
            own.maybe("why_not", snapshot.why_not.as_ref());
        });
    }
    if let Some(undone) = &record.undone {
        own.object("undone", |own| {
            own.maybe("request_id", undone.request_id.as_ref());
            own.maybe("files", undone.files);
            own.maybe("left", undone.left.as_deref().map(Words));
            own.maybe("left_count", undone.left_count);
        });
    }
    own.maybe("torn_bytes", record.torn_bytes);
    own.maybe("lost_records", record.lost_records);
    if let Some(checkpoint) = &record.checkpoint {
        own.object("checkpoint", |own| {
            own.maybe("host", checkpoint.host.as_ref());
            own.maybe("machine", checkpoint.machine.as_ref());
            own.maybe("key", checkpoint.key.as_ref());
            own.maybe("next", checkpoint.next.as_ref());
            own.maybe("signature", checkpoint.signature.as_ref());
        });
    }
}
