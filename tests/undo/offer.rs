//! Packages that a test makes for its host alone.

use crate::host::Host;

/// Offers a package to the host's apt. `fill` is a script that is run where its files are to be; in it
/// `script NAME` makes a maintainer script of its standard input.
pub fn offer(host: &Host, name: &str, version: &str, fill: &str) {
    offer_with(host, name, version, "", fill);
}

/// The same, with more fields of `deb-control(5)`.
pub fn offer_with(host: &Host, name: &str, version: &str, fields: &str, fill: &str) {
    let script = format!(
        r#"set -eu
umask 022
root=$(mktemp -d); chmod 0755 $root; cd $root; mkdir DEBIAN
script() {{ {{ echo '#!/bin/sh'; cat; }} >DEBIAN/$1; chmod 0755 DEBIAN/$1; }}
{fill}
cat >DEBIAN/control <<CONTROL
Package: {name}
Version: {version}
Architecture: all
Maintainer: tests <tests@localhost>
Description: a package for one test
{fields}
CONTROL
sed -i '/^$/d' DEBIAN/control
deb={name}_{version}_all.deb
dpkg-deb -Znone --build . /srv/apt/$deb >/dev/null
cd /srv/apt; rm -r $root
{{
    dpkg-deb --field $deb
    echo "Filename: ./$deb"
    echo "Size: $(stat -c %s $deb)"
    echo "SHA256: $(sha256sum $deb | cut -d' ' -f1)"
    echo
}} >>Packages
cat >Release <<RELEASE
Origin: tests
Date: $(date -Ru)
SHA256:
 $(sha256sum Packages | cut -d' ' -f1) $(stat -c %s Packages) Packages
RELEASE
apt-get -qq update
"#
    );
    host.root(&script).ok();
}
