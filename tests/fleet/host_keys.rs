//! A host whose key is not the known one gets nothing, whatever anybody's configuration says.

use crate::host::Host;
use crate::traces::{nothing_left, places};
use crate::{BOOTSTRAP, Fleet, is_done, is_untouched, no_password};

const KNOWN: &str = "/home/admin/.ssh/known_hosts";

/// What a user's configuration may say that would let everybody in, or that would confuse.
const CONFIG: &str = r"
Host *
    StrictHostKeyChecking no
    UserKnownHostsFile /home/admin/.ssh/known_hosts
    UpdateHostKeys no
    RemoteCommand echo remote
    PermitLocalCommand yes
    LocalCommand touch /home/admin/local-command
    ForwardAgent yes
    RequestTTY force
    ControlMaster auto
    ControlPath /home/admin/.ssh/control-%C
    ControlPersist 60
    BatchMode no
    LogLevel DEBUG3
    VisualHostKey yes
    CheckHostIP yes
    SessionType none
    StdinNull yes
    ForkAfterAuthentication yes
    EscapeChar ~
    SendEnv *
";

fn configure(fleet: &Fleet, text: &str) {
    fleet.controller().write("/home/admin/.ssh/config", text);
    fleet.controller().root("chown admin:admin /home/admin/.ssh/config").ok();
}

