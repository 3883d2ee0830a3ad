//! `sm setup-broker`: puts it in place, says what is wrong with it, takes it away.

use crate::host::{Done, Host, repository};
use crate::{ask, ask_as, broker_test};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// The one JSON object of `sm … --json`.
#[track_caller]
fn json(done: &Done) -> Value {
    assert!(done.stderr.is_empty(), "{done}");
    serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done}"))
}

/// `sm setup-broker ARGS --json` as root: exit status and object.
#[track_caller]
fn setup(host: &Host, args: &str) -> (i32, Value) {
    let done = host.root(&format!("sm setup-broker {args} --json"));
    (done.status.expect("an exit status"), json(&done))
}

/// The text of a unit in the repository, for a program at `path`.
fn unit(name: &str, path: &str) -> String {
    let text = fs::read_to_string(repository().join("packaging/systemd").join(name));
    text.expect("the unit").replace("/usr/local/bin/sm", path)
}

/// What there is of it, in one text: to see that nothing has come or gone.
fn state(host: &Host) -> String {
    host.root(
        "getent group sm; ls -A /etc/systemd/system; cat /etc/systemd/system/sm*; \
         systemctl is-active sm.socket; systemctl is-enabled sm.socket; ls -l /run/sm/sm.sock; true",
    )
    .stdout_text()
}

broker_test!(it_is_in_place_as_the_package_has_it_and_only_once, boot, |host| {
    let (exit, answer) = setup(host, "--user agent --user other");
    assert_eq!((exit, &answer["changed"]), (0, &true.into()), "{answer:#}");
    assert_eq!(answer["socket"], "/run/sm/sm.sock");
    assert_eq!(answer["users"], serde_json::json!(["agent", "other"]));

    for name in ["sm.socket", "sm-broker.service"] {
        let path = format!("/usr/local/lib/systemd/system/{name}");
        assert_eq!(host.read(&path), unit(name, "/usr/local/bin/sm"));
        // A copy would hide what the next version brings.
        assert!(!host.exists(format!("/etc/systemd/system/{name}")), "a copy of {name}");
        assert_eq!(
            host.root(&format!("stat -c '%a %U:%G %F' {path}")).ok(),
            "644 root:root regular file\n"
        );
    }
    assert_eq!(
        host.root("stat -c '%a %U:%G %F' /run/sm /run/sm/sm.sock").ok(),
        "755 root:root directory\n660 root:sm socket\n"
    );
    assert_eq!(host.root("systemctl is-enabled sm.socket").ok(), "enabled\n");
    assert!(host.root("getent group sm").ok().trim().ends_with(":agent,other"));
    for user in ["agent", "other"] {
        ask_as(host, user, "service status nginx").expect("ok");
    }

    // Again: nothing to do, and nothing done, be it for one of them or for nobody. A folder for
    // additions with none in it changes nothing.
    host.root("mkdir /etc/systemd/system/sm-broker.service.d").ok();
    let before = state(host);
    for args in ["--user agent --user other", "--user other", ""] {
        let (exit, answer) = setup(host, args);
        assert_eq!((exit, &answer["changed"]), (0, &false.into()), "{args}: {answer:#}");
        assert_eq!(setup(host, &format!("{args} --check")).0, 0, "{args}");
    }
    assert!(host.root("sm setup-broker").ok().contains("already in place"));
    assert_eq!(state(host), before);
});

