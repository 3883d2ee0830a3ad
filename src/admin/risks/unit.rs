//! Units as `systemctl show` has them: the files they are made of, and what is run for them.

use crate::admin::call;
use crate::system::file;
use crate::tasks::interpreter::{Head, LOOKED_AT};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A unit that a policy or a rule of sudo's names and this host has, or one that such a unit starts.
#[derive(Debug, Default)]
pub struct Unit {
    pub name: String,
    /// Its other names too: what adds to one of them adds to it.
    pub names: Vec<String>,
    /// The unit file, what adds to it, and what a generator made it from.
    pub files: Vec<String>,
    /// The programs and scripts that are the service itself, and run as its account.
    pub started: BTreeSet<PathBuf>,
    /// The account that it runs as; none for root.
    pub user: Option<String>,
    /// What it runs, command by command.
    pub commands: Vec<Started>,
    /// What it reads its environment from.
    pub environment: Vec<PathBuf>,
    /// The folder in which it runs, if it names one.
    pub folder: Option<PathBuf>,
    /// The units that it starts: those of a socket, a timer or a path.
    pub triggers: Vec<String>,
}

/// A command of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The setting that has it: `ExecStart`.
    pub setting: String,
    /// The program, and the scripts that it is given if it runs them.
    pub used: Vec<PathBuf>,
    /// Whether root runs it.
    pub is_root: bool,
}

/// Those of the units that this host has, and after them those that they start.
///
/// # Errors
/// Why systemd could not be asked.
pub fn units(names: &BTreeSet<String>) -> Result<Vec<Unit>, String> {
    let mut units = shown(names)?;
    let is_known =
        |name: &String| names.contains(name) || units.iter().any(|one| one.names.contains(name));
    let triggered = units.iter().flat_map(|unit| &unit.triggers);
    let more: BTreeSet<String> = triggered.filter(|name| !is_known(name)).cloned().collect();
    units.extend(shown(&more)?);
    Ok(units)
}

fn shown(names: &BTreeSet<String>) -> Result<Vec<Unit>, String> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let properties = properties();
    let mut arguments = vec!["--no-pager", "show", &properties, "--"];
    arguments.extend(names.iter().map(String::as_str));
    let shown = call::text(call::tool("systemctl", &arguments))?;
    Ok(shown.split("\n\n").filter_map(Unit::shown).collect())
}

/// The folders that systemd reads units from, those that there are.
///
/// # Errors
/// Why systemd could not be asked.
pub fn search_path() -> Result<Vec<PathBuf>, String> {
    let arguments = ["--no-pager", "show", "--property=UnitPath", "--value"];
    let shown = call::text(call::tool("systemctl", &arguments))?;
    Ok(shown.split_whitespace().map(PathBuf::from).filter(|path| path.exists()).collect())
}

/// What has systemctl show all that is read here.
fn properties() -> String {
    // Of services and of sockets.
    const COMMANDS: [&str; 8] = [
        "ExecCondition",
        "ExecStartPre",
        "ExecStart",
        "ExecStartPost",
        "ExecReload",
        "ExecStop",
        "ExecStopPre",
        "ExecStopPost",
    ];
    // The second has the flags; an older systemd has the first alone.
    let commands = COMMANDS.map(|name| format!("{name},{name}Ex")).join(",");
    format!(
        "--property=Id,Names,LoadState,FragmentPath,SourcePath,DropInPaths,Triggers,User,WorkingDirectory,EnvironmentFiles,{commands}"
    )
}

