//! From an approved request to the exact command lines.
//!
//! Every argv that this program runs as root is made in this file, from constants, the policy's
//! own words and names of the grammar. [`Plan`] has no other maker, takes nothing but an
//! approval, and [`crate::surface`] prints what it makes.

use crate::managers::apt_options;
use crate::managers::argv::Argv;
use crate::managers::argv::SYSTEMCTL;
use crate::managers::host::PackageManager;
use crate::managers::systemd::bonds;
use crate::managers::systemd::states::PolicyUnits;
use crate::managers::systemd::unit::{MORE_PROPERTIES, PROPERTIES, STATUS_PROPERTIES};
use crate::managers::systemd::{alias, manager_log};
use crate::policy::force::InForce;
use crate::policy::never;
use crate::policy::verdict::Approved;
use crate::request::action::{Action, Maintenance, PackageAction, ServiceAction};
use crate::request::caller::Caller;
use crate::request::code::{Code, Refusal};
use crate::request::name::is_of_the_broker;
use crate::request::operation::{Operation, Request, Shown};
use std::sync::Arc;

const DPKG: &str = "/usr/bin/dpkg";
const DPKG_QUERY: &str = "/usr/bin/dpkg-query";
const APT_MARK: &str = "/usr/bin/apt-mark";
const PACMAN: &str = "/usr/bin/pacman";
const JOURNALCTL: &str = "/usr/bin/journalctl";

/// What will be run.
#[derive(Debug)]
pub struct Plan {
    approved: Approved,
    steps: Steps,
    main: Argv,
}

/// What is run around the operation itself.
#[derive(Debug)]
pub enum Steps {
    /// What goes with changing a unit.
    Service(ServiceSteps),
    /// What goes with changing packages.
    Package(PackageSteps),
    /// What goes with looking at a unit.
    Look(LookSteps),
}

/// What is run after a unit was looked at, where that does not tell enough.
#[derive(Debug)]
pub enum LookSteps {
    /// Lists the units that the manager has loaded: one of them may start this one.
    Others(Argv),
    /// Reads the unit's state, where its log is empty.
    State(Argv),
}

/// What is run before and after a unit is changed.
#[derive(Debug)]
pub struct ServiceSteps {
    /// The unit's own name, which may not be the one that it is asked for by.
    pub own_name: String,
    /// Reads the unit's state, before and after.
    pub state: Argv,
    /// Reads how all units are bound to each other, where others may go down or up with this one.
    pub units: Option<Argv>,
    /// Reads when which unit was started, where one of those others may not be again.
    pub starts: Option<Argv>,
    /// Must exit 0, else nothing is done.
    pub check: Option<Argv>,
    /// Whether the check is also for a unit that is down.
    pub checks_start: bool,
    /// Lists the units that the manager has loaded, and their states.
    pub others: Argv,
    /// Reads whether the manager has yet to read some unit file again.
    pub unread: Option<Argv>,
    /// Has it read all of them, where it has none to that was changed by somebody else.
    pub reread: Option<Argv>,
    /// Reads which unit starts which, where this one is to be started at boot.
    pub boot: Option<Argv>,
    /// Has the service manager count the unit's starts anew, where it may be about to refuse one.
    pub reset_starts: Option<Argv>,
    /// Reads what the manager itself has logged of it, where it is not up.
    pub manager_log: Option<Argv>,
    /// Reads the last lines of the unit's log, where it did not come up or stay up.
    pub log: Option<Argv>,
}

