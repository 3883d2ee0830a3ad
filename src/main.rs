//! sm: least-privilege root for AI agents, CI jobs and scripts.
//!
//! One binary is two programs. An agent runs `sm-helper service restart nginx` and gets one JSON object
//! back; an administrator runs `sm` to say who may ask for what, and to see what was asked. Which of the
//! two this is, is decided here and nowhere else.
//!
//! # The way of a request
//!
//! ```text
//! argv ──► cli ──► caller ──► policy ──► limits ──► plan ──► audit ──► exec ──► audit ──► reply
//!          what     who       may they   how often  which    intent    run it   result    JSON
//!                                                   argv     on disk            on disk
//! ```
//!
//! [`pipeline`] has it from top to bottom. Each stage takes the value of the one before and returns the
//! next one or a refusal, and types hold the order: [`exec`] takes an [`audit::Recorded`], which only
//! [`audit::intent`] makes, of a [`plan::Plan`], which is made of a policy's
//! [approval](policy::approved::Approved) alone. What was not allowed, or is not written down, does not
//! compile into something that is run.
//!
//! An ordinary account's request comes by twice: once without privilege, where [`escalate`] hands it to
//! root through sudo or over the [`broker`]'s socket, and once as root, with the caller that sudo or the
//! kernel names.
//!
//! # Where to look
//!
//! | question | module |
//! |---|---|
//! | What can be asked for, by whom, and how can it end? | [`request`] |
//! | How is the policy read, and what does it say? | [`policy`] |
//! | Which command lines are there? | [`plan`], [`surface`]; they are made in [`managers`] |
//! | How is a service or a package operation or a task done, and how is it seen whether it worked? | [`services`], [`packages`], [`tasks`] |
//! | What is undone of what a caller hands down, and how is a process started? | [`exec`] |
//! | What is written down, and how is it verified? | [`audit`] |
//! | What does an administrator run? | [`admin`] |
//! | Where does text from elsewhere become harmless? | [`output`] |
//! | What needs `unsafe`? | [`system::kernel`] |
//!
//! A module imports those below it and none above; `tests/layers` has their order and holds to it.

mod admin;
mod approvals;
mod audit;
mod broker;
mod cli;
mod escalate;
mod exec;
mod files;
mod history;
mod limits;
mod managers;
mod outcome;
mod output;
mod packages;
#[cfg(test)]
#[path = "../packaging/pages/mod.rs"]
mod pages;
mod pipeline;
mod plan;
mod policy;
mod reply;
mod request;
mod results;
mod services;
mod snapshots;
mod sudo;
mod surface;
mod system;
mod tasks;
mod undo;

use crate::admin::approvals::{Right, approver};
use crate::admin::{answer, doctor, fleet, setup_sudo};
use crate::cli::{AdminCommand, FleetCommand, Parsed};
use crate::exec::sanitize;
use crate::system::kernel;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    // The file that the kernel executed, links resolved: a caller chooses argv[0], not this.
    let program = program();
    let exit = if program.file_name().is_some_and(|name| name == "sm") {
        administrator(&program, &arguments)
    } else {
        pipeline::main(&program, &program, &arguments)
    };
    ExitCode::from(exit)
}

/// The path of the file that runs. If another one has taken its place since, as an upgrade
/// does, the kernel says so behind the name (`proc(5)`).
fn program() -> PathBuf {
    let Ok(path) = std::fs::read_link("/proc/self/exe") else {
        return PathBuf::from("sm-helper");
    };
    match path.to_str().and_then(|text| text.strip_suffix(" (deleted)")) {
        Some(replaced) => PathBuf::from(replaced),
        None => path,
    }
}

