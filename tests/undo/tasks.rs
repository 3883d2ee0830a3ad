//! A task has snapshots around it, but only an administrator knows what it has changed.

use crate::host::host_once;
use crate::{SITE, ask, id, set_up};

const TASK: &str = "[tasks.mark]
argv = [\"/usr/local/sbin/mark\"]
write = [\"/srv\"]
snapshot = true
[tasks.plain]
argv = [\"/usr/local/sbin/mark\"]
write = [\"/srv\"]
";

host_once!(a_task_has_snapshots_and_no_undo, bare_btrfs, all, |host| {
    set_up(host, &format!("{SITE}{TASK}"));
    host.write(
        "/usr/local/sbin/mark",
        "#!/bin/sh\necho done >>/srv/marks\nexit $(cat /srv/status)\n",
    );
    host.root("chmod 0755 /usr/local/sbin/mark; echo 0 >/srv/status").ok();
    for (status, code) in [("0", "ok"), ("3", "command_failed")] {
        host.write("/srv/status", status);
        let reply = ask(host, "task run mark").expect(code);
        let snapshot = &reply.json["snapshot"];
        let (before, after) = (snapshot["before"].as_u64(), snapshot["after"].as_u64());
        assert!(before.is_some() && before < after, "{:#}", reply.json);
        assert_eq!(snapshot["undo"], false, "{snapshot}");
        assert!(
            snapshot["why_not"].as_str().is_some_and(|why| why.contains("administrator")),
            "{snapshot}"
        );
        let marks = |number: Option<u64>| {
            let path = format!("/.sm-snapshots/{}/srv/marks", number.unwrap_or(0));
            if host.exists(&path) { host.read(&path).lines().count() } else { 0 }
        };
        assert_eq!(marks(before) + 1, marks(after), "the task is not between the two");
        let refused = ask(host, &format!("undo {}", id(&reply))).expect("unsupported");
        assert!(refused.json["changed"] != true, "{:#}", refused.json);
        let (exit, answer) = crate::sm(host, &format!("undo --dry-run {}", id(&reply)));
        assert_ne!(exit, 0, "{answer:#}");
    }
    host.write("/srv/status", "0");
    let reply = ask(host, "task run plain").expect("ok");
    assert!(reply.json["snapshot"].is_null(), "{:#}", reply.json);
});
