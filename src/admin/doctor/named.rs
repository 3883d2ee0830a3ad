//! The units that somebody may have started again: those that the policies name, and those of the
//! rules that sudo has for the accounts.

use crate::admin::doctor::commands::words;
use crate::admin::doctor::context::Context;
use crate::admin::doctor::programs::has;
use crate::policy::COMPILED;
use std::collections::BTreeSet;

/// What has systemd start what a unit names, or has it started later (`systemctl(1)`).
const VERBS: &str = "\
    condrestart enable force-reload isolate kill preset reenable reload reload-or-restart \
    reload-or-try-restart restart start stop try-reload-or-restart try-restart";

/// The kinds of units; without one a name is that of a service.
const KINDS: &str = "automount device mount path scope service slice socket swap target timer";

/// The names of the units.
pub fn units(context: &Context) -> BTreeSet<String> {
    let site = context.policy.as_ref().ok().and_then(|force| force.site());
    let policies = std::iter::once(COMPILED).chain(site);
    let names =
        policies.flat_map(|policy| policy.units.iter().map(move |rule| policy.text_of(rule.name)));
    let mut names: BTreeSet<String> = names.map(str::to_owned).collect();
    let listings = context.agents.iter().filter_map(|agent| agent.listing.as_ref()?.as_ref().ok());
    let entries = listings.flat_map(|listing| &listing.entries).filter(|entry| entry.is_as_root());
    names.extend(entries.flat_map(|entry| &entry.commands).flat_map(|command| of_command(command)));
    names
}

/// The units that a command of a rule has started, or may have started.
fn of_command(command: &str) -> Vec<String> {
    if command.starts_with('!') {
        return Vec::new();
    }
    let words = words(command);
    let Some((path, arguments)) = words.split_first() else { return Vec::new() };
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut arguments = arguments.iter().map(String::as_str).filter(|word| !word.starts_with('-'));
    let named: Vec<&str> = match name {
        "systemctl" if arguments.any(|word| has(VERBS, word)) => arguments.collect(),
        "service" => arguments.take(1).collect(),
        // `/etc/init.d/nginx restart`
        _ if path.starts_with("/etc/init.d/") => vec![name],
        _ => Vec::new(),
    };
    named.into_iter().filter_map(whole).collect()
}

/// The unit's whole name; none if that is none: a pattern is a problem of its own.
fn whole(name: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ":_.@-\\".contains(c);
    if name.is_empty() || !name.chars().all(is_plain) || name.starts_with(['.', '@']) {
        return None;
    }
    let has_kind = name.rsplit_once('.').is_some_and(|(_, kind)| has(KINDS, kind));
    Some(if has_kind { name.to_owned() } else { format!("{name}.service") })
}

#[cfg(test)]
mod tests {
    use super::of_command;

    #[test]
    fn the_units_of_a_rule_are_found() {
        for (command, units) in [
            ("/usr/bin/systemctl restart x", &["x.service"][..]),
            ("/bin/systemctl --no-block restart x.service y.timer", &["x.service", "y.timer"]),
            ("/usr/bin/systemctl reload-or-restart --quiet a@1", &["a@1.service"]),
            ("/usr/bin/systemctl restart app.v2", &["app.v2.service"]),
            ("/usr/sbin/service x restart", &["x.service"]),
            ("/etc/init.d/x restart", &["x.service"]),
            ("/usr/bin/systemctl status x", &[]),
            ("/usr/bin/systemctl restart x*", &[]),
            ("/usr/bin/systemctl restart", &[]),
            ("/usr/bin/systemctl", &[]),
            ("!/usr/bin/systemctl restart x", &[]),
            ("/usr/bin/id restart x", &[]),
            ("ALL", &[]),
        ] {
            assert_eq!(of_command(command), units, "{command}");
        }
    }
}
