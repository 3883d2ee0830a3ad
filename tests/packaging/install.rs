//! `packaging/install`: two programs of root's own, whole, and nothing else.

use crate::host::host_test;
use crate::{Scratch, program, said, script};

const LISTED: &str = "sm root:root 755 1 regular file\nsm-helper root:root 755 1 regular file\n";

/// What was in the way, and how it was made.
const THERE: [&str; 7] = [
    "true",
    "chown agent sm-helper; chmod 0777 sm",
    "chmod 6755 sm sm-helper",
    "ln -f sm sm-helper",
    "ln -sf /etc/passwd sm; ln -sf sm sm-helper",
    "ln sm /home/agent/kept",
    "rm sm; echo old >sm-helper",
];

host_test!(two_files_of_roots_own_whatever_was_there, bare, |host| {
    drop(host.root("true"));
    let host = crate::host_with_source(host.sudo);
    let passwd = host.read("/etc/passwd");
    host.root("mkdir -p /usr/local/bin").ok();
    for (prefix, bin) in [("", "/usr/local/bin"), ("PREFIX=/opt/sm", "/opt/sm/bin")] {
        for there in THERE {
            let made = host.root(&format!("mkdir -p {bin}; cd {bin}; {there}"));
            assert!(made.status == Some(0) || !host.exists(format!("{bin}/sm")), "{made}");
            // The file mask of a careless shell.
            let done =
                host.root(&format!("umask 0; {prefix} /src/packaging/install --binary /src/sm"));
            assert!(
                done.ok().contains(&format!("installed {bin}/sm and {bin}/sm-helper")),
                "{done}"
            );
            assert!(
                done.stdout_text().contains(&format!("next: {bin}/sm setup-sudo --user")),
                "{done}"
            );
            let stat = host.root(&format!(
                "cd {bin}; stat -c '%n %U:%G %a %h %F' $(ls -A); cmp sm /src/sm && cmp sm sm-helper"
            ));
            assert_eq!(stat.ok(), LISTED, "{there}");
            assert_ne!(
                host.root(&format!("stat -c %i {bin}/sm")).ok(),
                host.root(&format!("stat -c %i {bin}/sm-helper")).ok()
            );
        }
        host.root("rm -f /home/agent/kept").ok();
        assert_eq!(host.root(&format!("stat -c '%U %a' {bin}")).ok(), "root 755\n");
    }
    assert_eq!(host.read("/etc/passwd"), passwd);
    // What it says to do next works.
    host.root("/opt/sm/bin/sm setup-sudo --user agent").ok();
    assert!(
        host.read("/etc/sudoers.d/sm-agent")
            .contains("NOPASSWD: NOSETENV: /opt/sm/bin/sm-helper\n")
    );
    crate::host::Reply::of(&host.agent("/opt/sm/bin/sm-helper service status nginx")).expect("ok");

    // Without root it says what to run, and changes nothing.
    let before = host.root("ls -lai /usr/local/bin").ok();
    let refused = host.agent("/src/packaging/install --binary /src/sm");
    assert_ne!(refused.status, Some(0));
    assert!(refused.stderr_text().contains("sudo packaging/install"), "{refused}");
    let refused = host.agent("/src/packaging/uninstall");
    assert_ne!(refused.status, Some(0));
    assert!(refused.stderr_text().contains("sudo packaging/uninstall"), "{refused}");
    for wrong in [
        "PREFIX=usr /src/packaging/install --binary /src/sm",
        "/src/packaging/install --frob",
        "/src/packaging/install --binary",
        "/src/packaging/install --binary /nowhere",
        "/src/packaging/install --binary /etc/passwd",
        "/src/packaging/uninstall --frob",
    ] {
        let refused = host.root(wrong);
        assert_ne!(refused.status, Some(0), "{refused}");
        assert!(
            refused.stderr_text().contains("install: ") && refused.stdout.is_empty(),
            "{refused}"
        );
    }
    assert_eq!(host.root("ls -lai /usr/local/bin").ok(), before);

    // A full disk leaves what was there.
    host.root("mkdir /opt/full; mount -t tmpfs -o size=64k tmpfs /opt/full; mkdir /opt/full/bin; cp /bin/true /opt/full/bin/sm-helper").ok();
    assert_ne!(
        host.root("PREFIX=/opt/full /src/packaging/install --binary /src/sm").status,
        Some(0)
    );
    assert_eq!(host.root("cd /opt/full/bin; ls -A; cmp sm-helper /bin/true").ok(), "sm-helper\n");
});

#[test]
fn a_package_builder_needs_no_root() {
    let scratch = Scratch::new("destdir");
    let output = script("install")
        .arg("--binary")
        .arg(program())
        .env("DESTDIR", scratch.path())
        .env("PREFIX", "/usr")
        .output()
        .expect("packaging/install runs");
    assert!(output.status.success(), "{}", said(&output));
    let text = said(&output);
    assert!(!text.contains("next:"), "{text}");
    use std::os::unix::fs::MetadataExt;
    let [sm, helper] = ["sm", "sm-helper"].map(|name| {
        scratch.path().join("usr/bin").join(name).symlink_metadata().expect("it is there")
    });
    assert_ne!(sm.ino(), helper.ino());
    for data in [sm, helper] {
        assert_eq!((data.is_file(), data.mode() & 0o7777, data.nlink()), (true, 0o755, 1));
    }
    let output = script("uninstall")
        .env("DESTDIR", scratch.path())
        .env("PREFIX", "/usr")
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(std::fs::read_dir(scratch.path().join("usr/bin")).expect("the folder").count(), 0);
}
