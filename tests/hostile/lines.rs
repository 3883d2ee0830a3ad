//! The table of hostile command lines.

use std::collections::HashSet;

use crate::batch::run;
use crate::host::{Sudo, host_test, log};
use crate::proof::executed_during;

/// The code and the words of each case.
fn table() -> Vec<(&'static str, &'static str)> {
    let lines = include_str!("lines").lines().map(str::trim_end);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').unwrap_or((line, ""))).collect()
}

host_test!(no_command_line_outside_the_policy_is_executed, ready_test_policy, all, |host| {
    // Over the socket, what names the way has another answer.
    let over_socket = host.sudo == Sudo::Unused;
    let mut table = table();
    table.retain(|(_, words)| !over_socket || !words.contains("--via"));
    assert!(table.len() >= 180, "{}", table.len());
    let commands: Vec<_> =
        table.iter().map(|(_, words)| format!("/usr/local/bin/sm-helper {words}")).collect();
    let (answers, executed) = executed_during(host, || run(host, &commands));

    let recorded: HashSet<_> = log(host).iter().map(|r| r["request_id"].to_string()).collect();
    let mut wrong = Vec::new();
    for ((expected, words), answer) in table.iter().zip(&answers) {
        let code = answer.code();
        if code != *expected {
            wrong.push(format!("{words}\n    {expected} was expected, and got {code}"));
        }
        // What root has refused is in its log; what is over 64 KiB does not get that far.
        let is_long = ["$(long 1000", "$(long 131"].iter().any(|long| words.contains(long));
        let by_root = ["denied", "invalid_argument", "reason_required"].contains(&&*code);
        if let Ok(reply) = answer.reply()
            && by_root
            && !is_long
            && !words.contains("--dry-run")
            && !recorded.contains(&reply["request_id"].to_string())
        {
            wrong.push(format!("{words}\n    is not recorded"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table.len(), wrong.join("\n"));
    assert_eq!(executed, Vec::<String>::new());
});
