//! `--remove --all`: every drop-in for this program's helper, and no other rule.

use crate::answer::{HELPER, SM, drop_ins, setup_sudo, setup_sudo_of, state};
use crate::host::host_once;

host_once!(all_that_is_ours_goes_and_the_rest_stays, |host| {
    host.root("mkdir -p /opt/sm && cp /usr/local/bin/sm* /opt/sm").ok();
    host.root("useradd --badname 'we ird'; useradd gone; useradd -u 1500 --badname TEMP").ok();
    for who in ["we ird", "gone", "TEMP"] {
        setup_sudo(host, &["--user", who]).expect("ok", 0);
    }
    setup_sudo(host, &["--group", "sudo", "--exact"]).expect("ok", 0);
    setup_sudo(host, &["--user", "admin", "--exact"]).expect("ok", 0);
    setup_sudo_of(host, "/opt/sm/sm", &["--user", "other"]).expect("ok", 0);
    // By hand; ours in name alone; a link to one; what a kill has left; more than a rule for it.
    host.root(&format!(
        "cd /etc/sudoers.d; echo 'agent ALL=(root) NOPASSWD: {HELPER}' | tee by-hand sm-by-hand >zz; \
         echo '# Made by sm setup-sudo for {HELPER}' >sm-words; \
         cp sm-agent sm-mixed; echo 'agent ALL=(root) /bin/true' >>sm-mixed; \
         cp sm-agent sm-agent.old; cp sm-agent sm-left.new; \
         chmod 0440 by-hand sm-by-hand zz sm-words sm-mixed; mv sm-gone /root; ln -s /root/sm-gone sm-gone; \
         cp /root/sm-gone sm-there; visudo -c; userdel gone; userdel TEMP"
    ))
    .ok();
    let kept = ["by-hand", "sm-by-hand", "sm-gone", "sm-mixed", "sm-other", "sm-words", "zz"];
    for args in [
        &["--all"][..],
        &["--remove", "--all", "--user", "agent"],
        &["--remove", "--all", "--group", "sudo"],
        &["--all", "--check"],
        &["--all", "--print"],
        &["--all", "--exact"],
        &["--all", "--keep-exact"],
        &["--all", "--install"],
    ] {
        setup_sudo(host, args).expect("usage", 2);
    }
    let before = state(host);
    let done = host.command("agent", &[SM, "setup-sudo", "--remove", "--all"]).run();
    assert_eq!((done.status, state(host)), (Some(5), before), "{done}");

    // Where sudo is broken, too.
    host.root("echo 'bad bad bad' >/etc/sudoers.d/00-broken; mv /usr/sbin/visudo /root").ok();
    let text = host.command("root", &[SM, "setup-sudo", "--remove", "--all"]).run().ok();
    let gone = [
        "sm-agent.old",
        "sm-left.new",
        "sm-%sudo",
        "sm-TEMP",
        "sm-admin",
        "sm-agent",
        "sm-there",
        "sm-we=20ird",
    ];
    for name in gone {
        assert!(text.contains(&format!("removed /etc/sudoers.d/{name}\n")), "{name}: {text}");
    }
    host.root("rm /etc/sudoers.d/00-broken; mv /root/visudo /usr/sbin").ok();
    assert_eq!(drop_ins(host), kept);
    host.root("visudo -c").ok();

    let before = state(host);
    let again = setup_sudo(host, &["--remove", "--all"]).expect("ok", 0);
    assert_eq!(
        (&again.json["changed"], &again.json["removed"]),
        (&false.into(), &serde_json::json!([]))
    );
    assert_eq!(state(host), before);
    let other = setup_sudo_of(host, "/opt/sm/sm", &["--remove", "--all"]).expect("ok", 0);
    assert_eq!(other.json["removed"], serde_json::json!(["/etc/sudoers.d/sm-other"]));
    // The helper itself may be gone before its rules.
    setup_sudo(host, &["--user", "admin"]).expect("ok", 0);
    host.root(&format!("rm {HELPER}")).ok();
    let last = setup_sudo(host, &["--remove", "--all"]).expect("ok", 0);
    assert_eq!(last.json["removed"], serde_json::json!(["/etc/sudoers.d/sm-admin"]));
});
