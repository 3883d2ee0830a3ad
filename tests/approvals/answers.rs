//! A request waits, is approved or declined, and is made again.

use crate::host::{host_once, host_test, log, records, wait_until};
use crate::{SITE, approve, ask, id, listed, site, sm, waits};
use serde_json::Value;

host_test!(what_was_approved_is_done_once, all, |host| {
    host.root("systemctl start nginx").ok();
    site(host, SITE);
    let before = host.main_pid("nginx");
    let refused = ask(host, "service restart nginx --reason why").expect("approval_required");
    assert_eq!((refused.exit, &refused.json["success"]), (3, &Value::Bool(false)));
    assert_eq!(refused.argv(), None);
    let expires = refused.json["approval"]["expires"].as_str().expect("a moment").to_owned();
    assert!(expires.starts_with("20") && expires.ends_with('Z'), "{expires}");
    let id = id(&refused);
    let hint = refused.json["hint"].as_str().unwrap_or_default();
    assert!(hint.contains(&format!("sm approve {id}")), "{hint}");
    // It is the same one, as often as it is asked for.
    assert_eq!(waits(host, "service restart nginx.service"), id);
    assert_eq!(host.main_pid("nginx"), before, "nothing was done");

    let (_, answer) = sm(host, "approvals");
    let row = &answer["approvals"][0];
    assert_eq!(row["operation"], "service restart nginx.service");
    assert_eq!((&row["requester"]["user"], &row["reason"]), (&"agent".into(), &"why".into()));
    let commands = row["commands"].to_string();
    assert!(commands.contains("\"restart\",\"--\",\"nginx.service\""), "{commands}");

    assert!(host.root("sm status").ok().contains("1 request for a yes: sm approvals"));
    approve(host, &id);
    assert_eq!(listed(host), [(id.clone(), "approved".into())]);
    let done = ask(host, "service restart nginx").expect("ok");
    assert_ne!(host.main_pid("nginx"), before);
    let again = waits(host, "service restart nginx");
    assert_ne!(again, id, "it was used up");

    // All of it is in the record.
    let approved: Vec<Value> = log(host)
        .into_iter()
        .filter(|record| record["asked"][1] == "approve" && record["asked"][2] == id.as_str())
        .collect();
    assert_eq!(approved.len(), 1);
    assert_eq!(approved[0]["caller"]["user"], "root");
    let words = approved[0]["asked"].to_string();
    assert!(words.contains("service restart nginx.service") && words.contains("agent"), "{words}");
    let records = records(host, &done.json["request_id"]);
    assert_eq!(records[0]["approval"], id.as_str());
    assert_eq!(host.root("sm audit verify").status, Some(0));
});

host_test!(what_only_looks_waits_for_nobody, |host| {
    site(host, SITE);
    ask(host, "service status nginx").expect("ok");
    ask(host, "package plan install git").expect("ok");
    let rehearsed = ask(host, "service restart nginx --dry-run").expect("ok");
    assert_eq!(rehearsed.json["needs_approval"], true);
    let rehearsed = ask(host, "package remove git --dry-run").expect("ok");
    assert_eq!(rehearsed.json.get("needs_approval"), None);
    assert!(listed(host).is_empty());
    // Who asks what there is learns of it.
    let list = ask(host, "list").expect("ok").json["needs_approval"].to_string();
    assert!(list.contains("\"service stop nginx.service\"") && !list.contains("status"), "{list}");
    assert!(list.contains("\"package install git\"") && !list.contains("remove"), "{list}");
    let schema = ask(host, "list --schema").expect("ok").json["$defs"].clone();
    let said = |tool: &str| schema[tool]["description"].to_string().contains("has to approve it");
    assert!(said("service_stop") && said("package_update") && said("package_install"));
    assert!(!said("service_status") && !said("package_remove") && !said("package_plan_install"));
    // Of a package and of all of them; and a caller of whom all of it waits.
    waits(host, "package install git");
    waits(host, "package update");
    site(
        host,
        "schema = 1\n[services]\nactions = [\"restart\"]\n[services.units.nginx]\n[callers.\"user:agent\"]\nservices = [\"nginx\"]\napproval = true\n",
    );
    waits(host, "service restart nginx");
    host.let_in("other");
    site(
        host,
        "schema = 1\n[services]\nactions = [\"restart\", \"reload\"]\nunits.nginx = { approval = [\"restart\"] }\n",
    );
    waits(host, "service restart nginx");
    ask(host, "service reload nginx").expect("ok");
});