/// What is run before packages are changed.
#[derive(Debug)]
pub struct PackageSteps {
    /// The package manager.
    pub manager: PackageManager,
    /// The package, as the package manager calls it; none for all.
    pub name: Option<String>,
    /// Prints what is installed, and whether the package manager is in order.
    pub inventory: Option<Argv>,
    /// Prints what was installed only because something else needed it.
    pub automatic: Option<Argv>,
    /// Prints what the operation would change.
    pub simulation: Option<Argv>,
    /// Prints what the package manager would ask before, and is answered no.
    pub questions: Option<Argv>,
    /// Prints the names that the operation reads from its standard input.
    pub names: Option<Argv>,
    /// Prints the states of the policy's units, before and after packages are changed.
    pub units: Option<Arc<PolicyUnits>>,
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
    pub fn commands(&self) -> Vec<&Argv> {
        let (before, after) = match &self.steps {
            Steps::Look(LookSteps::Others(then) | LookSteps::State(then)) => {
                (Vec::new(), vec![Some(then)])
            }
            Steps::Service(steps) => {
                let before = [&steps.units, &steps.unread, &steps.check, &steps.starts];
                let before = before.into_iter().chain([&steps.reset_starts]);
                let before = before.map(Option::as_ref);
                let before = [&steps.state, &steps.others].into_iter().map(Some).chain(before);
                let after = [&steps.reread, &steps.boot, &steps.manager_log, &steps.log];
                (before.collect(), after.into_iter().map(Option::as_ref).collect())
            }
            Steps::Package(steps) => {
                let before = [&steps.inventory, &steps.names, &steps.simulation];
                let before = before.into_iter().chain([&steps.questions, &steps.automatic]);
                let units = steps.units.as_ref().map(|units| &units.states);
                (before.map(Option::as_ref).chain([units]).collect(), Vec::new())
            }
        };
        // Where only the plan is asked for, asking for it is the operation.
        let main = (!self.request().operation.is_only_plan()).then_some(&self.main);
        before.into_iter().chain([main]).chain(after).flatten().collect()
    }
    /// Every command line of this plan and those that differ from it in a number only, which
    /// `lines` and `minutes` stand in the place of.
    pub fn commands_with(&self, lines: &str, minutes: &str) -> Vec<Argv> {
        match &self.request().operation {
            Operation::Service { action: ServiceAction::Logs, unit, .. } => {
                let names = names_of(unit.as_str());
                let after = match &self.steps {
                    Steps::Look(LookSteps::State(state)) => Some(state.clone()),
                    _ => None,
                };
                let logs = [logs(&names, lines, None), logs(&names, lines, Some(minutes))];
                logs.into_iter().chain(after).collect()
            }
            _ => self.commands().into_iter().cloned().collect(),
        }
    }
}

/// The plan for an approved request on a host with this package manager.
///
/// # Errors
/// `unsupported` where the host can not do it.
pub fn plan(approved: Approved, manager: Option<PackageManager>) -> Result<Plan, Refusal> {
    let (steps, main) = match &approved.request().operation {
        Operation::Service { action, unit, shown } => {
            not_reserved(unit.as_str())?;
            service(&approved, *action, unit.as_str(), *shown)
        }
        Operation::Package { action, name, .. } => {
            let manager = manager.ok_or_else(no_manager)?;
            let name = match manager {
                PackageManager::Apt => name.as_str(),
                PackageManager::Pacman => approved.pacman().unwrap_or(name.as_str()),
            };
            let removals = approved.allow_removals();
            let (steps, main) = match manager {
                PackageManager::Apt => apt_package(*action, name, removals),
                PackageManager::Pacman => pacman_package(*action, name, removals),
            };
            changing(&approved, steps, main)
        }
        Operation::Maintenance { action, only_plan } => {
            let (steps, main) = match manager.ok_or_else(no_manager)? {
                PackageManager::Apt => apt_maintenance(*action),
                PackageManager::Pacman => pacman_maintenance(*action, approved.allow_removals())?,
            };
            if *only_plan && steps.simulation.is_none() {
                return Err(Refusal::new(
                    Code::Unsupported,
                    "this package manager can not say beforehand what this would change",
                )
                .hint("an administrator looks with checkupdates(8) or pacman --query --deps --unrequired"));
            }
            changing(&approved, steps, main)
        }
    };
    Ok(Plan { approved, steps, main })
}

/// Where only the plan is asked for, asking the package manager for it is the operation. What
/// changes packages can change what runs.
fn changing(approved: &Approved, steps: PackageSteps, main: Argv) -> (Steps, Argv) {
    let operation = &approved.request().operation;
    match &steps.simulation {
        Some(simulation) if operation.is_only_plan() => {
            let main = simulation.clone();
            (Steps::Package(steps), main)
        }
        _ => {
            let units = approved.units().filter(|_| operation.changes_packages());
            (Steps::Package(PackageSteps { units, ..steps }), main)
        }
    }
}

