//! What rotation has put aside is encrypted to the policy's recipients with the real `age`, read with it and
//! by it, and nothing is lost whatever fails.

use serde_json::Value;

use crate::chain::{FILE, audit};
use crate::host::{Host, Sudo, host_once};

const SITE: &str = "schema = 1
[services]
actions = [\"restart\", \"reload\", \"status\"]
[services.units.nginx]
";

/// Makes identities in `/root`: of age's own, of SSH, and one that nothing is encrypted to; and a site policy
/// whose recipients are the first three.
fn with_recipients(host: &Host) {
    let made = host.root(
        "cd /root; age-keygen -o own 2>/dev/null; age-keygen -o other 2>/dev/null; \
         ssh-keygen -q -t ed25519 -N '' -f ed; ssh-keygen -q -t rsa -b 2048 -N '' -f rsa; \
         age-keygen -y own; cat ed.pub rsa.pub",
    );
    let made = made.ok();
    let keys: Vec<String> = made.lines().map(|key| format!("{key:?}")).collect();
    assert_eq!(keys.len(), 3, "{made}");
    site(host, &keys.join(", "));
}

fn site(host: &Host, recipients: &str) {
    host.root("install -d -m 0755 /etc/sm").ok();
    host.write("/etc/sm/policy.toml", format!("{SITE}[audit]\nrecipients = [{recipients}]\n"));
    host.root("sm policy check /etc/sm/policy.toml").ok();
}

/// Some requests, of which one is denied.
fn ask(host: &Host) {
    host.helper(&["service", "status", "nginx"]).expect("ok");
    host.helper(&["service", "restart", "nope"]).expect("denied");
}

/// Puts the log aside as logrotate does, under this name.
fn rotate(host: &Host, name: &str) {
    host.root(&format!("cd /var/log/sm; mv audit.jsonl {name}")).ok();
    ask(host);
}

fn files(host: &Host) -> Vec<String> {
    let listed = host.root("cd /var/log/sm; ls -A").ok();
    listed.lines().map(str::to_owned).collect()
}

fn encrypted(host: &Host) -> Vec<String> {
    files(host).into_iter().filter(|name| name.ends_with(".age")).collect()
}

/// `sm audit encrypt` of so many files.
#[track_caller]
fn encrypt(host: &Host, count: usize) {
    let (exit, found) = audit(host, "encrypt");
    assert_eq!(exit, 0, "{found:#}");
    assert_eq!(found["files"].as_array().map(Vec::len), Some(count), "{found:#}");
}

/// How many records there are with this identity.
#[track_caller]
fn records(host: &Host, identity: &str) -> u64 {
    let (exit, found) = audit(host, &format!("verify --identity /root/{identity}"));
    assert_eq!(exit, 0, "{identity}: {found:#}");
    found["records"].as_u64().expect("a number")
}

#[track_caller]
fn fails(host: &Host, arguments: &str, words: &[&str]) -> Value {
    let (exit, found) = audit(host, arguments);
    assert_eq!(exit, 1, "{arguments}: {found:#}");
    let error = found["error"].to_string();
    assert!(words.iter().all(|word| error.contains(word)), "{arguments}: {words:?}: {found:#}");
    found
}

host_once!(what_is_put_aside_is_encrypted_and_is_read_with_each_identity, |host| {
    with_recipients(host);
    ask(host);
    let plain = host.read(FILE);
    rotate(host, "audit.jsonl.1");
    let packed = host.read(FILE);
    rotate(host, "audit.jsonl.2");
    host.root("cd /var/log/sm; gzip -n audit.jsonl.2; mv audit.jsonl.2.gz audit.jsonl-20261128.gz")
        .ok();
    let (exit, before) = audit(host, "verify");
    assert_eq!(exit, 0, "{before:#}");
    let all = before["records"].as_u64().expect("a number");
    let denied = audit(host, "search --code denied").1["found"].clone();
    let exported = host.root("sm audit export --format jsonl").ok();
    encrypt(host, 2);
    let count = |text: &str| text.lines().count();
    let (first, second) = (count(&plain), count(&plain) + count(&packed));
    let names = [
        format!("audit.jsonl-until-{first:020}.age"),
        format!("audit.jsonl-until-{second:020}.gz.age"),
    ];
    assert_eq!(encrypted(host), names);
    assert_eq!(files(host).len(), 3, "{:?}", files(host));
    let modes = host.root("cd /var/log/sm; stat -c '%U:%G %a' *.age").ok();
    assert_eq!(modes, "root:adm 640\nroot:adm 640\n");
    encrypt(host, 0);

    // age itself reads it, with each of the identities.
    for identity in ["own", "ed", "rsa"] {
        let [own, gz] = &names;
        let read = host.root(&format!("cd /var/log/sm; age -d -i /root/{identity} {own}")).ok();
        assert_eq!(read, plain, "{identity}");
        let read = format!("cd /var/log/sm; age -d -i /root/{identity} {gz} | gzip -dc");
        assert_eq!(host.root(&read).ok(), packed, "{identity}");
        assert_eq!(records(host, identity), all, "{identity}");
    }
    // Nothing of a key or of the plain text is left anywhere.
    assert_eq!(host.root("ls -A /tmp /run/sm | grep -c -e age -e identity").stdout_text(), "0\n");

    // Without an identity it is said which records are not read, and never that all is well.
    let found = fails(host, "verify", &["2 files", "encrypted"]);
    assert_eq!(found["encrypted"][1]["first"], first + 1, "{found:#}");
    assert_eq!(found["encrypted"][1]["last"], second, "{found:#}");
    let text = host.root("sm audit verify").stdout_text();
    assert!(
        text.contains(&format!("the records {} to {second} are encrypted", first + 1)),
        "{text}"
    );
    let (exit, found) = audit(host, "verify --skip-encrypted");
    assert_eq!((exit, &found["first"]), (0, &(second + 1).into()), "{found:#}");
    let (exit, found) = audit(host, "search --code denied");
    assert_eq!(exit, 0, "{found:#}");
    assert!(found["found"].as_u64() < denied.as_u64(), "{found:#}");
    assert!(found["warnings"].to_string().contains("--identity"), "{found:#}");
    let with = "search --code denied --identity /root/own";
    assert_eq!(audit(host, with).1["found"], denied);
    assert!(audit(host, "stats").1["warnings"].to_string().contains("encrypted"));
    let with = audit(host, "stats --identity /root/ed").1;
    assert!(with["warnings"].is_null() && with["requests"].as_u64() > Some(3), "{with:#}");
    let done = host.root("sm audit export --format jsonl");
    assert!(done.stderr_text().contains("encrypted"), "{done}");
    assert!(exported.ends_with(&done.stdout_text()), "{done}");
    let with = host.root("sm audit export --format jsonl --identity /root/rsa").ok();
    assert_eq!(with, exported);
    let tail = audit(host, "tail -n 200").1;
    assert!(tail["warnings"].to_string().contains("encrypted"), "{tail:#}");

    // What age itself has encrypted is read, too.
    let [own, _] = &names;
    host.root(&format!(
        "cd /var/log/sm; age -d -i /root/own {own} >/root/plain; rm {own}; \
         age -r \"$(age-keygen -y /root/other)\" -o {own} /root/plain"
    ))
    .ok();
    host.root("cat /root/own /root/other >/root/both").ok();
    assert_eq!(records(host, "both"), all);
    // Each of its records counts.
    host.root(&format!(
        "cd /var/log/sm; sed s/denied/Denied/ /root/plain | \
         age -r \"$(age-keygen -y /root/other)\" >{own}"
    ))
    .ok();
    fails(host, "verify --identity /root/both", &[own, "its hash does not match"]);
    host.root(&format!("rm /var/log/sm/{own}")).ok();
    assert_eq!(audit(host, "verify --identity /root/own").1["first"], first + 1);
});
