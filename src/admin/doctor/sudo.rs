//! What sudo lets the accounts do that may use the helper.

use crate::admin::doctor::accounts::gives_root;
use crate::admin::doctor::agents::{Agent, DropInFile, MOST};
use crate::admin::doctor::commands::{Host, judged};
use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::{Finding, Status, or_ok};
use crate::admin::doctor::listing::{Listing, listing};
use crate::admin::doctor::paths::{fix, word};
use crate::admin::doctor::versions::pager_escapes;
use crate::admin::setup_sudo::exact::{besides, is_exact};
use crate::output::text::{one_line, shell_word};
use crate::sudo::account::Who;
use crate::sudo::ask::program;
use crate::sudo::files::main_file;
use crate::sudo::listing::{Entry, with_environment};
use crate::sudo::written::{Account, Rule, Written};
use crate::system::accounts::{Group, User, groups_of};
use nix::unistd::{Gid, Uid};
use std::path::{Path, PathBuf};

/// What lets sudo be asked again.
fn unasked(reason: &str) -> String {
    let tty = reason.contains("must have a tty").then(|| {
        let root = User::from_uid(Uid::from_raw(0)).ok().flatten()?;
        let written = Written::read();
        let setting = written.setting(&Account::of(&root), Path::new("sudo"), "requiretty")?;
        Some(edit(&setting.place.file))
    });
    tty.flatten().or_else(|| fix(&program("sudo")?)).unwrap_or_else(|| "visudo -c".to_owned())
}

/// Looks at each account with what sudo says of it.
pub fn each(
    context: &Context,
    well: &str,
    look: impl Fn(&Agent, &Listing) -> Vec<Finding>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut looked_at = 0;
    for agent in &context.agents {
        match &agent.listing {
            None => continue,
            Some(Err(reason)) => found.push(
                Finding::warning(format!(
                    "sudo could not be asked about {}: {reason}",
                    agent.user.name
                ))
                .fix(unasked(reason)),
            ),
            Some(Ok(listing)) => found.extend(look(agent, listing)),
        }
        looked_at += 1;
    }
    if context.agents.len() > MOST && looked_at > 0 {
        let more = context.agents.len() - MOST;
        found.push(
            Finding::warning(format!("sudo was not asked about {more} more accounts"))
                .means("only the first 100 accounts that may use the helper were checked"),
        );
    }
    match looked_at {
        0 if program("sudo").is_none() => or_ok(found, "there is no sudo on this host"),
        0 => or_ok(found, "no account may use the helper yet"),
        _ => or_ok(found, format!("{well} ({looked_at} checked)")),
    }
}

/// What else sudo lets them do.
pub fn more(context: &Context) -> Vec<Finding> {
    let helper = context.helper.to_string_lossy();
    let host = Host { helper: &helper, pager_escapes: pager_escapes() };
    each(
        context,
        "sudo allows no account that may use the helper anything else",
        |agent, listing| {
            let name = &agent.user.name;
            let mut found = Vec::new();
            for entry in &listing.entries {
                for command in &entry.commands {
                    let Some((status, reason)) = judged(command, host) else { continue };
                    let how =
                        if entry.is_free() { "without a password" } else { "with a password" };
                    let whom = entry.users.join(", ");
                    let (status, reason) = if entry.is_as_root() {
                        (status, reason)
                    } else if let Some((group, reason)) =
                        entry.groups.iter().find_map(|one| gives_root(one))
                    {
                        (status, format!("with the group {group}, {reason}"))
                    } else if let Some(reason) =
                        entry.users.iter().find_map(|user| is_near_root(user))
                    {
                        (status, reason)
                    } else {
                        (
                            Status::Warning,
                            "the policy does not limit another account's rights".to_owned(),
                        )
                    };
                    let (at, fix) = located(place(context, agent, command, Some(entry.is_free())));
                    let what = format!(
                        "{name} may run {} as {whom} {how}: {reason}{at}",
                        one_line(command, 120)
                    );
                    found.push(Finding::new(status, what).fix(fix));
                }
            }
            // There the helper's path leads to another program: CVE-2025-32463 is of the same kind.
            let as_root = listing.entries.iter().filter(|entry| entry.is_as_root());
            for chroot in as_root.filter_map(|entry| entry.chroot.as_deref()) {
                let (at, fix) = located(tagged(context, agent, "CHROOT"));
                let what = format!("{name} can make sudo use another folder as /, {chroot}{at}");
                found.push(
                    Finding::problem(what)
                        .means("sudo runs as root whatever has the helper's name in that folder")
                        .fix(fix),
                );
            }
            found.extend(besides_the_lines(context, agent, &listing.entries));
            // Bringing an environment is bringing code: LD_PRELOAD.
            for commands in with_environment(&listing.short) {
                let what = format!("{name} may set the environment of {}", one_line(commands, 120));
                let again =
                    format!("{} setup-sudo --user {}", word(&context.program), shell_word(name));
                found.push(
                    Finding::problem(what)
                        .means("with LD_PRELOAD the account runs its own code as root")
                        .fix(tagged(context, agent, "SETENV").map_or(again, |place| place.fix)),
                );
            }
            found
        },
    )
}

