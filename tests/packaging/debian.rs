//! The two Debian packages: what is in them, and real hosts through install, upgrade, remove and
//! purge with real apt and dpkg.

mod broken_off;
mod contents;
mod first_use;
mod going_on;
mod leaving;
mod life;
mod switch;

use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::host::{Done, Host, Reply, alone, repository};
use crate::{program, said, script, site_program};

/// The sealed one.
const NARROW: &str = "sm-helper";
/// The one whose policy is the site's.
const SITE: &str = "sm-helper-site";
/// The next version of [`NARROW`]: the same program, and another /etc/logrotate.d/sm.
const NEXT: &str = "sm-helper-next";

/// With the answer that dpkg takes for the usual one, where it has a question to ask.
const APT: &str = "DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold --yes";

/// The folder with `sm-helper.deb`, `sm-helper-site.deb` and `sm-helper-next.deb`, made once for
/// each state of what they are made of.
fn packages() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let _alone = alone("debian-tests");
        let folder = repository().join("target/debian-tests").join(state_of_the_sources());
        if !folder.join(format!("{NEXT}.deb")).exists() {
            let _ = fs::remove_dir_all(repository().join("target/debian-tests"));
            fs::create_dir_all(&folder).expect("a folder below target");
            make(&folder);
        }
        folder
    })
}

fn state_of_the_sources() -> String {
    let mut files = vec![program(), site_program(), repository().join("Cargo.toml")];
    let mut folders = vec![repository().join("packaging")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder { &mut folders } else { &mut files }.push(entry.path());
        }
    }
    files[3..].sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        fs::read(&file).unwrap_or_else(|error| panic!("{file:?}: {error}")).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

/// `packaging/deb` into this folder, from the programs that tests/run has built.
fn build(folder: &Path) -> Vec<PathBuf> {
    let output = script("deb")
        .arg("--binary")
        .arg(program())
        .arg("--site-binary")
        .arg(site_program())
        .arg("--output")
        .arg(folder)
        .output()
        .expect("packaging/deb runs");
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8_lossy(&output.stdout).lines().map(PathBuf::from).collect()
}

fn make(folder: &Path) {
    let made = build(folder);
    assert_eq!(made.len(), 2, "packaging/deb prints two paths: {made:?}");
    for (from, name) in made.iter().zip([NARROW, SITE]) {
        fs::rename(from, folder.join(format!("{name}.deb"))).expect("the package that it printed");
    }
    // Made again from its parts, in a second instead of ten.
    let next = format!(
        "cd {}; dpkg-deb -R {NARROW}.deb next && sed -i 's/^Version: .*/Version: 99-1/' next/DEBIAN/control && \
         echo '# new in 99' >>next/etc/logrotate.d/sm && \
         dpkg-deb --root-owner-group -Zgzip -z1 -b next {NEXT}.part && rm -r next && mv {NEXT}.part {NEXT}.deb",
        folder.display()
    );
    let output = Command::new("bash").args(["-euc", &next]).output().expect("bash");
    assert!(output.status.success(), "{}", said(&output));
}

/// What a host has of us.
trait Packages {
    /// Puts the packages where the host finds them: /srv/NAME.deb.
    fn fetch(&self);
    /// `apt-get install` of one of them.
    fn apt_install(&self, name: &str) -> Done;
    /// `apt-get` with these arguments.
    fn apt(&self, arguments: &str) -> Done;
    /// `sm-helper LINE` as agent.
    fn ask(&self, line: &str) -> Reply;
    /// Makes sure that the account is let in and answered, that sudo's configuration is valid,
    /// and that no rule of ours names a program that is not there.
    fn is_well(&self, case: &str);
    /// Every name below / that could tell of a package, and the groups.
    fn everything(&self) -> BTreeSet<String>;
}

impl Packages for Host {
    fn fetch(&self) {
        for name in [NARROW, SITE, NEXT] {
            let bytes = fs::read(packages().join(format!("{name}.deb"))).expect("the package");
            self.write(format!("/srv/{name}.deb"), bytes);
        }
    }

    fn apt_install(&self, name: &str) -> Done {
        self.apt(&format!("install --allow-downgrades --reinstall /srv/{name}.deb"))
    }

    fn apt(&self, arguments: &str) -> Done {
        self.root(&format!("{APT} {arguments}"))
    }

    #[track_caller]
    fn ask(&self, line: &str) -> Reply {
        Reply::of(&self.agent(&format!("sm-helper {line}")))
    }

    #[track_caller]
    fn is_well(&self, case: &str) {
        let done = self.root("visudo -c && sm setup-sudo --check --user agent");
        assert_eq!(done.status, Some(0), "{case}: {done}");
        // Of the one whose policy is the site's, nothing is allowed without one.
        let is_bare = self.root("sm policy show --json").ok().contains("\"site_mode\":\"replace\"")
            && !self.exists("/etc/sm/policy.toml");
        let code = if is_bare { "denied" } else { "ok" };
        for way in ["sudo", "socket"] {
            let reply = self.ask(&format!("--via {way} service status nginx"));
            assert_eq!(reply.code(), code, "{case}: over {way}");
        }
        let done = self.root("sm setup-broker --check --user agent && sm audit verify");
        assert_eq!(done.status, Some(0), "{case}: {done}");
        assert!(!self.exists("/run/sm-removed"), "{case}: what was kept is used up");
    }

    fn everything(&self) -> BTreeSet<String> {
        // Not what apt, dpkg and systemd note for themselves, nor what the host writes as it runs.
        let found = self
            .root(
                "find / -xdev \\( -path /proc -o -path /sys -o -path /srv -o -path /tmp -o -path /dev \
                 -o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/log/apt \
                 -o -path /var/log/journal -o -path /run/systemd -o -path /run/log -o -path /run/lock \
                 -o -path /run/sudo -o -path /run/utmp -o -name .sudo_as_admin_successful -o -path '/etc/*-' -o -path /etc/.pwd.lock \
                 -o -path /var/log/dpkg.log -o -path /var/lib/sudo -o -path /var/lib/sudo-rs \\) -prune -o -print; \
                 find /run -path /run/systemd -prune -o -name '*sm*' -print; cat /etc/group /etc/gshadow",
            )
            .ok();
        found.lines().map(str::to_owned).collect()
    }
}

/// Lets agent in by both ways.
fn set_up(host: &Host) {
    host.root("sm setup-sudo --user agent && sm setup-broker --user agent").ok();
}
