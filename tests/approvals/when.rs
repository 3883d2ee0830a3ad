//! What is allowed only at some times.

use crate::host::host_test;
use crate::{ask, site, sm};

fn policy(of_the_unit: &str, of_the_caller: &str) -> String {
    format!(
        "schema = 1\n[services]\nactions = [\"restart\", \"reload\", \"status\"]\n[services.units.nginx]\n{of_the_unit}\n\
         [services.units.ssh]\n[callers.\"user:agent\"]\nservices = [\"nginx\", \"ssh\"]\n{of_the_caller}\n[callers.default]\n"
    )
}

host_test!(it_is_allowed_when_the_policy_says, all, |host| {
    host.root("systemctl start nginx").ok();
    for open in [
        "",
        "not_before = 2020-01-01T00:00:00Z\nnot_after = \"2100-01-01T00:00:00+01:00\"",
        "window = \"Mon..Sun 00:00-24:00 Europe/Berlin\"",
    ] {
        for (unit, caller) in [(open, ""), ("", open)] {
            site(host, &policy(unit, caller));
            ask(host, "service reload nginx").expect("ok");
        }
    }
    for (closed, said, has_a_time) in [
        ("not_after = 2020-01-01T00:00:00Z", "only before 2020-01-01T00:00:00Z", false),
        ("not_before = 2100-01-01T00:00:00Z", "only from 2100-01-01T00:00:00Z on", true),
        (
            "window = \"00:00-24:00 Nowhere/City\"",
            "does not know the time zone Nowhere/City",
            false,
        ),
    ] {
        for (unit, caller) in [(closed, ""), ("", closed)] {
            site(host, &policy(unit, caller));
            let denied = ask(host, "service reload nginx").expect("denied");
            let error = denied.json["error"].as_str().unwrap_or_default();
            assert!(error.contains(said), "{error}");
            assert_eq!(denied.json["retry_after_s"].is_u64(), has_a_time, "{:#}", denied.json);
            // What only looks, too; and another unit is as before.
            ask(host, "service status nginx").expect("denied");
            let other = if caller.is_empty() { "ok" } else { "denied" };
            ask(host, "service status ssh").expect(other);
            // Who asks what there is sees what there is now; the surface has all that there ever is.
            let list = ask(host, "list").expect("ok").json["services"].to_string();
            assert!(!list.contains("nginx"), "{list}");
            assert!(
                host.root("sm policy surface --json").ok().contains("service reload nginx.service")
            );
        }
    }
    // A person's word is enough.
    site(host, &policy("not_after = 2020-01-01T00:00:00Z", ""));
    assert_eq!(sm(host, "grant --user agent service reload nginx").0, 0);
    ask(host, "service reload nginx").expect("ok");
});
