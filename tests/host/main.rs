//! The host harness tested by itself: a test that passes because its host did not do
//! what it says is worse than none.

#[path = "mod.rs"]
mod host;
mod network;
mod trace;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use host::{Host, Sudo, by_root, host_once, host_test, repository};

/// What a host leaves on this machine while it is there: its own alone, for others may have hosts
/// here too.
struct Traces {
    namespace: PathBuf,
    /// Its cgroup, and its folder in /run.
    group: String,
    name: String,
}

impl Traces {
    fn of(host: &Host) -> Self {
        let namespace = fs::read_link(format!("/proc/{}/ns/pid", host.pid())).expect("the host");
        let keeper = host.keeper();
        let stat = fs::read_to_string(format!("/proc/{keeper}/stat")).expect("its keeper");
        let (_, rest) = stat.rsplit_once(") ").expect("a name in front");
        let began = rest.split(' ').nth(19).expect("when it began");
        Self { namespace, group: format!("sm-host-{keeper}-{began}"), name: host.name.clone() }
    }

    fn processes(&self) -> Vec<String> {
        let entries = fs::read_dir("/proc").expect("/proc").flatten();
        // By both: the kernel gives the number of a namespace that is gone to the next one.
        let inside = |folder: &PathBuf| {
            fs::read_link(folder.join("ns/pid")).is_ok_and(|link| link == self.namespace)
                && self.has(folder)
        };
        let folders = entries.map(|entry| entry.path()).filter(inside);
        let stat = |folder: PathBuf| fs::read_to_string(folder.join("stat")).unwrap_or_default();
        // What is dead and waits for this machine's init to notice is gone.
        folders.map(stat).filter(|stat| !stat.is_empty() && !stat.contains(") Z ")).collect()
    }

    /// Whether the process of this folder is in the host's cgroup.
    fn has(&self, folder: &Path) -> bool {
        let text = fs::read_to_string(folder.join("cgroup")).unwrap_or_default();
        text.lines().any(|line| line.split('/').nth(1) == Some(&self.group))
    }

    fn cgroups(&self) -> Vec<PathBuf> {
        let top = PathBuf::from("/sys/fs/cgroup");
        let all = [top.clone(), top.join("unified"), top.join("systemd")];
        all.iter().map(|folder| folder.join(&self.group)).filter(|folder| folder.exists()).collect()
    }

