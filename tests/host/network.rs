//! Hosts on a network reach each other, and are all that there is of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use crate::Traces;
use crate::host::{Host, Network, Sudo};

const SSH: [&str; 5] = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"];

/// What `account` of the controller gets to see of `user@address`.
fn ssh(network: &Network, account: &str, whom: &str, script: &str) -> super::host::Done {
    let argv: Vec<&str> = SSH.into_iter().chain([whom, script]).collect();
    network.controller.command(account, &argv).run()
}

/// The processes of this machine that are in the network namespace of one of these.
fn in_networks_of(hosts: &[&Host]) -> Vec<PathBuf> {
    let of = |folder: &Path| fs::read_link(folder.join("ns/net")).ok();
    let processes = |host: &&Host| of(&Path::new("/proc").join(host.pid().to_string()));
    let networks: BTreeSet<PathBuf> = hosts.iter().filter_map(processes).collect();
    assert_eq!(networks.len(), hosts.len(), "each has a network namespace of its own");
    let entries = fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path());
    entries.filter(|folder| of(folder).is_some_and(|network| networks.contains(&network))).collect()
}

/// The hardware addresses of these hosts' network interfaces, which nobody else's have.
fn interfaces_of(hosts: &[&Host]) -> BTreeSet<String> {
    let of = |host: &&Host| host.root("cat /sys/class/net/*/address").ok();
    let text: String = hosts.iter().map(of).collect();
    text.lines().filter(|line| *line != "00:00:00:00:00:00").map(str::to_owned).collect()
}

/// The interfaces of this machine itself that have one of these addresses.
fn here(addresses: &BTreeSet<String>) -> Vec<PathBuf> {
    let all = fs::read_dir("/sys/class/net").expect("/sys").flatten().map(|entry| entry.path());
    let address = |folder: &Path| fs::read_to_string(folder.join("address")).unwrap_or_default();
    all.filter(|folder| addresses.contains(address(folder).trim())).collect()
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn six_hosts_on_a_network_are_reached_over_ssh_and_leave_nothing() {
    let network = Network::of(6);
    let wanted = |number| {
        let sudo = if number % 2 == 0 { Sudo::Classic } else { Sudo::Rs };
        let wanted = Host::wanted(sudo).bare();
        if number == 5 { wanted.arch() } else { wanted }
    };
    let hosts = network.boot_all((0..6).map(wanted).collect());

    let mut keys = BTreeSet::new();
    for host in &hosts {
        // Each account there from the same one here, by address and by name, the host key known.
        for user in ["root", "admin", "agent"] {
            let to = if user == "admin" { &host.name } else { host.address() };
            let done = ssh(&network, user, &format!("{user}@{to}"), "hostname; id -un");
            assert_eq!(done.ok(), format!("{}\n{user}\n", host.name));
        }
        keys.insert(host.read("/etc/ssh/ssh_host_ed25519_key.pub"));
    }
    assert_eq!(keys.len(), 6, "each has a host key of its own: {keys:?}");

    // They see each other, and nobody is let in who has no key.
    let done = hosts[0]
        .command("agent", &SSH.into_iter().chain([hosts[1].address(), "true"]).collect::<Vec<_>>())
        .run();
    assert!(done.stderr_text().contains("Host key verification failed"), "{done}");
    let done = ssh(&network, "agent", &format!("other@{}", hosts[0].address()), "true");
    assert!(done.stderr_text().contains("Permission denied"), "{done}");

    // A key that is not the one known is noticed.
    hosts[2].root("cd /etc/ssh; rm ssh_host_*; ssh-keygen -qt ed25519 -N '' -f ssh_host_ed25519_key; systemctl restart ssh").ok();
    let done = ssh(&network, "admin", &format!("root@{}", hosts[2].address()), "true");
    assert!(done.stderr_text().contains("HOST IDENTIFICATION HAS CHANGED"), "{done}");

    // A cable that is pulled is not the others' trouble, and can be put back.
    hosts[3].unplug();
    let reach = |host: &Host| {
        let argv = ["ssh", "-o", "ConnectTimeout=2", host.address(), "true"];
        network.controller.command("root", &argv).run().status
    };
    assert_eq!((reach(&hosts[3]), reach(&hosts[4])), (Some(255), Some(0)));
    hosts[3].plug();
    assert_eq!(reach(&hosts[3]), Some(0));

    let all: Vec<&Host> = hosts.iter().chain([&network.controller]).collect();
    let traces: Vec<Traces> = all.iter().map(|host| Traces::of(host)).collect();
    // Nothing but the hosts' own processes keeps their networks.
    let inside = in_networks_of(&all);
    assert!(inside.len() > 7 * 3);
    let foreign =
        |folder: &&PathBuf| folder.exists() && !traces.iter().any(|each| each.has(folder));
    assert_eq!(inside.iter().filter(foreign).collect::<Vec<_>>(), Vec::<&PathBuf>::new());
    let interfaces = interfaces_of(&all);
    // Each host's and its other end; the bridge has the address of one of these.
    assert_eq!(interfaces.len(), 2 * 6, "{interfaces:?}");
    assert_eq!(here(&interfaces), Vec::<PathBuf>::new(), "this machine's network knows of it");
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    for host in &all {
        let network = fs::read_link(format!("/proc/{}/ns/net", host.pid())).expect("the host");
        assert!(!mounts.contains(network.to_str().expect("text")), "{network:?}: {mounts}");
    }

    drop((hosts, network));
    for traces in traces {
        assert_eq!(traces.all(), "");
    }
    assert_eq!(here(&interfaces), Vec::<PathBuf>::new());
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn more_networks_than_there_is_room_for_wait_for_each_other() {
    // Two of seven hosts have room at once, three do not; a host of no network is not in
    // anybody's way.
    static THERE: AtomicU32 = AtomicU32::new(0);
    let single = Host::bare(Sudo::Classic);
    let one = || {
        thread::spawn(|| {
            let network = Network::with(Host::wanted(Sudo::Classic).bare(), 6);
            let there = THERE.fetch_add(1, Ordering::SeqCst) + 1;
            assert!(there <= 2, "{there} networks at once");
            let [host] = network.boot([Host::wanted(Sudo::Classic).bare()]);
            ssh(&network, "root", host.address(), "true").ok();
            THERE.fetch_sub(1, Ordering::SeqCst);
        })
    };
    let threads: Vec<_> = (0..3).map(|_| one()).collect();
    for thread in threads {
        thread.join().expect("each gets its turn");
    }
    single.root("true").ok();
}
