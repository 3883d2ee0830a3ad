//! Ids that are no account of this host: one ordinary account can have tens of thousands of them,
//! and all together count as one.

use crate::host::log;
use crate::{ask, broker_test, replies, speak};

const SITE: &str = "schema = 1
[limits]
rate = { count = 3, per_seconds = 600 }
[services]
actions = [\"status\"]
[services.units.nginx]
";

/// Asks so often with each of many ids, as `newuidmap` gives them.
const MANY: &str = "for uid in range(100000, 100040):
    pid = os.fork()
    if pid == 0:
        os.setgroups([int(os.popen('getent group sm').read().split(':')[2])])
        os.setgid(uid); os.setuid(uid)
        for i in range(5): say(asked(STATUS + b'\\n'))
        os._exit(0)
    os.waitpid(pid, 0)";

broker_test!(all_who_have_no_account_share_one_budget, |host| {
    host.limit_the_rate();
    host.root("install -d /etc/sm; echo 'agent:100000:65536' >>/etc/subuid").ok();
    host.write("/etc/sm/policy.toml", SITE);
    let before = log(host).len();
    let replies = replies(&speak(host, "root", MANY).stdout_text());
    let count = |code: &str| replies.iter().filter(|reply| reply["code"] == code).count();
    assert_eq!(replies.len(), 200);
    assert_eq!((count("denied"), count("rate_limited")), (30, 170));
    // And one record a minute of the rest.
    let records = log(host).len() - before;
    assert!((30..=90).contains(&records), "{records} records");
    let files =
        host.root("cd /run/sm; find . -type f | grep -E 'rate|connections' | sed 's|^./||' | grep -v '/0\\.' | sort").ok();
    assert_eq!(files, "rate/bytes\nrate/strangers.refusals\n");
    // Who has an account is not kept out by it.
    ask(host, "service status nginx").expect("ok");
});

// It is answered before a byte of it was read, so that none of them waits for anything.
broker_test!(who_has_no_account_holds_no_connection, |host| {
    let script = "os.setgroups([int(os.popen('getent group sm').read().split(':')[2])])
os.setgid(100001); os.setuid(100001)
all = [connect() for i in range(100)]
for s in all: say(reply(s))";
    let replies = replies(&speak(host, "root", script).stdout_text());
    assert_eq!(replies.len(), 100);
    assert!(replies.iter().all(|reply| reply["code"] == "denied"), "{replies:#?}");
});