fn new_key(host: &Host) {
    host.root("cd /etc/ssh; rm ssh_host_*; ssh-keygen -qt ed25519 -N '' -f ssh_host_ed25519_key; systemctl restart ssh").ok();
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn an_unknown_or_changed_key_is_refused_and_a_new_one_taken_only_when_told() {
    let fleet = Fleet::open(2);
    let [unknown, changed] = &fleet.hosts[..] else { panic!("two") };
    let forget = format!("ssh-keygen -q -f {KNOWN} -R {}; chown admin {KNOWN}*", unknown.address());
    fleet.controller().root(&forget).ok();
    new_key(changed);
    let before: Vec<String> = fleet.hosts.iter().map(places).collect();
    for config in ["", CONFIG] {
        configure(&fleet, config);
        let known = fleet.controller().read(KNOWN);
        let report = fleet.bootstrap(&[]).exit(1);
        let report = report.expect(&["web1 failed host_key", "web2 failed host_key"]);
        let report = report.says("web1", &["not known", "--accept-new-host-keys"]);
        drop(report.says("web2", &["Offending ", KNOWN, "ssh-keygen -R"]));
        assert_eq!(fleet.controller().read(KNOWN), known, "nothing was learned");
    }
    for (host, before) in fleet.hosts.iter().zip(&before) {
        is_untouched(host);
        nothing_left(host, before);
        // Not even a login.
        host.root("! journalctl -q -o cat -t sshd | grep Accepted").ok();
    }
    // A request is not sent there either.
    let report = fleet.ask(&["--user", "agent"], &["service", "restart", "nginx"]).exit(1);
    drop(report.expect(&["web1 failed host_key", "web2 failed host_key"]));

    // Trust on first use: a new one, never a changed one.
    let report = fleet.bootstrap(&["--accept-new-host-keys"]).exit(1);
    drop(report.expect(&["web1 done ok", "web2 failed host_key"]));
    fleet.controller().root(&format!("ssh-keygen -f {KNOWN} -F {}", unknown.address())).ok();
    is_done(&fleet, unknown, "admin");
    is_untouched(changed);
    // From here on it is known.
    new_key(unknown);
    let report = fleet.bootstrap(&["--accept-new-host-keys"]).exit(1);
    drop(report.expect(&["web1 failed host_key", "web2 failed host_key"]));
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_is_said_to_be_done_about_keys_is_said_once_and_does_it() {
    let fleet = Fleet::open(4);
    // Another port, another file of known hosts, and the machine's own.
    for (host, port) in fleet.hosts.iter().zip([22, 2222, 2222, 22]) {
        host.write("/etc/ssh/sshd_config.d/port.conf", format!("Port {port}\n"));
        new_key(host);
    }
    let [_, _, other, global] = [0, 1, 2, 3].map(|at| fleet.hosts[at].address());
    let of_old = |name: &str| {
        format!("{name} $(ssh-keygen -y -f /home/admin/.ssh/id_ed25519 | cut -d ' ' -f 1,2)")
    };
    let script = format!(
        "echo \"{}\" >/home/admin/fleet-keys; echo \"{}\" >/etc/ssh/ssh_known_hosts; echo \"{}\" >>{KNOWN}; \
         chown admin: /home/admin/fleet-keys",
        of_old(&format!("[{other}]:2222")),
        of_old(global),
        of_old(&format!("[{}]:2222", fleet.hosts[1].address())),
    );
    fleet.controller().root(&script).ok();
    fleet
        .controller()
        .root(&format!("ssh-keygen -q -f {KNOWN} -R {global}; chown admin {KNOWN}"))
        .ok();
    let at = |number: usize, more: &str| {
        let address = fleet.hosts[number - 1].address();
        format!("web{number}: {{hostname: {address}, user: admin{more}}}\n")
    };
    let known = |file: &str| format!(", ssh_common_args: -o UserKnownHostsFile={file}");
    let lines = [
        at(1, ""),
        at(2, ", port: 2222"),
        at(3, &format!(", port: 2222{}", known("/home/admin/fleet-keys"))),
        at(4, ""),
    ];
    fleet.inventory(&lines.concat());
    no_password(fleet.controller());
    let report = fleet.bootstrap(&["--accept-new-host-keys"]).exit(1);
    let report = report.expect(
        &["web1", "web2", "web3", "web4"]
            .map(|name| format!("{name} failed host_key"))
            .each_ref()
            .map(String::as_str),
    );
    let commands: Vec<String> = ["web1", "web2", "web3", "web4"]
        .map(|name| report.row(name)["hint"].as_str().expect("a hint").to_owned())
        .iter()
        .map(|hint| hint.rsplit_once(": ").expect("a command behind it").1.to_owned())
        .collect();
    // For people the four are one.
    let done = fleet.command(&BOOTSTRAP[..4], &["--accept-new-host-keys"]).run();
    let text = done.stdout_text();
    assert_eq!(text.matches("find out why").count(), 1, "{text}");
    assert!(text.contains("web1, web2, web3, web4: → find out why"), "{text}");
    for command in &commands {
        assert!(text.contains(&format!("    {command}\n")), "{text}");
        fleet.controller().command("admin", &["/bin/sh", "-c", command]).run().ok();
    }
    drop(fleet.bootstrap(&["--accept-new-host-keys"]).exit(0));

    // And so are those that nobody has seen.
    fleet.controller().root(&format!("rm {KNOWN} /home/admin/fleet-keys")).ok();
    let text = fleet.command(&BOOTSTRAP[..4], &[]).run().stdout_text();
    assert_eq!(text.matches("--accept-new-host-keys").count(), 1, "{text}");
    assert!(text.contains("web1, web2, web3, web4: → compare it"), "{text}");
    assert_eq!(text.lines().count(), 6, "{text}");
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_users_configuration_is_used_and_does_not_get_in_the_way() {
    let fleet = Fleet::open(3);
    let addresses: Vec<&str> = fleet.hosts.iter().map(Host::address).collect();
    // Another port, another key, and one that is reached by way of another.
    fleet.hosts[1]
        .root("echo Port 2222 >/etc/ssh/sshd_config.d/port.conf; systemctl restart ssh")
        .ok();
    let key = "mv /home/admin/.ssh/id_ed25519 /home/admin/.ssh/of-the-fleet";
    fleet.controller().root(key).ok();
    let hosts = format!(
        "Host first\n HostName {}\n User admin\n\
         Host second\n HostName {}\n Port 2222\n HostKeyAlias {}\n User admin\n\
         Host third\n HostName {}\n User admin\n ProxyJump first\n\
         Host *\n IdentityFile /home/admin/.ssh/of-the-fleet\n",
        addresses[0], addresses[1], addresses[1], addresses[2]
    );
    // ssh itself cannot jump by way of a host for which a command is configured.
    configure(&fleet, &format!("{hosts}{}", CONFIG.replace("Host *", "Host second third")));
    // The third is reached only from the first.
    let only_from = format!(
        "echo 'AllowUsers *@{}' >/etc/ssh/sshd_config.d/from.conf; systemctl restart ssh",
        addresses[0]
    );
    fleet.hosts[2].root(&only_from).ok();
    fleet.inventory("web1: {hostname: first}\nweb2: {hostname: second}\nweb3: {hostname: third}\n");
    drop(fleet.bootstrap(&[]).exit(0).expect(&["web1 done ok", "web2 done ok", "web3 done ok"]));
    fleet.hosts.iter().for_each(|host| is_done(&fleet, host, "admin"));
    let left = fleet.controller().root(
        "ls /home/admin/local-command /home/admin/.ssh/control-* 2>/dev/null; pgrep -u admin -x ssh; true",
    );
    assert_eq!(left.ok(), "", "nothing was run here, and no connection is left");
}
