//! `result`: the reply of an own request again, how far it is, which there were; and `--no-wait`.

use crate::ask;
use crate::host::gate::Gate;
use crate::host::{Host, Reply, Sudo, events, host_once, host_test, records, wait_until};
use serde_json::Value;

const STRANGER: &str = "01900000-0000-7000-8000-000000000000";

fn id_of(reply: &Reply) -> String {
    reply.json["request_id"].as_str().expect("an id").to_owned()
}

/// The reply of this request, as it is given again.
#[track_caller]
fn result(host: &Host, id: &str) -> Reply {
    ask(host, &format!("result {id}"))
}

/// The requests that are listed: id, action, name, code.
fn listed(host: &Host) -> Vec<(String, String, Value)> {
    let reply = ask(host, "result").expect("ok");
    let rows = reply.json["requests"].as_array().expect("a list").clone();
    rows.iter()
        .map(|row| {
            let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
            let operation = &row["operation"];
            let what = format!("{} {}", text(&operation["action"]), text(&operation["name"]));
            (text(&row["request_id"]), what, row["code"].clone())
        })
        .collect()
}

host_test!(
    a_reply_is_given_again_to_who_got_it_and_to_nobody_else,
    ready_test_policy,
    all,
    |host| {
        host.root("systemctl start nginx").ok();
        let asked = [
            ("service status nginx", "ok"),
            ("service restart nginx --reason because", "ok"),
            ("service restart dbus", "denied"),
            ("service restart crashing", "command_failed"),
            ("package plan install git", "ok"),
        ];
        let mut replies = vec![];
        for (line, code) in asked {
            if line.contains("crashing") {
                host.write(
                    "/etc/systemd/system/crashing.service",
                    "[Service]\nType=oneshot\nExecStart=/bin/false\n",
                );
                host.root("systemctl daemon-reload").ok();
            }
            replies.push(ask(host, line).expect(code));
        }
        for reply in &replies {
            let id = id_of(reply);
            let again = result(host, &id);
            assert_eq!((again.exit, &again.json), (reply.exit, &reply.json));
            // Where it has ended, nothing is waited for.
            let waited = ask(host, &format!("result {id} --wait 3600 --pretty"));
            assert_eq!(waited.json, reply.json);
            // Another account, which asks over the same way.
            host.let_in("other");
            let other = host.helper_as("other", &["result", &id]).expect("not_found");
            assert_eq!(other.exit, 1);
            let unknown = host.helper_as("other", &["result", STRANGER]).expect("not_found");
            let same = |reply: &Reply, id: &str| {
                reply.json["error"].as_str().map(|text| text.replace(id, ""))
            };
            assert_eq!(same(&other, &id), same(&unknown, STRANGER), "it cannot be told from none");
            // The question is a request like every other, and its record says what its reply says.
            let newest = host.root("tail -n 1 /var/log/sm/audit.jsonl").ok();
            assert!(newest.contains("\"code\":\"not_found\""), "{newest}");
        }
        let mut expected: Vec<_> = replies.iter().map(id_of).collect();
        expected.reverse();
        let ids: Vec<_> = listed(host).into_iter().map(|row| row.0).collect();
        assert_eq!(ids, expected, "the newest first, and no question among them");
        assert_eq!(
            listed(host)[1],
            (expected[1].clone(), "restart crashing.service".into(), "command_failed".into())
        );
        assert!(listed_by(host, "other").is_empty());

        for (line, code) in [
            ("result nothing", "invalid_argument"),
            ("result 01900000-0000-7000-8000-00000000000G", "invalid_argument"),
            ("result ../../etc/shadow", "invalid_argument"),
            ("result --wait 5", "usage"),
            ("result a b", "usage"),
            ("result --dry-run", "usage"),
            (&format!("result {STRANGER} --wait 0"), "invalid_argument"),
            (&format!("result {STRANGER} --wait 3601"), "invalid_argument"),
        ] {
            ask(host, line).expect(code);
        }
    }
);

fn listed_by(host: &Host, user: &str) -> Vec<Value> {
    let reply = host.helper_as(user, &["result"]).expect("ok");
    reply.json["requests"].as_array().expect("a list").clone()
}

