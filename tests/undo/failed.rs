//! What failed half way is undone, too.

use crate::host::host_once;
use crate::offer::offer;
use crate::tree::Kept;
use crate::{SITE, ask, dpkg_is_clean, id, set_up, undone};

host_once!(a_script_that_fails_leaves_nothing_behind, bare_btrfs, |host| {
    let names = "[packages.names]\nsm-undo-half = {}\n";
    set_up(host, &SITE.replace("[packages.names]\n", names));
    let half = "mkdir -p usr/share/half etc; echo a >usr/share/half/a; echo 1 >etc/half.conf
echo /etc/half.conf >DEBIAN/conffiles
script postinst <<'END'
echo changed >>/etc/motd; echo x >/etc/half.d
exit 1
END";
    offer(host, "sm-undo-half", "1", half);
    let before = Kept::now(host);
    for package in ["sm-test-fail", "sm-undo-half"] {
        let reply = ask(host, &format!("package install {package}")).expect("command_failed");
        let snapshot = &reply.json["snapshot"];
        assert!(snapshot["after"].is_u64(), "{:#}", reply.json);
        assert_eq!(snapshot["undo"], true, "{:#}", reply.json);
        assert_ne!(host.root("dpkg --audit").ok(), "", "{package} did not fail half way");
        undone(host, &id(&reply));
        dpkg_is_clean(host);
        before.assert_same(host);
    }
});
