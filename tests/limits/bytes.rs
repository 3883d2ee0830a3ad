//! No account can fill root's disk with what it asks, nor spoil it for another.

use crate::host::{Host, Sudo, host_test, intents, log};
use crate::{rate, reload};
use serde_json::Value;

/// Has an account ask for what it may not, with long words, until its records have taken their share; what
/// is counted in requests is forgotten now and then. Prints how often it asked, and the last reply.
const FLOOD: &str = r#"
export SUDO_UID=1000 SUDO_GID=1000 SUDO_USER=agent
words=$(printf '\303\204%.0s' {1..400}) name=$(printf 'x%.0s' {1..120})
for ((n = 1; n < 20000; n++)); do
    ((n % 100)) || rm -f /run/sm/rate/1000.refusals
    reply=$(/usr/local/bin/sm-helper service restart "$name" --reason "$words")
    [[ $reply == *'"code":"denied"'* ]] || break
done
echo "$n"; echo "$reply""#;

/// Looks until that is too much, waits as long as the reply says, and looks once more.
const WAIT: &str = r#"
export SUDO_UID=1000 SUDO_GID=1000 SUDO_USER=agent LC_ALL=C
ask() { reply=$(/usr/local/bin/sm-helper service status nginx); }
for ((n = 1; n < 1000; n++)); do
    ask
    [[ $reply == *'"code":"ok"'* ]] || break
done
echo "$reply"
[[ $reply =~ '"retry_after_s":'([0-9]+) ]] && sleep "${BASH_REMATCH[1]}"
ask; echo "$reply""#;

fn size(host: &Host) -> u64 {
    std::fs::metadata(host.path("/var/log/sm/audit.jsonl")).expect("the log").len()
}

