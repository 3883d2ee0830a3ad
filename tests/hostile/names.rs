//! An account that may run `sm-helper` as root may not run `sm` as root: by no link, no name and
//! no option of sudo's.

use std::fs;

use crate::batch::run;
use crate::host::{Host, host_test};
use crate::proof::{executed_during, install};

/// What sudo is configured to allow.
fn allowed(host: &Host) -> Vec<(String, String)> {
    let mut files = vec![("sudoers".to_owned(), host.read("/etc/sudoers"))];
    for entry in fs::read_dir(host.path("/etc/sudoers.d")).expect("the folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        let text = host.read(format!("/etc/sudoers.d/{name}"));
        files.push((name, text));
    }
    files.sort();
    files
}

host_test!(no_name_leads_to_the_administrators_program, |host| {
    install(host, "evil.c", "/home/agent/evil.so");
    host.root(
        "cd /home/agent; mkdir -p links/crossed hard/crossed /tmp/links
         ln -s /usr/local/bin/sm links/sm; ln -s /usr/local/bin/sm-helper links/sm-helper
         ln -s /usr/local/bin/sm links/other; ln -s /usr/local/bin links/bin
         ln -s /usr/local/bin/sm-helper links/crossed/sm
         ln -s /usr/local/bin/sm links/crossed/sm-helper; ln -s /usr/local/bin/sm /tmp/links/sm-helper
         ln /usr/local/bin/sm hard/sm; ln /usr/local/bin/sm-helper hard/sm-helper
         ln /usr/local/bin/sm-helper hard/crossed/sm; ln /usr/local/bin/sm hard/crossed/sm-helper
         chown -Rh agent: links; chown agent: hard hard/crossed; chown -h agent: /tmp/links",
    )
    .ok();
    let lines = include_str!("names").lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let commands: Vec<_> = lines.map(str::to_owned).collect();
    let before = allowed(host);
    let nginx = host.main_pid("nginx");

    let (answers, executed) = executed_during(host, || run(host, &commands));

    let shown = |answer: &crate::batch::Answer| {
        let stderr = String::from_utf8_lossy(&answer.stderr).into_owned();
        format!(
            "{}: {}: {}{}",
            answer.command,
            answer.exit,
            String::from_utf8_lossy(&answer.stdout),
            stderr
        )
    };
    for answer in &answers {
        println!("{}", shown(answer));
    }
    // Nobody was told that the drop-in is in place, or who root is.
    let done: Vec<_> = answers
        .iter()
        .filter(|answer| {
            let said = String::from_utf8_lossy(&answer.stdout);
            said.contains("uid=0")
                || said.contains("sudoers.d/sm-other")
                || said.contains("[\"/usr")
        })
        .filter(|answer| !answer.command.starts_with("unshare"))
        .map(shown)
        .collect();
    assert!(done.is_empty(), "{}", done.join("\n"));
    assert_eq!(executed, Vec::<String>::new());
    assert_eq!(allowed(host), before);
    assert!(!host.exists("/tmp/pwned"));
    assert_eq!(host.main_pid("nginx"), nginx);

    // Whatever it is called, the file that is executed says which program it is.
    for answer in answers.iter().filter(|answer| answer.command.starts_with("exec -a")) {
        let command = &answer.command;
        if command.contains("sm-helper setup-sudo") && !command.contains("sudo -n") {
            assert_eq!(answer.code(), "usage", "{command}");
        }
    }

    // Where the way is open, the same means see it.
    host.write("/etc/sudoers.d/open", "agent ALL=(root) NOPASSWD: /usr/local/bin/sm\n");
    host.root("chmod 0440 /etc/sudoers.d/open").ok();
    let through = ["sudo -n sm setup-sudo --user other".to_owned()];
    let (_, executed) = executed_during(host, || run(host, &through));
    assert!(executed.iter().any(|name| name == "sm"), "{executed:?}");
    assert!(host.exists("/etc/sudoers.d/sm-other"));
});
