//! An account that hammers at the rate limit fills no disk, and yet nothing is left out.

use std::time::Instant;

use serde_json::Value;

use crate::chain::{intact, unlimited_starts};
use crate::host::{host_test, log};

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

host_test!(a_flood_costs_a_record_a_second_that_counts_it, |host| {
    unlimited_starts(host);
    host.root("mkdir -p /etc/sm").ok();
    host.write("/etc/sm/policy.toml", POLICY);
    host.helper(&["list"]).expect("ok");
    host.limit_the_rate();
    let begin = Instant::now();
    let replies = host.agent(FLOOD).stdout_text();
    let seconds = begin.elapsed().as_secs() as usize + 2;
    let replies: Vec<Value> =
        replies.lines().map(|line| serde_json::from_str(line).expect("a reply")).collect();
    let code = |wanted: &str| replies.iter().filter(|reply| reply["code"] == wanted).count();
    assert_eq!((code("ok"), code("rate_limited")), (2, 58), "{replies:#?}");

    // The next one, in another second, brings those that no record counted yet.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    host.helper(&["service", "reload", "nginx"]).expect("rate_limited");
    let limited: Vec<Value> =
        log(host).into_iter().filter(|record| record["code"] == "rate_limited").collect();
    let counted: u64 =
        limited.iter().map(|record| record["count"].as_u64().expect("a count")).sum();
    assert_eq!(counted, 59, "{limited:#?}");
    assert!(limited.len() <= seconds + 2, "{} records in {seconds} s", limited.len());
    assert!(limited.iter().all(|record| record["caller"]["user"] == "agent"));
    let stats = crate::chain::audit(host, "stats --code rate_limited").1;
    assert_eq!(stats["requests"], 59, "{stats:#}");
    intact(host);
});