fn service(approved: &Approved, action: ServiceAction, unit: &str, shown: Shown) -> (Steps, Argv) {
    use ServiceAction::{Disable, Enable, Logs, Restart, Start, Status, Stop};
    let names = names_of(unit);
    match action {
        // One look at the manager is a status, and half the price of `systemctl status`,
        // which would show log lines too, whether or not the policy grants them.
        Status => {
            let state = show(unit, &format!("{PROPERTIES},{STATUS_PROPERTIES}"));
            return (Steps::Look(LookSteps::Others(others())), state);
        }
        Logs => {
            let minutes = shown.minutes().map(|minutes| minutes.to_string());
            let logs = logs(&names, &shown.lines().to_string(), minutes.as_deref());
            return (Steps::Look(LookSteps::State(show(unit, PROPERTIES))), logs);
        }
        _ => {}
    }
    let systemctl = |words: &[&str]| {
        Argv::new(&[&[SYSTEMCTL, "--no-pager", "--no-ask-password"], words].concat())
    };
    let starts = matches!(action, Start | Restart);
    let enables = matches!(action, Enable | Disable);
    let own = names.last().map_or(unit, String::as_str);
    let steps = ServiceSteps {
        own_name: own.to_owned(),
        state: show(unit, &format!("{PROPERTIES},{MORE_PROPERTIES}")),
        others: others(),
        unread: enables.then(|| show_all("NeedDaemonReload")),
        reread: enables.then(|| systemctl(&["daemon-reload"])),
        boot: (action == Enable).then(|| show_all(bonds::PULLS_PROPERTIES)),
        units: matches!(action, Start | Restart | Stop).then(show_bonds),
        starts: starts.then(all_starts),
        check: approved.check().map(Argv::of),
        checks_start: approved.checks_start(),
        reset_starts: starts.then(|| systemctl(&["reset-failed", "--", unit])),
        manager_log: action.wakes().then(|| manager_log(&names)),
        log: action.wakes().then(|| logs(&names, LOG_LINES, None)),
    };
    let main = if enables {
        // systemd enables a unit by its own name alone. It would have the manager read every
        // unit file again, also one that an administrator is still at work on.
        systemctl(&[action.word(), "--no-reload", "--", own])
    } else {
        systemctl(&[action.word(), "--", unit])
    };
    (Steps::Service(steps), main)
}

/// The name that the policy has for a unit, and after it the unit's own, where that is another.
fn names_of(unit: &str) -> Vec<String> {
    [unit.to_owned()].into_iter().chain(alias::own_name(unit)).collect()
}

/// A name that the host has given to a unit that stands for all of root is no way around the
/// list of those: only who compiles in the unit's own name, or one on that list, means it.
fn not_reserved(unit: &str) -> Result<(), Refusal> {
    match alias::own_name(unit) {
        Some(own) => reserved(unit, &own).map_or(Ok(()), Err),
        None => Ok(()),
    }
}

/// The refusal where `own` is the own name of what the policy calls `unit`, and is one that no
/// site policy may name.
pub fn reserved(unit: &str, own: &str) -> Option<Refusal> {
    let is_reserved = never::unit(own) && !never::unit(unit);
    (own != unit && (is_reserved || is_of_the_broker(own))).then(|| {
        let error = format!("on this host {unit} is another name of {own}, through which an account would have all of root");
        Refusal::new(Code::Denied, error)
            .hint("an administrator looks at the link of that name in systemd's folders: systemctl cat")
    })
}

fn show(unit: &str, properties: &str) -> Argv {
    Argv::new(&[SYSTEMCTL, "--no-pager", "show", &format!("--property={properties}"), "--", unit])
}

/// The same of every unit that the manager has loaded: no shell sees the star.
fn show_all(properties: &str) -> Argv {
    Argv::new(&[SYSTEMCTL, "--no-pager", "show", &format!("--property={properties}"), "*"])
}

/// Of all units that the manager has in memory.
fn show_bonds() -> Argv {
    let properties = format!("--property={}", bonds::PROPERTIES);
    Argv::new(&[SYSTEMCTL, "--no-pager", "show", "--all", &properties, "*"])
}

/// The last starts of all units since the boot, good or not (`sd-messages.h`:
/// `SD_MESSAGE_UNIT_STARTED`, `SD_MESSAGE_UNIT_FAILED`).
fn all_starts() -> Argv {
    Argv::new(&[
        JOURNALCTL,
        "--no-pager",
        "--quiet",
        "--boot",
        "--lines=10000",
        "--output=json",
        "--output-fields=UNIT",
        "_PID=1",
        "MESSAGE_ID=39f53479d3a045ac8e11786248231fbf",
        "MESSAGE_ID=be02cf6855d2428ba40df7e9d022f03d",
    ])
}

/// One question to the manager, unlike `show` of every unit, which is one for each.
fn others() -> Argv {
    let words = ["--no-pager", "--plain", "--no-legend", "--full", "--all", "list-units"];
    Argv::new(&[&[SYSTEMCTL], &words[..]].concat())
}

