//! What others did stays, and nothing is overwritten that they have changed since.

use crate::host::{Host, Reply, host_once, wait_until};
use crate::offer::offer;
use crate::tree::Kept;
use crate::{SITE, ask, done, dpkg_is_clean, id, set_up, site, sm, undone};

/// A package that waits while it is installed, until there is a file.
const WAITS: &str = "script postinst <<'END'
while [ ! -e /srv/go-on ]; do sleep 0.02; done
END";

/// One that makes an account.
const USER: &str = "script postinst <<'END'
useradd --system --no-create-home sm-undo-user
END";

fn policy() -> String {
    let names = "[packages.names]\nsm-undo-waits = {}\nsm-undo-user = {}\nsm-undo-data = {}\n";
    SITE.replace("[packages.names]\n", names)
}

#[track_caller]
fn refused(host: &Host, request: &str, code: &str, parts: &[&str]) -> Reply {
    let reply = ask(host, &format!("undo {request}")).expect(code);
    let said = format!("{} {}", reply.json["error"], reply.json["hint"]);
    for part in parts {
        assert!(said.contains(part), "{part}: {:#}", reply.json);
    }
    assert_ne!(reply.json["changed"], true, "{:#}", reply.json);
    reply
}

host_once!(an_edited_file_is_overwritten_by_force_alone, bare_btrfs, |host| {
    const FILE: &str = "/usr/share/sm-test-old/version";
    set_up(host, &policy());
    let before = Kept::now(host);
    let request = done(host, "package install sm-test-old");
    host.write(FILE, "mine\n");
    let edited = Kept::now(host);
    // However often it is asked, it displaces nothing.
    for _ in 0..3 {
        let hint = format!("sm undo --force {request}");
        refused(host, &request, "plan_refused", &[FILE, &hint]);
    }
    edited.assert_same(host);
    assert_eq!(host.root("ls /.sm-snapshots | grep -vc json").ok(), "2\n", "too many snapshots");
    let (exit, shown) = sm(host, &format!("undo --dry-run {request}"));
    assert_eq!(exit, 0, "{shown:#}");
    assert_eq!(shown["conflicts"], serde_json::json!([FILE]), "{shown:#}");
    let (exit, answer) = sm(host, &format!("undo --yes {request}"));
    assert_eq!((exit, &answer["code"]), (3, &"plan_refused".into()), "{answer:#}");
    edited.assert_same(host);
    let (exit, answer) = sm(host, &format!("undo --yes --force {request}"));
    assert_eq!(exit, 0, "{answer:#}");
    dpkg_is_clean(host);
    before.assert_same(host);
});

host_once!(an_account_made_since_stays, bare_btrfs, |host| {
    set_up(host, &policy());
    offer(host, "sm-undo-user", "1", USER);
    let request = done(host, "package install sm-undo-user");
    host.root("id sm-undo-user && useradd another").ok();
    let reply = undone(host, &request);
    let left = reply.json["undone"]["left"].to_string();
    assert!(left.contains("\"/etc/passwd\"") && left.contains("\"/etc/shadow\""), "{left}");
    host.root("id another").ok();
    assert!(!host.has_package("sm-undo-user"));
    dpkg_is_clean(host);

    // And where nobody else was there, it goes.
    host.root("userdel sm-undo-user; userdel another; apt-get -qq update").ok();
    let before = Kept::now(host);
    let request = done(host, "package install sm-undo-user");
    undone(host, &request);
    before.assert_same(host);
});

