//! A host whose key is not the known one gets nothing, whatever anybody's configuration says.

use crate::host::Host;
use crate::traces::{nothing_left, places};
use crate::{Fleet, is_done, is_untouched};

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
        drop(report.says("web2", &["ssh-keygen -R"]));
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
    // ssh itself can not jump by way of a host for which a command is configured.
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
