//! The role and the modules in `packaging/ansible`, by real `ansible-playbook` from one host
//! against others, and what is on those afterwards.
//!
//! That is Debian's ansible-core; another one is where `SM_ANSIBLE_CORE` says, for example after
//! `pip install --target "$SM_ANSIBLE_CORE" 'ansible-core==2.19.*'`.

#[path = "../host/mod.rs"]
mod host;

mod broker;
mod helper;
mod page;
mod policy;
mod role;
mod rolling;

use std::collections::BTreeMap;
use std::env;

use host::{Done, Host, Network, Sudo, Wanted, repository};

/// Where the other ansible-core is, if there is one.
const CORE: &str = "/src/ansible-core";

/// A controller with the role, and hosts in its inventory.
struct Site {
    network: Network,
    hosts: Vec<Host>,
}

impl Site {
    /// Hosts that have Python's own library and nothing beyond it. Of the first one the login
    /// is `admin`, who may use sudo; of the others it is root.
    fn of<const N: usize>(wanted: [Wanted; N]) -> Self {
        let role = repository().join("packaging/ansible");
        let mut controller = Host::wanted(Sudo::Classic).bind_read_only(role, "/src/ansible");
        if let Some(core) = env::var_os("SM_ANSIBLE_CORE") {
            controller = controller.bind_read_only(core, CORE);
        }
        let network = Network::with(controller, u32::try_from(N).expect("few"));
        let hosts: Vec<Host> = network.boot(wanted).into();
        let mut inventory = String::new();
        for (number, host) in hosts.iter().enumerate() {
            host.root("mv /usr/lib/python3/dist-packages /usr/lib/python3/hidden").ok();
            let login = if number == 0 { "admin ansible_become=true" } else { "root" };
            let line =
                format!("{} ansible_host={} ansible_user={login}\n", host.name, host.address());
            inventory.push_str(&line);
        }
        let rule = "admin ALL=(ALL) NOPASSWD: ALL";
        hosts[0].root(&format!("umask 337; echo '{rule}' >/etc/sudoers.d/admin")).ok();
        network.controller.write("/home/admin/inventory", inventory);
        Self { network, hosts }
    }

    /// Debian's with sudo, with sudo-rs, and an Arch host.
    fn of_each_kind() -> Self {
        let wanted = |sudo| Host::wanted(sudo).bare();
        Self::of([wanted(Sudo::Classic), wanted(Sudo::Rs), wanted(Sudo::Classic).arch()])
    }

    /// Run a playbook, given as the plays' YAML.
    fn play(&self, playbook: &str, arguments: &[&str]) -> Played {
        self.network.controller.write("/home/admin/play.yml", playbook);
        let other = format!("{CORE}/bin/ansible-playbook");
        let program = match env::var_os("SM_ANSIBLE_CORE") {
            Some(_) => vec!["python3", &other],
            None => vec!["ansible-playbook"],
        };
        let files = ["-i", "inventory", "play.yml"];
        let argv: Vec<&str> = program.iter().chain(&files).chain(arguments).copied().collect();
        let run = self.network.controller.command("admin", &argv).env("PYTHONPATH", CORE);
        let done = run
            .env("ANSIBLE_ROLES_PATH", "/src/ansible/roles")
            .env("ANSIBLE_LIBRARY", "/src/ansible/roles/sm/library")
            .env("ANSIBLE_PIPELINING", "1")
            .env("ANSIBLE_PYTHON_INTERPRETER", "auto_silent")
            .env("ANSIBLE_DEPRECATION_WARNINGS", "0")
            .run();
        Played::of(done)
    }

    /// The role on all hosts, with these variables.
    fn role(&self, variables: &str, arguments: &[&str]) -> Played {
        let variables = variables.replace('\n', "\n        ");
        self.play(
            &format!(
                "- hosts: all\n  gather_facts: false\n  roles:\n    - role: sm\n      vars:\n        {variables}\n"
            ),
            arguments,
        )
    }
}

/// What came of a playbook.
struct Played {
    done: Done,
    recap: BTreeMap<String, BTreeMap<String, u32>>,
}

impl Played {
    fn of(done: Done) -> Self {
        let text = done.stdout_text();
        let (_, recap) = text.rsplit_once("PLAY RECAP").unwrap_or_else(|| panic!("{done}"));
        let line = |line: &str| {
            let (host, counts) = line.split_once(" : ")?;
            let count = |count: &str| {
                let (name, number) = count.split_once('=')?;
                Some((name.to_owned(), number.parse().ok()?))
            };
            Some((host.trim().to_owned(), counts.split_whitespace().filter_map(count).collect()))
        };
        Self { recap: recap.lines().filter_map(line).collect(), done }
    }

    /// How many tasks were `changed`, `failed` and so on for a host.
    #[track_caller]
    fn count(&self, host: &Host, what: &str) -> u32 {
        let counts = self.recap.get(&host.name).unwrap_or_else(|| panic!("{}", self.done));
        *counts.get(what).unwrap_or_else(|| panic!("{}", self.done))
    }

    /// No host failed.
    #[track_caller]
    fn ok(self) -> Self {
        self.done.ok();
        self
    }

    /// On each of these hosts so many tasks have changed something, or would have.
    #[track_caller]
    fn changed(self, hosts: &[Host], number: u32) -> Self {
        for host in hosts {
            assert_eq!(self.count(host, "changed"), number, "{}: {}", host.name, self.done);
        }
        self
    }

    /// Some host failed, and this is what was said.
    #[track_caller]
    fn failed(self, why: &str) -> Self {
        assert_eq!(self.done.status, Some(2), "{}", self.done);
        // Ansible's text is JSON, in which a quotation mark is written in two characters.
        let text = self.done.stdout_text().replace("\\\"", "\"");
        assert!(text.contains(why), "{why} is not in: {}", self.done);
        self
    }
}

/// All that could be ours on a host: names, owners, modes, sizes, times.
fn everything(host: &Host) -> String {
    let places = "/etc /usr/local /run/sm /var/lib/sm /var/log/sm /run/systemd/system";
    let find = format!("find {places} -printf '%p %y %m %u:%g %s %T@ %l\\n' 2>/dev/null | sort");
    host.root(&find).stdout_text()
}