host_once!(what_others_wrote_meanwhile_stays, bare_btrfs, |host| {
    const PLACES: [&str; 8] = [
        "/var/lib/data",
        "/opt/data",
        "/srv/data",
        "/home/other/data",
        "/var/log/data",
        "/usr/local/data",
        "/var/www/data",
        "/root/data",
    ];
    set_up(host, &policy());
    offer(host, "sm-undo-waits", "1", WAITS);
    host.root("mkdir -p /var/www; echo before | tee /var/www/changed /var/lib/changed").ok();
    let asked = host.command("agent", &["sm-helper", "package", "install", "sm-undo-waits"]);
    let asked = asked.into_command().stdout(std::process::Stdio::piped()).spawn().expect("nsenter");
    wait_until("its script waits", || {
        host.root("pgrep -f [s]m-undo-waits.postinst").status == Some(0)
    });
    host.root(&format!("echo data | tee {}", PLACES.join(" "))).ok();
    host.root("echo after | tee /var/www/changed /var/lib/changed; touch /srv/go-on").ok();
    let output = asked.wait_with_output().expect("its end");
    let reply: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a reply");
    assert_eq!(reply["code"], "ok", "{reply:#}");
    undone(host, reply["request_id"].as_str().expect("an id"));
    for place in PLACES {
        assert_eq!(host.read(place), "data\n", "{place}");
    }
    for place in ["/var/www/changed", "/var/lib/changed"] {
        assert_eq!(host.read(place), "after\n", "{place}");
    }
    assert!(!host.has_package("sm-undo-waits"));
    dpkg_is_clean(host);
});

host_once!(data_in_its_own_folder_stays, bare_btrfs, |host| {
    set_up(host, &policy());
    let fill = "mkdir -p var/lib/sm-undo-data/sub; echo x >var/lib/sm-undo-data/x";
    offer(host, "sm-undo-data", "1", fill);
    let request = done(host, "package install sm-undo-data");
    host.root("echo rows >/var/lib/sm-undo-data/sub/rows").ok();
    undone(host, &request);
    assert_eq!(host.read("/var/lib/sm-undo-data/sub/rows"), "rows\n");
    assert!(!host.exists("/var/lib/sm-undo-data/x"));
    dpkg_is_clean(host);
});

host_once!(only_the_last_change_of_packages_is_undone, bare_btrfs, |host| {
    set_up(host, &policy());
    let first = done(host, "package install sm-test-old");
    let second = done(host, "package install sm-test-conffile");
    let now = Kept::now(host);
    refused(host, &first, "plan_refused", &["packages were changed since", &second]);
    now.assert_same(host);
    // What was undone is not in the way, and what is no longer undone is.
    let undo = id(&undone(host, &second));
    let again = id(&undone(host, &undo));
    let reply = refused(host, &first, "plan_refused", &["packages were changed since"]);
    assert!(
        reply.json["hint"].as_str().is_some_and(|hint| hint.ends_with(&format!(": {again}"))),
        "{:#}",
        reply.json
    );
    undone(host, &again);
    undone(host, &first);
    let second = done(host, "package install sm-test-conffile");
    host.root("apt-get -qq install --yes htop").ok();
    let now = Kept::now(host);
    let reply = refused(
        host,
        &second,
        "plan_refused",
        &["packages were changed since", "not done with sm"],
    );
    assert!(!reply.json["hint"].to_string().contains(&id(&reply)), "{:#}", reply.json);
    now.assert_same(host);
});

host_once!(who_may_not_is_refused, bare_btrfs, all, |host| {
    set_up(host, &policy());
    host.let_in("other");
    let request = done(host, "package install sm-test-old");
    let now = Kept::now(host);
    host.helper_as("other", &["undo", &request]).expect("not_found");
    let (first, last) = request.split_at(request.len() - 1);
    let unknown = format!("{first}{}", if last == "0" { "1" } else { "0" });
    refused(host, &unknown, "not_found", &[&unknown]);
    site(host, &policy().replace("undo = true\n", ""));
    refused(host, &request, "denied", &[]);
    let names = "[callers.default]\npackages = [\"sm-test-old\"]\n";
    site(host, &format!("{}{names}", policy()));
    refused(host, &request, "denied", &[]);
    now.assert_same(host);
    site(host, &policy().replace("undo = true\n", "undo = true\napproval = [\"undo\"]\n"));
    let reply = refused(host, &request, "approval_required", &[]);
    let approval = reply.json["approval"]["id"].as_str().expect("an id");
    let (exit, answer) = sm(host, &format!("approve {approval} --yes"));
    assert_eq!(exit, 0, "{answer:#}");
    undone(host, &request);
    assert!(!host.has_package("sm-test-old"));
    refused(host, &request, "approval_required", &[]);

    site(host, &format!("{}{names}undo = true\n", policy()));
    let request = done(host, "package install sm-test-old");
    undone(host, &request);
});
