//! What rotation has put aside is encrypted to the policy's recipients with the real `age`, read with it and
//! by it, and nothing is lost whatever fails.

use serde_json::Value;

use crate::chain::{FILE, audit, chained};
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

/// The files, but for the indexes of those that are not encrypted.
fn files(host: &Host) -> Vec<String> {
    let listed = host.root("cd /var/log/sm; ls -A --ignore=index").ok();
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
    let indexes = || host.root("ls -A /var/log/sm/index").ok();
    assert_ne!(indexes(), "");
    encrypt(host, 2);
    // They are plain.
    assert_eq!(indexes(), "");
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
    assert!(text.contains(&format!("the records up to {second} are encrypted")), "{text}");
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
    // As it is, in the place of its records.
    let named = |first: String, last: usize, name: &str| {
        let size = host.root(&format!("stat -c %s /var/log/sm/{name}")).ok();
        let (file, size) = (format!("/var/log/sm/{name}"), size.trim());
        format!(
            "{{\"encrypted\":{{\"file\":\"{file}\",\"first\":{first},\"last\":{last},\"size\":{size}}}}}\n"
        )
    };
    let one = named("null".to_owned(), first, &names[0]);
    let two = named((first + 1).to_string(), second, &names[1]);
    let plain_rest = done.stdout_text();
    let export = "sm audit export --format jsonl --encrypted";
    assert_eq!(host.root(&format!("{export} name")).ok(), format!("{one}{two}{plain_rest}"));
    let whole = host.root(&format!("{export} base64")).ok();
    assert!(whole.starts_with(&one) && whole.ends_with(&plain_rest), "{whole}");
    host.write("/root/whole", &whole);
    let [own, _] = &names;
    host.root(&format!(
        "grep -m 1 -A 1 '^{{\"encrypted\"' /root/whole | sed -n 's/.*\"data\":\"\\(.*\\)\".*/\\1/p' | \
         base64 -d | cmp - /var/log/sm/{own}"
    ))
    .ok();
    let done = host.root("sm audit export --format ecs --encrypted name");
    assert_eq!(done.status, Some(2), "{done}");
    let tail = audit(host, "tail -n 200").1;
    assert!(tail["warnings"].to_string().contains("encrypted"), "{tail:#}");

    // The group adm may read it, too, with an identity of its own.
    let adm = host.root(
        "cp /root/own /srv/own; chmod 0644 /srv/own; setpriv --reuid 1000 --regid 1000 \
         --groups \"$(getent group adm | cut -d: -f3)\" sm audit verify --identity /srv/own --json",
    );
    let adm: Value = serde_json::from_slice(&adm.stdout).expect("an object");
    assert_eq!(adm["records"], all, "{adm:#}");

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

/// Programs in the place of age, which is `age.real` then: what each does, and a word of what is said of it.
const WRONG: &[(&str, &str, &str)] = &[
    ("prints garbage", "echo garbage", "is not an encrypted file"),
    ("prints nothing", "exit 0", "is not an encrypted file"),
    ("prints without end", "exec cat /dev/zero", "far more than the file is long"),
    ("copies", "exec cat", "is not an encrypted file"),
    (
        "fails",
        "echo 'age: error: \\033[31mno\\342\\200\\256' | printf \"$(cat)\" >&2; exit 3",
        "no",
    ),
    ("fails without a word", "exit 3", "exit status 3"),
    ("is killed", "kill -KILL $$", "SIGKILL"),
    (
        "cuts",
        "[ \"$1\" = --decrypt ] && exec $real \"$@\"; $real \"$@\" | head -c 2000",
        "cannot be read",
    ),
    (
        "cuts what it has read",
        "[ \"$1\" = --decrypt ] && exec $real \"$@\"; head -c 500 | $real \"$@\"",
        "does not decrypt to the file",
    ),
    (
        "forgets who it is for",
        "for last; do :; done; [ \"$1\" = --decrypt ] && exec $real \"$@\"; exec $real -r \"$last\"",
        "to 1 recipients, not to 4",
    ),
    ("cannot decrypt", "[ \"$1\" = --decrypt ] && exit 7; exec $real \"$@\"", "exit status 7"),
    (
        "writes elsewhere",
        "for f in /var/log/sm/audit.jsonl /root/x /var/tmp/x /dev/shm/x /run/x; do \
         (echo x >$f) 2>/dev/null && echo wrote $f >&2; done; id -u >&2; exit 1",
        "655",
    ),
    ("hangs", "exec sleep 1000", "was not done in time"),
];

host_once!(nothing_is_lost_when_age_does_not_do_its_work, |host| {
    with_recipients(host);
    ask(host);
    rotate(host, "audit.jsonl.1");
    let all = audit(host, "verify").1["records"].clone();
    let digest = || host.root("cd /var/log/sm; cat audit.jsonl.1 audit.jsonl-until-* | sha256sum");
    let before = digest().stdout_text();
    // Refused, with nothing changed, and requests go on.
    let stays = |what: &str, words: &[&str]| {
        let (exit, found) = audit(host, "encrypt");
        assert_eq!(exit, 1, "{what}: {found:#}");
        let error = found["error"].to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{what}: {words:?}: {found:#}");
        assert_eq!(digest().stdout_text(), before, "{what}");
        assert!(encrypted(host).is_empty() && files(host).len() == 2, "{what}: {:?}", files(host));
        ask(host);
    };
    host.root("mv /usr/bin/age /usr/bin/age.real").ok();
    stays("no age", &["this host has no age", "install the package age"]);
    for (what, script, word) in WRONG {
        let script = format!("#!/bin/sh\nreal=/usr/bin/age.real\n{script}\n");
        host.write("/usr/bin/age", script);
        host.root("chmod 0755 /usr/bin/age").ok();
        stays(what, &[word]);
    }
    assert_eq!(host.root("pgrep -x sleep; ls /root/x").stdout_text(), "");
    host.root("mv /usr/bin/age.real /usr/bin/age; chmod 0777 /usr/bin/age").ok();
    stays("an age that others can change", &["/usr/bin/age", "can be written to"]);
    host.root("chmod 0755 /usr/bin/age; mv /usr/bin/age-keygen /root/kept").ok();
    stays("no age-keygen", &["this host has no age-keygen"]);
    host.write("/usr/bin/age-keygen", "#!/bin/sh\necho '# public key: --identity=/root/own'\n");
    host.root("chmod 0755 /usr/bin/age-keygen").ok();
    stays("an age-keygen that lies", &["age-keygen made no identity"]);
    host.root("mv /root/kept /usr/bin/age-keygen").ok();
    encrypt(host, 1);
    assert!(records(host, "own") > all.as_u64().expect("a number"));

    // Who reads it is told as much.
    host.root("mv /usr/bin/age /usr/bin/age.real").ok();
    fails(host, "verify --identity /root/own", &["cannot be decrypted", "this host has no age"]);
    host.root("mv /usr/bin/age.real /usr/bin/age").ok();
    let other = fails(
        host,
        "verify --identity /root/other",
        &["cannot be decrypted", "no identity matched"],
    );
    let hint = other["hint"].to_string();
    assert!(hint.contains("one of the recipients that it was encrypted to"), "{other:#}");
    fails(host, "verify --identity /root/none", &["/root/none", "No such file"]);
    fails(host, "verify --identity /dev/zero", &["it is not a file"]);
    fails(host, "search --identity /etc/passwd", &["cannot be decrypted"]);
    let name = encrypted(host).remove(0);
    for (what, damage) in [
        ("a byte changed", "printf x | dd of=$f bs=1 seek=$(($(stat -c %s $f) - 9)) conv=notrunc"),
        ("cut", "truncate -s -1 $f"),
        ("cut in its header", "truncate -s 100 $f"),
        ("emptied", "truncate -s 0 $f"),
        ("with something behind it", "echo x >>$f"),
    ] {
        host.root(&format!(
            "set -e; cd /var/log/sm; f={name}; cp -p $f /root/kept; {damage} 2>/dev/null"
        ))
        .ok();
        for command in ["verify", "search", "stats"] {
            let command = format!("{command} --identity /root/own");
            fails(host, &command, &[&name, "cannot be decrypted"]);
        }
        let exported = host.root("sm audit export --format jsonl --identity /root/own");
        assert_eq!(exported.status, Some(1), "{what}: {exported}");
        host.root(&format!("mv /root/kept /var/log/sm/{name}")).ok();
        ask(host);
    }
    records(host, "own");
});

host_once!(what_is_in_the_folder_besides_is_neither_encrypted_nor_followed, |host| {
    with_recipients(host);
    ask(host);
    rotate(host, "audit.jsonl.1");
    // The newest is not touched as long as nothing follows it.
    host.root("cd /var/log/sm; mv audit.jsonl audit.jsonl.0").ok();
    encrypt(host, 1);
    assert_eq!(audit(host, "verify --identity /root/own").0, 0);
    ask(host);
    records(host, "own");
    host.root(
        "cd /var/log/sm; ln -s /root/target .encrypting; ln -s /etc/shadow audit.jsonl.5; \
         ln /etc/hosts audit.jsonl.6; cp audit.jsonl.0 audit.jsonl.bak; echo x >audit.jsonl-7; \
         mkfifo audit.jsonl.8; mkdir audit.jsonl.9; echo x >audit.jsonl.3.age",
    )
    .ok();
    encrypt(host, 1);
    let (names, hosts) = (files(host), host.root("cat /etc/hosts; ls /root/target"));
    assert!(!hosts.stdout_text().contains("age-encryption") && hosts.status != Some(0), "{hosts}");
    for kept in ["audit.jsonl.5", "audit.jsonl.6", "audit.jsonl.bak", "audit.jsonl-7"] {
        assert!(names.iter().any(|name| name == kept), "{kept}: {names:?}");
    }
    host.root("cd /var/log/sm; rm -r audit.jsonl.[56789] audit.jsonl-7 audit.jsonl.bak").ok();
    records(host, "own");

    // What is in the place of the new one stops it, and is left as it is.
    rotate(host, "audit.jsonl.1");
    let last = host.root("tail -n 1 /var/log/sm/audit.jsonl.1").ok();
    let until = serde_json::from_str::<Value>(&last).expect("a record")["seq"].clone();
    let until = until.as_u64().expect("a number");
    host.root(&format!("mkdir -p /var/log/sm/audit.jsonl-until-{until:020}.age/x")).ok();
    fails(host, "encrypt", &["could not be encrypted"]);
    host.root(&format!("rm -r /var/log/sm/audit.jsonl-until-{until:020}.age")).ok();
    encrypt(host, 1);
    records(host, "own");

    // While logrotate is at work, its files are left to it.
    rotate(host, "audit.jsonl.1");
    host.root("mkdir -p /var/lib/logrotate; touch /var/lib/logrotate/status").ok();
    let locked = "flock /var/lib/logrotate/status sm audit encrypt --json";
    let done = host.root(locked);
    assert!(done.stdout_text().contains("logrotate is at work"), "{done}");
    encrypt(host, 1);

    // A full disk: what is there stays, and requests go on.
    (0..4).for_each(|_| ask(host));
    rotate(host, "audit.jsonl.1");
    host.root(
        "set -e; cp -a /var/log/sm /root/all; mount -t tmpfs -o size=300k,mode=0750 tmpfs /var/log/sm; \
         chgrp adm /var/log/sm; cp -a /root/all/. /var/log/sm; rm /var/log/sm/*.age; \
         ls -l /var/log/sm",
    )
    .ok();
    let full =
        host.root("cd /var/log/sm; cat /dev/zero >junk; truncate -s -4096 junk; df .; ls -l");
    eprintln!("{full}");
    let found = fails(host, "encrypt", &["could not be encrypted", "No space left"]);
    assert!(encrypted(host).is_empty(), "{found:#}");
    host.helper(&["service", "status", "nginx"]).expect("ok");
    host.root("rm /var/log/sm/junk").ok();
    encrypt(host, 1);
    host.root("umount /var/log/sm").ok();
});

host_once!(an_export_goes_on_over_what_was_encrypted_meanwhile, |host| {
    with_recipients(host);
    ask(host);
    let export = |more: &str| {
        host.root(&format!(
            "sm audit export --format jsonl --state /root/state {more} >>/root/exported"
        ))
    };
    export("").ok();
    rotate(host, "audit.jsonl.1");
    export("").ok();
    encrypt(host, 1);
    ask(host);
    // All of what is encrypted was exported: no identity is needed.
    let done = export("");
    assert!(done.status == Some(0) && done.stderr_text().is_empty(), "{done}");
    // Not all of it: nothing is left out in silence, and the state stays.
    ask(host);
    rotate(host, "audit.jsonl.1");
    encrypt(host, 1);
    let state = host.read("/root/state");
    let done = export("");
    assert!(done.status == Some(1) && done.stderr_text().contains("--identity"), "{done}");
    assert_eq!(host.read("/root/state"), state);
    export("--identity /root/ed").ok();
    ask(host);
    export("").ok();
    let seqs = host.root("grep -o '^{\"seq\":[0-9]*' /root/exported | cut -d: -f2").ok();
    let count = host.root("sm audit tail -n 1 --json").ok();
    let last = serde_json::from_str::<Value>(&count).expect("one")["records"][0]["seq"].clone();
    let expected: String =
        (1..=last.as_u64().expect("a number")).map(|seq| format!("{seq}\n")).collect();
    assert_eq!(seqs, expected);
});

host_once!(a_timer_does_it_in_a_service_of_its_own, |host| {
    ask(host);
    let (exit, found) = audit(host, "setup");
    assert_eq!((exit, &found["code"]), (6, &"unsupported".into()), "no recipients: {found:#}");
    let (exit, found) = audit(host, "encrypt");
    assert_eq!((exit, &found["recipients"]), (0, &0.into()), "{found:#}");
    with_recipients(host);
    rotate(host, "audit.jsonl.1");
    for changed in [true, false] {
        let (exit, found) = audit(host, "setup");
        assert_eq!((exit, &found["timer_changed"]), (0, &changed.into()), "{found:#}");
    }
    host.root("systemd-analyze verify sm-audit-encrypt.timer sm-audit-encrypt.service").ok();
    host.root("systemctl is-active sm-audit-encrypt.timer").ok();
    host.root("systemctl start sm-audit-encrypt.service").ok();
    assert_eq!(encrypted(host).len(), 1, "{:?}", files(host));
    records(host, "own");
    // A failure is one of the unit, too.
    rotate(host, "audit.jsonl.1");
    host.root("mv /usr/bin/age /usr/bin/age.real").ok();
    assert_ne!(host.root("systemctl start sm-audit-encrypt.service").status, Some(0));
    // What has these names and is another program's stays.
    host.root(
        "systemctl -q disable --now sm-audit-encrypt.timer; \
         printf '[Timer]\\nOnBootSec=1\\n' >/etc/systemd/system/sm-audit-encrypt.timer",
    )
    .ok();
    fails(host, "setup", &["another program's unit"]);
});

host_once!(all_of_the_log_stays_within_what_the_policy_lets_it_take, |host| {
    const TOTAL: u64 = 1 << 20;
    with_recipients(host);
    let policy = host.read("/etc/sm/policy.toml");
    host.write("/etc/sm/policy.toml", format!("{policy}max_total = {TOTAL}\n"));
    ask(host);
    for round in 0..14 {
        let text = host.read(FILE);
        let more = chained(text.lines().last().expect("a record"), TOTAL / 8);
        // In place, so that owner and mode stay.
        std::fs::write(host.path(FILE), text + &more).expect("written");
        // It is put aside, and what is encrypted counts like the rest.
        ask(host);
        if round != 12 {
            encrypt(host, if round == 13 { 2 } else { 1 });
        }
        let used = host.root("cat /var/log/sm/* | wc -c").ok();
        let used: u64 = used.trim().parse().expect("a number");
        assert!(used <= TOTAL, "round {round}: {used}");
        assert!(round < 8 || used > TOTAL / 8 * 6, "round {round}: {used}");
    }
    assert_eq!(encrypted(host).len(), 6, "{:?}", files(host));
    let found = audit(host, "verify --identity /root/own").1;
    assert!(found["success"] == true && found["first"].as_u64() > Some(100), "{found:#}");
    let doctor = host.root("sm doctor --json -v").stdout_text();
    assert!(doctor.contains("keeps 1 MiB"), "{doctor}");
});

/// Encrypts with a fault at each call, one at a time. Prints the call, its number, and how often the records of
/// the file are there after it, plain or decrypted with age; then how many files are encrypted when it was done
/// again.
const FAULTS: &str = r#"
cd /var/log/sm; plain=$(sha256sum </root/kept)
name=audit.jsonl-until-$(printf '%020d' $(wc -l </root/kept))
for call in $CALLS; do
    for ((n = 1; n <= 60; n++)); do
        rm -f audit.jsonl.1 audit.jsonl-* .encrypting; cp -p /root/kept audit.jsonl.1
        strace -qqq -o /root/trace -e trace=$call -e inject=$call:$FAULT:when=$n             sm audit encrypt >/root/out 2>&1
        grep -q "$SEEN" /root/trace || break
        there=0
        for file in audit.jsonl.1 $name; do
            [ "$(sha256sum <$file)" = "$plain" ] && there=$((there + 1))
        done 2>/dev/null
        [ "$(age -d -i /root/own $name.age | sha256sum)" = "$plain" ] && there=$((there + 1))
        sm audit verify --identity /root/own >/root/verified 2>&1 || there=0
        sm audit encrypt >/root/out 2>&1
        echo "$call $n $there $(ls -A | tr '
' ' ')"
    done
done 2>/dev/null
"#;

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn killed_or_without_room_at_any_call_it_has_lost_nothing() {
    let host = Host::ready(Sudo::Classic);
    with_recipients(&host);
    ask(&host);
    host.root("cp -p /var/log/sm/audit.jsonl /root/kept").ok();
    rotate(&host, "audit.jsonl.1");
    let changes = "openat write fsync rename renameat2 unlink utimensat fchown fchmod flock clone3 vfork clone fork memfd_create pipe2 dup3";
    let writes = "openat write fsync rename renameat2 memfd_create";
    let (mut all, mut later) = (0, 0);
    for (calls, fault, seen) in
        [(changes, "signal=SIGKILL", "killed by SIGKILL"), (writes, "error=ENOSPC", "(INJECTED)")]
    {
        let script = FAULTS.replace("$CALLS", calls).replace("$FAULT", fault);
        let said = host.root(&script.replace("$SEEN", seen)).ok();
        for line in said.lines() {
            let mut words = line.split_whitespace().skip(2);
            let there: u32 = words.next().and_then(|word| word.parse().ok()).expect(line);
            assert!(there >= 1, "{fault}: lost: {line}");
            later += u32::from(there == 2);
            all += 1;
            // Done again, it is as if nothing had happened.
            let files: Vec<&str> = words.collect();
            assert_eq!(files.len(), 2, "{fault}: {line}");
            assert!(files[1].ends_with(".age"), "{fault}: {line}");
        }
        assert!(said.lines().count() > 20, "{fault}: {said}");
    }
    assert!(later > 0, "none of {all} was between the two files");
}
