//! What apt has done is undone, and that is undone again.

use crate::host::{Host, host_once, records};
use crate::offer::offer;
use crate::tree::Kept;
use crate::{SITE, ask, done, dpkg_is_clean, id, set_up, undone};
use serde_json::Value;
use std::collections::BTreeSet;

fn names(packages: &Value) -> BTreeSet<&str> {
    let packages = packages.as_array().expect("a list");
    packages.iter().filter_map(|package| package["name"].as_str()).collect()
}

/// Has it done and undone, and looks at all files before and after.
#[track_caller]
fn there_and_back(host: &Host, line: &str) {
    let before = Kept::now(host);
    let reply = ask(host, line).expect("ok");
    let request = id(&reply);
    let snapshot = &reply.json["snapshot"];
    assert_eq!(snapshot["undo"], true, "{line}: {:#}", reply.json);
    let (first, second) = (snapshot["before"].as_u64(), snapshot["after"].as_u64());
    assert!(first.is_some() && first < second, "{line}: {snapshot}");
    let written = records(host, &reply.json["request_id"]);
    let result = written.last().expect("a record");
    assert_eq!(result["event"], "result", "{result:#}");
    assert_eq!(&result["snapshot"], snapshot, "{result:#}");
    assert!(!before.differences(host).is_empty(), "{line}: nothing was done");
    let after = Kept::now(host);

    let back = undone(host, &request);
    assert_eq!(back.json["changed"], true, "{line}: {:#}", back.json);
    assert!(back.json["undone"]["files"].as_u64() > Some(0), "{line}: {:#}", back.json);
    assert_eq!(back.json["undone"]["left_count"], 0, "{line}: {:#}", back.json);
    // What was done, the other way round.
    let (plan, turned) = (&reply.json["plan"], &back.json["plan"]);
    for (one, other) in [("install", "remove"), ("remove", "install"), ("upgrade", "upgrade")] {
        assert_eq!(names(&plan[one]), names(&turned[other]), "{plan:#} {turned:#}");
    }
    let written = records(host, &back.json["request_id"]);
    let result = written.last().expect("a record");
    assert_eq!(result["undone"], back.json["undone"], "{result:#}");
    dpkg_is_clean(host);
    before.assert_same(host);

    // Once.
    let again = ask(host, &format!("undo {request}")).expect("ok");
    assert_eq!(again.json["changed"], false, "{line}: {:#}", again.json);
    let warnings = again.json["warnings"].to_string();
    assert!(warnings.contains(&format!("undone already, by {}", id(&back))), "{warnings}");
    before.assert_same(host);

    // And forward again.
    undone(host, &id(&back));
    dpkg_is_clean(host);
    after.assert_same(host);
}

host_once!(what_apt_did_is_undone_and_that_again, bare_btrfs, all, |host| {
    set_up(host, SITE);
    there_and_back(host, "package install git");
    host.root("git --version").ok();
    there_and_back(host, "package install sm-test-old");
    host.root("apt-get -qq install --yes --allow-downgrades sm-test-conffile=1").ok();
    there_and_back(host, "package upgrade sm-test-conffile");
    there_and_back(host, "package remove git");
    there_and_back(host, "package remove nginx-light");
    assert_eq!(done(host, "package install htop").len(), 36);
});

/// A package with one of each: a program with a capability and an access control list, names of the same file, a
/// link, a pipe, a device, files of others, and settings.
const EACH: &str = "mkdir -p usr/lib/each/empty etc/each; cd usr/lib/each
echo $VERSION >program; chmod 4755 program; echo $VERSION >one; ln one two; ln one empty/../three
ln -s /nowhere/$VERSION link; mkfifo pipe; mknod device c 1 3; mkdir -m 1777 open; mkdir other; chown other:other other
echo $VERSION >other/file; chown other:other other/file; touch only-in-$VERSION; cd $root
echo $VERSION >etc/each/settings; echo /etc/each/settings >DEBIAN/conffiles
script postinst <<'END'
set -e
cat >/tmp/attributes.py <<'PYTHON'
import os
of = '/usr/lib/each/'
# cap_net_bind_service+ep (capabilities(7)); a list with one more user (acl(5)).
os.setxattr(of + 'program', 'security.capability', bytes.fromhex('0100000200040000000000000000000000000000'))
acl = '02000000' '01000600ffffffff' '02000400ea030000' '04000400ffffffff' '10000600ffffffff' '20000400ffffffff'
os.setxattr(of + 'other', 'system.posix_acl_access', bytes.fromhex(acl))
os.setxattr(of + 'one', 'user.note', b'$VERSION')
PYTHON
python3 /tmp/attributes.py
echo $VERSION >>/etc/each/of-the-script; ln -f /etc/each/of-the-script /etc/each/of-the-script-too
END";

host_once!(each_kind_of_file_comes_back, bare_btrfs, |host| {
    set_up(host, &SITE.replace("[packages.names]\n", "[packages.names]\nsm-undo-each = {}\n"));
    for version in ["1", "2"] {
        offer(host, "sm-undo-each", version, &EACH.replace("$VERSION", version));
    }
    host.root("apt-get -qq install --yes sm-undo-each=1").ok();
    there_and_back(host, "package upgrade sm-undo-each");
    there_and_back(host, "package remove sm-undo-each");
    there_and_back(host, "package install sm-undo-each");
});
