//! From an approved request to the exact command lines.
//!
//! Every argv that this program runs as root is made in [`crate::managers`], from constants, the
//! policy's own words and names of the grammar; which of them, is decided here. [`Plan`] has no
//! other maker, takes nothing but an approval, and [`crate::surface`] prints what it makes.

use crate::history::{self, Entry};
use crate::managers::argv::Argv;
use crate::managers::commands::Commands;
use crate::managers::host;
use crate::managers::manager::{Manager, Names};
use crate::managers::snapshots::{NUMBER, Snapshotter};
use crate::managers::systemd::states::PolicyUnits;
use crate::managers::systemd::{alias, commands};
use crate::managers::task::task as task_line;
use crate::policy::approved::Approved;
use crate::policy::force::InForce;
use crate::policy::never;
use crate::policy::tasks::Task;
use crate::request::action::{ManagerAction, ServiceAction};
use crate::request::caller::Caller;
use crate::request::code::{Code, Refusal};
use crate::request::id::RequestId;
use crate::request::name::is_of_the_broker;
use crate::request::operation::{Operation, Request, Shown};
use std::sync::Arc;

/// What will be run.
#[derive(Debug)]
pub struct Plan {
    approved: Approved,
    steps: Steps,
    main: Argv,
    /// What takes a snapshot before it and one after it, where they are wanted and this host can.
    snapshots: Option<Snapshotter>,
}

/// What is run around the operation itself.
#[derive(Debug)]
pub enum Steps {
    /// What goes with changing a unit.
    Service(Box<ServiceSteps>),
    /// What goes with changing packages.
    Package(Box<PackageSteps>),
    /// What goes with looking at a unit.
    Look(LookSteps),
    /// What goes with undoing what was done to packages.
    Undo(Box<UndoSteps>),
    /// What goes with reading all unit files again.
    Reread(Option<Arc<PolicyUnits>>),
    /// How a task is run: that alone is run.
    Task(Box<Task>),
}

/// What is run after a unit was looked at, if that does not tell enough.
#[derive(Debug)]
pub enum LookSteps {
    /// Lists the units that the manager has loaded: one of them may start this one.
    Others(Argv),
    /// Reads the unit's state, if its log is empty.
    State(Argv),
}

/// What is run before and after a unit is changed.
#[derive(Debug)]
pub struct ServiceSteps {
    /// The unit's own name, which may not be the one that it is asked for by.
    pub own_name: String,
    /// Reads the unit's state, before and after.
    pub state: Argv,
    /// Reads how all units are bound to each other, if others may go down or up with this one.
    pub units: Option<Argv>,
    /// Reads which targets stop when nothing needs them any more, if it may matter for one that
    /// this one pulls in.
    pub unneeded_targets: Option<Argv>,
    /// Reads when which unit was started, if one of those others may not be again.
    pub starts: Option<Argv>,
    /// Reads how all units are reloaded, where who asks may be in one that ends at it.
    pub reloads: Option<Argv>,
    /// Must exit 0, else nothing is done.
    pub check: Option<Argv>,
    /// Whether the check is also for a unit that is down.
    pub checks_start: bool,
    /// Lists the units that the manager has loaded, and their states.
    pub others: Argv,
    /// Reads whether the manager has yet to read some unit file again.
    pub unread: Option<Argv>,
    /// Has it read all of them, if it has none to that was changed by somebody else.
    pub reread: Option<Argv>,
    /// Reads which unit starts which, if this one is to be started at boot.
    pub boot: Option<Argv>,
    /// Has the service manager count the unit's starts again, if it may be about to refuse one.
    pub reset_starts: Option<Argv>,
    /// Reads what the manager itself has logged of it, if it is not up.
    pub manager_log: Option<Argv>,
    /// Reads the last lines of the unit's log, if it did not come up or stay up.
    pub log: Option<Argv>,
}

/// What goes with changing packages.
#[derive(Debug)]
pub struct PackageSteps {
    /// The package manager.
    pub manager: Manager,
    /// The package, as the package manager calls it; none for all.
    pub name: Option<String>,
    /// What is run, and what before that.
    pub commands: Commands,
    /// Prints the states of the policy's units, before and after packages are changed, and has
    /// the manager read their files again where that changed them.
    pub units: Option<Arc<PolicyUnits>>,
}

/// What goes with undoing what was done to packages.
#[derive(Debug)]
pub struct UndoSteps {
    /// The package manager.
    pub manager: Manager,
    /// Prints what is installed, and whether the package manager is in order.
    pub inventory: Argv,
    /// What is run instead of comparing snapshots, where there are none: the versions that were replaced are
    /// installed again. Of one operation, unless none is named.
    pub versions: Vec<Commands>,
    /// Prints the states of the policy's units, and has the manager read their files again.
    pub units: Option<Arc<PolicyUnits>>,
    /// What the caller may do to those units.
    pub services: Vec<Service>,
}