/// What is broken, and what `--check` says of it. Where setup alone cannot put it right, what
/// both print to do so.
const BROKEN: [(&str, &str, &str); 15] = [
    (
        "echo '# x' >>/usr/local/lib/systemd/system/sm-broker.service",
        "sm-broker.service is not as it should be",
        "",
    ),
    (
        "sed -i s/0660/0666/ /usr/local/lib/systemd/system/sm.socket",
        "sm.socket is not as it should be",
        "",
    ),
    ("rm /usr/local/lib/systemd/system/sm-broker.service", "sm-broker.service", ""),
    ("rm /usr/local/lib/systemd/system/sm.socket", "sm.socket", ""),
    ("rm /usr/local/lib/systemd/system/sm*", "sm.socket", ""),
    // As earlier versions left them, and as somebody's own that counts for more than ours.
    (
        "cp /usr/local/lib/systemd/system/sm.socket /usr/local/lib/systemd/system/sm-broker.service /etc/systemd/system",
        "/etc/systemd/system/sm.socket overrides",
        "",
    ),
    (
        "sed s/0660/0666/ /usr/local/lib/systemd/system/sm.socket >/etc/systemd/system/sm.socket",
        "sm.socket is not as it should be",
        "",
    ),
    (
        "systemctl mask --now sm.socket 2>&1 || ln -sf /dev/null /etc/systemd/system/sm.socket",
        "sm.socket",
        "",
    ),
    (
        "d=/etc/systemd/system/sm-broker.service.d; mkdir $d; printf '[Service]\\nUser=agent\\n' >$d/x.conf; systemctl daemon-reload",
        "sm-broker.service.d",
        "rm -r /etc/systemd/system/sm-broker.service.d && systemctl daemon-reload",
    ),
    (
        "d=/run/systemd/system/sm.socket.d; mkdir -p $d; printf '[Socket]\\nSocketMode=0666\\n' >$d/x.conf; systemctl daemon-reload",
        "sm.socket.d",
        "rm -r /run/systemd/system/sm.socket.d && systemctl daemon-reload",
    ),
    ("groupdel sm", "no group sm", ""),
    // The socket still has the group's old number, which is another's by now.
    (
        "groupdel sm; groupadd --system thieves; groupadd --system sm; usermod -aG sm agent",
        "sm.sock",
        "",
    ),
    ("gpasswd --delete agent sm", "agent is not in the group sm", ""),
    ("systemctl stop sm.socket", "sm.socket is not active", ""),
    ("systemctl disable sm.socket", "not enabled", ""),
];

