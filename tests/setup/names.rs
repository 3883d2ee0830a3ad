//! Account names that mean something else to sudo, or that it would skip: each gets its rule,
//! and nobody else does.

use crate::answer::{HELPER, drop_ins, setup_sudo, sudo_works};
use crate::host::{Host, host_test};

/// The name, its file, and who would get the rule if sudo read the name as something else.
/// Each gets the user id 3000 and its place here.
const NAMES: [(&str, &str, &str); 39] = [
    ("a.b", "sm-a=2Eb", "a"),
    ("dom\\user", "sm-dom=5Cuser", "domuser"),
    ("a\\\\b", "sm-a=5C=5Cb", "a\\b"),
    ("x\\", "sm-x=5C", "x"),
    ("we ird", "sm-we=20ird", "we"),
    ("%pct", "sm-=25pct", "other"),
    ("@at", "sm-=40at", "at"),
    ("ALL", "sm-ALL", "other"),
    ("OPS", "sm-OPS", "other"),
    ("Defaults", "sm-Defaults", "other"),
    ("1002", "sm-1002", "other"),
    ("0", "sm-0", "other"),
    ("a=b", "sm-a=3Db", "a"),
    ("a,b", "sm-a=2Cb", "b"),
    ("backup~", "sm-backup=7E", "backup"),
    ("jörg", "sm-j=C3=B6rg", "jorg"),
    ("日本", "sm-=E6=97=A5=E6=9C=AC", "other"),
    ("u@dom.com", "sm-u=40dom=2Ecom", "u"),
    ("!neg", "sm-=21neg", "other"),
    ("!ALL", "sm-=21ALL", "other"),
    ("host$", "sm-host=24", "host"),
    ("1.2.3.4", "sm-1=2E2=2E3=2E4", "other"),
    ("a\"b", "sm-a=22b", "a"),
    ("o'x", "sm-o=27x", "o"),
    ("a!b", "sm-a=21b", "b"),
    ("a(b)", "sm-a=28b=29", "b"),
    ("a#b", "sm-a=23b", "a"),
    ("a%b", "sm-a=25b", "a"),
    ("a*", "sm-a=2A", "a"),
    ("[ab]", "sm-=5Bab=5D", "a"),
    ("../up", "sm-=2E=2E=2Fup", "up"),
    ("trail.", "sm-trail=2E", "trail"),
    ("_X", "sm-_X", "other"),
    ("$(id)", "sm-=24=28id=29", "other"),
    // Words of sudo's grammar.
    ("list", "sm-list", "other"),
    ("sudoedit", "sm-sudoedit", "other"),
    ("sha224", "sm-sha224", "other"),
    ("sha512", "sm-sha512", "other"),
    ("include", "sm-include", "other"),
];

/// Who is only there to be mistaken for somebody.
const BYSTANDERS: [&str; 15] = [
    "a", "b", "a\\b", "x", "domuser", "we", "at", "jorg", "u", "host", "o", "up", "trail", "zz",
    "pct",
];

fn add_account(host: &Host, name: &str, uid: usize) {
    for (file, line) in [
        ("/etc/passwd", format!("{name}:x:{uid}:{uid}::/tmp:/bin/bash\n")),
        ("/etc/shadow", format!("{name}:!:19000:0:99999:7:::\n")),
        ("/etc/group", format!("g{uid}:x:{uid}:\n")),
    ] {
        let text = host.read(file);
        let others = text
            .lines()
            .filter(|line| line.split(':').next() != Some(name) || file == "/etc/group");
        let text: String = others.map(|line| format!("{line}\n")).collect();
        host.write(file, text + &line);
    }
}

/// The reply's code to a status that this account, by name or by number, asks for without sudo
/// in front.
fn asks(host: &Host, account: &str) -> String {
    let ids = [format!("--reuid={account}"), "--regid=65534".to_owned()];
    let argv =
        ["setpriv", &ids[0], &ids[1], "--clear-groups", HELPER, "service", "status", "nginx"];
    let done = host.command("root", &argv).run();
    crate::host::Reply::of(&done).code().to_owned()
}

host_test!(an_odd_account_name_gets_its_own_rule_and_nobody_elses, boot, |host| {
    for (at, (name, ..)) in NAMES.iter().enumerate() {
        add_account(host, name, 3000 + at);
    }
    for (at, name) in BYSTANDERS.iter().enumerate() {
        add_account(host, name, 4000 + at);
    }
    // Read as an alias or a group, these names would be `other`.
    host.write("/etc/sudoers.d/00-alias", "User_Alias OPS = other, a, b\n");
    host.root("chmod 0440 /etc/sudoers.d/00-alias; groupadd pct; gpasswd -a other pct").ok();

    let mut wrong = Vec::new();
    for (at, (name, file, mistaken)) in NAMES.iter().enumerate() {
        let answer = setup_sudo(host, &["--user", name]);
        let files = drop_ins(host);
        if answer.exit != 0 || answer.json["proved"] != true || files != ["00-alias", file] {
            wrong.push(format!("{name}: {files:?}, {:#}", answer.json));
            host.root("rm -f /etc/sudoers.d/sm-*").ok();
            continue;
        }
        assert_eq!(answer.json["may_run_sm"], false, "{name}");
        assert_eq!(answer.json["user"], *name);
        let own = asks(host, &(3000 + at).to_string());
        let others = [asks(host, mistaken), asks(host, "zz")];
        if own != "ok" || others.iter().any(|code| code != "not_privileged") {
            wrong.push(format!(
                "{name} gets {own}, {mistaken} and zz get {others:?}: {}",
                host.read(format!("/etc/sudoers.d/{file}"))
            ));
        }
        setup_sudo(host, &["--check", "--user", name]).expect("ok", 0);
        setup_sudo(host, &["--remove", "--user", name]).expect("ok", 0);
        assert_eq!(drop_ins(host), ["00-alias"], "{name}: --remove leaves something");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    sudo_works(host);
});

host_test!(an_odd_group_name_gets_its_own_rule, boot, |host| {
    host.write("/etc/sudoers.d/00-alias", "User_Alias OPS = other\n");
    host.root("chmod 0440 /etc/sudoers.d/00-alias").ok();
    let groups = ["gr pe", "dom\\gr", "OPS", "ALL", "1002", "gr.x", "%pct", "g:colon", "grü"];
    let mut wrong = Vec::new();
    for (at, name) in groups.iter().filter(|name| !name.contains(':')).enumerate() {
        let before = host.read("/etc/group");
        host.write("/etc/group", format!("{before}{name}:x:{}:agent\n", 5000 + at));
        let answer = setup_sudo(host, &["--group", name]);
        let reply = host.helper(&["service", "status", "nginx"]);
        let other = host.helper_as("other", &["service", "status", "nginx"]);
        let codes = (reply.code(), other.code());
        if answer.exit != 0 || answer.json["proved"] != true || codes != ("ok", "not_privileged") {
            wrong.push(format!("{name}: {codes:?} {:#}", answer.json));
        }
        setup_sudo(host, &["--group", name, "--remove"]).expect("ok", 0);
        assert_eq!(drop_ins(host), ["00-alias"], "{name}");
        host.write("/etc/group", before);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
});
