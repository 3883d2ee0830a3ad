//! Neither program gives who runs it more rights than they have, and what is made for root alone is
//! for root alone, whatever the folder hands on.

use crate::answer::{HELPER, SM, setup_sudo};
use crate::host::{Host, Reply, host_once, host_test};

/// Sets what the kernel keeps of a file besides its mode.
const ATTRIBUTES: &str = "
import os, struct, sys
what, path = sys.argv[1:3]
if what == 'capability':
    os.setxattr(path, 'security.capability', struct.pack('<IIIII', 0x02000001, 1 << 1 | 1 << 7, 0, 0, 0))
elif what == 'none':
    for name in os.listxattr(path): os.removexattr(path, name)
else:
    entries = [(1, 7, 0xffffffff), (2, 7, 1000), (4, 5, 0xffffffff), (16, 7, 0xffffffff), (32, 5, 0xffffffff)]
    acl = struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *each) for each in entries)
    os.setxattr(path, 'system.posix_acl_' + what, acl)
";

fn with_attributes(host: &Host) {
    host.write("/root/attribute.py", ATTRIBUTES);
}

host_test!(the_administrators_program_gives_nobody_roots_rights, boot, |host| {
    with_attributes(host);
    let python = "python3 /root/attribute.py";
    for (make, said) in [
        (format!("chmod 4755 {SM}"), "is setuid or setgid"),
        (format!("chmod 2755 {SM}"), "is setuid or setgid"),
        (format!("chmod 0777 {SM}"), "can be written to by everybody"),
        (format!("{python} access {SM}"), "can be written to by its group"),
        (format!("{python} capability {SM}"), "has file capabilities"),
    ] {
        host.root(&make).ok();
        for args in [&["--user", "agent"][..], &["--user", "agent", "--check"]] {
            setup_sudo(host, args).expect("untrusted_path", 6).says(&[&format!("{SM} {said}")]);
        }
        let broker = host.root("sm setup-broker --user agent 2>&1");
        assert_eq!(broker.status, Some(6), "{make}: {broker}");
        // What is only open to others has no more rights than they have.
        if said.starts_with("is setuid") || said.starts_with("has file") {
            // The helper's grammar names the file that was called, and not the helper's.
            let reply = Reply::of(&host.agent("sm helper service status nginx"));
            let error = reply.expect("untrusted_path").json["error"].to_string();
            assert!(error.contains(&format!("{SM} is setuid")), "{make}: {error}");
            for command in ["policy revert", "audit tail", "policy show", "version --help"] {
                let done = host.agent(&format!("sm {command} --json"));
                assert_eq!(done.status, Some(6), "{make}: {done}");
                assert!(done.stdout_text().contains(said), "{make}: {done}");
            }
        }
        host.root(&format!("{python} none {SM}; chmod 0755 {SM}")).ok();
    }
    setup_sudo(host, &["--user", "agent"]).expect("ok", 0);
    host.agent("sm policy show").ok();
});

host_once!(a_default_acl_gives_nobody_what_is_made_for_root, boot, |host| {
    with_attributes(host);
    host.root("rm -rf /var/log/sm /var/lib/sm; for i in log lib; do python3 /root/attribute.py default /var/$i; done").ok();
    setup_sudo(host, &["--user", "agent"]).expect("ok", 0);
    host.helper(&["service", "status", "nginx"]).expect("ok");
    host.root("sm-helper list").ok();
    let made = host.root("find /var/log/sm /var/lib/sm").ok();
    assert!(made.contains("audit.jsonl") && made.contains("audit.head"), "{made}");
    for path in made.lines() {
        let left = host.root(&format!("python3 -c 'import os; print(os.listxattr(\"{path}\"))'"));
        assert_eq!(left.ok(), "[]\n", "{path}");
        let can =
            host.agent(&format!("for i in r w x; do test -$i {path} && echo -n $i; done; true"));
        assert_eq!(can.stdout_text(), "", "{path}");
    }
    assert!(host.exists(HELPER));
});
