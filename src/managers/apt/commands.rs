//! What is run of apt and dpkg.

use crate::managers::apt::options::{PINNED, REMOVING};
use crate::managers::argv::{Argv, UTF8};
use crate::managers::commands::Commands;
use crate::managers::confinement::Confinement;
use crate::request::action::{Maintenance, PackageAction};

/// `apt-get(8)`.
pub const APT_GET: &str = "/usr/bin/apt-get";
const DPKG: &str = "/usr/bin/dpkg";
const DPKG_QUERY: &str = "/usr/bin/dpkg-query";
const APT_MARK: &str = "/usr/bin/apt-mark";

/// The programs of apt and dpkg that root runs, here or by hand.
pub const PROGRAMS: [&str; 5] = [APT_GET, "/usr/bin/apt-cache", APT_MARK, DPKG, DPKG_QUERY];

/// That nobody is there (`debconf(7)`, `apt-listchanges(1)`, `apt-listbugs(1)`, `needrestart(1)`,
/// `ucf(1)`).
pub const ENVIRONMENT: [(&str, &str); 5] = [
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("APT_LISTCHANGES_FRONTEND", "none"),
    ("APT_LISTBUGS_FRONTEND", "none"),
    ("NEEDRESTART_SUSPEND", "1"),
    ("UCF_FORCE_CONFFOLD", "1"),
];

/// How every `apt-get` begins: nobody is there to answer. What else it is told: [`PINNED`].
const APT: [&str; 3] = [APT_GET, "--assume-yes", "--quiet=1"];

/// The simulation may show everything that apt could think of, so that it can be refused with
/// its reason; what is run afterwards may not do it.
const SIMULATE: [&str; 4] = [
    "--simulate",
    "--allow-downgrades",
    "--allow-change-held-packages",
    "--allow-remove-essential",
];

/// Where a simulation writes: its cache of all lists, and what it worked out (`apt.conf(5)`,
/// `Dir::Cache` and `Dir::Log::Planner`).
const SIMULATES: Confinement =
    Confinement::Simulation { writes: &["/var/cache/apt", "/var/log/apt"] };

/// One line a package: what is wanted and how far it got, name, architecture, version, whether
/// the system needs it (`dpkg-query(1)`).
const FORMAT: &str = "--showformat=${db:Status-Abbrev}|${Package}|${Architecture}|${Version}|${Essential}|${Protected}\n";

/// For one package.
pub fn package(action: PackageAction, name: &str, removals: bool) -> Commands {
    let words: &[&str] = match action {
        // What is installed is what was asked for: upgrading it is another action.
        PackageAction::Install => &["--no-upgrade", "install", "--", name],
        PackageAction::Upgrade => &["--only-upgrade", "install", "--", name],
        PackageAction::Remove => &["remove", "--", name],
    };
    let first = match action {
        PackageAction::Remove => options(&REMOVING),
        _ if removals => Vec::new(),
        _ => vec!["--no-remove"],
    };
    let automatic =
        (action == PackageAction::Remove).then(|| run(&[APT_MARK, "showauto"], SIMULATES));
    Commands { automatic, ..planned(words, apt(&[&first, words].concat())) }
}

/// For all of them.
pub fn maintenance(action: Maintenance) -> Commands {
    match action {
        // Without this a repository that could not be read is a warning and exit status 0.
        Maintenance::Update => {
            Commands::alone(apt(&["-o", "APT::Update::Error-Mode=any", "update"]))
        }
        Maintenance::Autoclean => Commands::alone(apt(&["autoclean"])),
        // Here too nobody is there to say which conffile is to stay.
        Maintenance::Repair => {
            let words = [DPKG, "--force-confdef", "--force-confold", "--configure", "-a"];
            Commands { inventory: Some(inventory()), ..Commands::alone(changes(&words)) }
        }
        // As `apt upgrade`: what is installed may need something new, and nothing is removed.
        Maintenance::Upgrade => {
            let words = ["--with-new-pkgs", "upgrade"];
            planned(&words, apt(&words))
        }
        Maintenance::Autoremove => {
            let words = [&options(&REMOVING)[..], &["autoremove"]].concat();
            planned(&["autoremove"], apt(&words))
        }
    }
}

/// With the simulation of these words.
fn planned(simulated: &[&str], main: Argv) -> Commands {
    let simulated = [&SIMULATE, simulated].concat();
    let simulation = Some(run(&apt_words(&simulated), SIMULATES));
    Commands { inventory: Some(inventory()), simulation, ..Commands::alone(main) }
}

/// These versions instead of those that are installed.
pub fn back_to(versions: &[(String, String)]) -> Commands {
    let names: Vec<String> =
        versions.iter().map(|(name, version)| format!("{name}={version}")).collect();
    let names = names.iter().map(String::as_str);
    let words: Vec<&str> = ["install", "--"].into_iter().chain(names).collect();
    planned(&words, apt(&[&["--allow-downgrades", "--no-remove"], &words[..]].concat()))
}

/// Prints what is installed.
pub fn inventory() -> Argv {
    run(&[DPKG_QUERY, "--show", FORMAT], Confinement::READER)
}

fn apt(words: &[&str]) -> Argv {
    changes(&apt_words(words))
}

fn apt_words<'w>(words: &[&'w str]) -> Vec<&'w str> {
    [&APT, &options(&PINNED)[..], words].concat()
}

fn changes(words: &[&str]) -> Argv {
    run(words, Confinement::PACKAGE_MANAGER)
}

fn run(words: &[&str], confinement: Confinement) -> Argv {
    Argv::new(words, UTF8, confinement)
}

/// Each after a `-o`.
fn options<'o>(options: &[&'o str]) -> Vec<&'o str> {
    options.iter().flat_map(|option| ["-o", option]).collect()
}
