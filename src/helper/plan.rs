//! From an approved request to the exact command lines.
//!
//! Every argv that this program runs as root is made in this file, from constants, the policy's
//! own words and names of the grammar. [`Plan`] has no other maker, takes nothing but an
//! approval, and [`crate::policy::surface`] prints what it makes.

use super::codes::{Code, Refusal};
use super::host::PackageManager;
use super::request::{Operation, Request};
use super::unit::PROPERTIES;
use crate::policy::action::{Action, Maintenance, PackageAction, ServiceAction};
use crate::policy::verdict::Approved;
use serde::Serialize;

const SYSTEMCTL: &str = "/usr/bin/systemctl";
const JOURNALCTL: &str = "/usr/bin/journalctl";

/// One command line: an absolute path and its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Argv(Vec<String>);

impl Argv {
    fn new(words: &[&str]) -> Self {
        Self(words.iter().map(|word| (*word).to_owned()).collect())
    }

    /// The program.
    pub fn program(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// All of it.
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// What follows the program.
    pub fn arguments(&self) -> &[String] {
        self.0.get(1..).unwrap_or_default()
    }

    /// The locale to run it in. What `systemctl show` prints of a state is ASCII in any locale,
    /// and loading one costs it a tenth of its time; the rest should get its characters right.
    pub fn locale(&self) -> &'static str {
        let shows =
            self.program() == SYSTEMCTL && self.arguments().iter().any(|word| word == "show");
        if shows { "C" } else { "C.UTF-8" }
    }

    /// `systemctl restart`, for a sentence: the program's name and its first plain word.
    pub fn short(&self) -> String {
        let name = self.program().rsplit('/').next().unwrap_or_default();
        // `apt-get install`, `systemctl restart`, `pacman --sync`; an option's value has a `=`.
        let is_action = |word: &&String| match word.strip_prefix("--") {
            Some(long) => matches!(long, "sync" | "remove" | "query"),
            None => !word.starts_with('-') && !word.contains('='),
        };
        match self.arguments().iter().find(is_action) {
            Some(word) => format!("{name} {word}"),
            None => name.to_owned(),
        }
    }
}

/// What will be run, in this order.
#[derive(Debug)]
pub struct Plan {
    request: Request,
    warnings: Vec<String>,
    timeout: u32,
    output_bytes: u32,
    mask_secrets: bool,
    /// Reads the unit's state, before and after.
    state: Option<Argv>,
    /// Must exit 0, else nothing is done.
    check: Option<Argv>,
    /// Must exit 0: the package is there.
    installed: Option<Argv>,
    /// Prints what the operation would change.
    simulation: Option<Simulation>,
    /// Prints the names that `main` reads from its standard input.
    names: Option<Argv>,
    /// The operation.
    main: Argv,
}

/// How the package manager is asked what it would do.
#[derive(Debug)]
pub struct Simulation {
    /// Which one is asked.
    pub manager: PackageManager,
    /// The package, as that one calls it.
    pub name: String,
    /// Whether it may remove what was not asked for.
    pub removals: bool,
    argv: Argv,
}

impl Simulation {
    /// The command line that changes nothing.
    pub fn argv(&self) -> &Argv {
        &self.argv
    }
}

