//! `packaging/install`: two programs and what goes with them, of root's own, whole, and nothing
//! else.

use crate::host::{Host, Sudo, host_once};
use crate::{Scratch, program, said, script};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const LISTED: &str = "sm root:root 755 1 regular file\nsm-helper root:root 755 1 regular file\n\
     sm-mcp root:root 755 1 regular file\n";

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

host_once!(two_files_of_roots_own_whatever_was_there, bare, |host| {
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
    let [sm, helper] = ["sm", "sm-helper"].map(|name| {
        scratch.path().join("usr/bin").join(name).symlink_metadata().expect("it is there")
    });
    assert_ne!(sm.ino(), helper.ino());
    for data in [sm, helper] {
        assert_eq!((data.is_file(), data.mode() & 0o7777, data.nlink()), (true, 0o755, 1));
    }
    // All that is on the list, and nothing else; each names the program where it will be.
    let list = list("/usr");
    assert_eq!(files_below(scratch.path()), list);
    for file in list.iter().filter(|file| !file.starts_with("/usr/bin/")) {
        let path = scratch.path().join(&file[1..]);
        let text = std::fs::read_to_string(&path).expect("text");
        assert!(!text.is_empty() && !text.contains("/usr/local/"), "{file}");
        let data = path.symlink_metadata().expect("it is there");
        assert_eq!((data.is_file(), data.mode() & 0o7777, data.nlink()), (true, 0o644, 1));
    }
    let unit = scratch.path().join("usr/lib/systemd/system/sm-broker.service");
    let unit = std::fs::read_to_string(unit).expect("the unit");
    assert!(unit.contains("\nExecStart=/usr/bin/sm broker\n"), "{unit}");

    let output = script("uninstall")
        .env("DESTDIR", scratch.path())
        .env("PREFIX", "/usr")
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(std::fs::read_dir(scratch.path().join("usr/bin")).expect("the folder").count(), 0);
    assert_eq!(files_below(scratch.path()), [""; 0]);
}

/// What `packaging/install --list` says, in order.
fn list(prefix: &str) -> Vec<String> {
    let output = script("install").arg("--list").env("PREFIX", prefix).output().expect("it runs");
    assert!(output.status.success(), "{}", said(&output));
    let mut list: Vec<String> =
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    list.sort();
    list
}

/// The files below a folder, as they would be called if it were the root, in order.
fn files_below(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).expect("a folder").flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => files
                    .push(entry.path().to_string_lossy()[folder.as_os_str().len()..].to_owned()),
            }
        }
    }
    files.sort();
    files
}

/// Every file and link, but for what the running system changes by itself.
fn everything(host: &Host) -> String {
    host.root(
        "find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /src \
         -o -path /var/log/journal -o -path /var/lib/systemd \\) -prune -o ! -type d -print | sort",
    )
    .ok()
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_running_system_has_all_of_it_at_once_and_loses_all_of_it() {
    let host = crate::host_with_source(Sudo::Classic);
    // The group's files have a copy beside them from then on.
    host.root("groupadd --system x; groupdel x").ok();
    let before = everything(&host);
    host.root("/src/packaging/install --binary /src/sm").ok();
    for file in list("/usr/local") {
        if file.starts_with("/etc/fish/") {
            let name = file.rsplit('/').next().expect("a name");
            let there = format!("/usr/local/share/fish/vendor_completions.d/{name}");
            assert_eq!(
                host.root(&format!("readlink {file} && test -f {there}")).ok().trim(),
                there
            );
            continue;
        }
        let mode = if file.contains("/bin/") { 755 } else { 644 };
        let stat = host.root(&format!("stat -c '%U:%G %a %h %F' '{file}'")).ok();
        assert_eq!(stat, format!("root:root {mode} 1 regular file\n"), "{file}");
    }
    assert_eq!(
        host.root("stat -c '%U:%G %a %n' /run/sm /run/sm/* /var/lib/sm /var/log/sm").ok(),
        "root:root 755 /run/sm\nroot:root 700 /run/sm/connections\nroot:root 700 /run/sm/rate\n\
         root:root 700 /var/lib/sm\nroot:adm 750 /var/log/sm\n"
    );
    assert!(host.root("getent group sm").ok().ends_with(":\n"), "nobody is in the group");
    // systemd knows of the units, and none is in use before it is asked for.
    assert_eq!(host.root("systemctl is-enabled sm.socket").stdout_text(), "disabled\n");
    host.root("systemd-analyze verify sm.socket sm-broker.service").ok();
    assert!(!host.exists("/run/sm/sm.sock"));

    // An upgrade keeps what is the administrator's.
    host.root(
        "sm setup-sudo --user agent; sm setup-broker --user agent; mkdir /etc/sm; \
         printf 'schema = 1\n' >/etc/sm/policy.toml; echo '# mine' >>/etc/logrotate.d/sm; \
         chmod 0600 /etc/logrotate.d/sm",
    )
    .ok();
    // As an earlier version has left them: copies, which would hide the new ones.
    host.root("cp /usr/local/lib/systemd/system/sm* /etc/systemd/system; systemctl daemon-reload")
        .ok();
    let kept = "cat /etc/sudoers.d/sm-agent /etc/sm/policy.toml /etc/logrotate.d/sm; \
                stat -c '%a %i' /etc/sudoers.d/sm-agent /etc/sm/policy.toml /etc/logrotate.d/sm";
    let were = host.root(kept).ok();
    let said = host.root("/src/packaging/install --binary /src/sm").ok();
    assert!(said.contains("kept /etc/logrotate.d/sm, which was changed"), "{said}");
    assert_eq!(host.root(kept).ok(), were);
    assert!(!host.exists("/etc/systemd/system/sm.socket"));
    for check in ["setup-sudo --user agent", "setup-broker --user agent"] {
        host.root(&format!("sm {check} --check")).ok();
    }
    // What was taken away on purpose does not come back, and what was not changed is renewed.
    host.root("rm /etc/logrotate.d/sm; /src/packaging/install --binary /src/sm").ok();
    assert!(!host.exists("/etc/logrotate.d/sm"));
    host.root(
        "cd /usr/local/share/sm/logrotate; echo '# old' >>sm; cp sm /etc/logrotate.d/sm; \
         /src/packaging/install --binary /src/sm; cmp sm /etc/logrotate.d/sm",
    )
    .ok();

    let said = host.root("rm -r /etc/sm; /src/packaging/uninstall").ok();
    assert!(
        said.contains("removed the group sm") || said.contains("removed the group sm"),
        "{said}"
    );
    assert!(said.contains("kept /var/log/sm\nkept /var/lib/sm\n"), "{said}");
    assert_ne!(host.root("getent group sm").status, Some(0));
    host.root("rm -r /var/log/sm /var/lib/sm; visudo -c").ok();
    assert_eq!(everything(&host), before);
    assert!(!host.root("systemctl list-unit-files").ok().contains("sm.socket"));
}
