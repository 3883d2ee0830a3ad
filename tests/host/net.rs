//! Several hosts on one network, with real ssh between them.
//!
//! One host is the controller: it has a bridge, and a key with which its root, `admin` and
//! `agent` log in as root, `admin` and `agent` of each other host, whose host key they know.
//! All of the network is in the hosts' own namespaces and goes with them.
//!
//! ```ignore
//! let network = Network::of(2);
//! let [web, db] = network.boot([Host::wanted(Sudo::Classic), Host::wanted(Sudo::Rs).bare()]);
//! network.controller.command("admin", &["ssh", db.address(), "id"]).run().ok();
//! ```

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::boot::{NETWORKED, Slot};
use super::{Host, Sudo, Wanted, repository};

/// A controller and the hosts that it reaches.
///
/// A test may have one network at a time: one that waited for its second while another did
/// the same would wait for ever.
#[derive(Debug)]
pub struct Network {
    /// Where the fleet is managed from: the program is installed, nothing is set up.
    pub controller: Host,
    // For the hosts still to be booted.
    slots: Mutex<Vec<Slot>>,
    last: AtomicU32,
}

/// Where a host is on a network.
#[derive(Debug)]
pub(super) struct Place {
    address: String,
    // Its end of the cable at the controller.
    port: String,
    controller: u32,
}

impl Network {
    /// A controller, and room for so many hosts.
    pub fn of(hosts: u32) -> Self {
        Self::with(Host::wanted(Sudo::Classic), hosts)
    }

    /// The same with a controller of one's own wishes.
    pub fn with(controller: Wanted, hosts: u32) -> Self {
        let mut slots = NETWORKED.take_many(hosts + 1);
        let controller = controller.boot_in(slots.pop().expect("at least the controller's"));
        host_script(&["network", &controller.pid().to_string()]);
        Self { controller, slots: Mutex::new(slots), last: AtomicU32::new(1) }
    }

    /// Boot hosts, all at once, on the network; in the order in which they were asked for.
    pub fn boot<const N: usize>(&self, wanted: [Wanted; N]) -> [Host; N] {
        let hosts = self.boot_all(wanted.into_iter().collect());
        hosts.try_into().expect("as many as were asked for")
    }

    /// [`boot`](Self::boot), where only the test knows how many.
    pub fn boot_all(&self, wanted: Vec<Wanted>) -> Vec<Host> {
        let booted = |wanted: Wanted| {
            let slot = self.slots.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let slot = slot.expect("the network was made for fewer hosts");
            let host = wanted.boot_in(slot);
            self.join(&host);
            host
        };
        thread::scope(|scope| {
            let threads: Vec<_> =
                wanted.into_iter().map(|wanted| scope.spawn(|| booted(wanted))).collect();
            threads.into_iter().map(|thread| thread.join().expect("the host boots")).collect()
        })
    }

    /// Put a host that is there on the network; its address. The accounts have the
    /// controller's key from here on, and the host has a host key of its own.
    pub fn join(&self, host: &Host) -> String {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let controller = self.controller.pid();
        let address = host_script(&[
            "join",
            &controller.to_string(),
            &host.pid().to_string(),
            &number.to_string(),
        ]);
        let address = address.trim().to_owned();
        let place = Place { address: address.clone(), port: format!("veth{number}"), controller };
        assert!(host.place.set(place).is_ok(), "{} is on a network already", host.name);
        address
    }
}

impl Host {
    /// Its address on the network.
    pub fn address(&self) -> &str {
        &self.place().address
    }

    /// Pull its cable: from here on what is sent to it is lost, and nothing says so.
    pub fn unplug(&self) {
        self.set_port("down");
    }

    /// Put the cable back.
    pub fn plug(&self) {
        self.set_port("up");
    }

    fn place(&self) -> &Place {
        self.place.get().unwrap_or_else(|| panic!("{} is on no network", self.name))
    }

    fn set_port(&self, state: &str) {
        let place = self.place();
        let status = Command::new("nsenter")
            .args([&format!("--target={}", place.controller), "--net", "--"])
            .args(["ip", "link", "set", &place.port, state])
            .status();
        assert!(status.expect("nsenter runs").success(), "{} {state}", place.port);
    }
}

/// What `tests/host/host` printed.
fn host_script(args: &[&str]) -> String {
    let output = Command::new(repository().join("tests/host/host"))
        .args(args)
        .output()
        .expect("tests/host/host must be an executable file");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tests/host/host {args:?}: {stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