/// Of the manager, which is the process with the number 1, and of nobody else.
fn manager_log(names: &[String]) -> Argv {
    let fields = format!("--output-fields={}", manager_log::FIELDS);
    let mut words = vec![JOURNALCTL, "--no-pager", "--quiet", "--boot", "--lines=50"];
    words.extend(["--output=json", &fields]);
    let units = units_of(names);
    words.extend(units.iter().map(String::as_str));
    words.push("_PID=1");
    Argv::new(&words)
}

/// So many lines are read of which a reply has the few that say most.
const LOG_LINES: &str = "200";

fn logs(names: &[String], lines: &str, minutes: Option<&str>) -> Argv {
    let lines = format!("--lines={lines}");
    let since = minutes.map(|minutes| format!("--since=-{minutes}min"));
    let mut words = vec![JOURNALCTL, "--no-pager", "--quiet", "--output=short-iso", &lines];
    if let Some(since) = &since {
        // From the newest back, to be turned around: before systemd 255 `--lines` with `--since`
        // gives the first lines of that time, not the last.
        words.extend([since, "--reverse"]);
    }
    let units = units_of(names);
    words.extend(units.iter().map(String::as_str));
    Argv::new(&words)
}

/// The journal knows a unit by its own name, and by another one from before it was one.
fn units_of(names: &[String]) -> Vec<String> {
    names.iter().map(|name| format!("--unit={name}")).collect()
}

/// How every `apt-get` begins: nobody is there to answer. What else it is told: [`apt_options`].
const APT: [&str; 3] = ["/usr/bin/apt-get", "--assume-yes", "--quiet=1"];

/// The simulation may show everything that apt could think of, so that it can be refused with
/// its reason; what is run afterwards may not do it.
const APT_SIMULATE: [&str; 4] = [
    "--simulate",
    "--allow-downgrades",
    "--allow-change-held-packages",
    "--allow-remove-essential",
];

/// One line a package: what is wanted and how far it got, name, architecture, version, whether
/// the system needs it (`dpkg-query(1)`).
const DPKG_FORMAT: &str = "--showformat=${db:Status-Abbrev}|${Package}|${Architecture}|${Version}|${Essential}|${Protected}\n";

fn apt(words: &[&str]) -> Argv {
    Argv::new(&[&APT, &options(&apt_options::PINNED)[..], words].concat())
}

/// Each after a `-o`.
fn options<'o>(options: &[&'o str]) -> Vec<&'o str> {
    options.iter().flat_map(|option| ["-o", option]).collect()
}

fn apt_steps(name: Option<&str>, simulated: &[&str]) -> PackageSteps {
    PackageSteps {
        manager: PackageManager::Apt,
        name: name.map(str::to_owned),
        inventory: Some(Argv::new(&[DPKG_QUERY, "--show", DPKG_FORMAT])),
        automatic: None,
        simulation: Some(apt(&[&APT_SIMULATE, simulated].concat())),
        questions: None,
        names: None,
        units: None,
    }
}

fn apt_package(action: PackageAction, name: &str, removals: bool) -> (PackageSteps, Argv) {
    let words: &[&str] = match action {
        // What is installed is what was asked for: upgrading it is another action.
        PackageAction::Install => &["--no-upgrade", "install", "--", name],
        PackageAction::Upgrade => &["--only-upgrade", "install", "--", name],
        PackageAction::Remove => &["remove", "--", name],
    };
    let mut steps = apt_steps(Some(name), words);
    let first = match action {
        PackageAction::Remove => {
            steps.automatic = Some(Argv::new(&[APT_MARK, "showauto"]));
            options(&apt_options::REMOVING)
        }
        _ if removals => Vec::new(),
        _ => vec!["--no-remove"],
    };
    (steps, apt(&[&first, words].concat()))
}

fn apt_maintenance(action: Maintenance) -> (PackageSteps, Argv) {
    let alone = |main: Argv| {
        let steps = PackageSteps { simulation: None, inventory: None, ..apt_steps(None, &[]) };
        (steps, main)
    };
    let words: &[&str] = match action {
        // Without this a repository that could not be read is a warning and exit status 0.
        Maintenance::Update => {
            return alone(apt(&["-o", "APT::Update::Error-Mode=any", "update"]));
        }
        Maintenance::Autoclean => return alone(apt(&["autoclean"])),
        // Here too nobody is there to say which conffile is to stay.
        Maintenance::Repair => {
            let words = [DPKG, "--force-confdef", "--force-confold", "--configure", "-a"];
            let steps = PackageSteps { simulation: None, ..apt_steps(None, &[]) };
            return (steps, Argv::new(&words));
        }
        // As `apt upgrade`: what is installed may need something new, and nothing is removed.
        Maintenance::Upgrade => &["--with-new-pkgs", "upgrade"],
        Maintenance::Autoremove => {
            let words = [&options(&apt_options::REMOVING)[..], &["autoremove"]].concat();
            return (apt_steps(None, &["autoremove"]), apt(&words));
        }
    };
    (apt_steps(None, words), apt(words))
}