impl Plan {
    /// What was asked.
    pub fn request(&self) -> &Request {
        &self.request
    }
    /// What the caller should know though it is allowed.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
    /// The longest it may take, in seconds.
    pub fn timeout(&self) -> u32 {
        self.timeout
    }
    /// The bound on each of `stdout` and `stderr`.
    pub fn output_bytes(&self) -> usize {
        self.output_bytes as usize
    }
    /// Whether secrets in what is printed are masked.
    pub fn mask_secrets(&self) -> bool {
        self.mask_secrets
    }
    /// Reads the unit's state.
    pub fn state(&self) -> Option<&Argv> {
        self.state.as_ref()
    }
    /// Must exit 0, else nothing is done.
    pub fn check(&self) -> Option<&Argv> {
        self.check.as_ref()
    }
    /// Must exit 0: the package is there.
    pub fn installed(&self) -> Option<&Argv> {
        self.installed.as_ref()
    }
    /// Prints what the operation would change.
    pub fn simulation(&self) -> Option<&Simulation> {
        self.simulation.as_ref()
    }
    /// Prints the names that the main command reads from its standard input.
    pub fn names(&self) -> Option<&Argv> {
        self.names.as_ref()
    }
    /// The operation itself: the `argv` of the reply.
    pub fn main(&self) -> &Argv {
        &self.main
    }
    /// Whether it only looks at a unit's state.
    pub fn is_status(&self) -> bool {
        matches!(self.request.operation, Operation::Service { action: ServiceAction::Status, .. })
    }
    /// Whether it must not be killed in the middle.
    pub fn is_package(&self) -> bool {
        !matches!(self.request.operation, Operation::Service { .. })
    }
    /// Every command line of the plan.
    pub fn commands(&self) -> Vec<&Argv> {
        let simulation = self.simulation.as_ref().map(Simulation::argv);
        let before = [self.state(), self.check(), self.installed(), simulation, self.names()];
        before.into_iter().flatten().chain([&self.main]).collect()
    }
    /// The same plan with `lines` written in the place of the number of log lines, for the
    /// surface, where it stands for every number that is allowed.
    pub fn with_lines(mut self, lines: &str) -> Self {
        if let Operation::Service { action: ServiceAction::Logs, unit, .. } =
            &self.request.operation
        {
            self.main = logs(unit.as_str(), lines);
        }
        self
    }
}

/// The plan for an approved request on a host with this package manager.
///
/// # Errors
/// `unsupported` where the host can not do it.
pub fn plan(approved: Approved, manager: Option<PackageManager>) -> Result<Plan, Refusal> {
    let request = approved.request();
    let (mut state, mut check, mut installed, mut names) = (None, None, None, None);
    let mut simulation = None;
    let main = match &request.operation {
        Operation::Service { action, unit, lines } => {
            let unit = unit.as_str();
            check = approved.check().map(|words| Argv(words.to_vec()));
            let show = show(unit);
            match action {
                // One look at the manager is a status, and half the price of `systemctl status`,
                // which would show log lines too, whether or not the policy grants them.
                ServiceAction::Status => show,
                ServiceAction::Logs => logs(unit, &lines.get().to_string()),
                action => {
                    state = Some(show);
                    Argv::new(&[
                        SYSTEMCTL,
                        "--no-pager",
                        "--no-ask-password",
                        action.word(),
                        "--",
                        unit,
                    ])
                }
            }
        }
        Operation::Package { action, name } => {
            let (name, removals) = (name.as_str(), approved.allow_removals());
            let manager = manager.ok_or_else(no_manager)?;
            let name = match manager {
                PackageManager::Apt => name,
                PackageManager::Pacman => approved.pacman().unwrap_or(name),
            };
            if manager == PackageManager::Pacman && *action == PackageAction::Upgrade {
                // pacman has no way to say "only if it is installed".
                installed = Some(Argv::new(&[PACMAN, "--query", "--", name]));
            }
            let argv = match manager {
                PackageManager::Apt => apt_package(*action, name, removals, &["--simulate"]),
                PackageManager::Pacman => {
                    pacman_package(*action, name, &["--print", "--print-format=%n %v"])
                }
            };
            simulation = Some(Simulation { manager, name: name.to_owned(), removals, argv });
            match manager {
                PackageManager::Apt => apt_package(*action, name, removals, &[]),
                PackageManager::Pacman => pacman_package(*action, name, &[]),
            }
        }
        Operation::Maintenance { action } => match manager.ok_or_else(no_manager)? {
            PackageManager::Apt => apt_maintenance(*action),
            PackageManager::Pacman => {
                if *action == Maintenance::Autoremove {
                    names =
                        Some(Argv::new(&[PACMAN, "--query", "--deps", "--unrequired", "--quiet"]));
                }
                pacman_maintenance(*action)?
            }
        },
    };
    Ok(Plan {
        request: request.clone(),
        warnings: approved.warnings().to_vec(),
        timeout: approved.timeout(),
        output_bytes: approved.output_bytes(),
        mask_secrets: approved.mask_secrets(),
        state,
        check,
        installed,
        simulation,
        names,
        main,
    })
}