fn administrator(program: &Path, arguments: &[OsString]) -> u8 {
    // So is `sm helper`, which must answer in JSON whatever follows.
    if let Some((first, rest)) = arguments.split_first()
        && first == "helper"
    {
        return pipeline::main(program, &program.with_file_name("sm-helper"), rest);
    }
    let received = approver::received(arguments);
    let right = if received.is_some() { Right::Rule } else { Right::Root };
    let arguments = received.as_ref().map_or(arguments, |received| &received.words);
    // Wherever it stands, also behind the words of a request that is explained.
    let json = arguments.iter().any(|word| word == "--json");
    let rights = if kernel::is_secure_exec() {
        setup_sudo::rights::gives_no_rights(program)
    } else {
        Ok(())
    };
    let admitted = || received.as_ref().map_or(Ok(()), |received| received.verdict.clone());
    if let Err(refusal) = rights.and_then(|()| sanitize::hold_noexec()).and_then(|()| admitted()) {
        return answer::print(json, Err(answer::Failure::of(refusal)));
    }
    let rest: Vec<OsString> = arguments.iter().filter(|word| *word != "--json").cloned().collect();
    match cli::admin(&rest) {
        Parsed::Command(cli::Admin { command, verbose, .. }) => {
            match command {
                AdminCommand::Helper { .. } => {}
                AdminCommand::Broker | AdminCommand::Refuse => admin::verbose::begin_in_journal(),
                _ => admin::verbose::begin(verbose),
            }
            // What a fleet answers is for programs, as one helper's reply is, unless a person looks.
            let is_run = matches!(command, AdminCommand::Fleet(FleetCommand::Run(_)));
            let json = json || is_run && !std::io::stdout().is_terminal();
            match approver::passed_on(&command, program, arguments) {
                Some(Ok(exit)) => return exit,
                Some(Err(failure)) => return answer::print(json, Err(failure)),
                None => {}
            }
            let result = match &command {
                AdminCommand::Policy(command) => admin::policy::run(command, program, arguments),
                AdminCommand::Audit(command) => {
                    return admin::audit::run(command, json, program, arguments);
                }
                AdminCommand::SetupSudo(command) => setup_sudo::run(command, program, arguments),
                AdminCommand::SetupBroker(command) => {
                    admin::setup_broker::run(command, program, arguments)
                }
                AdminCommand::Status => admin::status::run(program, arguments),
                AdminCommand::Approvals { id: Some(id), .. } => {
                    admin::approvals::show::one(id, program, arguments)
                }
                AdminCommand::Approvals { follow: false, .. } => {
                    admin::approvals::show::list(program, arguments)
                }
                AdminCommand::Approvals { .. } => {
                    admin::approvals::show::follow(json, right, program, arguments)
                }
                AdminCommand::Approve(command) => {
                    admin::approvals::answer::approve(command, right, program, arguments)
                }
                AdminCommand::Decline { id, reason } => admin::approvals::answer::decline(
                    id,
                    reason.as_deref(),
                    right,
                    program,
                    arguments,
                ),
                AdminCommand::Grant(command) => admin::grants::grant(command, program, arguments),
                AdminCommand::Grants => admin::grants::list(program, arguments),
                AdminCommand::Revoke { id } => admin::grants::revoke(id, program, arguments),
                AdminCommand::Undo(command) => {
                    match admin::undo::run(command, json, program, arguments) {
                        Ok(admin::undo::Way::Done(exit)) => return exit,
                        Ok(admin::undo::Way::Answer(answer)) => Ok(answer),
                        Err(failure) => Err(failure),
                    }
                }
                AdminCommand::Disable { reason } => {
                    admin::disable::disable(reason.as_deref(), program, arguments)
                }
                AdminCommand::Enable => admin::disable::enable(program, arguments),
                AdminCommand::Doctor => doctor::run(program, arguments, verbose > 0),
                AdminCommand::BootstrapCluster(command) => fleet::bootstrap(command),
                AdminCommand::Fleet(command) => fleet::run(command),
                AdminCommand::Broker => return pipeline::serve(),
                AdminCommand::Refuse => return pipeline::refuse_for_another(),
                AdminCommand::Helper { arguments } => {
                    let helper = program.with_file_name("sm-helper");
                    return pipeline::main(program, &helper, arguments);
                }
            };
            answer::print(json, result)
        }
        Parsed::Help(text) => {
            let answer = answer::Answer::prose(text.trim_end()).with("text", text.trim_end());
            answer::print(json, Ok(answer.with("version", env!("CARGO_PKG_VERSION"))))
        }
        Parsed::Wrong(refusal) => answer::print(json, Err(answer::Failure::of(refusal))),
    }
}
