//! A package whose installation stops in the middle until the test lets it go on: `docker.io`,
//! which the policy of the tests allows and which the image's repository does not have.

use std::env;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{Done, Host, events, intent_of, wait_until};

/// What its script does: waits, as long as a command in a host may take, makes noise where it is told to, fails where it is told to.
const SCRIPT: &str = r#"
echo 'gate: begun'
touch /run/gate/begun
i=0
while [ ! -e /run/gate/go ]; do
    sleep 0.05
    i=$((i + 1))
    [ $i -lt 6000 ] || exit 1
done
if [ -e /run/gate/noisy ]; then
    head -c 5000000 /dev/zero | tr '\0' n
    head -c 5000000 /dev/zero | tr '\0' e >&2
fi
echo 'gate: done'
touch /run/gate/done
[ ! -e /run/gate/failing ]
"#;

const MAKE_DEB: &str = r#"
set -e
mkdir -m 1777 /run/gate
mkdir -p /tmp/gate/DEBIAN /srv/gate
cat >/tmp/gate/DEBIAN/control <<'CONTROL'
Package: docker.io
Version: 1
Architecture: all
Maintainer: tests <tests@localhost>
Description: a package that waits
CONTROL
{ echo '#!/bin/sh'; cat /run/gate.script; } >/tmp/gate/DEBIAN/postinst
chmod 0755 /tmp/gate/DEBIAN/postinst
dpkg-deb -Zgzip -b /tmp/gate /srv/gate/docker.io_1_all.deb
cd /srv/gate
apt-ftparchive packages . >Packages
echo 'deb [trusted=yes] file:/srv/gate ./' >/etc/apt/sources.list.d/gate.list
apt-get -qq update
"#;

/// Named `docker`, which is what the policy has for this package manager.
const MAKE_ARCH: &str = r#"
set -e
mkdir -m 1777 /run/gate
mkdir -p /tmp/gate/usr /srv/gate
cd /tmp/gate
printf '%s\n' 'pkgname = docker' 'pkgbase = docker' 'pkgver = 99-1' 'pkgdesc = a package that waits' \
    'arch = any' 'size = 1' >.PKGINFO
{ echo 'post_install() {'; cat /run/gate.script; echo '}'; } >.INSTALL
bsdtar --zstd -cf /srv/gate/docker-99-1-any.pkg.tar.zst .PKGINFO .INSTALL usr
repo-add -q /srv/gate/gate.db.tar.gz /srv/gate/docker-99-1-any.pkg.tar.zst
sed -i 's|^\[disk\]|[gate]\nServer = file:///srv/gate\n\n&|' /etc/pacman.conf
pacman -Sy --noconfirm
"#;

/// The processes of a request whose command runs, for a script of root's: who asked, sudo, who
/// passes the reply on, who stands by, who runs the command, the command.
pub const FIND: &str = r#"
FRONT=$(pgrep -u agent -x sm-helper | head -n1)
SUDO=$(pgrep -x sudo | head -n1)
ROOT=$(pgrep -P "$(pgrep -d, -x sudo)" -u root -x sm-helper)
GROUP=$(ps -o pgid= -p ${FRONT:-$SUDO})
MAIN=$(pgrep -x 'apt-get|pacman|systemctl' | head -n1)
RUNS=$(ps -o ppid= -p $MAIN)
STANDS=$(ps -o ppid= -p $RUNS)
test -n "$SUDO" && test -n "$ROOT" && test "$(pgrep -x sm-operation | wc -l)" = 2
"#;

/// The package, on a host.
pub struct Gate<'host> {
    host: &'host Host,
    is_arch: bool,
}

impl<'host> Gate<'host> {
    /// Offers it.
    pub fn on(host: &'host Host) -> Self {
        host.write("/run/gate.script", SCRIPT);
        host.root(MAKE_DEB).ok();
        Self { host, is_arch: false }
    }

