//! Where the state cannot be relied on, nothing is run.

use crate::host::{host_test, intents};
use crate::reload;

/// What root does wrong, and how it is mended beyond removing the folder.
const BROKEN: [(&str, &str, &str); 13] = [
    ("garbage", "head -c 500 /dev/urandom >$f", ""),
    ("cut short", "truncate -s 10 $f", ""),
    ("all zero", "head -c 300 /dev/zero >$f", ""),
    (
        "a head that is not whole",
        "printf '\\377\\377' | dd of=$f bs=1 seek=32 conv=notrunc status=none",
        "",
    ),
    (
        "other entries",
        "printf '\\377\\377\\377\\377\\377\\377\\377\\177' >/tmp/m; for i in {0..29}; do dd if=/tmp/m of=$f bs=1 seek=$((64 + 8 * i)) conv=notrunc status=none; done",
        "",
    ),
    ("another owner", "chown agent $f", ""),
    ("open to all", "chmod 0666 $f", ""),
    ("a link", "mv $f /tmp/ring; ln -s /tmp/ring $f", "rm /tmp/ring"),
    ("a fifo", "rm $f; mkfifo $f", ""),
    ("a folder", "rm $f; mkdir $f", ""),
    ("the folder is another's", "chown agent /run/sm/rate", ""),
    (
        "the folder is a link",
        "mv /run/sm/rate /tmp/rate; ln -s /tmp/rate /run/sm/rate",
        "rm -r /tmp/rate",
    ),
    (
        "no room",
        "rm -r /run/sm/rate; mkdir -m 700 /run/sm/rate; mount -t tmpfs -o size=4k,mode=700 tmpfs /run/sm/rate; head -c 4096 /dev/zero >/run/sm/rate/full",
        "umount /run/sm/rate",
    ),
];

host_test!(a_state_that_can_not_be_relied_on_stops_everything, all, |host| {
    host.limit_the_rate();
    for (what, script, mended) in BROKEN {
        reload(host).expect("ok");
        let before = (intents(host), host.main_pid("nginx"));
        let script = format!("set -e; f=/run/sm/rate/$(id -u agent).changes; {script}");
        host.root(&script).ok();
        let reply = reload(host);
        assert_eq!(reply.code(), "untrusted_path", "{what}: {:#}", reply.json);
        assert!(reply.json["hint"].as_str().is_some_and(|hint| hint.contains("/run/sm/rate")));
        assert_eq!((intents(host), host.main_pid("nginx")), before, "{what}");
        // Nor is what needs no state held up.
        host.helper(&["version"]).expect("ok");
        let log = host.read("/var/log/sm/audit.jsonl");
        assert!(log.lines().last().is_some_and(|last| last.contains("untrusted_path")), "{what}");
        // With what the hint says, all is well again.
        host.root(&format!(
            "{} rm -rf /run/sm/rate",
            if mended.is_empty() { String::new() } else { format!("{mended};") }
        ))
        .ok();
    }
    reload(host).expect("ok");
});