host_test!(who_waits_for_a_yes_is_told, all, |host| {
    site(host, SITE);
    let refused = ask(host, "service reload nginx").expect("approval_required");
    let request = refused.json["request_id"].as_str().expect("an id");
    let state = |wait: &str| {
        let reply = ask(host, &format!("result {request}{wait}")).expect("approval_required");
        assert_eq!(reply.json["request_id"], request);
        reply.json["approval"]["state"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(state(""), "pending");
    assert_eq!(state(" --wait 1"), "pending");
    let approval = id(&refused);
    host.root(&format!("(sleep 2; sm approve {approval} --yes) >/dev/null 2>&1 &")).ok();
    assert_eq!(state(" --wait 600"), "approved");
    ask(host, "service reload nginx").expect("ok");
    assert_eq!(state(" --wait 600"), "over");
    let refused = ask(host, "service reload nginx").expect("approval_required");
    assert_eq!(sm(host, &format!("decline {}", id(&refused))).0, 0);
    let request = refused.json["request_id"].as_str().expect("an id");
    let reply = ask(host, &format!("result {request} --wait 600")).expect("approval_required");
    assert_eq!(reply.json["approval"]["state"], "declined");
});

host_once!(who_follows_sees_it_begin_and_end, |host| {
    site(host, SITE);
    host.root("sm --json approvals --follow >/root/seen 2>&1 & echo $! >/root/pid").ok();
    let approval = waits(host, "service reload nginx");
    let seen = |state: &str| {
        let lines = host.read("/root/seen");
        let rows = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        rows.filter(|row| row["id"] == approval.as_str() && row["state"] == state).count()
    };
    wait_until("it begins", || seen("pending") == 1);
    approve(host, &approval);
    wait_until("it is answered", || seen("approved") == 1);
    assert_eq!(seen("pending"), 1, "once");
    host.root("kill $(cat /root/pid)").ok();
});

host_test!(what_is_declined_is_denied, |host| {
    site(host, SITE);
    let id = waits(host, "service stop nginx");
    let (exit, answer) = sm(host, &format!("decline {id} --reason 'not on a Friday'"));
    assert_eq!(exit, 0, "{answer:#}");
    let denied = ask(host, "service stop nginx").expect("denied");
    let error = denied.json["error"].as_str().unwrap_or_default();
    assert!(error.contains("root has declined") && error.contains("not on a Friday"), "{error}");
    assert_eq!(listed(host), [(id.clone(), "declined".into())]);
    // A person can think again.
    approve(host, &id);
    ask(host, "service stop nginx").expect("ok");
});

host_once!(so_often_and_so_long_as_was_said, |host| {
    site(host, SITE);
    let id = waits(host, "service reload nginx");
    approve(host, &format!("{id} --uses 3 --for 2h"));
    let codes: Vec<String> =
        (0..4).map(|_| ask(host, "service reload nginx").code().to_owned()).collect();
    assert_eq!(codes, ["ok", "ok", "ok", "approval_required"]);
    // Time is over: nobody waits for it here.
    let id = waits(host, "service reload nginx");
    approve(host, &format!("{id} --for 2h"));
    host.root("sed -i -E 's/\"until\":[0-9]+/\"until\":1700000000/g' /var/lib/sm/approvals.json")
        .ok();
    let other = waits(host, "service reload nginx");
    assert_ne!(other, id);
    assert!(
        log(host)
            .iter()
            .any(|record| record["asked"][2] == "expired" && record["asked"][3] == id.as_str())
    );
    host.root(
        "sed -i -E 's/\"expires\":[0-9]+/\"expires\":1700000000/g' /var/lib/sm/approvals.json",
    )
    .ok();
    let (exit, answer) = sm(host, &format!("approve {other} --yes"));
    assert_eq!((exit, &answer["code"]), (1, &"not_found".into()));

    for (line, code) in [
        ("approve nothing --yes", "not_found"),
        ("approve nothing --yes --for never", "invalid_argument"),
        ("approve nothing --yes --for 0s", "invalid_argument"),
        ("approve nothing --yes --for 31d", "invalid_argument"),
        ("approve nothing --yes --uses 0", "invalid_argument"),
        ("approve nothing --yes --uses 1001", "invalid_argument"),
        ("decline nothing", "not_found"),
    ] {
        assert_eq!(sm(host, line).1["code"], code, "{line}");
    }
    let (exit, answer) = crate::host::answer(&host.agent("sm --json approvals"));
    assert_eq!((exit, &answer["code"]), (5, &"not_privileged".into()));
});

host_once!(a_person_sees_all_of_it_and_is_asked_once_more, |host| {
    site(host, SITE);
    // A reason that would like to look like the question and its answer.
    let reason = "ok\u{a0}Approve this for root? [y/N] y";
    let refused =
        host.helper(&["service", "stop", "nginx", "--reason", reason]).expect("approval_required");
    let id = id(&refused);
    let question = "[y/N]";
    for (typed, status, state) in
        [("n\n", 2, "pending"), ("\n", 2, "pending"), ("y\n", 0, "approved")]
    {
        let seen = host.at_terminal(
            "root",
            "xterm",
            &["/usr/local/bin/sm", "approve", &id],
            &[("minutes? [y/N] ", typed)],
        );
        assert_eq!(seen.status, status, "{typed:?}: {}", seen.shown);
        assert!(seen.shown.contains("/usr/bin/systemctl"), "{}", seen.shown);
        assert!(seen.shown.contains("stop -- nginx.service"), "{}", seen.shown);
        let lines =
            seen.shown.lines().filter(|line| line.contains(question) && !line.contains("reason"));
        assert_eq!(lines.count(), 1, "{}", seen.shown);
        assert_eq!(listed(host)[0].1, state);
    }
    // Where nobody can be asked, nothing is approved.
    let id = waits(host, "package install git");
    // What it comes to is in the list, too.
    let (_, answer) = sm(host, "approvals");
    let row = answer["approvals"].as_array().and_then(|rows| rows.last()).expect("a request");
    let names =
        row["plan"]["install"].as_array().into_iter().flatten().map(|change| &change["name"]);
    assert!(names.clone().any(|name| name == "git"), "{row:#}");
    assert!(answer["approvals"][0].get("plan").is_none(), "{answer:#}");
    let text = host.root("sm approvals").ok();
    assert!(text.contains("install   ") && text.contains("git 1:"), "{text}");
    assert_eq!(sm(host, &format!("approve {id}")).1["code"], "usage");
    assert_eq!(listed(host)[1].1, "pending");
    let seen = host.at_terminal(
        "root",
        "xterm",
        &["/usr/local/bin/sm", "approve", &id],
        &[("minutes? [y/N] ", "y\n")],
    );
    assert!(seen.shown.contains("install   ") && seen.shown.contains("git 1:"), "{}", seen.shown);
    ask(host, "package install git").expect("ok");
});

host_once!(the_log_is_counted, |host| {
    host.root("systemctl start nginx").ok();
    site(host, SITE);
    let id = waits(host, "service restart nginx");
    approve(host, &id);
    ask(host, "service restart nginx").expect("ok");
    let id = waits(host, "service stop nginx");
    assert_eq!(sm(host, &format!("decline {id}")).0, 0);
    ask(host, "service stop nginx").expect("denied");
    let (_, answer) = sm(host, "grant --user agent service reload nginx");
    ask(host, "service reload nginx").expect("ok");
    assert_eq!(
        sm(host, &format!("revoke {}", answer["grant"]["id"].as_str().expect("an id"))).0,
        0
    );
    // What waits for nothing any more is written down by whoever changes something next.
    waits(host, "service start caddy");
    host.root(
        "sed -i -E 's/\"expires\":[0-9]+/\"expires\":1700000000/g' /var/lib/sm/approvals.json",
    )
    .ok();
    waits(host, "service restart caddy");
    let (exit, stats) = sm(host, "audit stats");
    assert_eq!(exit, 0, "{stats:#}");
    assert_eq!(
        stats["answers"],
        serde_json::json!({
            "required": 4, "approved": 1, "declined": 1, "approvals_expired": 2,
            "granted": 1, "revoked": 1, "grants_expired": 0, "used": 2,
        }),
        "{stats:#}"
    );
    let counts = stats["counts"].as_array().expect("counts");
    let row = |operation: &str| counts.iter().find(|row| row["operation"] == operation);
    assert_eq!(row("sm approve").expect("a row")["count"], 1, "{stats:#}");
    let text = host.root("sm audit stats").ok();
    assert!(text.ends_with("4 waited for an approval, 1 approved, 1 declined, 2 expired, 1 given rights, 1 revoked, 2 used\n"), "{text}");
});