/// How pacman speaks to a program.
const PACMAN_PLAIN: [&str; 3] = [PACMAN, "--noprogressbar", "--color=never"];

fn pacman(words: &[&str]) -> Argv {
    Argv::new(&[&PACMAN_PLAIN, &["--noconfirm"][..], words].concat())
}

const PACMAN_SIMULATE: [&str; 2] = ["--print", "--print-format=%n %v"];

fn pacman_steps(name: Option<&str>, simulated: Option<&[&str]>) -> PackageSteps {
    PackageSteps {
        manager: PackageManager::Pacman,
        name: name.map(str::to_owned),
        inventory: Some(Argv::new(&[PACMAN, "--query"])),
        automatic: None,
        simulation: simulated.map(|words| pacman(&[&PACMAN_SIMULATE, words].concat())),
        questions: None,
        names: None,
        units: None,
    }
}

/// `--noconfirm` takes the answer that pacman thinks best; `--ask` turns the answer around for the
/// questions in its sum (`alpm.h`: `ALPM_QUESTION_INSTALL_IGNOREPKG` 1, `…_REPLACE_PKG` 2,
/// `…_CONFLICT_PKG` 4): of itself a package in conflict is kept, and one that another replaces
/// is not.
const REMOVE_CONFLICTING: &str = "--ask=4";
const KEEP_REPLACED: &str = "--ask=2";
fn pacman_package(action: PackageAction, name: &str, removals: bool) -> (PackageSteps, Argv) {
    let sync = ["--sync", "--needed", "--", name];
    let words: &[&str] = match action {
        PackageAction::Remove => &["--remove", "--", name],
        PackageAction::Install | PackageAction::Upgrade => &sync,
    };
    let mut steps = pacman_steps(Some(name), Some(words));
    if action != PackageAction::Remove {
        // A simulation does not look for conflicts, nor at what is held. With neither
        // `--noconfirm` nor `--ask`, which is that too, pacman asks, and takes no for an answer.
        steps.questions = Some(Argv::new(&[&PACMAN_PLAIN, &sync[..]].concat()));
    }
    let remove: &[&str] = match action {
        PackageAction::Install | PackageAction::Upgrade if removals => &[REMOVE_CONFLICTING],
        _ => &[],
    };
    (steps, pacman(&[remove, words].concat()))
}

fn pacman_maintenance(
    action: Maintenance,
    removals: bool,
) -> Result<(PackageSteps, Argv), Refusal> {
    let mut steps = pacman_steps(None, None);
    let main = match action {
        Maintenance::Update => {
            return Err(Refusal::new(
                Code::Unsupported,
                "refreshing the package lists without upgrading is what breaks Arch hosts: the \
                 next install would mix new libraries with old programs",
            )
            .hint("use `sm-helper package upgrade`, which refreshes and upgrades in one go"));
        }
        Maintenance::Repair => {
            return Err(Refusal::new(
                Code::Unsupported,
                "pacman has no command that repairs what was interrupted",
            )
            .hint("an administrator looks at /var/log/pacman.log and reinstalls what it names"));
        }
        Maintenance::Upgrade if removals => pacman(&["--sync", "--refresh", "--sysupgrade"]),
        Maintenance::Upgrade => pacman(&[KEEP_REPLACED, "--sync", "--refresh", "--sysupgrade"]),
        // The names come from `pacman --query --deps --unrequired` on standard input.
        Maintenance::Autoremove => {
            steps.names =
                Some(Argv::new(&[PACMAN, "--query", "--deps", "--unrequired", "--quiet"]));
            pacman(&["--remove", "--nosave", "--recursive", "-"])
        }
        Maintenance::Autoclean => pacman(&["--sync", "--clean"]),
    };
    Ok((steps, main))
}

fn no_manager() -> Refusal {
    Refusal::new(Code::Unsupported, "this host has neither apt-get nor pacman")
        .hint("packages can be managed on hosts of the Debian and Arch families")
}

/// What would be run for this caller, or why nothing would.
pub fn planned(force: &InForce, caller: &Caller, request: Request) -> Result<Plan, Refusal> {
    let approved = force.judge(caller, request).map_err(|denial| denial.refusal)?;
    plan(approved, PackageManager::of_this_host())
}