fn show(unit: &str) -> Argv {
    Argv::new(&[SYSTEMCTL, "--no-pager", "show", &format!("--property={PROPERTIES}"), "--", unit])
}

fn logs(unit: &str, lines: &str) -> Argv {
    let (unit, lines) = (format!("--unit={unit}"), format!("--lines={lines}"));
    Argv::new(&[JOURNALCTL, "--no-pager", "--quiet", "--output=short-iso", &lines, &unit])
}

/// What every `apt-get` is told: nobody is there to answer, the conffile that is installed stays
/// (`dpkg(1)`), no terminal is pretended, a lock is waited for (`apt-get(8)`), and a name is a
/// name: without `Pattern-Only` an unknown `docker.io` would be read as a regular expression and
/// everything that matches it installed.
const APT: [&str; 13] = [
    "/usr/bin/apt-get",
    "--assume-yes",
    "--quiet",
    "-o",
    "APT::Cmd::Pattern-Only=true",
    "-o",
    "Dpkg::Use-Pty=0",
    "-o",
    "Dpkg::Options::=--force-confdef",
    "-o",
    "Dpkg::Options::=--force-confold",
    "-o",
    "DPkg::Lock::Timeout=30",
];

fn apt(words: &[&str]) -> Argv {
    Argv::new(&[&APT, words].concat())
}

fn apt_package(action: PackageAction, name: &str, removals: bool, flags: &[&str]) -> Argv {
    let keep: &[&str] = if removals { &[] } else { &["--no-remove"] };
    let words: &[&str] = match action {
        // What is installed is what was asked for: upgrading it is another action.
        PackageAction::Install => &["--no-upgrade", "install", "--", name],
        PackageAction::Upgrade => &["--only-upgrade", "install", "--", name],
        PackageAction::Remove => return apt(&[flags, &["remove", "--", name]].concat()),
    };
    apt(&[flags, keep, words].concat())
}

fn apt_maintenance(action: Maintenance) -> Argv {
    match action {
        // Without this a repository that could not be read is a warning and exit status 0.
        Maintenance::Update => apt(&["-o", "APT::Update::Error-Mode=any", "update"]),
        // As `apt upgrade`: what is installed may need something new, and nothing is removed.
        Maintenance::Upgrade => apt(&["--with-new-pkgs", "upgrade"]),
        Maintenance::Autoremove => apt(&["autoremove"]),
        Maintenance::Autoclean => apt(&["autoclean"]),
    }
}

const PACMAN: &str = "/usr/bin/pacman";

fn pacman(words: &[&str]) -> Argv {
    let quiet: &[&str] = &[PACMAN, "--noconfirm", "--noprogressbar", "--color=never"];
    Argv::new(&[quiet, words].concat())
}

fn pacman_package(action: PackageAction, name: &str, flags: &[&str]) -> Argv {
    let words: &[&str] = match action {
        PackageAction::Install | PackageAction::Upgrade => &["--sync", "--needed", "--", name],
        PackageAction::Remove => &["--remove", "--", name],
    };
    pacman(&[flags, words].concat())
}

fn pacman_maintenance(action: Maintenance) -> Result<Argv, Refusal> {
    match action {
        Maintenance::Update => Err(Refusal::new(
            Code::Unsupported,
            "refreshing the package lists without upgrading is what breaks Arch hosts: the next \
             install would mix new libraries with old programs",
        )
        .hint("use `sm-helper package upgrade`, which refreshes and upgrades in one go")),
        Maintenance::Upgrade => Ok(pacman(&["--sync", "--refresh", "--sysupgrade"])),
        // The names come from `pacman --query --deps --unrequired` on standard input.
        Maintenance::Autoremove => Ok(pacman(&["--remove", "--nosave", "--recursive", "-"])),
        Maintenance::Autoclean => Ok(pacman(&["--sync", "--clean"])),
    }
}

fn no_manager() -> Refusal {
    Refusal::new(Code::Unsupported, "this host has neither apt-get nor pacman")
        .hint("packages can be managed on hosts of the Debian and Arch families")
}
