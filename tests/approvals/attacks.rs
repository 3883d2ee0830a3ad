//! What a hostile account, and bad luck, try with a yes.

use crate::host::{host_once, host_test, intents};
use crate::{SITE, approve, ask, listed, site, sm, waits};

host_test!(a_yes_is_for_exactly_what_was_shown, all, |host| {
    host.root("systemctl start nginx").ok();
    host.let_in("other");
    site(host, SITE);
    let id = waits(host, "service restart nginx");
    approve(host, &format!("{id} --uses 9"));
    // Another account, another action, another name.
    host.helper_as("other", &["service", "restart", "nginx"]).expect("approval_required");
    waits(host, "service stop nginx");
    waits(host, "service restart caddy");
    // Another policy, whatever differs in it; and back.
    site(host, &format!("{SITE}# one more line\n"));
    waits(host, "service restart nginx");
    site(host, SITE);
    ask(host, "service restart nginx").expect("ok");
    // The same policy, and another command line: the unit has another name on this host now.
    let same = host.read("/etc/sm/policy.toml");
    host.root("ln -s /lib/systemd/system/nginx.service /etc/systemd/system/caddy.service; systemctl daemon-reload").ok();
    let id = waits(host, "service restart caddy");
    approve(host, &id);
    host.root("rm /etc/systemd/system/caddy.service; systemctl daemon-reload").ok();
    assert_eq!(host.read("/etc/sm/policy.toml"), same);
    assert_ne!(waits(host, "service restart caddy"), id);
});

host_test!(of_many_at_once_as_many_as_were_approved_are_done, all, |host| {
    host.root("systemctl start nginx; sm setup-broker --user agent").ok();
    site(host, &format!("{SITE}[limits]\nrate = {{ count = 1000, per_seconds = 60 }}\n"));
    let id = waits(host, "service reload nginx");
    approve(host, &format!("{id} --uses 5"));
    let before = intents(host);
    // Over both ways, where there are two.
    let text = host
        .agent(
            "out=$(mktemp -d); for n in {1..100}; do sm-helper service reload nginx >$out/$n & sm-helper --via socket service reload nginx >$out/s$n & \
             ((n % 8)) || wait; done; wait; cat $out/*; rm -r $out",
        )
        .ok();
    let count = |code: &str| text.matches(&format!("\"code\":\"{code}\"")).count();
    assert_eq!(intents(host) - before, 5, "{text}");
    // One that waits for its turn may be told that another request is at work, and has used nothing.
    assert_eq!(count("ok"), 5);
    assert!(count("approval_required") + count("busy") >= 190, "{text}");
    assert_eq!(listed(host).iter().filter(|row| row.1 == "approved").count(), 0);
});

host_once!(who_asked_does_not_approve, |host| {
    site(host, SITE);
    host.let_in("other");
    host.write(
        "/etc/sudoers.d/all",
        "agent ALL=(ALL) NOPASSWD: ALL\nother ALL=(ALL) NOPASSWD: ALL\n",
    );
    let id = waits(host, "service restart nginx");
    let done = host.agent(&format!("sudo -n sm --json approve {id} --yes"));
    let (exit, answer) = crate::host::answer(&done);
    assert_eq!((exit, &answer["code"]), (3, &"denied".into()), "{answer:#}");
    assert_eq!(listed(host)[0].1, "pending");
    let done =
        host.command("other", &["sudo", "-n", "sm", "--json", "approve", &id, "--yes"]).run();
    assert_eq!(crate::host::answer(&done).0, 0, "{done}");
    let (_, answer) = sm(host, "approvals");
    assert_eq!(answer["approvals"][0]["by"], "other");
});

