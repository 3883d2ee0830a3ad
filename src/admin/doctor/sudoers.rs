//! sudo's configuration as files: valid, root's, read, and our own as they should be.

use crate::admin::call;
use crate::admin::doctor::agents::{DropInFile, is_rule};
use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::{Finding, Status, or_ok};
use crate::admin::doctor::included;
use crate::admin::doctor::paths::{fix, fix_or, refused, weak, word};
use crate::admin::doctor::policy::repair;
use crate::admin::doctor::sudo::edit;
use crate::admin::setup_sudo::dropin::{DropIn, Found};
use crate::admin::setup_sudo::rule::render;
use crate::admin::setup_sudo::{self, exact};
use crate::output::text::{counted, one_line, shell_word};
use crate::sudo::ask::{is_sudo_rs, program};
use crate::sudo::files::{files, main_file, reads_drop_ins};
use crate::sudo::folder::FOLDER;
use crate::sudo::visudo::{access, complaints, message};
use std::path::{Path, PathBuf};

pub fn valid(context: &Context) -> Vec<Finding> {
    let Some(visudo) = program("visudo") else {
        return vec![match program("sudo") {
            Some(_) => {
                Finding::warning("there is no visudo, so sudo's configuration was not checked")
            }
            None => Finding::ok("there is no sudo on this host"),
        }];
    };
    match call::run(&visudo, &["-c"]) {
        Ok(output) if output.status.success() => {
            vec![Finding::ok("visudo accepts sudo's configuration")]
        }
        Ok(output) => {
            let message = message(&output);
            let finding = Finding::problem(format!("visudo does not accept it: {message}"));
            if let Some(command) = access(&message, &files()) {
                return vec![
                    finding
                        .means("visudo, and with it sm setup-sudo, accepts only files that are root:root 0440; sudo reads no file that others can write to or that root does not own")
                        .fix(command),
                ];
            }
            let is_named = |file: &PathBuf| message.contains(&format!("{}:", file.display()));
            let files = files();
            let named = files.iter().find(|file| is_named(file));
            let command = named.map_or_else(|| "visudo".to_owned(), edit);
            let skipped: Vec<String> =
                complaints(&output).into_iter().map(|one| one.unwrap_or_else(|one| one)).collect();
            // Classic sudo may refuse everybody; sudo-rs continues, with what it could read.
            if !is_sudo_rs() || skipped.is_empty() {
                return vec![finding.fix(command)];
            }
            let is_own = context.drop_ins.iter().any(|file| is_named(&file.path));
            let (status, meaning) = match is_own {
                true => (
                    Status::Problem,
                    "sudo-rs ignores them: they are in a drop-in of sm, which is not in force as it was written",
                ),
                false => (
                    Status::Warning,
                    "sudo-rs ignores them: whatever they were to permit, forbid or set has no effect",
                ),
            };
            let found = format!("sudo-rs ignores what it does not know: {}", skipped.join("; "));
            vec![Finding::new(status, found).means(meaning).fix(command)]
        }
        Err(reason) => {
            let found = format!("visudo could not be asked: {reason}");
            vec![Finding::warning(found).maybe_fix(fix(&visudo))]
        }
    }
}

pub fn path(_: &Context) -> Vec<Finding> {
    if program("sudo").is_none() && !main_file().exists() {
        return vec![Finding::ok("there is no sudo on this host")];
    }
    let mut all = files();
    all.push(FOLDER.into());
    let found = all.iter().filter(|path| path.symlink_metadata().is_ok());
    let mut found: Vec<Finding> = found.filter_map(|path| weak(path)).collect();
    let more = included::by(&all).into_iter().filter(|one| !all.contains(&one.path));
    found.extend(more.filter_map(|one| {
        let refusal = refused(&one.path)?;
        let says = format!("{} includes {}: ", one.by.display(), one.path.display());
        Some(Finding::problem(says + &refusal.error).fix(fix_or(&one.path, edit(&one.by))))
    }));
    let well = format!("only root can change {} and what it includes", main_file().display());
    or_ok(found, well)
}

pub fn reads(context: &Context) -> Vec<Finding> {
    if context.drop_ins.is_empty() {
        return vec![Finding::ok("there is no drop-in to read")];
    }
    match reads_drop_ins(FOLDER) {
        Ok(()) => vec![Finding::ok(format!("{} includes {FOLDER}", main_file().display()))],
        Err(_) => {
            let file = main_file();
            let found = format!("{} does not include {FOLDER}", file.display());
            let command = format!("echo '@includedir {FOLDER}' >>{} && visudo -c", word(file));
            vec![Finding::problem(found).fix(command)]
        }
    }
}

pub fn drop_ins(context: &Context) -> Vec<Finding> {
    let mut found: Vec<Finding> =
        context.drop_ins.iter().filter_map(|file| wrong(context, file)).collect();
    found.extend(context.by_hand.iter().map(|path| {
        let (file, helper) = (path.display(), context.helper.display());
        Finding::warning(format!("{file} has a rule for {helper}, but was not made by setup-sudo"))
            .means("nothing checks what else it gives and to whom, and nothing removes it")
            .fix(edit(path))
    }));
    // All else is in order then, and not one request is answered.
    if context.agents.is_empty() && context.drop_ins.is_empty() && context.by_hand.is_empty() {
        found.push(
            Finding::warning("no account may use the helper yet")
                .means("nothing is set up: every request without root is not_privileged")
                .fix("sm setup-sudo --user ACCOUNT"),
        );
    }
    or_ok(
        found,
        match context.drop_ins.len() {
            0 => "there is none: no account uses sudo".to_owned(),
            count => format!("{count} in place, for {} alone", context.helper.display()),
        },
    )
}