/// Why an account that another may run programs as is equivalent to root; none if it is not, as far
/// as its groups and sudo tell.
fn is_near_root(written: &str) -> Option<String> {
    let number = written.strip_prefix('#').and_then(|number| number.parse().ok());
    let user = match number {
        Some(uid) => User::from_uid(Uid::from_raw(uid)),
        None => User::from_name(written),
    };
    let user = user.ok().flatten()?;
    for gid in groups_of(&user.name, user.gid).unwrap_or_default() {
        let group = Group::from_gid(gid).ok().flatten()?;
        if let Some((_, reason)) = gives_root(&group.name) {
            return Some(format!("{written} is in the group {}: {reason}", group.name));
        }
    }
    let listing = listing(&user.name)?.ok()?;
    let mut free = listing.entries.iter().filter(|entry| entry.is_as_root() && entry.is_free());
    free.any(|entry| entry.commands.iter().any(|command| command == "ALL"))
        .then(|| format!("sudo makes {written} root without a password"))
}

/// The drop-ins that are for the account, or for a group that it is in.
pub fn drop_ins_of<'s>(
    context: &'s Context,
    agent: &'s Agent,
) -> impl Iterator<Item = &'s DropInFile> {
    context.drop_ins.iter().filter(|file| match &file.who {
        Some(Who::User { name, .. }) => *name == agent.user.name,
        Some(Who::Group { gid, .. }) => {
            gid.is_some_and(|gid| agent.groups.contains(&Gid::from_raw(gid)))
        }
        None => false,
    })
}

/// What lets an account with an exact drop-in ask the helper for more than its lines.
fn besides_the_lines(context: &Context, agent: &Agent, entries: &[Entry]) -> Vec<Finding> {
    let own = drop_ins_of(context, agent).map(|file| file.text.clone());
    let own: Vec<String> = own.filter(|text| is_exact(text)).collect();
    if own.is_empty() {
        return Vec::new();
    }
    let finding = |command: &str| {
        let (at, fix) = located(place(context, agent, command, None));
        let (name, command) = (&agent.user.name, one_line(command, 120));
        let what =
            format!("{name} may run {command}, which is not a line of its exact drop-in{at}");
        Finding::warning(what)
            .means("sudo allows what is not on the list; only the helper refuses it")
            .fix(fix)
    };
    let more = besides(entries, &context.helper, &own);
    // What is more than the helper is said of already.
    let helper = context.helper.to_string_lossy();
    let is_helper = |rest: &str| rest.is_empty() || rest.starts_with(' ');
    let more = more.filter(|command| command.strip_prefix(&*helper).is_some_and(is_helper));
    more.map(finding).collect()
}

/// Where a rule stands.
struct Place {
    /// The file and the line.
    at: String,
    /// What takes the rule away.
    fix: String,
}

/// What a finding says of the place, as far as it is known, and what opens it.
fn located(place: Option<Place>) -> (String, String) {
    place.map_or_else(
        || (String::new(), "visudo".to_owned()),
        |place| (format!(", {}", place.at), place.fix),
    )
}

/// Where the rule stands that sudo lists for the account with this command, if it is in a file:
/// first one that asks for a password, or does not, as the listed one.
fn place(context: &Context, agent: &Agent, command: &str, is_free: Option<bool>) -> Option<Place> {
    let written = Written::read();
    let account = Account::with_groups(&agent.user, &agent.groups);
    let rule = written.rule(&account, command, is_free);
    Some(placed(context, agent, &rule?))
}

/// The same of a rule with this tag or option.
fn tagged(context: &Context, agent: &Agent, tag: &str) -> Option<Place> {
    let written = Written::read();
    let account = Account::with_groups(&agent.user, &agent.groups);
    let rule = written.tagged(&account, tag);
    Some(placed(context, agent, &rule?))
}

fn placed(context: &Context, agent: &Agent, rule: &Rule<'_>) -> Place {
    let user = &agent.user;
    let groups = agent.groups.iter().filter_map(|gid| Group::from_gid(*gid).ok().flatten());
    let leave = groups
        .filter(|group| {
            let names = [format!("%{}", group.name), format!("%#{}", group.gid)];
            rule.users.iter().any(|one| names.contains(one))
        })
        .find(|group| group.gid != user.gid && !is_one_of_ours(context, &group.name));
    let fix = match leave {
        Some(group) => {
            format!("gpasswd --delete {} {}", shell_word(&user.name), shell_word(&group.name))
        }
        None => edit(&rule.place.file),
    };
    Place { at: rule.place.to_string(), fix }
}

/// Whether a drop-in of ours is for this group.
fn is_one_of_ours(context: &Context, group: &str) -> bool {
    let named = context.drop_ins.iter().filter_map(|file| file.who.as_ref());
    let mut groups = named.filter(|who| matches!(who, Who::Group { .. }));
    groups.any(|who| matches!(who, Who::Group { name, .. } if name == group))
}

/// The command that opens a file of sudo's configuration.
pub fn edit(file: &PathBuf) -> String {
    if file == main_file() { "visudo".to_owned() } else { format!("visudo -f {}", word(file)) }
}