host_test!(who_does_not_wait_learns_of_the_end_later, ready_test_policy, all, |host| {
    let gate = Gate::on(host);
    let begun = ask(host, "package install docker.io --no-wait").expect("started");
    assert_eq!((begun.exit, &begun.json["running"]), (0, &Value::Bool(true)));
    assert_eq!(begun.json["success"], true);
    let id = id_of(&begun);
    assert!(begun.json["hint"].as_str().is_some_and(|hint| hint.contains(&format!("result {id}"))));
    gate.begun();
    // How far it is, in the package manager's words: unpacked, and being set up.
    wait_until("what it has printed is seen", || {
        let reply = result(host, &id).expect("started");
        assert_eq!((&reply.json["running"], id_of(&reply)), (&true.into(), id.clone()));
        assert_eq!(reply.json["argv"], begun.json["argv"]);
        reply.json["stdout"].as_str().is_some_and(|text| text.contains("Setting up docker.io"))
    });
    let progress = &result(host, &id).json["progress"];
    assert_eq!((&progress["done"], &progress["of"]), (&1.into(), &2.into()), "{progress}");
    assert!(progress["step"].as_str().is_some_and(|step| step.starts_with("Setting up docker.io")));
    assert_eq!(listed(host)[0], (id.clone(), "install docker.io".into(), Value::Null));
    // A wait ends when its time is up, whatever goes on.
    assert_eq!(ask(host, &format!("result {id} --wait 1")).expect("started").json["running"], true);
    assert!(gate.is_in_the_middle());
    gate.open();
    let end = ask(host, &format!("result {id} --wait 600")).expect("ok");
    assert_eq!((end.exit, &end.json["changed"]), (0, &true.into()));
    assert_eq!(id_of(&end), id);
    assert!(end.json.get("running").is_none(), "{:#}", end.json);
    assert_eq!(events(host, &begun.json["request_id"]), "intent ok, result ok");
    gate.is_whole("not waited for");
    assert_eq!(listed(host)[0].2, "ok");
    assert_eq!(
        host.root("ls -A /run/sm/running | grep -v .lock").stdout_text(),
        "",
        "nothing is left"
    );

    // A service as well; and what only looks is answered.
    let restarted = ask(host, "service restart nginx --no-wait").expect("started");
    let end = ask(host, &format!("result {} --wait 600", id_of(&restarted))).expect("ok");
    assert_eq!(end.json["unit"]["active_state"], "active");
    assert_eq!(ask(host, "service status nginx --no-wait").expect("ok").json.get("running"), None);
    // A rehearsal runs nothing, so there is nothing to wait for, and nothing to ask for later.
    let rehearsed = ask(host, "service restart nginx --no-wait --dry-run").expect("ok");
    result(host, &id_of(&rehearsed)).expect("not_found");
});

// Two replies: the first while it runs, the other when it has ended.
host_test!(what_was_late_is_answered_at_last, ready_test_policy, all, |host| {
    host.write(
        "/usr/local/sbin/script",
        "#!/bin/sh\necho first\nwhile ! test -e /run/go; do sleep 0.1; done\necho second\n",
    );
    host.root("chmod 0755 /usr/local/sbin/script").ok();
    let late = ask(host, "task run goes-on").expect("timeout");
    let id = id_of(&late);
    let hint = late.json["hint"].as_str().unwrap_or_default();
    assert!(hint.contains(&format!("sm-helper result {id}")), "{hint}");
    assert_eq!(late.json["running"], true);
    assert_eq!(result(host, &id).expect("started").json["stdout"], "first\n");
    host.root("touch /run/go").ok();
    let end = ask(host, &format!("result {id} --wait 600")).expect("ok");
    assert_eq!(end.json["stdout"], "first\nsecond\n");
});

host_once!(what_nobody_can_end_any_more_is_interrupted, ready_test_policy, |host| {
    let gate = Gate::on(host);
    // One of its processes is killed: the other one keeps what came of it.
    for (which, code) in [("$RUNS", "ok"), ("$RUNS $STANDS", "interrupted")] {
        let id = id_of(&ask(host, "package install docker.io --no-wait").expect("started"));
        gate.begun();
        host.root(&format!("MAIN=$(pgrep -x apt-get | head -n1); RUNS=$(ps -o ppid= -p $MAIN); STANDS=$(ps -o ppid= -p $RUNS); kill -KILL {which}")).ok();
        gate.open();
        gate.is_whole(which);
        let end = ask(host, &format!("result {id} --wait 600")).expect(code);
        assert_eq!(id_of(&end), id, "{which}");
        if code == "interrupted" {
            assert_eq!((end.exit, &end.json["success"]), (1, &false.into()));
            assert_eq!(end.json["operation"]["action"], "install");
        }
        gate.close();
    }
    // The host is started anew: what had ended is there, and what had not is known for that.
    let ended = ask(host, "service restart nginx").expect("ok");
    let begun = ask(host, "package install docker.io --no-wait").expect("started");
    gate.begun();
    // As a power cut has it: at a shutdown in order it is told to end, and its end is kept.
    host.root("pkill -KILL -x sm-operation; sync").ok();
    host.reboot();
    assert_eq!(result(host, &id_of(&ended)).json, ended.json);
    result(host, &id_of(&begun)).expect("interrupted");
});