    fn mounts(&self) -> Vec<String> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
        let folder = format!("/run/{}/", self.group);
        mounts.lines().filter(|line| line.contains(&folder)).map(str::to_owned).collect()
    }

    fn files(&self) -> Vec<PathBuf> {
        let of_nspawn = ["propagate", "unix-export"]
            .map(|kind| Path::new("/run/systemd/nspawn").join(kind).join(&self.name));
        let disk = repository().join("target/hosts").join(format!("{}.btrfs", self.group));
        let all = [Path::new("/run").join(&self.group), disk].into_iter().chain(of_nspawn);
        all.filter(|path| path.exists()).collect()
    }

    /// The loop devices on which the root of a btrfs host lies.
    fn devices(&self) -> Vec<PathBuf> {
        let devices = fs::read_dir("/sys/block").expect("/sys").flatten().map(|entry| entry.path());
        let is_ours = |device: &PathBuf| {
            let file = fs::read_to_string(device.join("loop/backing_file"));
            file.is_ok_and(|file| file.contains(&self.group))
        };
        devices.filter(is_ours).collect()
    }

    fn all(&self) -> String {
        let (processes, cgroups) = (self.processes(), self.cgroups());
        let (mounts, files, devices) = (self.mounts(), self.files(), self.devices());
        let paths = [&cgroups, &files, &devices].map(Vec::is_empty);
        if processes.is_empty() && mounts.is_empty() && paths == [true; 3] {
            return String::new();
        }
        format!("{processes:?} {cgroups:?} {mounts:?} {files:?} {devices:?}")
    }

    fn wait_until_gone(&self) {
        let end = Instant::now() + Duration::from_secs(60);
        while !self.all().is_empty() {
            assert!(Instant::now() < end, "still there: {}", self.all());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

host_test!(boots_a_real_host, bare, |host| {
    assert_eq!(host.root("systemctl is-system-running").ok().trim(), "running");
    assert_eq!(host.root("cat /proc/1/comm").ok().trim(), "systemd");
    assert_eq!(host.agent("id -un; pwd; echo $-").ok(), "agent\n/home/agent\nhBc\n");
    let version = host.root("sudo --version").ok();
    assert_eq!(version.contains("sudo-rs"), host.sudo == Sudo::Rs, "{version}");
    // Nobody is set up, and nobody has been given anything by accident.
    assert_ne!(host.agent("sudo -n true").status, Some(0));
    assert_eq!(host.command("admin", &["sudo", "-n", "true"]).run().status, Some(1));
    host.command("admin", &["bash", "-c", "echo admin | sudo -S true"]).run().ok();
});

host_test!(a_restarted_service_has_another_main_pid, bare, |host| {
    let before = host.main_pid("nginx");
    assert_ne!(before, 0);
    host.root("systemctl restart nginx").ok();
    let after = host.main_pid("nginx");
    assert!(after != 0 && after != before, "{before} {after}");
});

host_test!(apt_installs_real_packages_without_a_network, bare, |host| {
    assert!(!host.has_package("git"));
    host.root("apt-get -qq install --yes git sm-test-old=1 && git --version").ok();
    assert!(host.has_package("git"));
    host.root("apt-get -qq install --yes --only-upgrade sm-test-old").ok();
    assert_eq!(host.read("/usr/share/sm-test-old/version"), "2\n");
    // The trap is set: apt takes a name that it does not know for a pattern.
    host.root("apt-get -qq install --yes docker.io").ok();
    assert!(host.has_package("dockerxio"));
});

host_test!(pacman_installs_real_packages_on_arch, bare_arch, |host| {
    assert!(host.read("/etc/os-release").contains("\nID=arch\n"));
    host.root("pacman -S --noconfirm htop sm-test-probe").ok();
    host.root("pacman -Q htop sm-test-probe").ok();
});

host_test!(every_execution_by_root_is_seen, bare, |host| {
    host.write("/etc/sudoers.d/test", "agent ALL=(root) NOPASSWD: /usr/bin/systemctl\n");
    let script = "/bin/true; sudo -n systemctl restart nginx; sudo -n id";
    let before = host.main_pid("nginx");
    let (done, execs) = host.execs_during(|| host.agent(script));
    assert_ne!(done.status, Some(0), "only systemctl is allowed");
    assert_ne!(before, host.main_pid("nginx"));

    let by_root = execs.by_root();
    assert!(
        by_root.contains(&&["systemctl", "restart", "nginx"].map(String::from)[..]),
        "{by_root:?}"
    );
    assert!(!by_root.iter().any(|argv| argv[0].ends_with("true") || argv[0].ends_with("id")));
    let sudo = execs.commands.iter().find(|exec| exec.argv[0] == "sudo").expect("sudo");
    assert_eq!((sudo.by, sudo.euid), (1000, 0));
    let nginx = execs.init.iter().filter(|exec| exec.path == "/usr/sbin/nginx").count();
    assert!(nginx >= 2, "systemd checks nginx's configuration and starts it: {:?}", execs.init);
});

host_test!(the_helper_is_traced_from_account_to_root, |host| {
    let before = host.main_pid("nginx");
    let (reply, execs) = host.helper_traced(&["service", "restart", "nginx"]);
    let reply = reply.expect("ok");
    assert_ne!(before, host.main_pid("nginx"));
    let helper = execs.iter().find(|exec| exec.argv[0].ends_with("sm-helper")).expect("sm-helper");
    assert_eq!((helper.by, helper.euid), (1000, 1000));
    let by_root = by_root(&execs);
    assert!(by_root.iter().any(|run| reply.argv().is_some_and(|argv| argv == *run)), "{by_root:?}");

    let (reply, execs) = host.helper_traced(&["service", "restart", "nginx;id"]);
    reply.expect("invalid_argument");
    let programs: Vec<_> =
        execs.iter().filter(|exec| exec.by == 0).map(|exec| &exec.path).collect();
    assert!(programs.iter().all(|path| path.ends_with("sm-helper")), "{programs:?}");
});

host_test!(bytes_and_signals_arrive_as_they_are, bare, |host| {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let odd = OsStr::from_bytes(b"a b\n\xff'\"$(id)");
    let done = host.agent_argv(&[OsStr::new("/usr/bin/printf"), OsStr::new("%s"), odd]);
    assert_eq!(done.stdout, odd.as_bytes());
    assert_eq!(host.agent("kill -XFSZ $$").signal, Some(25));
    let (done, _) = host.execs_during(|| host.agent("kill -XFSZ $$"));
    assert_eq!(done.signal, Some(25));
});

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn four_at_once_leave_nothing_behind() {
    let boot = |_| thread::spawn(|| Host::bare(Sudo::Classic));
    let threads: Vec<_> = (0..4).map(boot).collect();
    let hosts: Vec<Host> =
        threads.into_iter().map(|thread| thread.join().expect("boots")).collect();
    let traces: Vec<Traces> = hosts.iter().map(Traces::of).collect();
    for (host, traces) in hosts.iter().zip(&traces) {
        // Each has its own services: stopping one host's nginx leaves the others'.
        assert_ne!(host.main_pid("nginx"), 0);
        assert!(traces.processes().len() > 3 && !traces.cgroups().is_empty());
        host.root("systemctl stop nginx").ok();
        assert_eq!(host.main_pid("nginx"), 0);
    }
    drop(hosts);
    for traces in traces {
        assert_eq!(traces.all(), "");
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_killed_keeper_takes_its_host_along() {
    for host in [Host::bare(Sudo::Classic), Host::bare_btrfs(Sudo::Classic)] {
        let traces = Traces::of(&host);
        assert!(traces.processes().len() > 3);
        let keeper = host.keeper().to_string();
        Command::new("kill").args(["-KILL", &keeper]).status().expect("kill");
        traces.wait_until_gone();
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_btrfs_host_leaves_nothing_behind() {
    let host = Host::bare_btrfs(Sudo::Classic);
    let traces = Traces::of(&host);
    assert_eq!((traces.devices().len(), traces.files()), (1, vec![]));
    // The file is written to when nobody can find it any more.
    host.root("head -c 50M /dev/urandom >/srv/large").ok();
    drop(host);
    traces.wait_until_gone();
}

host_once!(a_btrfs_host_takes_snapshots_and_says_what_changed, bare_btrfs, |host| {
    let snapshot = |name| host.root(&format!("btrfs subvolume snapshot -r / /srv/{name}")).ok();
    snapshot("before");
    host.write("/etc/motd", "changed\n");
    snapshot("after");
    assert_ne!(host.read("/srv/before/etc/motd"), "changed\n");
    assert_eq!(host.read("/srv/after/etc/motd"), "changed\n");
    let send = "btrfs send --no-data -p /srv/before /srv/after -f /run/sent";
    host.root(send).ok();
    let sent = host.root("btrfs receive --dump </run/sent").ok();
    assert!(sent.contains("./after/etc/motd"), "{sent}");
    host.root("btrfs subvolume delete /srv/before /srv/after").ok();
    assert!(!host.exists("/srv/before"));
    // Quotas make both slow.
    assert!(host.root("btrfs qgroup show /").stderr_text().contains("quotas not enabled"));
});

host_once!(snapper_takes_snapshots_around_apt, bare_btrfs, |host| {
    assert_eq!(host.root("systemctl list-timers --all | grep -c snapper").stdout_text(), "0\n");
    assert_eq!(host.main_pid("snapperd"), 0, "it runs only when it is asked");
    host.root("snapper --no-dbus -c root create-config /").ok();
    let number = host.root("snapper --no-dbus -c root create -t pre -p -d by-hand").ok();
    assert_eq!(number, "1\n");
    host.root("apt-get -qq install --yes htop").ok();
    let list = host.root("snapper -c root --csvout list --columns number,type,description").ok();
    let lines: Vec<_> = list.lines().skip(2).collect();
    assert_eq!(lines, ["1,pre,by-hand", "2,pre,apt", "3,post,apt"]);
    assert!(!host.exists("/.snapshots/2/snapshot/usr/bin/htop"));
    assert!(host.exists("/.snapshots/3/snapshot/usr/bin/htop"));
});

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn subvolumes_and_other_file_systems_are_mounted_at_each_boot() {
    let wanted = Host::wanted(Sudo::Classic).bare().btrfs();
    let host = wanted.subvolume("/var").subvolume("/var/log").tmpfs("/boot").boot();
    let mounted = || {
        let columns = "TARGET,FSTYPE,FSROOT";
        let one = |path| host.root(&format!("findmnt -rno {columns} --mountpoint {path}")).ok();
        ["/", "/var", "/var/log", "/boot"].map(one).concat()
    };
    let expected = "/ btrfs /@\n/var btrfs /@var\n/var/log btrfs /@var_log\n/boot tmpfs /\n";
    assert_eq!(mounted(), expected);
    host.write("/boot/kernel", "");
    host.root("test -s /var/lib/dpkg/status && btrfs subvolume snapshot -r / /srv/1").ok();
    assert!(!host.exists("/srv/1/var/lib"), "the snapshot has a folder in the subvolume's place");
    host.reboot();
    assert_eq!(mounted(), expected);
    assert!(host.exists("/boot/kernel") && host.exists("/srv/1/etc"));
}
