//! `--via`, and callers for whom sudo cannot work.

use crate::host::{Host, Reply, events, host_test, records, wait_until};
use crate::{Made, broker_test, told};
use serde_json::Value;

/// `sm-helper --via WAY service reload nginx` in a unit with these properties.
#[track_caller]
fn in_unit(host: &Host, properties: &str, way: &str) -> Reply {
    Reply::of(&host.root(&format!(
        "systemd-run --quiet --pipe --wait --collect -p User=agent {properties} \
         sm-helper --via {way} service reload nginx"
    )))
}

#[track_caller]
fn way_of(host: &Host, reply: &Reply) -> Value {
    records(host, &reply.json["request_id"])[0]["caller"]["via"].clone()
}

host_test!(where_sudo_can_not_work_the_socket_does, both_ways, |host| {
    for properties in [
        "-p NoNewPrivileges=yes",
        "-p NoNewPrivileges=yes -p PrivateUsers=yes -p ProtectSystem=strict -p PrivateTmp=yes",
        "-p CapabilityBoundingSet= -p RestrictAddressFamilies=AF_UNIX -p PrivateNetwork=yes",
    ] {
        for way in ["socket", "auto"] {
            let reply = in_unit(host, properties, way).expect("ok");
            assert_eq!(way_of(host, &reply), "socket", "{properties}");
        }
        in_unit(host, properties, "sudo").expect("not_privileged");
    }
    // And there the reason is said for each of the two.
    host.root("systemctl stop sm.socket").ok();
    let reply = in_unit(host, "-p NoNewPrivileges=yes", "auto").expect("not_privileged");
    let said = told(&reply.json);
    assert!(
        said.contains("no broker at /run/sm/sm.sock") && said.contains("sudo did not allow agent"),
        "{said}"
    );
});

broker_test!(a_host_without_sudo, both_ways, |host| {
    let asked = |way: &str| host.helper(&["--via", way, "service", "reload", "nginx"]);
    host.root("mv /usr/bin/sudo /root/sudo").ok();
    for way in ["auto", "socket"] {
        let reply = asked(way).expect("ok");
        assert_eq!(way_of(host, &reply), "socket");
    }
    let said = told(&asked("sudo").expect("not_privileged").json);
    assert!(said.contains("no sudo") && !said.contains("sm.sock"), "{said}");
    host.root("systemctl stop sm.socket").ok();
    let said = told(&asked("auto").expect("not_privileged").json);
    assert!(said.contains("no sudo") && said.contains("no broker"), "{said}");
    let said = told(&asked("socket").expect("not_privileged").json);
    assert!(!said.contains("no sudo") && said.contains("no broker"), "{said}");
    host.root("mv /root/sudo /usr/bin/sudo").ok();
    let reply = asked("auto").expect("ok");
    assert_eq!(way_of(host, &reply), "sudo");
    assert_eq!(asked("nothing").expect("usage").exit, 2);
});

// Not root who listens: nothing is said to it, and it is not asked again.
broker_test!(another_listener_is_not_believed, both_ways, |host| {
    host.root("systemctl stop sm.socket; chown other /run/sm").ok();
    host.write(
        "/srv/false.py",
        "import socket\ns = socket.socket(socket.AF_UNIX)\ns.bind('/run/sm/sm.sock')\ns.listen()\nopen('/tmp/listening', 'w')\n\
         while True:\n c = s.accept()[0]\n open('/tmp/asked', 'a').write('.')\n c.settimeout(1)\n try: open('/tmp/heard', 'ab').write(c.recv(99))\n except OSError: pass\n try: c.sendall(b'{\"code\":\"ok\"}\\n')\n except OSError: pass\n c.close()\n",
    );
    host.root("systemd-run -p User=other python3 /srv/false.py; until test -e /tmp/listening; do sleep 0.1; done; chmod 666 /run/sm/sm.sock; chown root /run/sm").ok();
    let reply =
        host.helper(&["--via", "socket", "service", "reload", "nginx"]).expect("not_privileged");
    assert!(told(&reply.json).contains("is not root's"), "{}", told(&reply.json));
    let reply = host.helper(&["service", "reload", "nginx"]).expect("ok");
    assert_eq!(way_of(host, &reply), "sudo");
    wait_until("it was left", || host.exists("/tmp/heard"));
    assert_eq!(host.read("/tmp/heard"), "");
    wait_until("it has seen both requests", || host.read("/tmp/asked").len() >= 2);
    assert_eq!(host.read("/tmp/asked"), "..", "a connection for each");
});

/// Asks once, from inside the unit that it is about.
const AGENT: &str = "[Service]\nUser=agent\nNoNewPrivileges=yes\nEnvironment=HOME=/home/agent PATH=/usr/local/bin:/usr/bin:/bin\nExecStart=/home/agent/script\n";

broker_test!(an_agent_that_restarts_its_own_unit_hears_first, both_ways_test_policy, |host| {
    host.write("/home/agent/direct.py", format!("{}\nsay(asked(b'{{\"schema\":1,\"arguments\":[\"service\",\"restart\",\"agentd\"]}}\\n'))", crate::PYTHON));
    host.write("/etc/systemd/system/agentd.service", AGENT);
    for (call, action) in [
        ("sm-helper service restart agentd", "restart"),
        ("sm-helper --via socket service stop agentd", "stop"),
        ("sh -c 'sm-helper service restart agentd'", "restart"),
        ("python3 direct.py", "restart"),
    ] {
        host.write(
            "/home/agent/script",
            format!("#!/bin/bash\ncd /home/agent\ntest -e asked && exec sleep 1000\ntouch asked\n{call} >reply.new\nmv reply.new reply\nexec sleep 1000\n"),
        );
        host.root("chmod 0755 /home/agent/script; rm -f /home/agent/{asked,reply}; systemctl daemon-reload; systemctl start agentd").ok();
        let before = host.main_pid("agentd");
        wait_until("a reply", || host.exists("/home/agent/reply"));
        let reply = crate::replies(&host.read("/home/agent/reply")).remove(0);
        assert_eq!(
            (&reply["code"], &reply["deferred"]),
            (&"ok".into(), &true.into()),
            "{call}: {reply:#}"
        );
        assert_eq!(reply["unit"]["main_pid"], before, "{call}: as it was then");
        let id = &reply["request_id"];
        wait_until("its result is recorded", || events(host, id).contains("result"));
        assert_eq!(events(host, id), "intent ok, result ok", "{call}");
        assert_eq!(records(host, id)[0]["caller"]["via"], "socket");
        let now = host.main_pid("agentd");
        assert_eq!((now == 0, now == before), (action == "stop", false), "{call}");
        host.root("systemctl stop agentd; systemctl reset-failed agentd 2>/dev/null; true").ok();
    }
});