broker_test!(check_names_what_is_wrong_and_setup_puts_it_right, |host| {
    let mut failures = Vec::new();
    host.root("cp -a /usr/local/lib/systemd/system /root/units").ok();
    for (broken, words, repair) in BROKEN {
        assert_eq!(setup(host, "--check --user agent").0, 0, "before {broken}");
        host.root(broken).ok();
        let (exit, answer) = setup(host, "--check --user agent");
        let said = answer["error"].as_str().unwrap_or_default().to_owned();
        if exit != 1 || !said.contains(words) || !answer["hint"].is_string() {
            failures.push(format!("{broken}: exit {exit}: {said}"));
        }
        let people = host.root("sm setup-broker --check --user agent");
        if people.status != Some(1) || !people.stderr_text().contains(words) {
            failures.push(format!("{broken}: for people: {people}"));
        }
        if !repair.is_empty() {
            // Setup leaves it alone, and says so, in the same words as the check.
            let again = host.root("sm setup-broker --user agent 2>&1").stdout_text();
            let is_told = again.contains(repair) && again.contains(words);
            if !is_told || again.contains("in place") {
                failures.push(format!("{broken}: setup does not name it: {again}"));
            }
            if !answer["hint"].as_str().is_some_and(|hint| hint.ends_with(repair)) {
                failures.push(format!("{broken}: the hint does not mend it: {answer}"));
            }
        }
        host.root(&format!("{repair}\ntrue")).ok();
        let (exit, answer) = setup(host, "--user agent");
        if exit != 0 || (repair.is_empty() && answer["changed"] != true) {
            failures.push(format!("{broken}: setup: exit {exit}: {answer}"));
        }
        let (exit, answer) = setup(host, "--check --user agent");
        if exit != 0 {
            failures.push(format!("{broken}: is not put right: {answer}"));
        }
        let reply = host.helper(&["--via", "socket", "service", "status", "nginx"]);
        if reply.code() != "ok" {
            failures.push(format!("{broken}: after setup: {:#}", reply.json));
        }
        host.root("groupdel thieves; systemctl reset-failed sm.socket; true").ok();
        // Once the package's units are right again, no copy of them is needed.
        host.root("cp -a /root/units/. /usr/local/lib/systemd/system").ok();
        let (exit, answer) = setup(host, "--user agent");
        if exit != 0 || host.root("ls /etc/systemd/system/sm*").status == Some(0) {
            failures.push(format!("{broken}: a copy is left: {answer}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
});

broker_test!(remove_takes_away_what_was_put_there, |host| {
    host.root("sm setup-broker --user other").ok();
    // One account, and then it is only that account that may not connect.
    for changed in [true, false] {
        let (exit, answer) = setup(host, "--remove --user agent");
        assert_eq!((exit, &answer["changed"]), (0, &changed.into()), "{answer:#}");
    }
    ask(host, "service status nginx").expect("not_privileged");
    ask_as(host, "other", "service status nginx").expect("ok");
    assert_eq!(setup(host, "--check --user agent").0, 1);
    assert_eq!(setup(host, "--check --user other").0, 0);

    for changed in [true, false] {
        let (exit, answer) = setup(host, "--remove");
        assert_eq!((exit, &answer["changed"]), (0, &changed.into()), "{answer:#}");
    }
    let left = host.root("getent group sm; ls /etc/systemd/system /etc/systemd/system/*.wants; ls /run/sm/sm.sock; systemctl list-units --all --no-legend 'sm.socket' 'sm-broker*'");
    let left = left.stdout_text();
    assert!(
        !left.contains("sm.s") && !left.contains("sm-broker") && !left.contains("sm:"),
        "{left}"
    );
    assert_eq!(host.root("systemctl is-enabled sm.socket").stdout_text(), "disabled\n");
    assert_eq!(setup(host, "--check").0, 1);
    let reply = ask_as(host, "other", "service status nginx").expect("not_privileged");
    assert!(reply.json["error"].as_str().is_some_and(|text| text.contains("no broker")));

    // Also what is only half there.
    for half in ["sm.socket", "sm-broker.service"] {
        setup(host, "--user agent");
        host.root(&format!("rm /usr/local/lib/systemd/system/{half}")).ok();
        let (exit, answer) = setup(host, "--remove");
        assert_eq!(exit, 0, "without {half}: {answer:#}");
        let left = state(host);
        assert!(!left.contains("sm:x:") && !left.contains("sm.sock"), "without {half}: {left}");
    }
    // And where there is no unit of a package: then it is a copy that is put there and taken away.
    assert_eq!(setup(host, "--user agent").0, 0);
    for name in ["sm.socket", "sm-broker.service"] {
        let path = format!("/etc/systemd/system/{name}");
        assert_eq!(host.read(&path), unit(name, "/usr/local/bin/sm"));
        assert_eq!(
            host.root(&format!("stat -c '%a %U:%G %F' {path}")).ok(),
            "644 root:root regular file\n"
        );
    }
    ask(host, "service status nginx").expect("ok");
    assert_eq!(setup(host, "--remove").0, 0);
    assert!(!state(host).contains("sm-broker"), "{}", state(host));
    assert_eq!(setup(host, "--user agent").0, 0);
    ask(host, "service status nginx").expect("ok");
});

/// The units of a version before this one, which had one for each connection.
const OLD: [(&str, &str); 2] = [
    (
        "sm.socket",
        "[Socket]\nListenStream=/run/sm/sm.sock\nSocketGroup=sm\nSocketMode=0660\nAccept=yes\nRemoveOnStop=yes\n[Install]\nWantedBy=sockets.target\n",
    ),
    ("sm@.service", "[Service]\nExecStart=/usr/local/bin/sm broker\nStandardInput=socket\n"),
];

broker_test!(units_of_a_version_before_become_those_of_this_one, |host| {
    let listening = |accepts: &str| {
        let shown = host.root("systemctl show -P Accept -P ActiveState sm.socket").ok();
        assert_eq!(shown, format!("{accepts}\nactive\n"));
    };
    for folder in ["/usr/local/lib/systemd/system", "/etc/systemd/system"] {
        host.root("systemctl stop sm.socket; rm /usr/local/lib/systemd/system/sm-broker.service")
            .ok();
        for (name, text) in OLD {
            host.write(format!("{folder}/{name}"), text);
        }
        host.root(
            "systemctl daemon-reload; systemctl reenable sm.socket; systemctl start sm.socket",
        )
        .ok();
        listening("yes");
        let (exit, answer) = setup(host, "--check --user agent");
        assert_eq!(exit, 1, "{folder}: {answer:#}");
        let doctor = host.root("sm doctor").stdout_text();
        assert!(doctor.contains("broker_units"), "{folder}: {doctor}");
        // As an upgrade does it.
        host.install(&PathBuf::from(
            std::env::var_os("SM_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_sm").into()),
        ));
        let (exit, answer) = setup(host, "--user agent");
        assert_eq!(exit, 0, "{folder}: {answer:#}");
        listening("no");
        assert!(!host.exists("/etc/systemd/system/sm@.service"), "{folder}");
        ask(host, "service status nginx").expect("ok");
        assert_eq!(setup(host, "--check --user agent").0, 0, "{folder}");
    }
});

/// Where another program may have its units.
const FOLDERS: [&str; 2] = ["/etc/systemd/system", "/usr/lib/systemd/system"];

broker_test!(units_of_another_program_are_left_alone, boot, |host| {
    // Without a package's units, and with them.
    for prepare in [
        "mv /usr/local/lib/systemd/system/sm* /root",
        "mv /root/sm.* /root/sm-broker* /usr/local/lib/systemd/system",
    ] {
        host.root(prepare).ok();
        for folder in FOLDERS {
            host.write(format!("{folder}/sm.socket"), "[Socket]\nListenStream=/run/x.sock\nAccept=yes\n[Install]\nWantedBy=sockets.target\n");
            host.write(
                format!("{folder}/sm-broker.service"),
                "[Service]\nExecStart=/bin/cat\nStandardInput=socket\n",
            );
            // Where ours are in front of these, they are what the name means.
            let is_hidden = folder != FOLDERS[0] && prepare.ends_with("system");
            if !is_hidden {
                host.root("systemctl daemon-reload; systemctl enable --now sm.socket; test -S /run/x.sock").ok();
            }
            let before = state(host);
            for (args, exit) in [("--user agent", 1), ("--remove", 0)] {
                let done = host.root(&format!("sm setup-broker {args} 2>&1"));
                if is_hidden {
                    done.ok();
                    continue;
                }
                assert!(done.stdout_text().contains("another program's unit"), "{folder}: {done}");
                assert_eq!(done.status, Some(exit), "{folder}: {done}");
                assert_eq!(state(host), before, "{folder} {args}");
            }
            if !is_hidden {
                host.root("systemctl is-active sm.socket; test -S /run/x.sock; systemctl disable --now sm.socket").ok();
            }
            host.root(&format!(
                "rm {folder}/sm.socket {folder}/sm-broker.service; systemctl daemon-reload"
            ))
            .ok();
        }
    }
    assert_eq!(setup(host, "--user agent").0, 0);
    ask(host, "service status nginx").expect("ok");
});

broker_test!(a_unit_of_the_package_that_can_not_be_trusted_is_not_used, boot, |host| {
    let folder = "/usr/local/lib/systemd/system";
    for made in [
        format!("chown agent {folder}/sm-broker.service"),
        format!("chmod 0777 {folder}"),
        format!(
            "rm {folder}/sm.socket; ln -s /home/agent/sm.socket {folder}/sm.socket; echo >/home/agent/sm.socket"
        ),
        // Another installation's, which systemd finds before that of /usr.
        format!("sed -i s,/usr/local/bin/sm,/opt/sm/bin/sm, {folder}/sm-broker.service"),
    ] {
        host.root(&format!("cp -a {folder} /root/units; {made}")).ok();
        let (exit, answer) = setup(host, "--user agent");
        assert_eq!(exit, 0, "{made}: {answer:#}");
        let copies =
            ["sm.socket", "sm-broker.service"].map(|name| format!("/etc/systemd/system/{name}"));
        assert!(copies.iter().any(|path| host.exists(path)), "{made}: no copy");
        assert_eq!(setup(host, "--check --user agent").0, 0, "{made}");
        assert_eq!(
            host.root("systemctl show -P ExecStart sm-broker.service")
                .ok()
                .matches("path=/usr/local/bin/sm ")
                .count(),
            1
        );
        ask(host, "service status nginx").expect("ok");
        host.root(&format!("rm -r {folder}; mv /root/units {folder}")).ok();
        assert_eq!(setup(host, "--user agent").0, 0, "{made}");
        assert!(!copies.iter().any(|path| host.exists(path)), "{made}: a copy is left");
    }
});

broker_test!(what_it_can_not_do_changes_nothing, boot, |host| {
    let before = state(host);
    // Without root: the command to run.
    let done = host.agent("sm setup-broker --user agent --json");
    let answer = json(&done);
    assert_eq!((done.status, &answer["code"]), (Some(5), &"not_privileged".into()), "{answer:#}");
    let hint = answer["hint"].as_str().expect("a hint");
    assert!(hint.contains("sudo /usr/local/bin/sm setup-broker --user agent"), "{hint}");

    for (args, code, exit) in [
        ("--user agent --user nosuch", "invalid_argument", 3),
        ("--remove --user nosuch", "invalid_argument", 3),
        ("--user '../x y'", "invalid_argument", 3),
        ("--user ''", "invalid_argument", 3),
        ("--check --remove", "usage", 2),
        ("--check --install", "usage", 2),
        ("agent", "usage", 2),
    ] {
        let (was, answer) = setup(host, args);
        assert_eq!((was, &answer["code"]), (exit, &code.into()), "{args}: {answer:#}");
    }

    // A program that others can change is no program for root to start.
    for (what, made) in [
        (
            "all can write it",
            "install -d /opt/o; cp /usr/local/bin/sm /opt/o/sm; chmod 0757 /opt/o/sm",
        ),
        (
            "it is another's",
            "install -d /opt/o; cp /usr/local/bin/sm /opt/o/sm; chown agent /opt/o/sm",
        ),
        ("its folder is another's", "install -d -o agent /opt/o; cp /usr/local/bin/sm /opt/o/sm"),
        ("it lies in a home", "ln -sfn /home/agent /opt/o; cp /usr/local/bin/sm /opt/o/sm"),
        (
            "a unit cannot name it",
            "install -d '/opt/o o%'; cp /usr/local/bin/sm '/opt/o o%/sm'; ln -sfn '/opt/o o%' /opt/o",
        ),
    ] {
        host.root(&format!("rm -rf /opt/o; {made}")).ok();
        let done = host.root("/opt/o/sm setup-broker --user agent --json");
        let answer = json(&done);
        assert_eq!(
            (done.status, &answer["code"]),
            (Some(6), &"untrusted_path".into()),
            "{what}: {answer:#}"
        );
        assert!(answer["hint"].as_str().is_some_and(|hint| hint.contains("--install")), "{what}");
    }
    assert_eq!(state(host), before);

    // With --install it is where it can be relied on.
    let done = host.root("/opt/o/sm setup-broker --install --user agent --json");
    assert_eq!((done.status, &json(&done)["changed"]), (Some(0), &true.into()), "{done}");
    // The units that are there are this program's.
    assert!(!host.exists("/etc/systemd/system/sm-broker.service"));
    ask(host, "service status nginx").expect("ok");
});

broker_test!(it_needs_no_program_in_the_usual_place, bare, |host| {
    let program = std::env::var_os("SM_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_sm").into());
    host.root("install -d /opt/sm").ok();
    fs::copy(program, host.path("/opt/sm/sm")).expect("a copy");
    host.root("chmod 0755 /opt/sm/sm; cp /opt/sm/sm /opt/sm/sm-helper; /opt/sm/sm setup-broker --user agent").ok();
    assert_eq!(
        host.read("/etc/systemd/system/sm-broker.service"),
        unit("sm-broker.service", "/opt/sm/sm")
    );
    let reply = crate::host::Reply::of(&host.agent("/opt/sm/sm-helper service status nginx"));
    reply.expect("ok");
    // As an installation that comes later would have it.
    assert_eq!(host.root("/opt/sm/sm setup-broker --install").status, Some(0));
    assert_eq!(
        host.read("/etc/systemd/system/sm-broker.service"),
        unit("sm-broker.service", "/usr/local/bin/sm")
    );
    ask(host, "service status nginx").expect("ok");
});

/// A name is no ownership: whose group it was, keeps it.
#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_group_that_it_has_not_made_stays() {
    let host = Host::boot(crate::host::Sudo::Classic);
    host.root("! getent group sm && groupadd --system sm && usermod -aG sm other").ok();
    // Who lets somebody in hears who else it is.
    let said = host.root("sm setup-broker --user agent").ok();
    assert!(said.contains("its other members may connect too: other"), "{said}");
    let said = host.root("sm setup-broker --remove").ok();
    assert!(said.contains("the group sm stays") && said.contains("groupdel sm"), "{said}");
    assert!(host.root("getent group sm").ok().contains("other"));
    assert_eq!(setup(&host, "--remove").1["changed"], false);
    // The one that it has made goes, and another one of that name and with another number does not.
    host.root("groupdel sm; sm setup-broker --user agent").ok();
    host.root("sm setup-broker --remove; ! getent group sm").ok();
    host.root("sm setup-broker --user agent; groupdel sm; groupadd thieves; groupadd --system --gid 4321 sm; usermod -aG sm other").ok();
    let said = host.root("sm setup-broker --remove").ok();
    assert!(said.contains("the group sm stays"), "{said}");
}