fn limited(host: &Host) -> Vec<Value> {
    log(host).into_iter().filter(|record| record["code"] == "rate_limited").collect()
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_records_of_an_account_are_bounded_in_bytes() {
    let host = Host::ready(Sudo::Classic);
    host.limit_the_rate();
    let begun = size(&host);
    let told = host.root(FLOOD).ok();
    let (asked, reply) = told.split_once('\n').expect("two lines");
    let asked: u64 = asked.parse().expect("a number");
    let reply: Value = serde_json::from_str(reply).expect("a reply");
    assert_eq!(reply["code"], "rate_limited", "after {asked}: {reply:#}");
    assert!(reply["error"].to_string().contains("8 MiB"), "{reply:#}");
    let taken = size(&host) - begun;
    // The share, what is in it again since, and the record that says so.
    assert!(taken > 7 << 20 && taken < (8 << 20) + (2 << 20), "{taken} bytes, {asked} requests");

    // From here on a record a minute, whatever is asked.
    let before = log(&host).len();
    host.root("rm -f /run/sm/rate/1000.*").ok();
    let flood = "for i in {1..200}; do sm-helper service restart nope --reason \"$(printf 'x%.0s' {1..400})\"; done";
    let replies = host.agent(flood).stdout_text();
    let refused = replies.lines().filter(|reply| reply.contains("rate_limited")).count();
    assert!(refused > 150, "{replies}");
    assert!(log(&host).len() - before <= 2 * (200 - refused) + 3, "{}", log(&host).len() - before);

    // What changes something has a share of its own, so has another account, and root has none.
    reload(&host).expect("ok");
    let root = host.root("sm-helper service status nginx").ok();
    assert!(root.contains("\"code\":\"ok\""), "{root}");
    let other =
        host.root("SUDO_UID=4242 SUDO_GID=4242 SUDO_USER=other sm-helper frob").stdout_text();
    assert!(other.contains("\"code\":\"usage\""), "{other}");

    // Who waits as long as the reply says is answered.
    let replies = host.root(WAIT).ok();
    let (first, second) = replies.split_once('\n').expect("two replies");
    assert!(first.contains("\"code\":\"rate_limited\""), "{first}");
    assert!(second.contains("\"code\":\"ok\""), "{first}\n{second}");

    // Nothing is left out of the counts but what the next minute brings.
    let counted: u64 = limited(&host).iter().filter_map(|record| record["count"].as_u64()).sum();
    assert!(counted >= 1 && counted <= refused as u64 + 4, "{counted} of {refused}");
}

host_test!(a_share_that_can_not_be_relied_on_stops_what_would_begin, all, |host| {
    host.limit_the_rate();
    rate(host, 30, 60);
    for (what, script) in [
        ("garbage", "head -c 200000 /dev/urandom >$t"),
        ("another owner", "chown agent $t"),
        ("open to all", "chmod 0666 $t"),
        ("a link", "mv $t /tmp/t; ln -s /tmp/t $t"),
        ("a fifo", "rm $t; mkfifo $t"),
        ("a folder", "rm $t; mkdir $t"),
    ] {
        reload(host).expect("ok");
        host.root(&format!("set -e; t=/run/sm/rate/bytes; {script}")).ok();
        let before = (intents(host), host.main_pid("nginx"));
        let reply = reload(host).expect("untrusted_path");
        assert!(reply.json["hint"].to_string().contains("rm -r /run/sm/rate"), "{what}");
        assert_eq!((intents(host), host.main_pid("nginx")), before, "{what}");
        // A refusal is written down all the same.
        host.helper(&["service", "restart", "nope"]).expect("denied");
        assert_eq!(log(host).last().expect("a record")["code"], "denied", "{what}");
        let doctor = host.root("sm doctor --json").stdout_text();
        assert!(doctor.contains("/run/sm/rate/bytes"), "{what}: {doctor}");
        host.root("rm -r /run/sm/rate").ok();
    }
    reload(host).expect("ok");
});

// The bound of a minute, from a site policy: what is over it is counted, and whoever else asks is answered.
host_test!(a_policy_says_how_much_an_account_adds_in_a_minute, all, |host| {
    const MINUTE: u64 = 40_000;
    host.limit_the_rate();
    rate(host, 1000, 60);
    let policy = host.read("/etc/sm/policy.toml");
    let audit = format!("[audit]\nmax_bytes_per_minute = {MINUTE}\n");
    host.write("/etc/sm/policy.toml", format!("{policy}{audit}"));
    host.helper(&["service", "status", "nginx"]).expect("ok");
    let begun = size(host);
    let flood = "for i in {1..120}; do sm-helper service restart nope --reason \"$(printf 'x%.0s' {1..400})\"; done";
    let replies = host.agent(flood).stdout_text();
    let is = |code: &str| replies.lines().filter(|reply| reply.contains(code)).count() as u64;
    let (denied, refused) = (is("\"denied\""), is("\"rate_limited\""));
    assert!(denied >= 10 && refused >= 50 && denied + refused == 120, "{replies}");
    assert!(replies.contains(&format!("{MINUTE} bytes in a minute")), "{replies}");
    // Looks and refusals have three quarters of it, and a record a minute says how many more there were.
    let taken = size(host) - begun;
    assert!(taken > MINUTE / 2 && taken < MINUTE, "{taken} bytes of {MINUTE}");
    let counted: u64 = limited(host).iter().filter_map(|record| record["count"].as_u64()).sum();
    assert!(counted >= 1, "{:#?}", limited(host));
    // Its own change, another account's request and root's are answered meanwhile.
    reload(host).expect("ok");
    let other =
        host.root("SUDO_UID=4242 SUDO_GID=4242 SUDO_USER=other sm-helper frob").stdout_text();
    assert!(other.contains("\"code\":\"usage\""), "{other}");
    assert!(host.root("sm-helper service status nginx").ok().contains("\"code\":\"ok\""));
    let shown = host.root("sm policy show --json").ok();
    let shown: Value = serde_json::from_str(&shown).expect("an object");
    assert_eq!(shown["limits"]["audit"]["max_bytes_per_minute"], MINUTE, "{shown:#}");
});