host_once!(what_cannot_be_read_approves_nothing, |host| {
    host.root("systemctl start nginx").ok();
    site(host, &format!("{SITE}[services.units.explained]\napproval = false\n"));
    let file = "/var/lib/sm/approvals.json";
    let id = waits(host, "service restart nginx");
    approve(host, &id);
    host.root(&format!("cp {file} /root/kept")).ok();
    let pid = host.main_pid("nginx");
    for spoil in [
        "truncate -s 40 $f",
        "echo '{' >$f",
        ": >$f",
        "head -c 1000 /dev/urandom >$f",
        "chmod 0666 $f",
        "chown agent $f",
        "rm $f; ln -s /root/kept $f",
        "rm $f; mkdir $f",
        "rm $f; mkfifo -m 0600 $f",
        "truncate -s 20M $f",
    ] {
        host.root(&format!("f={file}; rm -rf $f; cp /root/kept $f; {spoil}")).ok();
        let reply = ask(host, "service restart nginx").expect("untrusted_path");
        assert_eq!(reply.exit, 6, "{spoil}");
        assert_eq!(host.main_pid("nginx"), pid, "{spoil}");
        assert_eq!(sm(host, "approvals").1["code"], "untrusted_path", "{spoil}");
        assert_eq!(sm(host, &format!("approve {id} --yes")).1["code"], "untrusted_path", "{spoil}");
        // What needs no yes is not in its way.
        ask(host, "service status nginx").expect("ok");
    }
    let doctor = host.root("sm doctor --json").stdout_text();
    assert!(doctor.contains("approvals.json cannot be read"), "{doctor}");
    assert!(host.root("sm status").ok().contains("cannot be read, so nothing is approved"));
    // No room to note that it is used: then it is not used.
    host.root(&format!(
        "rm -rf {file}; cp /root/kept {file}; mkdir {file}.new; touch {file}.new/x"
    ))
    .ok();
    ask(host, "service restart nginx").expect("untrusted_path");
    assert_eq!(host.main_pid("nginx"), pid);
    // The clock was put back: nobody knows what has expired.
    host.root(&format!(
        "rm -rf {file}.new; sed -i -E 's/\"seen\":[0-9]+/\"seen\":4000000000/' {file}"
    ))
    .ok();
    let reply = ask(host, "service restart nginx").expect("approval_required");
    assert_ne!(crate::id(&reply), id);
    let expires = reply.json["approval"]["expires"].as_str().unwrap_or_default();
    assert!(expires < "2090", "it is counted from now on: {expires}");
    assert_eq!(host.main_pid("nginx"), pid);
    // Back again, and so it holds over a boot.
    host.root(&format!("cp /root/kept {file}")).ok();
    host.reboot();
    ask(host, "service restart nginx").expect("ok");
});

host_once!(who_is_refused_too_often_makes_no_more_work, |host| {
    host.limit_the_rate();
    site(host, &format!("{SITE}[limits]\nrate = {{ count = 1, per_seconds = 3600 }}\n"));
    let id = waits(host, "service restart nginx");
    for _ in 0..9 {
        assert_eq!(waits(host, "service restart nginx"), id);
    }
    let stamp = "stat -c '%i %Y' /var/lib/sm/approvals.json";
    let before = host.root(stamp).ok();
    for line in ["service stop nginx", "service restart nginx", "service start caddy"] {
        ask(host, line).expect("rate_limited");
    }
    assert_eq!(host.root(stamp).ok(), before, "nothing was written");
    // What was approved is let through all the same.
    approve(host, &id);
    ask(host, "service restart nginx").expect("ok");
});

host_once!(so_many_wait_and_no_more, ready_test_policy, |host| {
    let units = ["nginx", "probe", "slow", "crashing", "hanging", "looping", "forker"];
    let tables: String = units.iter().map(|unit| format!("[services.units.{unit}]\n")).collect();
    site(
        host,
        &format!(
            "schema = 1\n[services]\nactions = [\"start\", \"stop\", \"restart\", \"reload\"]\napproval = true\n{tables}"
        ),
    );
    let mut ids = Vec::new();
    for unit in units {
        for action in ["start", "stop", "restart", "reload"] {
            ids.push(waits(host, &format!("service {action} {unit}")));
        }
    }
    // Its own oldest have made room.
    let left: Vec<String> = listed(host).into_iter().map(|row| row.0).collect();
    assert_eq!(left, ids[8..]);
    for id in &left {
        approve(host, id);
    }
    ask(host, "service start nginx").expect("busy");
    assert_eq!(listed(host).len(), 20);
});

// A directory may have any name, and a person must not read another one.
host_once!(an_account_does_not_look_like_another, |host| {
    site(host, SITE);
    let name = "agent\u{202e}toor\u{200b}";
    host.root(&format!(
        "echo '{name}:x:3000:3000::/tmp:/bin/bash' >>/etc/passwd; echo '{name}:*:20000::::::' >>/etc/shadow; echo '{name}:x:3000:' >>/etc/group; mkdir '/home/{name}'; sm setup-sudo --user '{name}'"
    ))
    .ok();
    host.command(name, &["sm-helper", "service", "stop", "nginx"]).run();
    let (_, answer) = sm(host, "approvals");
    let id =
        answer["approvals"][0]["id"].as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned();
    assert_eq!(answer["approvals"][0]["requester"]["user"], name);
    host.root(&format!("sm grant --user '{name}' service reload nginx")).ok();
    let seen = host.at_terminal(
        "root",
        "xterm",
        &["/usr/local/bin/sm", "approve", &id],
        &[("minutes? [y/N] ", "y\n")],
    );
    let texts = [
        seen.shown,
        host.root("sm approvals; sm grants; sm policy surface; sm audit tail; sm audit stats").ok(),
        host.root("id=$(sm approvals --json | grep -o '\"id\":\"[^\"]*' | cut -d'\"' -f4); sm decline $id").ok(),
    ];
    for text in texts {
        assert!(text.contains("agent\\u{202e}toor"), "{text:.2000}");
        let line = text.lines().find(|line| line.contains(['\u{202e}', '\u{200b}']));
        assert!(line.is_none(), "{line:.300?}");
    }
});