impl Unit {
    /// One unit of what was printed; none if it is not loaded.
    pub fn shown(text: &str) -> Option<Self> {
        let fields: Vec<(&str, &str)> =
            text.lines().filter_map(|line| line.split_once('=')).collect();
        let value = |key: &str| {
            fields.iter().find(|(name, _)| *name == key).map_or("", |(_, value)| *value)
        };
        if value("LoadState") != "loaded" {
            return None;
        }
        let list = |key: &str| value(key).split_whitespace().map(str::to_owned);
        let is_root = ["", "root", "0"].contains(&value("User"));
        let folder = Path::new(value("WorkingDirectory").trim_start_matches('!'));
        let mut started = BTreeSet::new();
        let mut commands: Vec<Started> = Vec::new();
        for (key, value) in fields.iter().filter(|(name, _)| name.starts_with("Exec")) {
            let Some(command) = Command::shown(value) else { continue };
            let of_command = command.used(folder);
            // The first of the two spellings has no flags.
            if *key == "ExecStartEx" && !command.is_privileged {
                started.extend(of_command.iter().cloned());
            }
            commands.push(Started {
                setting: (*key).to_owned(),
                used: of_command,
                is_root: is_root || command.is_privileged,
            });
        }
        // An older systemd has the first spelling alone.
        let is_known_better = |one: &Started| {
            commands.iter().any(|other| other.setting.strip_suffix("Ex") == Some(&one.setting))
        };
        let mut commands: Vec<Started> =
            commands.iter().filter(|one| !is_known_better(one)).cloned().collect();
        for command in &mut commands {
            let long = command.setting.trim_end_matches("Ex").len();
            command.setting.truncate(long);
        }
        // An older systemd leaves out the s of the name.
        let files = fields.iter().filter(|(name, _)| name.starts_with("EnvironmentFile"));
        let file = |value: &str| Some(value.rsplit_once(" (ignore_errors=")?.0.into());
        let environment: Vec<PathBuf> = files.filter_map(|(_, value)| file(value)).collect();
        let made_of = list("FragmentPath").chain(list("SourcePath")).chain(list("DropInPaths"));
        Some(Self {
            name: value("Id").to_owned(),
            names: list("Names").collect(),
            // What the kernel shows is nobody's to write: a mount was made from /proc/self/mountinfo.
            files: made_of.filter(|path| !path.starts_with("/proc/")).collect(),
            started,
            user: (!is_root).then(|| value("User").to_owned()),
            commands,
            environment,
            folder: folder.is_absolute().then(|| folder.to_owned()),
            triggers: list("Triggers").collect(),
        })
    }

    /// The programs and scripts that it runs as root, and what it reads their environment from.
    pub fn used(&self) -> BTreeSet<&Path> {
        let by_root = self.commands.iter().filter(|command| command.is_root);
        let programs: BTreeSet<&Path> =
            by_root.flat_map(|command| &command.used).map(PathBuf::as_path).collect();
        let environment = self.environment.iter().filter(|_| !programs.is_empty());
        environment.map(PathBuf::as_path).chain(programs.iter().copied()).collect()
    }
}

/// The folders whose files add to a unit of this name (`systemd.unit(5)`): its own, its type's,
/// its template's, and those of each beginning of its name that ends with a dash.
pub fn drop_in_folders(unit: &str) -> Vec<String> {
    let (stem, suffix) = unit.rsplit_once('.').unwrap_or((unit, "service"));
    let begins =
        stem.match_indices(['-', '@']).map(|(at, _)| format!("{}.{suffix}.d", &stem[..=at]));
    begins.chain([format!("{stem}.{suffix}.d"), format!("{suffix}.d")]).collect()
}

/// One command line of a unit.
struct Command<'s> {
    path: &'s str,
    /// All of it, joined by blanks: what was quoted is no longer told apart.
    line: &'s str,
    /// Whether it is run as root, whatever the unit's account is: `+` or `!` is in front of it.
    is_privileged: bool,
}

