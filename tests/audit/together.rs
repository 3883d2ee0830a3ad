//! However many ask at once, there is one chain.

use serde_json::Value;

use crate::chain::intact;
use crate::host::{host_once, log};

/// 200, half of them refused: as many at once as one account may have under way.
const CALLERS: &str = r#"
for i in {1..100}; do
    /usr/local/bin/sm-helper service status nginx --reason "reader $i" >$HOME/out.$i &
    sudo -n /usr/local/bin/sm-helper service restart "no-such-$i" >$HOME/out.r$i &
    (( i % 30 )) || wait
done
wait
cat $HOME/out.*
"#;

host_once!(two_hundred_callers_at_once_make_one_chain, ready_test_policy, |host| {
    let before = log(host).len();
    let replies = host.agent(CALLERS).stdout_text();
    let replies: Vec<Value> =
        replies.lines().map(|line| serde_json::from_str(line).expect("a reply")).collect();
    let code = |wanted: &str| replies.iter().filter(|reply| reply["code"] == wanted).count();
    assert_eq!((code("ok"), code("denied"), replies.len()), (100, 100, 200));
    assert!(replies.iter().all(|reply| reply.get("warnings").is_none()), "{:#}", replies[0]);

    assert_eq!(intact(host), before + 300);
    let all = log(host);
    for reply in &replies {
        let of: Vec<_> =
            all.iter().filter(|record| record["request_id"] == reply["request_id"]).collect();
        let events: Vec<_> = of.iter().filter_map(|record| record["event"].as_str()).collect();
        let wanted = if reply["code"] == "ok" { vec!["intent", "result"] } else { vec!["refused"] };
        assert_eq!(events, wanted, "{reply:#}");
    }
});

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn verifying_while_others_write_finds_nothing_wrong() {
    let host = crate::host::Host::ready(crate::host::Sudo::Classic);
    let script = r#"
        setpriv --reuid=agent --regid=agent --init-groups bash -c '
            for n in 1 2 3 4; do
                (while [[ ! -e /tmp/stop ]]; do sudo -n /usr/local/bin/sm-helper list; done >/dev/null) &
            done; wait' &
        sleep 0.3
        for i in {1..60}; do sm audit verify || break; done >/root/found 2>&1
        touch /tmp/stop; wait; tail -n 3 /root/found"#;
    let said = host.root(script).ok();
    assert!(!said.contains("cut") && !said.contains(".jsonl:"), "{said}");
    intact(&host);
}