/// A unit that the caller may restart or stop.
#[derive(Debug)]
pub struct Service {
    /// Its name.
    pub unit: String,
    /// Must exit 0, else it is not restarted.
    pub check: Option<Argv>,
    /// Restarts it.
    pub restart: Option<Argv>,
    /// Stops it.
    pub stop: Option<Argv>,
}

impl Plan {
    /// What was asked.
    pub fn request(&self) -> &Request {
        self.approved.request()
    }
    /// What the policy says about it.
    pub fn approved(&self) -> &Approved {
        &self.approved
    }
    /// The longest it may take, in seconds.
    pub fn timeout(&self) -> u32 {
        self.approved.timeout()
    }
    /// What goes around it.
    pub fn steps(&self) -> &Steps {
        &self.steps
    }
    /// The operation itself: the `argv` of the reply.
    pub fn main(&self) -> &Argv {
        &self.main
    }
    /// Every command line of the plan, in the order in which they are run.
    pub fn commands(&self) -> Vec<Argv> {
        let [first, last] = self.snapshots.as_ref().map(Snapshotter::commands).unwrap_or_default();
        first.into_iter().chain(self.operations_own().into_iter().cloned()).chain(last).collect()
    }

    fn operations_own(&self) -> Vec<&Argv> {
        let (before, after) = match &self.steps {
            Steps::Task(_) => (Vec::new(), Vec::new()),
            Steps::Reread(units) => (Vec::new(), vec![units.as_ref().map(|units| &units.states)]),
            Steps::Look(LookSteps::Others(then) | LookSteps::State(then)) => {
                (Vec::new(), vec![Some(then)])
            }
            Steps::Service(steps) => {
                let looks = [&steps.unneeded_targets, &steps.units, &steps.reloads, &steps.unread];
                let before = looks.into_iter().chain([&steps.check, &steps.starts]);
                let before = before.chain([&steps.reset_starts]);
                let before = before.map(Option::as_ref);
                let before = [&steps.state, &steps.others].into_iter().map(Some).chain(before);
                let after = [&steps.reread, &steps.boot, &steps.manager_log, &steps.log];
                (before.collect(), after.into_iter().map(Option::as_ref).collect())
            }
            Steps::Undo(steps) => {
                let before = steps.versions.iter().flat_map(Commands::before);
                let before = before.map(Option::as_ref);
                let before = [Some(&steps.inventory)].into_iter().chain(before);
                let units = steps.units.as_ref();
                let of_units = units.map(|units| [Some(&units.states), Some(&units.reread)]);
                let versions = steps.versions.iter().map(|commands| &commands.main);
                let versions = versions.filter(|versions| **versions != self.main).map(Some);
                let of_services = steps.services.iter().flat_map(|service| {
                    [service.stop.as_ref(), service.check.as_ref(), service.restart.as_ref()]
                });
                let after = of_units.into_iter().flatten().chain(of_services);
                (before.collect(), versions.chain(after).collect())
            }
            Steps::Package(steps) => {
                let before = steps.commands.before().into_iter();
                let units = steps.units.as_ref();
                let states = units.map(|units| &units.states);
                let after = vec![units.map(|units| &units.reread)];
                (before.map(Option::as_ref).chain([states]).collect(), after)
            }
        };
        // If only the plan is asked for, asking for it is the operation.
        let main = (!self.request().operation.is_only_plan()).then_some(&self.main);
        before.into_iter().chain([main]).chain(after).flatten().collect()
    }
    /// Every command line of this plan and those that differ from it in a number only, which
    /// `lines` and `minutes` replace.
    pub fn commands_with(&self, lines: &str, minutes: &str) -> Vec<Argv> {
        match &self.request().operation {
            Operation::Service { action: ServiceAction::Logs, unit, .. } => {
                let names = names_of(unit.as_str());
                let after = match &self.steps {
                    Steps::Look(LookSteps::State(state)) => Some(state.clone()),
                    _ => None,
                };
                let logs =
                    [None, Some(minutes)].map(|minutes| commands::log(&names, lines, minutes));
                logs.into_iter().chain(after).collect()
            }
            _ => self.commands(),
        }
    }
}