impl<'s> Command<'s> {
    /// Reads `{ path=/bin/sh ; argv[]=/bin/sh -c a; ; flags=privileged ; start_time=… }`.
    fn shown(value: &'s str) -> Option<Self> {
        let (path, rest) = value.strip_prefix("{ path=")?.split_once(" ; argv[]=")?;
        let (line, flags) =
            rest.rsplit_once(" ; flags=").or_else(|| rest.rsplit_once(" ; ignore_errors="))?;
        let mut flags = flags.split(" ;").next().unwrap_or_default().split_whitespace();
        let is_privileged = flags.any(|flag| ["privileged", "no-setuid"].contains(&flag));
        Some(Self { path, line, is_privileged })
    }

    /// The program, and the scripts that it is given if it runs them.
    fn used(&self, folder: &Path) -> Vec<PathBuf> {
        let mut used = vec![PathBuf::from(self.path)];
        if is_interpreter(self.path) {
            used.extend(scripts(self.line.split_whitespace().skip(1), folder));
        }
        let interpreters: Vec<PathBuf> = used.iter().filter_map(|path| interpreter(path)).collect();
        used.extend(interpreters);
        used
    }
}

/// What an interpreter's words have it run: the first that is neither an option nor a variable,
/// and in the text of a script the first of each command.
///
/// What follows is data, which is often the service's own.
fn scripts<'w>(words: impl Iterator<Item = &'w str>, folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut is_next = true;
    for word in words {
        let name = word.trim_matches(['"', '\'', '(', ')', '{', '}', ';', '&']);
        let path = folder.join(name);
        if is_next && (name.starts_with('/') || path.is_file()) {
            found.push(path);
        }
        let is_before = name.starts_with('-') || name.contains('=') || name.is_empty();
        let is_leading = ["|", "!", ".", "source", "exec", "then", "do", "else"].contains(&name);
        is_next = is_next && is_before
            || is_leading
            || is_interpreter(name)
            || word.ends_with([';', '&', '|', '(', '{']);
    }
    found
}

/// The program that the kernel has read a script, if the file is one.
fn interpreter(path: &Path) -> Option<PathBuf> {
    let mut head = Vec::new();
    file::open(path).ok()?.take(LOOKED_AT as u64).read_to_end(&mut head).ok()?;
    match Head::of(&head) {
        Head::Script { interpreter, .. } => Some(interpreter.into()),
        Head::Program | Head::Bad(_) => None,
    }
}