host_once!(so_many_are_kept_so_long_and_in_so_much_room, ready_test_policy, |host| {
    let first = id_of(&ask(host, "service restart dbus").expect("denied"));
    result(host, &first).expect("denied");
    let many = "for ((i = 0; i < 120; i++)); do sm-helper service restart dbus; done >/dev/null";
    // Each with a budget of its own, of which the others are not tested here.
    host.root("mkdir -p /etc/sm").ok();
    host.write("/etc/sm/policy.toml", "schema = 1\n[limits]\nrate = { count = 10000, per_seconds = 60 }\n[services]\nactions = [\"status\"]\n[services.units]\nnginx = {}\n");
    host.agent(many);
    let rows = listed(host);
    assert!(rows.len() <= 100, "{}", rows.len());
    if rows.len() == 100 {
        result(host, &first).expect("not_found");
    }
    // Nobody else can read them.
    let file = host.root("ls -l /var/lib/sm/results/$(id -u agent)").ok();
    assert!(file.starts_with("-rw------- 1 root root"), "{file}");
    host.agent("! cat /var/lib/sm/results/*").ok();

    // A day later.
    let newest = rows[0].0.clone();
    let yesterday = "sed -i -E 's/\"at\":([0-9]{5})/\"at\":1/; s/\"at\":1[0-9]*/\"at\":1700000000/' /var/lib/sm/results/$(id -u agent)";
    host.root(yesterday).ok();
    result(host, &newest).expect("not_found");
    assert_eq!(listed(host), []);
    // And the file does not grow for ever.
    host.root("f=/var/lib/sm/results/$(id -u agent); for ((i = 0; i < 40000; i++)); do echo '{\"id\":\"x\",\"at\":1700000000,\"operation\":{},\"code\":\"ok\",\"reply\":{\"filler\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}}'; done >>$f; test $(stat -c %s $f) -gt 4194304").ok();
    let after = id_of(&ask(host, "service restart dbus").expect("denied"));
    host.root("test $(stat -c %s /var/lib/sm/results/$(id -u agent)) -lt 10000").ok();
    result(host, &after).expect("denied");
    // What was torn, as by a full disk, hides nothing that comes after.
    host.root("printf '{\"id\":\"torn' >>/var/lib/sm/results/$(id -u agent)").ok();
    let next = id_of(&ask(host, "service restart dbus").expect("denied"));
    result(host, &next).expect("denied");
    result(host, &after).expect("denied");
});

host_once!(without_room_for_the_result_it_is_done_and_waited_for, ready_test_policy, |host| {
    host.root("systemctl start nginx; rm -rf /var/lib/sm/results; mkdir -m 0755 /srv/results; mount -t tmpfs -o size=4k,mode=0700 tmpfs /srv/results; mkdir -p -m 0700 /var/lib/sm/results; mount --bind /srv/results /var/lib/sm/results; dd if=/dev/zero of=/var/lib/sm/results/full bs=4k count=1").ok();
    let before = host.main_pid("nginx");
    let reply = ask(host, "service restart nginx --no-wait").expect("ok");
    let warnings = reply.json["warnings"].to_string();
    assert!(warnings.contains("cannot be kept"), "{warnings}");
    assert_ne!(host.main_pid("nginx"), before);
    assert!(records(host, &reply.json["request_id"]).len() == 2);
    // Others could change it: nothing of it is believed.
    host.root("umount /var/lib/sm/results; chmod 0777 /var/lib/sm/results; touch /var/lib/sm/results/$(id -u agent); chmod 0666 /var/lib/sm/results/$(id -u agent)").ok();
    let reply = ask(host, "service restart nginx --no-wait").expect("ok");
    assert!(reply.json["warnings"].to_string().contains("cannot be kept"), "{:#}", reply.json);
});

host_once!(a_secret_is_kept_as_it_is_shown, ready_test_policy, |host| {
    host.write("/usr/local/sbin/script", "#!/bin/sh\necho password=hunter2hunter2\n");
    host.root("chmod 0755 /usr/local/sbin/script").ok();
    let reply = ask(host, "task run script").expect("ok");
    assert!(!reply.json["stdout"].to_string().contains("hunter2"), "{:#}", reply.json);
    assert_eq!(result(host, &id_of(&reply)).json, reply.json);
    host.root("! grep -r hunter2 /var/lib/sm /run/sm").ok();
});

// sudo's rule names whole command lines, and an id is on no list.
host_test!(an_exact_rule_has_the_results_too, ready_test_policy, |host| {
    host.root("sm setup-sudo --user agent --exact").ok();
    if host.sudo == Sudo::Unused {
        return;
    }
    let begun = ask(host, "service restart nginx --no-wait").expect("started");
    let id = id_of(&begun);
    let end = ask(host, &format!("result {id} --wait 600")).expect("ok");
    assert_eq!(id_of(&end), id);
    assert_eq!(listed(host)[0].0, id);
    // As sudo lets it through, it is a question and cannot become a request.
    let other = host.agent(
        "printf '[\"service\",\"stop\",\"nginx\"]\\n' | sudo -n /usr/local/bin/sm-helper --flags-on-stdin result",
    );
    assert!(other.stdout_text().contains("\"usage\""), "{other}");
});
