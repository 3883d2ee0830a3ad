//! A package whose installation stops in the middle until the test lets it go on: `docker.io`,
//! which the policy of the tests allows and which the image's repository does not have.

use crate::host::Host;
use crate::{events, intent_of, wait_until};
use serde_json::Value;

const MAKE: &str = r#"
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
cat >/tmp/gate/DEBIAN/postinst <<'POSTINST'
#!/bin/sh
echo 'gate: begun'
touch /run/gate/begun
i=0
while [ ! -e /run/gate/go ]; do
    sleep 0.05
    i=$((i + 1))
    [ $i -lt 800 ] || exit 1
done
echo 'gate: done'
touch /run/gate/done
POSTINST
chmod 0755 /tmp/gate/DEBIAN/postinst
dpkg-deb -Zgzip -b /tmp/gate /srv/gate/docker.io_1_all.deb
cd /srv/gate
apt-ftparchive packages . >Packages
echo 'deb [trusted=yes] file:/srv/gate ./' >/etc/apt/sources.list.d/gate.list
apt-get -qq update
"#;

/// The package, on a host.
pub struct Gate<'host>(&'host Host);

impl<'host> Gate<'host> {
    /// Offers it.
    pub fn on(host: &'host Host) -> Self {
        host.root(MAKE).ok();
        Self(host)
    }

    /// As if it had never been installed.
    pub fn close(&self) {
        self.0
            .root("set -e; dpkg --purge docker.io; rm -f /run/gate/*; test -z \"$(dpkg --audit)\"")
            .ok();
    }

    /// Waits until its installation is in the middle.
    #[track_caller]
    pub fn begun(&self) {
        wait_until("the installation has begun", || self.0.exists("/run/gate/begun"));
    }

    /// Whether the installation is still in the middle, with all that belongs to it.
    pub fn is_in_the_middle(&self) -> bool {
        let running = "pgrep -x apt-get && pgrep -x dpkg && pgrep -f docker.io.postinst";
        self.0.root(running).status == Some(0) && !self.0.exists("/run/gate/done")
    }

    /// Lets it go on.
    pub fn open(&self) {
        self.0.write("/run/gate/go", "");
    }

    /// Waits for the record of its end, and checks that all is as it should be then.
    #[track_caller]
    pub fn ends_well(&self, case: &str) -> Value {
        let id = intent_of(self.0, "docker.io");
        wait_until(&format!("{case}: a result of it is recorded"), || {
            events(self.0, &id).contains("result")
        });
        assert_eq!(events(self.0, &id), "intent ok, result ok", "{case}");
        assert!(self.0.exists("/run/gate/done"), "{case}: it came to its end");
        assert!(self.0.has_package("docker.io"), "{case}");
        assert_eq!(self.0.root("dpkg --audit").ok(), "", "{case}");
        id
    }
}