/// The plan for an approved request on a host with this package manager.
///
/// # Errors
/// `unsupported` if the host cannot do it.
pub fn plan(approved: Approved, manager: Option<Manager>) -> Result<Plan, Refusal> {
    let (steps, main) = match &approved.request().operation {
        Operation::Service { action, unit, shown } => {
            not_reserved(unit.as_str())?;
            service(&approved, *action, unit.as_str(), *shown)
        }
        Operation::Manager { action: ManagerAction::DaemonReload } => {
            (Steps::Reread(approved.units()), commands::daemon_reload())
        }
        Operation::Package { action, name, .. } => {
            let manager = manager.ok_or_else(no_manager)?;
            let pacman = approved.pacman().unwrap_or_default();
            let name = manager.own_name(Names { general: name.as_str(), pacman });
            let commands = manager.package(*action, name, approved.allow_removals());
            changing(&approved, manager, Some(name.to_owned()), commands)
        }
        Operation::Maintenance { action, only_plan } => {
            let manager = manager.ok_or_else(no_manager)?;
            let commands = manager.maintenance(*action, approved.allow_removals())?;
            if *only_plan && commands.simulation.is_none() {
                return Err(Refusal::new(
                    Code::Unsupported,
                    "this package manager cannot plan this operation",
                )
                .hint(format!("an administrator can look with {}", manager.looks_ahead())));
            }
            changing(&approved, manager, None, commands)
        }
        Operation::Undo { id, .. } => {
            undo(&approved, manager.ok_or_else(no_manager)?, id.as_ref())?
        }
        Operation::Task { name } => {
            let task = approved.task().cloned().ok_or_else(|| {
                let error = format!("the policy has no task {}", name.as_str());
                Refusal::new(Code::Internal, error)
            })?;
            let main = task_line(&task.argv);
            (Steps::Task(Box::new(task)), main)
        }
    };
    let wants_snapshots = match approved.task() {
        _ if matches!(approved.request().operation, Operation::Undo { .. }) => true,
        Some(task) => task.snapshot,
        None => approved.snapshots().packages && approved.request().operation.changes_packages(),
    };
    let snapshots = wants_snapshots.then(|| Snapshotter::here().ok()).flatten();
    Ok(Plan { approved, steps, main, snapshots })
}

/// By the snapshots around the operation, if there are such, else by the versions that it replaced. What
/// could be undone at all, as it is now, if none is named.
///
/// # Errors
/// `unsupported` if there is no way to undo it, or nothing that could be undone.
fn undo(
    approved: &Approved,
    manager: Manager,
    id: Option<&RequestId>,
) -> Result<(Steps, Argv), Refusal> {
    let by = Snapshotter::here().ok();
    let any = || by.as_ref().map(|by| by.compare(NUMBER, NUMBER));
    let of_versions = |entry: &Entry| {
        let versions = entry.replaced().filter(|_| entry.undone_by.is_none())?;
        let has_snapshots = by.as_ref().is_some_and(|by| entry.compared_by(by).is_some());
        if has_snapshots { None } else { manager.back_to(&versions) }
    };
    // What only looks at what is installed says the rest.
    let look = || Some(manager.inventory_command());
    let (compare, versions, otherwise) = match id {
        None => {
            let all: Vec<Commands> = history::all().iter().filter_map(of_versions).collect();
            // Also what snapshots were taken of when the policy wanted them.
            let has_some = || {
                let entries = history::all();
                by.as_ref()
                    .is_some_and(|by| entries.iter().any(|one| one.compared_by(by).is_some()))
            };
            (any().filter(|_| approved.snapshots().packages || has_some()), all, None)
        }
        // Of what another account has asked for nothing is said.
        Some(id) => {
            match Entry::load(id).ok().flatten().filter(|one| approved.is_askers(one.uid)) {
                None => (any(), Vec::new(), look()),
                Some(entry) if entry.undone_by.is_some() => (None, Vec::new(), look()),
                Some(entry) => {
                    let compare = by.as_ref().and_then(|by| entry.compared_by(by));
                    (compare, of_versions(&entry).into_iter().collect(), None)
                }
            }
        }
    };
    let first = versions.first().map(|commands| commands.main.clone());
    let Some(main) = compare.or(first).or(otherwise) else {
        let error = match id {
            Some(_) => {
                "there are no snapshots of that operation, and it replaced no versions that could be installed again"
            }
            None => {
                "no snapshots are taken, and no version was replaced that could be installed again"
            }
        };
        return Err(Refusal::new(Code::Unsupported, error).hint(
            "what was installed can be removed: sm-helper package remove NAME; an administrator can have snapshots taken: [snapshots] packages = true",
        ));
    };
    let services = approved.services().iter().map(|service| Service {
        unit: service.unit.clone(),
        check: service.check.as_deref().map(commands::check),
        restart: service
            .may_restart
            .then(|| commands::change(ServiceAction::Restart, &service.unit)),
        stop: service.may_stop.then(|| commands::change(ServiceAction::Stop, &service.unit)),
    });
    let steps = UndoSteps {
        manager,
        inventory: manager.inventory_command(),
        versions,
        units: approved.units(),
        services: services.collect(),
    };
    Ok((Steps::Undo(Box::new(steps)), main))
}

