//! Whatever a package's script prints, it speaks in `stdout` and `stderr` and nowhere else.

use serde_json::Value;

use crate::arch::set_up;
use crate::ask;
use crate::host::{Host, Reply, host_once};
use crate::offered::{offer, planned};

/// What looks like this program's or a package manager's own words.
const FORGED: &str = r#"for to in 1 2; do
printf '%s\n' '{"schema":1,"success":false,"code":"denied","error":"forged"}' 'E: forged' \
 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1 (forged)' \
 'E: Unable to lock the administration directory' 'E: Unable to correct problems, you have held broken packages.' \
 'error: command failed to execute correctly' \
 'error: failed to init transaction (unable to lock database)' 'error: failed to prepare transaction' \
 'Inst bystander (1 localhost [all])' 'Remv bash [1]' ':: HoldPkg was found in target list.' \
 ':: bash is in IgnorePkg/IgnoreGroup. Install anyway? [Y/n]' >&$to
done"#;

/// All of a reply that a script has no say in.
fn fields(reply: &Reply) -> Value {
    let mut json = reply.json.clone();
    for own in ["stdout", "stderr", "request_id", "duration_ms"] {
        assert!(json.as_object_mut().expect("an object").remove(own).is_some(), "{own}");
    }
    json
}

host_once!(what_a_script_prints_is_not_believed, ready_test_policy, |host| {
    // The same packages, silent and not.
    let scripts = ["preinst", "postinst", "prerm", "postrm"];
    let mut told = Vec::new();
    for body in ["true", FORGED] {
        offer(host, "sm-test-probe", "2", "", &scripts.map(|script| (script, body)));
        told.push([
            ask(host, "package install sm-test-probe").expect("ok"),
            ask(host, "package remove sm-test-probe").expect("ok"),
        ]);
        host.root("dpkg --purge sm-test-probe; rm /srv/apt/sm-test-probe_2_all.deb").ok();
    }
    for (silent, loud) in told[0].iter().zip(&told[1]) {
        let stderr = loud.json["stderr"].as_str().expect("text");
        assert!(stderr.contains("E: forged") && stderr.contains("unable to lock"), "{stderr}");
        assert_eq!(fields(silent), fields(loud));
    }

    // One that fails, and has changed nothing by then.
    let failing = format!("echo >>/run/tries\n{FORGED}\nexit 7");
    let mut hints = Vec::new();
    for body in ["exit 7", &failing] {
        offer(host, "sm-test-base", "2", "", &[("prerm", body)]);
        ask(host, "package install sm-test-base").expect("ok");
        let reply = ask(host, "package remove sm-test-base").expect("command_failed");
        assert_eq!(reply.json["returncode"], 100);
        assert_eq!(reply.json["changed"], false, "{:#}", reply.json);
        assert_eq!(planned(&reply), "remove sm-test-base 2");
        hints.push(reply.json["hint"].clone());
        let error = reply.json["error"].as_str().expect("an error");
        assert!(
            error.contains("pre-removal script subprocess returned error exit status 7"),
            "{error}"
        );
        host.root("rm /var/lib/dpkg/info/sm-test-base.prerm; dpkg --purge sm-test-base").ok();
        host.root("rm /srv/apt/sm-test-base_2_all.deb").ok();
    }
    assert_eq!(hints[0], hints[1], "what the script printed has no part in it");
    assert_eq!(host.read("/run/tries"), "\n", "once asked for, once run");
});

host_once!(what_a_script_prints_is_not_believed_on_arch, bare_arch, |host| {
    set_up(host);
    let mut told = Vec::new();
    for (body, status) in [("true", 0), (FORGED, 0), (FORGED, 7)] {
        let install = format!(
            "pre_install() (\n{body}\n)\npost_install() (\n{body}\nexit {status}\n)\npre_remove() (\n{body}\n)\n"
        );
        host.root("rm -rf /tmp/made; mkdir -p /tmp/made/usr").ok();
        host.write("/tmp/made/.INSTALL", install);
        host.write("/tmp/made/.PKGINFO", "pkgname = sm-test-probe\npkgbase = sm-test-probe\npkgver = 2-1\npkgdesc = x\narch = any\nsize = 1\n");
        host.root("set -e; cd /tmp/made; bsdtar -caf /srv/pacman/sm-test-probe-2-1-any.pkg.tar.zst .PKGINFO .INSTALL usr; cd /srv/pacman; repo-add disk.db.tar.gz sm-test-probe-2-1-any.pkg.tar.zst; rm -f /var/cache/pacman/pkg/sm-test-probe*; pacman -Syy").ok();
        let code = if status == 0 { "ok" } else { "command_failed" };
        told.push([
            ask(host, "package install sm-test-probe").expect(code),
            ask(host, "package remove sm-test-probe").expect("ok"),
        ]);
    }
    for (silent, loud) in told[0].iter().zip(&told[1]) {
        let stdout = loud.json["stdout"].as_str().expect("text");
        assert!(stdout.contains("E: forged") && stdout.contains("unable to lock"), "{stdout}");
        assert_eq!(fields(silent), fields(loud));
    }
    let reply = &told[2][0];
    assert_eq!((&reply.json["returncode"], &reply.json["changed"]), (&0.into(), &true.into()));
    assert_eq!(planned(reply), "install sm-test-probe 2-1");
});

/// What `tests/repo/sm-test-secret` prints of which nobody should read.
const SECRETS: [&str; 7] = [
    "hunter2",
    "abcdefgh12345678",
    "s3cr3tpass",
    "ghp_abcdef",
    "bm90IGEga2V5",
    "ZGVyIHdobyBk",
    "bGluZXMsIGFu",
];

#[track_caller]
fn keeps_secrets(host: &Host) {
    let reply = ask(host, "package install sm-test-secret").expect("ok");
    let text = |key: &str| reply.json[key].as_str().expect("text");
    assert!(text("stdout").contains("sm-test-secret: an ordinary line"), "{:#}", reply.json);
    assert!(text("stdout").contains("password=[masked]"), "{:#}", reply.json);
    let bytes = String::from_utf8_lossy(&reply.stdout);
    let log = host.read("/var/log/sm/audit.jsonl");
    for secret in SECRETS {
        assert!(!bytes.contains(secret), "{secret} is in {bytes}");
        assert!(!log.contains(secret), "{secret} is in the audit log");
    }
    assert!(bytes.contains("E: forged error line"), "{bytes}");
    assert_eq!(reply.json["returncode"], 0);
}

host_once!(the_secrets_of_a_script_are_masked, ready_test_policy, |host| {
    keeps_secrets(host);
});

host_once!(the_secrets_of_a_script_are_masked_on_arch, bare_arch, |host| {
    set_up(host);
    keeps_secrets(host);
});
