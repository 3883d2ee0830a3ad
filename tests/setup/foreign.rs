//! A file is ours by what is in it: whatever has a name as ours do stays, in every command.

use crate::answer::{DROP_IN, SM, drop_ins, setup_sudo, state};
use crate::host::host_once;

/// What may have the name of the drop-in of `agent`.
const OTHERS: [&str; 6] = [
    "echo 'sm-agent ALL=(ALL) NOPASSWD: ALL' >FILE; chmod 0440 FILE",
    "printf '# mine\\n# Made by sm setup-sudo for account agent\\nother ALL=(root) /bin/true\\n' >FILE; chmod 0440 FILE",
    "echo '# Made by sm setup-sudoers' >FILE; chmod 0440 FILE",
    "echo 'other ALL=(root) /bin/true' >/root/rule; chmod 0440 /root/rule; ln -s /root/rule FILE",
    "ln -s /nowhere FILE",
    "mkdir FILE",
];

host_once!(what_is_not_ours_is_neither_replaced_nor_taken_away, boot, |host| {
    let group = "/etc/sudoers.d/sm-%agent";
    // Its folder and its lock are there from now on.
    setup_sudo(host, &["--user", "other", "--remove"]).expect("ok", 0);
    let mut wrong = Vec::new();
    for other in OTHERS {
        for (file, who) in [(DROP_IN, ["--user", "agent"]), (group, ["--group", "agent"])] {
            host.root(&other.replace("FILE", file)).ok();
            let before = state(host);
            for more in [&[][..], &["--exact"], &["--keep-exact"], &["--check"], &["--remove"]] {
                let answer = setup_sudo(host, &[&who[..], more].concat());
                let said = format!("{} {}", answer.json["error"], answer.json["hint"]);
                if answer.exit != 1 || !said.contains("was not made by sm setup-sudo") {
                    wrong.push(format!("{other}, {who:?} {more:?}: {:#}", answer.json));
                }
                if more == ["--check"] && answer.json["state"] != "foreign" {
                    wrong.push(format!("{other}: {:#}", answer.json));
                }
            }
            let all = setup_sudo(host, &["--remove", "--all"]).expect("ok", 0);
            if all.json["changed"] != false || state(host) != before {
                wrong.push(format!("{other}, {who:?}: something has changed"));
            }
            host.root(&format!("rm -rf '{file}'")).ok();
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // The command of the hint makes room for both.
    host.root(&OTHERS[0].replace("FILE", DROP_IN)).ok();
    let answer = setup_sudo(host, &["--user", "agent"]).expect("command_failed", 1);
    let hint = answer.json["hint"].as_str().unwrap_or_default().to_owned();
    let command = hint.split('`').nth(1).unwrap_or_default().to_owned();
    host.root(&command).ok();
    setup_sudo(host, &["--user", "agent"]).expect("ok", 0);
    assert_eq!(drop_ins(host), ["own-sm-agent", "sm-agent"]);
    // What a kill leaves has the names that these have, and may be somebody's copy.
    for name in ["sm-agent.old", "sm-agent.new"] {
        host.root(&format!("echo 'agent ALL=ALL' >/etc/sudoers.d/{name}")).ok();
        for args in [
            &["--user", "agent"][..],
            &["--user", "agent", "--exact"],
            &["--user", "agent", "--remove"],
        ] {
            setup_sudo(host, args).expect("command_failed", 1).says(&[name]);
        }
        host.root(&format!("rm /etc/sudoers.d/{name}")).ok();
    }
});

host_once!(what_somebody_added_to_ours_is_named_when_it_goes, |host| {
    let by_hand = "agent ALL=(root) NOPASSWD: /usr/bin/id";
    for args in [
        &["--user", "agent"][..],
        &["--user", "agent", "--exact"],
        &["--user", "agent", "--remove"],
    ] {
        host.root(&format!("echo '{by_hand}' >>{DROP_IN}; echo '# a comment' >>{DROP_IN}")).ok();
        let answer = setup_sudo(host, args).expect("ok", 0);
        assert_eq!(answer.json["dropped"], serde_json::json!([by_hand]), "{:#}", answer.json);
        setup_sudo(host, &["--user", "agent"]).expect("ok", 0);
        host.root(&format!("echo '{by_hand}' >>{DROP_IN}")).ok();
        let text = host.root(&format!("{SM} setup-sudo {}", args.join(" "))).ok();
        assert!(text.contains(by_hand) && text.contains("visudo -f"), "{text}");
        let answer = setup_sudo(host, &["--user", "agent"]).expect("ok", 0);
        assert!(answer.json["dropped"].is_null(), "{:#}", answer.json);
    }
});

host_once!(nothing_is_left_beside_a_drop_in_that_could_not_be_replaced, |host| {
    let before = (host.read(DROP_IN), drop_ins(host));
    let injected = format!(
        "strace -qq -f -o /dev/null -e trace=rename,renameat2 -e inject=rename,renameat2:error=EIO:when=1 \
         {SM} setup-sudo --user agent --exact"
    );
    let done = host.root(&injected);
    assert_eq!(done.status, Some(1), "{done}");
    assert_eq!((host.read(DROP_IN), drop_ins(host)), before);
});

/// What lets somebody else change what the rule names or where it is, and what makes it right.
const EXPOSED: [(&str, &str, &str); 5] = [
    ("chmod g+w /etc/sudoers.d", "chmod 0755 /etc/sudoers.d", "/etc/sudoers.d"),
    ("chmod o+w /etc/sudoers.d", "chmod 0755 /etc/sudoers.d", "/etc/sudoers.d"),
    ("chown agent /etc/sudoers.d", "chown root /etc/sudoers.d", "/etc/sudoers.d"),
    (
        "python3 -c 'import os, struct; os.setxattr(\"/usr/local/bin\", \"system.posix_acl_default\", struct.pack(\"<I\", 2) + b\"\".join(struct.pack(\"<HHI\", *e) for e in [(1, 7, 0xffffffff), (2, 7, 1000), (4, 5, 0xffffffff), (16, 7, 0xffffffff), (32, 5, 0xffffffff)]))'",
        "python3 -c 'import os; os.removexattr(\"/usr/local/bin\", \"system.posix_acl_default\")'",
        "default ACL",
    ),
    (
        "python3 -c 'import os, struct; os.setxattr(\"/usr/local/bin/sm-helper\", \"security.capability\", struct.pack(\"<IIIII\", 0x02000001, 1 << 21, 0, 0, 0))'",
        "python3 -c 'import os; os.removexattr(\"/usr/local/bin/sm-helper\", \"security.capability\")'",
        "file capabilities",
    ),
];

host_once!(what_others_could_change_is_refused, boot, |host| {
    for (make, undo, said) in EXPOSED {
        let whole = drop_ins(host);
        host.root(make).ok();
        for args in [&["--user", "agent"][..], &["--user", "agent", "--exact"]] {
            setup_sudo(host, args).expect("untrusted_path", 6).says(&[said]);
        }
        assert_eq!(drop_ins(host), whole, "{make}");
        host.root(undo).ok();
    }
    setup_sudo(host, &["--user", "agent"]).expect("ok", 0);
});
