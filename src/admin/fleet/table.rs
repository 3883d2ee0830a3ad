//! The report as a person reads it: a line for each host; what several have in common is said
//! once, with their names.

use crate::admin::fleet::row::{Row, counted};
use crate::output::text::some_of;
use crate::output::{text, wrap};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

/// How many hosts are named in a finding; the others are counted.
const NAMED: usize = 20;

/// What is to be said of some hosts.
#[derive(Default)]
struct Finding<'r> {
    hosts: Vec<&'r str>,
    mark: &'static str,
    text: &'r str,
    commands: Vec<&'r str>,
}

/// A line for each host, in their order, what there is to do, and a line that counts.
pub fn of(rows: &[Row], coloured: bool, terminal: Option<usize>) -> String {
    let width = rows.iter().map(|row| row.host.chars().count()).max().unwrap_or(0).min(40);
    let wide = rows.iter().map(|row| row.word().len()).max().unwrap_or(0);
    let findings = findings(rows);
    let mut alone: HashMap<&str, Vec<&Finding<'_>>> = HashMap::new();
    for finding in &findings {
        if let [host] = finding.hosts[..] {
            alone.entry(host).or_default().push(finding);
        }
    }
    let mut text = String::new();
    for row in rows {
        let (on, off) = if coloured { (row.status.colour(), "\x1b[0m") } else { ("", "") };
        let what = row.error.as_deref().unwrap_or(&row.what);
        let seconds = row.duration_ms / 1000.0;
        let begin =
            format!("{:width$}  {on}{:wide$}{off}  {seconds:6.1} s  ", row.host, row.word());
        let column = begin.chars().count() - on.len() - off.len();
        let _ = writeln!(text, "{}", wrap::row(&begin, column, what, terminal));
        let below = format!("{:width$}  {:wide$}  {:8}  ", "", "", "");
        for Finding { mark, text: message, commands, .. } in
            alone.get(&*row.host).into_iter().flatten()
        {
            let command: String = commands.iter().map(|command| format!(": {command}")).collect();
            let line = format!("{mark} {message}{command}");
            let _ = writeln!(text, "{}", wrap::row(&below, below.len(), &line, terminal));
        }
    }
    for Finding { hosts, mark, text: message, commands } in &findings {
        if hosts.len() == 1 {
            continue;
        }
        let line = wrap::wrapped(&format!("{}: {mark} {message}", some_of(hosts, NAMED)), terminal);
        let _ = writeln!(text, "{line}");
        for command in commands {
            let _ = writeln!(text, "    {command}");
        }
    }
    let _ = write!(text, "{}: {}", text::counted(rows.len() as u64, "host"), counted(rows));
    text
}

/// What is said of the hosts, each thing once, in the order in which it is said first.
fn findings(rows: &[Row]) -> Vec<Finding<'_>> {
    let mut findings: Vec<Finding<'_>> = Vec::new();
    let mut places = HashMap::new();
    let mut commands = HashSet::new();
    for row in rows {
        let command = row.command.as_deref();
        let hint = row.hint.as_deref().map(|hint| {
            let end = command.and_then(|command| hint.strip_suffix(command)?.strip_suffix(": "));
            ("→", end.unwrap_or(hint), command)
        });
        let warnings = row.more.get("warnings").and_then(Value::as_array).into_iter().flatten();
        let warnings = warnings.filter_map(|text| Some(("warning:", text.as_str()?, None)));
        for (mark, text, command) in hint.into_iter().chain(warnings) {
            let place = *places.entry((mark, text)).or_insert_with(|| {
                findings.push(Finding { mark, text, ..Finding::default() });
                findings.len() - 1
            });
            findings[place].hosts.push(&row.host);
            findings[place].commands.extend(command.filter(|new| commands.insert((place, *new))));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::fleet::row::Status;
    use crate::admin::fleet::trouble::tests::host;

    fn row(name: &str, hint: &str, command: Option<&str>) -> Row {
        let mut row = Row::new(&host(), Status::Failed, "host_key").error("its key");
        row.host = name.to_owned();
        let row = row.hint(Some(hint));
        match command {
            Some(command) => row.command(command.to_owned()),
            None => row,
        }
    }

    #[test]
    fn what_is_to_be_done_is_said_once_with_the_names_of_all() {
        let rows: Vec<Row> =
            (1..=6).map(|at| row(&format!("web{at}"), "compare it", None)).collect();
        let text = of(&rows, false, None);
        assert_eq!(text.matches("compare it").count(), 1, "{text}");
        assert!(text.contains("\nweb1, web2, web3, web4, web5, web6: → compare it\n"), "{text}");
        assert_eq!(text.lines().count(), 8, "{text}");
        let many: Vec<Row> =
            (1..=500).map(|at| row(&format!("w{at}"), "compare it", None)).collect();
        assert!(of(&many, false, None).contains(", w20 and 480 more: → compare it\n"));
    }

    #[test]
    fn a_hosts_own_stands_below_it_and_commands_are_kept_apart() {
        let rows = [
            row("web1", "forget it", Some("ssh-keygen -R a")),
            row("web2", "look", Some("ssh web2")),
            row("web3", "forget it", Some("ssh-keygen -R b")),
            row("web4", "forget it", Some("ssh-keygen -R b")),
        ];
        assert_eq!(rows[0].hint.as_deref(), Some("forget it: ssh-keygen -R a"));
        let text = of(&rows, false, None);
        let all = "web1, web3, web4: → forget it\n    ssh-keygen -R a\n    ssh-keygen -R b\n";
        assert!(text.contains(all), "{text}");
        assert!(text.contains("→ look: ssh web2\nweb3 "), "{text}");
    }

    #[test]
    fn a_warning_of_all_is_said_once() {
        let warned =
            |name: &str| row(name, "look", None).warned(vec!["an older version".to_owned()]);
        let text = of(&[warned("web1"), warned("web2")], false, None);
        assert_eq!(text.matches("an older version").count(), 1, "{text}");
        assert!(text.contains("web1, web2: warning: an older version\n"), "{text}");
    }
}