pub fn approvers(context: &Context) -> Vec<Finding> {
    let Ok(force) = &context.policy else {
        return vec![Finding::ok(
            "not compared: every request is refused until the policy is fixed",
        )];
    };
    let wrong = setup_sudo::approvers::behind(force, &context.helper);
    let wrong = wrong.map(|what| {
        Finding::warning(what).fix(format!("{} setup-sudo --approvers", word(&context.program)))
    });
    let well = match force.approvers().len() {
        0 => "only root may approve".to_owned(),
        count => format!("as the policy names them: {}", counted(count as u64, "name")),
    };
    or_ok(wrong.into_iter().collect(), well)
}

fn wrong(context: &Context, file: &DropInFile) -> Option<Finding> {
    let path = file.path.display();
    let Some(who) = &file.who else {
        let (kind, name) = &file.named;
        let found = format!("{path} is for the {kind} {name}, which this host does not have");
        let remove =
            format!("{} setup-sudo --{kind} {} --remove", word(&context.program), shell_word(name));
        return Some(
            Finding::warning(found)
                .means("whoever gets that name gets the rule with it")
                .fix(remove),
        );
    };
    let is_exact = exact::is_exact(&file.text);
    let flag = if is_exact { " --exact" } else { "" };
    let again = format!("{} setup-sudo {}{flag}", word(&context.program), who.flags());
    let name = file.path.file_name().unwrap_or_default().to_string_lossy();
    let own = who.file_name();
    // Of another name it is not the one that is made again.
    let is_second = name != own;
    let again = if is_second { format!("rm {} && {again}", word(&file.path)) } else { again };
    let wanted = match &context.policy {
        Ok(_) if is_exact => exact::render(who, &context.helper).unwrap_or_default(),
        // What is wrong with the policy is said of the policy.
        Err(_) if is_exact && strange(&file.text, &context.helper).is_none() => {
            return Some(
                Finding::warning(format!("{path} could not be compared with the policy"))
                    .means(
                        "every request is refused until the policy is fixed, whatever sudo allows",
                    )
                    .fix(repair()),
            );
        }
        _ => render(who, &context.helper),
    };
    match DropIn::named(&name).look(&wanted) {
        Ok(Found::InPlace) if is_second => Some(
            Finding::warning(format!("{path} is another drop-in for the {}", who.described()))
                .means(format!(
                    "it stays, and still allows the helper, when {FOLDER}/{own} is removed"
                ))
                .fix(again),
        ),
        Ok(Found::InPlace) => None,
        Ok(Found::Exposed(is)) => Some(
            Finding::problem(format!("{path} is {is}, and should be root:root 0440"))
                .fix(fix(&file.path).filter(|_| !is_second).unwrap_or(again)),
        ),
        Ok(Found::Stale(_) | Found::Missing | Found::Foreign) => {
            Some(match strange(&file.text, &context.helper) {
                Some(strange) => {
                    let only = context.helper.display();
                    let found = format!(
                        "{path} allows {} more than to run {only}: {strange}",
                        who.described()
                    );
                    Finding::problem(found).fix(again)
                }
                None if !is_exact => {
                    Finding::warning(format!("{path} is not as it was made")).fix(again)
                }
                // The helper itself judges each request, whatever sudo lets through.
                None => Finding::warning(format!("{path} is not what the policy permits now"))
                    .means(
                        "sudo refuses what the policy now permits, or leaves it to the helper to refuse it",
                    )
                    .fix(again),
            })
        }
        Err(error) => Some(Finding::warning(format!("{path} could not be read: {error}"))),
    }
}

/// The first line of a drop-in that is about something else than the helper.
///
/// A drop-in that lists command lines has the helper in front of each.
fn strange(text: &str, helper: &Path) -> Option<String> {
    let helper = helper.to_string_lossy();
    let joined = text.replace("\\\n", " ");
    let rules: Vec<&str> = joined.lines().map(str::trim).filter(|line| is_rule(line)).collect();
    if rules.is_empty() {
        return Some("it has no rule".to_owned());
    }
    let is_ours = |command: &str| {
        command.strip_prefix(&*helper).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let strange = rules.into_iter().find(|line| {
        let commands = line.split_once(" ALL=(root) NOPASSWD: NOSETENV: ").map(|(_, rest)| rest);
        // A comma of an argument is escaped.
        commands.is_none_or(|commands| {
            !commands.replace("\\,", "").split(',').map(str::trim).all(is_ours)
        })
    });
    strange.map(|line| one_line(line, 200))
}

#[cfg(test)]
mod tests {
    use super::strange;
    use std::path::Path;

    #[test]
    fn what_is_not_the_helper_is_seen() {
        let helper = Path::new("/usr/local/bin/sm-helper");
        let rule = "agent ALL=(root) NOPASSWD: NOSETENV: ";
        for (rest, is_strange) in [
            ("/usr/local/bin/sm-helper", false),
            (
                "/usr/local/bin/sm-helper service restart nginx, /usr/local/bin/sm-helper list",
                false,
            ),
            ("/usr/local/bin/sm-helper list, \\\n    /usr/local/bin/sm-helper version", false),
            ("/usr/local/bin/sm-helper2", true),
            ("/usr/local/bin/sm", true),
            ("/usr/local/bin/sm-helper list, /bin/sh", true),
            ("/usr/local/bin/sm-helper\nagent ALL=(root) NOPASSWD: ALL", true),
            ("/usr/local/bin/sm-helper\nDefaults !env_reset", true),
        ] {
            let text = format!("# Made by sm setup-sudo\n{rule}{rest}\n");
            assert_eq!(strange(&text, helper).is_some(), is_strange, "{text}");
        }
        assert!(strange("# Made by sm setup-sudo\n", helper).is_some());
    }
}