/// Whether a program runs what its first argument names. Its name may end with a version.
fn is_interpreter(path: &str) -> bool {
    const ALL: [&str; 19] = [
        "sh", "bash", "dash", "ksh", "zsh", "env", "python", "pypy", "perl", "ruby", "node",
        "nodejs", "php", "java", "dotnet", "lua", "luajit", "tclsh", "Rscript",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    ALL.contains(&name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'))
}

#[cfg(test)]
mod tests {
    use super::{Started, Unit, drop_in_folders, scripts};
    use std::path::{Path, PathBuf};

    const SHOWN: &str = "\
        EnvironmentFiles=/etc/default/nginx (ignore_errors=yes)\n\
        ExecStart={ path=/usr/sbin/nginx ; argv[]=/usr/sbin/nginx -g daemon on; ; ignore_errors=no ; start_time=[n/a] ; status=0/0 }\n\
        ExecStartEx={ path=/usr/sbin/nginx ; argv[]=/usr/sbin/nginx -g daemon on; ; flags= ; start_time=[n/a] ; status=0/0 }\n\
        ExecStopPostEx={ path=/bin/sh ; argv[]=/bin/sh /srv/a.sh /srv/data ; flags=ignore-failure ; start_time=[n/a] ; status=0/0 }\n\
        User=\nId=nginx.service\nNames=nginx.service web.service\nLoadState=loaded\n\
        FragmentPath=/lib/systemd/system/nginx.service\nDropInPaths=/a.conf /b.conf\n";

    fn used(shown: &str) -> Vec<PathBuf> {
        let unit = Unit::shown(shown).expect("it is loaded");
        unit.used().into_iter().map(Path::to_owned).collect()
    }

    #[test]
    fn what_systemctl_shows_of_a_unit_is_understood() {
        let nginx = Unit::shown(SHOWN).expect("it is loaded");
        assert_eq!(nginx.names, ["nginx.service", "web.service"]);
        assert_eq!(nginx.files, ["/lib/systemd/system/nginx.service", "/a.conf", "/b.conf"]);
        let all = ["/bin/sh", "/etc/default/nginx", "/srv/a.sh", "/usr/sbin/nginx"];
        assert_eq!(used(SHOWN), all.map(PathBuf::from));
        assert!(Unit::shown(&SHOWN.replace("=loaded", "=not-found")).is_none());
    }

    #[test]
    fn only_what_root_runs_counts_of_a_unit_with_an_account() {
        let other = SHOWN.replace("User=", "User=www-data");
        assert!(used(&other).is_empty());
        for flags in ["privileged", "ignore-failure no-setuid"] {
            let some = other.replace("flags=ignore-failure", &format!("flags={flags}"));
            let all = ["/bin/sh", "/etc/default/nginx", "/srv/a.sh"];
            assert_eq!(used(&some), all.map(PathBuf::from), "{flags}");
        }
        assert!(used(&other.replace("flags=ignore-failure", "flags=ambient")).is_empty());
    }

    #[test]
    fn each_command_is_known_once_with_its_setting_and_who_runs_it() {
        let started = |setting: &str, used: &[&str], is_root| Started {
            setting: setting.to_owned(),
            used: used.iter().map(PathBuf::from).collect(),
            is_root,
        };
        let commands = |shown: &str| Unit::shown(shown).expect("it is loaded").commands;
        let (start, stop) = (&["/usr/sbin/nginx"][..], &["/bin/sh", "/srv/a.sh"][..]);
        let all =
            |one, two| vec![started("ExecStart", start, one), started("ExecStopPost", stop, two)];
        assert_eq!(commands(SHOWN), all(true, true));
        let other = SHOWN.replace("User=", "User=www-data");
        assert_eq!(commands(&other), all(false, false));
        let some = other.replace("flags=ignore-failure", "flags=privileged");
        assert_eq!(commands(&some), all(false, true));
        // An older systemd has no flags.
        let older: String =
            SHOWN.split_inclusive('\n').filter(|line| !line.contains("Ex=")).collect();
        assert_eq!(commands(&older), vec![started("ExecStart", start, true)]);
    }

    #[test]
    fn a_script_is_told_from_data() {
        for (line, found) in [
            ("/srv/a.sh /var/lib/x", &["/srv/a.sh"][..]),
            ("-eu /srv/a.sh", &["/srv/a.sh"]),
            ("A=1 /usr/bin/python3.11 -u /srv/a.py", &["/usr/bin/python3.11", "/srv/a.py"]),
            ("-c cat /run/x/x.pid; /srv/a x && exec /srv/b", &["/srv/a", "/srv/b"]),
            ("-c . /srv/env; x", &["/srv/env"]),
            ("-c test -e /srv/x || (/srv/a)", &["/srv/a"]),
            ("-Xmx1g -jar /srv/app.jar /srv/data", &["/srv/app.jar"]),
            ("-m app --data /var/lib/x", &[]),
            ("-c runuser -u x /srv/x", &[]),
            ("passwd /var/lib/x", &["/etc/passwd"]),
        ] {
            let found: Vec<PathBuf> = found.iter().map(PathBuf::from).collect();
            assert_eq!(scripts(line.split(' '), Path::new("/etc")), found, "{line}");
        }
    }

    #[test]
    fn a_unit_has_the_drop_ins_of_its_type_and_of_the_beginnings_of_its_name() {
        assert_eq!(drop_in_folders("nginx.service"), ["nginx.service.d", "service.d"]);
        let all = ["a@.service.d", "a@b-.service.d", "a@b-c.service.d", "service.d"];
        assert_eq!(drop_in_folders("a@b-c.service"), all);
    }
}
