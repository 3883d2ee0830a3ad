//! Whether requests work: doctor, `setup-sudo --check` and a request say the same of it.

use crate::case::{Doctor, Row};
use crate::host::{Host, Sudo, answer, host_test};

/// What stands in a file that sudo reads after the drop-in.
const WRITTEN: [&str; 18] = [
    "",
    "agent ALL=(root) PASSWD: /usr/local/bin/*\n",
    "agent ALL=(root) NOPASSWD: NOEXEC: /usr/local/bin/sm-helper\n",
    "# more\nDefaults noexec\n",
    "Defaults:agent noexec\n",
    "Defaults requiretty\n",
    "Defaults:%agent requiretty, noexec\n",
    "agent ALL=(root) PASSWD: /usr/local/bin/sm-helper service restart nginx\n",
    "agent ALL=(root) !/usr/local/bin/sm-helper service restart *\n",
    "Defaults intercept\n",
    "Defaults stay_setuid\n",
    "Defaults command_timeout=1\n",
    "Defaults log_output, iolog_dir=/mnt/io/%{user}\n",
    // In nobody's way.
    "Defaults runas_default=other\n",
    "Defaults log_output, !noexec, use_pty\n",
    "Defaults:other noexec\nother ALL=(root) /usr/local/bin/sm-helper\n",
    "agent ALL=(other) ALL\n",
    "agent ALL=(root) NOPASSWD: /usr/local/bin/sm-helper\n",
];

fn put(host: &Host, text: &str) {
    host.write("/etc/sudoers.d/zz", text);
    host.root("chmod 0440 /etc/sudoers.d/zz").ok();
}

fn rows(doctor: &Doctor) -> Vec<&Row> {
    doctor.rows.iter().filter(|row| row.id == "helper_rule").collect()
}

fn check(host: &Host) -> (i32, String) {
    let words = ["/usr/local/bin/sm", "setup-sudo", "--user", "agent", "--check", "--json"];
    let (exit, json) = answer(&host.command("root", &words).run());
    (exit, json["error"].as_str().unwrap_or_default().to_owned())
}

host_test!(doctor_and_the_check_say_of_each_configuration_what_requests_show, |host| {
    host.root("mkdir /mnt/io; mount -t tmpfs -o size=4k,nr_inodes=2 none /mnt/io; head -c 9999 /dev/zero >/mnt/io/x || true")
        .ok();
    let mut wrong = Vec::new();
    for text in WRITTEN {
        put(host, text);
        let (exit, error) = check(host);
        let doctor = Doctor::of(host);
        let found = rows(&doctor);
        let [row] = found[..] else { panic!("{text}: {found:#?}") };
        // In the same words.
        let same = error.strip_prefix("the rule is in place, but ").unwrap_or_default();
        let agrees = match exit {
            0 => row.status == "ok",
            _ => {
                row.status == "problem" && row.found == same && same.contains("/etc/sudoers.d/zz:")
            }
        };
        host.root("systemctl reset-failed nginx").ok();
        // The helper asks sudo in its own spelling, and an account may ask it in another.
        let by_hand = "sudo -n -u root -- /usr/local/bin/sm-helper service restart nginx";
        let works = host.helper(&["service", "status", "nginx"]).code() == "ok"
            && host.agent(by_hand).status == Some(0);
        // No request that is quick enough shows the time that sudo leaves it.
        let shows = works == (exit == 0) || text.contains("command_timeout");
        if !agrees || !shows {
            wrong.push(format!("{text:?}: {exit} `{error}`, works: {works}, {row:#?}"));
        }
        // What is printed puts it right, where it is not a look at a folder.
        let mend = row.mend.as_deref().unwrap_or("true");
        if row.status == "problem" && !mend.starts_with("df ") {
            host.root(mend);
            let after = Doctor::of(host);
            if check(host).0 != 0 || rows(&after).iter().any(|row| row.status != "ok") {
                wrong.push(format!("{text:?} after `{mend}`: {:#?}", rows(&after)));
            }
        }
        host.root("rm -f /etc/sudoers.d/zz* /etc/sudoers.d/00-zz").ok();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
});

/// The account may look at no unit: `version` alone would be answered.
#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_a_process_is_needed_to_see_is_seen_for_an_account_with_packages_alone() {
    let host = Host::ready(Sudo::Classic);
    host.root("mkdir -p /etc/sm").ok();
    host.write("/etc/sm/policy.toml", "schema = 1\n[callers.\"user:agent\"]\nservices = []\n");
    put(&host, "Defaults noexec\n");
    assert_eq!(check(&host).0, 1);
    assert_eq!(rows(&Doctor::of(&host))[0].status, "problem");
    // Nor packages.
    host.write(
        "/etc/sm/policy.toml",
        "schema = 1\n[callers.\"user:agent\"]\nservices = []\npackages = []\nmaintenance = []\n",
    );
    let (exit, error) = check(&host);
    assert!(exit == 1 && error.contains("/etc/sudoers.d/zz:1: noexec holds"), "{error}");
    assert_eq!(rows(&Doctor::of(&host))[0].status, "problem");
    put(&host, "");
    assert_eq!(check(&host).0, 0);
}

/// What is in the way of many accounts is said once; each account is tried.
#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn each_account_is_tried_and_what_they_share_is_said_once() {
    let host = Host::ready(Sudo::Classic);
    host.root(
        "groupadd ops; for n in 1 2 3 4; do useradd -G ops op$n; done; sm setup-sudo --group ops",
    )
    .ok();
    put(&host, "%ops ALL=(root) PASSWD: /usr/local/bin/sm-helper\n");
    let doctor = Doctor::of(&host);
    let found: Vec<_> = rows(&doctor).iter().map(|row| row.found.clone()).collect();
    assert!(found.len() == 1 && found[0].contains("op1, op2, op3 and 1 more"), "{found:#?}");
    put(&host, "Defaults:op2 noexec\nop3 ALL=(root) !/usr/local/bin/sm-helper\n");
    let doctor = Doctor::of(&host);
    let found: Vec<_> = rows(&doctor).iter().map(|row| row.found.clone()).collect();
    assert!(found.len() == 2 && found[0].contains("op2") && found[1].contains("op3"), "{found:#?}");
}

/// Another's mistake is not blamed on the file: stay_setuid leaves the account's id to the helper.
#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_helper_says_of_stay_setuid_that_it_is_how_it_was_started() {
    let host = Host::ready(Sudo::Classic);
    put(&host, "Defaults stay_setuid\n");
    let reply = host.helper(&["service", "status", "nginx"]).expect("not_privileged");
    let said = reply.json.to_string();
    assert!(said.contains("stay_setuid") && said.contains("--check"), "{said}");
    assert!(!said.contains("chmod"), "{said}");
    // And of a file that is setuid, that it is.
    host.root("rm /etc/sudoers.d/zz; chmod u+s /usr/local/bin/sm-helper").ok();
    host.helper(&["service", "status", "nginx"]).expect("untrusted_path");
}
