//! `sm policy init` and what comes after it: from nothing to an agent that may do one thing.

use crate::host::{Host, host_once};
use crate::{FILE, NGINX, ask, install, site};

const UNIT: &str = "[Unit]\nDescription=The \tshop\n[Service]\nExecStart=/bin/sleep 1000\n";

fn shop(host: &Host) {
    install(host, "SM_EXTEND_BIN", "tests/policies/extend.toml");
    host.write("/etc/systemd/system/myapp.service", UNIT);
    host.write("/etc/systemd/system/nightly.service", UNIT);
    host.write("/etc/systemd/system/nightly.timer", "[Timer]\nOnCalendar=daily\n");
    host.write(
        "/etc/systemd/system/once.service",
        "[Service]\nType=oneshot\nExecStart=/bin/true\n",
    );
    host.root("systemctl daemon-reload").ok();
}

host_once!(the_first_policy_grants_what_was_named_and_nothing_else, bare, |host| {
    shop(host);
    let nothing = host.root("sm policy init </dev/null");
    assert_eq!(nothing.status, Some(2), "{nothing}");
    let hint = nothing.stderr_text();
    assert!(hint.contains("myapp.service"), "{hint}");
    assert!(!hint.contains("nightly") && !hint.contains("once.service"), "{hint}");
    let dry = host.root("sm policy init --unit myapp:restart --dry-run").ok();
    assert!(dry.contains("[services.units.myapp]") && !host.exists(FILE), "{dry}");
    let done = host.root("sm policy init --unit myapp:restart,status,logs --user agent").ok();
    for action in ["logs", "restart", "status"] {
        assert!(done.contains(&format!("+ service {action} myapp.service for agent")), "{done}");
    }
    assert!(done.contains("next: sm setup-sudo --user agent"), "{done}");
    let text = host.read(FILE);
    assert!(text.lines().count() < 16 && text.contains("# The \\tshop\n"), "{text}");
    host.root(&format!("sm policy check {FILE}")).ok();
    ask(host, "service restart myapp").expect("ok");
    ask(host, "service logs myapp").expect("ok");
    for line in ["service stop myapp", "service enable myapp", "service restart nightly"] {
        ask(host, line).expect("denied");
    }
    // Of others nothing is heard.
    let other = host.root("runuser -u other -- sm-helper --dry-run service restart myapp");
    assert!(other.stdout_text().contains("\"code\":\"denied\""), "{other}");
    // There is one now.
    let again = host.root("sm policy init --unit myapp:stop");
    assert_eq!((again.status, host.read(FILE)), (Some(1), text.clone()), "{again}");
    host.root("sm policy init --replace --unit myapp:status --user agent").ok();
    assert_eq!(host.read("/etc/sm/policy.toml.old"), text);
    ask(host, "service restart myapp").expect("denied");
    // One that is gone refuses everything, and this puts it right.
    host.root(&format!("rm {FILE}")).ok();
    ask(host, "service status myapp").expect("policy_invalid");
    host.root("sm policy init --unit myapp:status --user agent").ok();
    ask(host, "service status myapp").expect("ok");
});

host_once!(what_is_no_first_policy_is_refused, bare, |host| {
    shop(host);
    for (line, status, message) in [
        ("--unit myapp", 2, "--unit myapp:restart,status,logs"),
        ("--unit myapp:frob", 2, "there are: start, stop"),
        ("--unit app@:restart", 3, "is a template"),
        ("--unit dbus:restart", 6, "equivalent to full root"),
        ("--unit myapp:restart --user no-such", 3, "no account no-such"),
        ("--package bash", 6, "equivalent to full root"),
    ] {
        let done = host.root(&format!("sm policy init {line}"));
        assert_eq!(done.status, Some(status), "{line}: {done}");
        assert!(done.stderr_text().contains(message), "{line}: {done}");
        assert!(!host.exists(FILE), "{line}");
    }
    assert_eq!(host.agent("sm policy init --unit myapp:restart").status, Some(5));
});

host_once!(a_sealed_program_gets_a_policy_to_compile_in, |host| {
    let done = host.root("sm policy init --unit worker:restart --user agent");
    assert_eq!(done.status, Some(6), "{done}");
    let text = done.stdout_text();
    assert!(text.contains("[services.units.worker]") && text.contains("packaging/build"), "{done}");
    assert!(!host.exists(FILE));
});

host_once!(a_refusal_names_the_command_that_would_allow_it, |host| {
    site(host, NGINX);
    let reply = ask(host, "service stop nginx").expect("denied");
    let hint = crate::text(&reply, "hint");
    assert!(hint.contains("administrator") && !hint.contains("sm policy allow"), "{hint}");
    const COMMAND: &str = "sm policy allow service stop nginx.service";
    let explained = host.root("sm policy explain --user agent service stop nginx").ok();
    assert!(explained.contains(&format!("to allow it: {COMMAND}\n")), "{explained}");
    let log = host.read("/var/log/sm/audit.jsonl");
    let last = log.lines().last().unwrap_or_default();
    assert!(last.contains(&format!("\"allow\":\"{COMMAND}\"")), "{last}");
    // It does what it says.
    host.root(COMMAND).ok();
    ask(host, "service stop nginx").expect("ok");
    // Where the policy tells callers apart, it is for the one who asked.
    host.root("sm policy deny --user other service restart,reload,status,stop nginx").ok();
    let explained = host.root("sm policy explain --user other service restart nginx").ok();
    const FOR_OTHER: &str = "sm policy allow --user other service restart nginx.service";
    assert!(explained.contains(&format!("to allow it: {FOR_OTHER}\n")), "{explained}");
    // What can never be allowed has no such command.
    ask(host, "service stop dbus").expect("denied");
    let log = host.read("/var/log/sm/audit.jsonl");
    assert!(!log.lines().last().unwrap_or_default().contains("\"allow\""));
    let explained = host.root("sm policy explain service stop dbus").ok();
    assert!(!explained.contains("to allow it"), "{explained}");
});

host_once!(expectations_are_held_against_the_policy, |host| {
    site(
        host,
        &format!("{NGINX}[callers.\"group:ops\"]\nservices = [\"nginx\"]\n[callers.default]\n"),
    );
    host.write(
        "/root/good",
        "allow %ops service restart nginx # they\n\ndeny zoe service restart nginx\n",
    );
    host.root("sm policy test /root/good").ok();
    host.write(
        "/root/bad",
        "# one\nallow zoe service restart nginx\ndeny %ops service stop nginx\nwhat\n",
    );
    let bad = host.root("sm policy test /root/bad");
    assert_eq!(bad.status, Some(1), "{bad}");
    let lines = bad.stdout_text();
    let begins: Vec<&str> = lines.lines().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(begins, ["/root/bad:2", "/root/bad:4"], "{bad}");
    let expect =
        |line: &str| host.root(&format!("sm policy explain {line} service restart nginx")).status;
    assert_eq!(expect("--user zoe --group ops --expect allowed"), Some(0));
    assert_eq!(expect("--user zoe --group staff --expect allowed"), Some(1));
    assert_eq!(expect("--user zoe --group staff --expect denied"), Some(0));
    assert_eq!(expect("--user zoe"), Some(3), "there is no such account here");
    assert_eq!(expect("--user zoe --site /etc/sm/policy.toml --expect denied"), Some(0));
});