/// If only the plan is asked for, asking the package manager for it is the operation. What
/// changes packages can change what runs.
fn changing(
    approved: &Approved,
    manager: Manager,
    name: Option<String>,
    commands: Commands,
) -> (Steps, Argv) {
    let operation = &approved.request().operation;
    let (main, units) = match &commands.simulation {
        Some(simulation) if operation.is_only_plan() => (simulation.clone(), None),
        _ => {
            let units = approved.units().filter(|_| operation.changes_packages());
            (commands.main.clone(), units)
        }
    };
    let steps = PackageSteps { manager, name, commands, units };
    (Steps::Package(Box::new(steps)), main)
}

/// So many lines are read of which a reply has the few that say most.
const LOG_LINES: &str = "200";

fn service(approved: &Approved, action: ServiceAction, unit: &str, shown: Shown) -> (Steps, Argv) {
    use ServiceAction::{Disable, Enable, Logs, Reload, Restart, Start, Status, Stop};
    let names = names_of(unit);
    match action {
        // One look at the manager is a status, and half the price of `systemctl status`,
        // which would show log lines too, whether or not the policy grants them.
        Status => {
            let others = LookSteps::Others(commands::list_units());
            return (Steps::Look(others), commands::status(unit));
        }
        Logs => {
            let minutes = shown.minutes().map(|minutes| minutes.to_string());
            let logs = commands::log(&names, &shown.lines().to_string(), minutes.as_deref());
            return (Steps::Look(LookSteps::State(commands::state(unit))), logs);
        }
        _ => {}
    }
    let starts = matches!(action, Start | Restart);
    let enables = matches!(action, Enable | Disable);
    let own = names.last().map_or(unit, String::as_str);
    let steps = ServiceSteps {
        own_name: own.to_owned(),
        state: commands::whole_state(unit),
        others: commands::list_units(),
        unread: enables.then(commands::unread_files),
        reread: enables.then(commands::daemon_reload),
        boot: (action == Enable).then(commands::pulls),
        units: matches!(action, Start | Restart | Stop).then(commands::bonds),
        unneeded_targets: (action == Restart).then(commands::unneeded_targets),
        starts: starts.then(commands::all_starts),
        reloads: (action == Reload).then(commands::reloads),
        check: approved.check().map(commands::check),
        checks_start: approved.checks_start(),
        reset_starts: action.wakes().then(|| commands::reset_failed(unit)),
        manager_log: action.wakes().then(|| commands::manager_log(&names)),
        log: action.wakes().then(|| commands::log(&names, LOG_LINES, None)),
    };
    let main = match enables {
        true => commands::change_links(action, own),
        false => commands::change(action, unit),
    };
    (Steps::Service(Box::new(steps)), main)
}

/// The name that the policy has for a unit, and after it the unit's own, if that is another.
fn names_of(unit: &str) -> Vec<String> {
    [unit.to_owned()].into_iter().chain(alias::own_name(unit)).collect()
}

/// A name that the host has given to a unit that stands for full root is no way around the
/// list of those: only who compiles in the unit's own name, or one on that list, means it.
fn not_reserved(unit: &str) -> Result<(), Refusal> {
    match alias::own_name(unit) {
        Some(own) => reserved(unit, &own).map_or(Ok(()), Err),
        None => Ok(()),
    }
}

/// The refusal if `own` is the own name of what the policy calls `unit`, and is one that no
/// site policy may name.
pub fn reserved(unit: &str, own: &str) -> Option<Refusal> {
    let is_reserved = never::unit(own) && !never::unit(unit);
    (own != unit && (is_reserved || is_of_the_broker(own))).then(|| {
        let error = format!("on this host {unit} is another name of {own}, which is equivalent to full root");
        Refusal::new(Code::Denied, error)
            .hint("an administrator should look at the link with that name in systemd's folders: systemctl cat")
    })
}

fn no_manager() -> Refusal {
    Refusal::new(Code::Unsupported, format!("this host has neither {}", host::programs()))
        .hint("packages can be managed on hosts of the Debian and Arch families")
}

/// What would be run for this caller, or why nothing would.
pub fn planned(force: &InForce, caller: &Caller, request: Request) -> Result<Plan, Refusal> {
    let approved = force.judge(caller, request).map_err(|denial| denial.refusal)?;
    plan(approved, host::of_this_host())
}
