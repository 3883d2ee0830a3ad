//! What is run of pacman.

use crate::managers::argv::{Argv, UTF8};
use crate::managers::commands::Commands;
use crate::managers::confinement::Confinement;
use crate::request::action::{Maintenance, PackageAction};
use crate::request::code::{Code, Refusal};

/// `pacman(8)`.
pub const PACMAN: &str = "/usr/bin/pacman";

/// Where it keeps what it has fetched.
const KEPT: &str = "/var/cache/pacman/pkg";

/// How pacman speaks to a program.
const PLAIN: [&str; 3] = [PACMAN, "--noprogressbar", "--color=never"];

const SIMULATE: [&str; 2] = ["--print", "--print-format=%n %v"];

/// Where it writes before it asks: its lock and its keyring's (`pacman.conf(5)`).
const SIMULATES: Confinement = Confinement::Simulation {
    writes: &["/var/lib/pacman", "/var/cache/pacman", "/etc/pacman.d/gnupg"],
};

/// `--noconfirm` takes the answer that pacman thinks best; `--ask` turns the answer around for the
/// questions in its sum (`alpm.h`: `ALPM_QUESTION_INSTALL_IGNOREPKG` 1, `…_REPLACE_PKG` 2,
/// `…_CONFLICT_PKG` 4): of itself a package in conflict is kept, and one that another replaces
/// is not.
const REMOVE_CONFLICTING: &str = "--ask=4";
const KEEP_REPLACED: &str = "--ask=2";

/// For one package.
pub fn package(action: PackageAction, name: &str, removals: bool) -> Commands {
    if action == PackageAction::Remove {
        let words = ["--remove", "--", name];
        return Commands { simulation: Some(simulation(&words)), ..looked_at(pacman(&words)) };
    }
    let words = ["--sync", "--needed", "--", name];
    let remove: &[&str] = if removals { &[REMOVE_CONFLICTING] } else { &[] };
    Commands {
        simulation: Some(simulation(&words)),
        // A simulation does not look for conflicts, nor at what is held. With neither
        // `--noconfirm` nor `--ask`, which is that too, pacman asks, and takes no for an answer.
        questions: Some(run(&[&PLAIN, &words[..]].concat(), SIMULATES)),
        ..looked_at(pacman(&[remove, &words].concat()))
    }
}

/// For all of them.
///
/// # Errors
/// `unsupported` for what pacman cannot do, or should not.
pub fn maintenance(action: Maintenance, removals: bool) -> Result<Commands, Refusal> {
    let mut names = None;
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
                "pacman has no command to repair an interrupted operation",
            )
            .hint(
                "an administrator should look at /var/log/pacman.log and reinstall what it names",
            ));
        }
        Maintenance::Upgrade if removals => pacman(&["--sync", "--refresh", "--sysupgrade"]),
        Maintenance::Upgrade => pacman(&[KEEP_REPLACED, "--sync", "--refresh", "--sysupgrade"]),
        // The names come from `pacman --query --deps --unrequired` on standard input.
        Maintenance::Autoremove => {
            let query = [PACMAN, "--query", "--deps", "--unrequired", "--quiet"];
            names = Some(run(&query, Confinement::READER));
            pacman(&["--remove", "--nosave", "--recursive", "-"])
        }
        Maintenance::Autoclean => pacman(&["--sync", "--clean"]),
    };
    Ok(Commands { names, ..looked_at(main) })
}

/// These versions instead of those that are installed, from the packages that pacman has kept; none if it
/// has not kept all of them.
pub fn back_to(versions: &[(String, String)]) -> Option<Commands> {
    let kept: Vec<String> = std::fs::read_dir(KEPT)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.ends_with(".sig"))
        .collect();
    let file = |(name, version): &(String, String)| {
        let start = format!("{name}-{version}-");
        // What follows is the architecture and the end, which have no `-`.
        let is_it = |file: &&String| {
            let rest = file.strip_prefix(&start);
            rest.is_some_and(|rest| rest.contains(".pkg.tar") && !rest.contains('-'))
        };
        kept.iter().find(is_it).map(|file| format!("{KEPT}/{file}"))
    };
    let files: Option<Vec<String>> = versions.iter().map(file).collect();
    let files = files?;
    let files = files.iter().map(String::as_str);
    let words: Vec<&str> = ["--upgrade", "--"].into_iter().chain(files).collect();
    Some(Commands { simulation: Some(simulation(&words)), ..looked_at(pacman(&words)) })
}

/// What is installed.
pub fn inventory() -> Argv {
    run(&[PACMAN, "--query"], Confinement::READER)
}

/// With a look at what is installed before.
fn looked_at(main: Argv) -> Commands {
    Commands { inventory: Some(inventory()), ..Commands::alone(main) }
}

fn simulation(words: &[&str]) -> Argv {
    run(&pacman_words(&[&SIMULATE, words].concat()), SIMULATES)
}

fn pacman(words: &[&str]) -> Argv {
    run(&pacman_words(words), Confinement::PACKAGE_MANAGER)
}

fn pacman_words<'w>(words: &[&'w str]) -> Vec<&'w str> {
    [&PLAIN, &["--noconfirm"][..], words].concat()
}

fn run(words: &[&str], confinement: Confinement) -> Argv {
    Argv::new(words, UTF8, confinement)
}