    /// Offers it on an Arch host, which is given the program with the policy of the tests.
    pub fn on_arch(host: &'host Host) -> Self {
        let program = env::var_os("SM_TEST_BIN").expect("SM_TEST_BIN: see tests/run");
        host.install(&PathBuf::from(program));
        host.let_in("agent");
        host.write("/run/gate.script", SCRIPT);
        host.root(MAKE_ARCH).ok();
        Self { host, is_arch: true }
    }

    /// As if it had never been installed.
    pub fn close(&self) {
        self.host
            .root(if self.is_arch {
                "set -e; ! pacman -Q docker || pacman -R --noconfirm docker; rm -f /run/gate/*; test ! -e /var/lib/pacman/db.lck"
            } else {
                "set -e; dpkg --purge docker.io; rm -f /run/gate/*; test -z \"$(dpkg --audit)\""
            })
            .ok();
    }

    /// Its script will print some megabytes on each of its streams.
    pub fn be_noisy(&self) {
        self.host.write("/run/gate/noisy", "");
    }

    /// Its script will fail.
    pub fn fail(&self) {
        self.host.write("/run/gate/failing", "");
    }

    /// Waits until its installation is in the middle.
    #[track_caller]
    pub fn begun(&self) {
        wait_until("the installation has begun", || self.host.exists("/run/gate/begun"));
    }

    /// Whether the installation is still in the middle, with all that belongs to it.
    pub fn is_in_the_middle(&self) -> bool {
        let running = match self.is_arch {
            true => "pgrep -x pacman && pgrep -f post_install",
            false => "pgrep -x apt-get && pgrep -x dpkg && pgrep -f docker.io.postinst",
        };
        self.host.root(running).status == Some(0) && !self.host.exists("/run/gate/done")
    }

    /// Lets it go on.
    pub fn open(&self) {
        self.host.write("/run/gate/go", "");
    }

    /// Waits until it is installed, with nothing left over.
    #[track_caller]
    pub fn is_whole(&self, case: &str) {
        wait_until(&format!("{case}: the package manager is done"), || {
            self.host.root("pgrep -x 'apt-get|dpkg|pacman'").status == Some(1)
        });
        assert!(self.host.exists("/run/gate/done"), "{case}: its script came to its end");
        if self.is_arch {
            self.host.root("pacman -Q docker; test ! -e /var/lib/pacman/db.lck").ok();
        } else {
            assert!(self.host.has_package("docker.io"), "{case}");
            assert_eq!(self.host.root("dpkg --audit").ok(), "", "{case}");
        }
    }

    /// Waits for the record of its end, whatever it says. Gives the request's id.
    #[track_caller]
    pub fn is_recorded(&self, case: &str) -> Value {
        let id = intent_of(self.host, "docker.io");
        wait_until(&format!("{case}: a result of it is recorded"), || {
            events(self.host, &id).contains("result")
        });
        id
    }

    /// Waits for the record of its end, and checks that all is as it should be then.
    #[track_caller]
    pub fn ends_well(&self, case: &str) -> Value {
        let id = self.is_recorded(case);
        assert_eq!(events(self.host, &id), "intent ok, result ok", "{case}");
        self.is_whole(case);
        id
    }

    /// Runs `line` as agent, does `act` as root in the middle of the installation, and gives what
    /// the caller got once `ended` has seen to its end. The installation is not allowed to notice.
    #[track_caller]
    pub fn disturbed(&self, line: &str, act: &str, ended: impl FnOnce()) -> Done {
        thread::scope(|scope| {
            let caller = scope.spawn(|| self.host.agent(line));
            self.begun();
            self.host.root(&format!("{FIND}\n{act}")).ok();
            thread::sleep(Duration::from_millis(300));
            assert!(self.is_in_the_middle(), "{line}: {act}: ended in the middle");
            self.open();
            ended();
            caller.join().expect("the caller")
        })
    }
}
