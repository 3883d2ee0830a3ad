//! An account that hammers at the rate limit fills no disk, and yet nothing is left out.

use serde_json::Value;

use crate::chain::{intact, unlimited_starts};
use crate::host::{Host, Sudo, log};

const POLICY: &str = r#"
schema = 1
[limits]
rate = { count = 2, per_seconds = 600 }
[services]
actions = ["reload"]
[services.units.nginx]
"#;
const FLOOD: &str =
    "for i in {1..60}; do sudo -n /usr/local/bin/sm-helper service reload nginx; done";

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_flood_costs_a_record_a_minute_that_counts_it() {
    let host = &Host::ready(Sudo::Classic);
    unlimited_starts(host);
    host.root("mkdir -p /etc/sm").ok();
    host.write("/etc/sm/policy.toml", POLICY);
    host.helper(&["list"]).expect("ok");
    host.limit_the_rate();
    let replies = host.agent(FLOOD).stdout_text();
    let replies: Vec<Value> =
        replies.lines().map(|line| serde_json::from_str(line).expect("a reply")).collect();
    let code = |wanted: &str| replies.iter().filter(|reply| reply["code"] == wanted).count();
    assert_eq!((code("ok"), code("rate_limited")), (2, 58), "{replies:#?}");

    // The next one, in another minute, brings those that no record counted yet.
    std::thread::sleep(std::time::Duration::from_secs(61));
    host.helper(&["service", "reload", "nginx"]).expect("rate_limited");
    let limited: Vec<Value> =
        log(host).into_iter().filter(|record| record["code"] == "rate_limited").collect();
    let counted: u64 =
        limited.iter().map(|record| record["count"].as_u64().expect("a count")).sum();
    assert_eq!(counted, 59, "{limited:#?}");
    // The flood was over within a minute or two.
    assert!(limited.len() <= 4, "{} records", limited.len());
    assert!(limited.iter().all(|record| record["caller"]["user"] == "agent"));
    let stats = crate::chain::audit(host, "stats --code rate_limited").1;
    assert_eq!(stats["requests"], 59, "{stats:#}");
    intact(host);
}
