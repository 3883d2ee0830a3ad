//! The two programs, and what root runs in their place or beside them.

use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::{Finding, or_ok};
use crate::admin::doctor::packages;
use crate::admin::doctor::paths::{fix, weak, word};
use crate::admin::setup_broker::is_here;
use crate::admin::setup_sudo::install;
use crate::admin::setup_sudo::rule::helper_beside;
use crate::exec::process::PATH;
use crate::managers::host;
use crate::managers::owner::Package;
use crate::system::file;
use crate::system::kernel;
use crate::system::trust::trusted;
use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where the rules and the units name it.
const INSTALLED: &str = "/usr/local/bin/sm";

pub fn binary_path(context: &Context) -> Vec<Finding> {
    let path = &context.program;
    let mut found = Vec::new();
    found.extend(weak(path).map(|finding| finding.or_fix(|| install(context))));
    let data = fs::symlink_metadata(path);
    if data.is_ok_and(|data| data.mode() & 0o6000 != 0) {
        let found_there = format!("{} is setuid or setgid", path.display());
        found.push(Finding::problem(found_there).fix(format!("chmod a-s {}", word(path))));
    }
    // Whoever asks a build folder's program hears of what is installed elsewhere.
    if path != Path::new(INSTALLED) && Path::new(INSTALLED).exists() {
        let other = format!("this is {}, and not {INSTALLED}", path.display());
        found.push(
            Finding::warning(other)
                .means("what follows is about this copy and the helper next to it")
                .fix(format!("{INSTALLED} doctor")),
        );
    }
    or_ok(found, format!("{} is root's alone", path.display()))
}

pub fn helper_path(context: &Context) -> Vec<Finding> {
    let path = &context.helper;
    match helper_beside(&context.program) {
        Ok(real) => vec![Finding::ok(format!("{} is root's alone", real.display()))],
        Err(refusal) => {
            let data = fs::symlink_metadata(path);
            let is_setuid = data.is_ok_and(|data| data.is_file() && data.mode() & 0o6000 != 0);
            let command = if is_setuid {
                format!("chmod a-s {}", word(path))
            } else {
                // What is missing, a link or not a program is put there again.
                fix(path).unwrap_or_else(|| install(context))
            };
            vec![Finding::problem(refusal.error).fix(command)]
        }
    }
}

pub fn same(context: &Context) -> Vec<Finding> {
    let (sm, helper) = (&context.program, &context.helper);
    // That it is not there is said of its path.
    if !helper.exists() {
        return vec![
            Finding::warning("sm and sm-helper could not be compared").fix(install(context)),
        ];
    }
    if is_same(sm, helper) {
        return vec![Finding::ok("sm and sm-helper are the same build")];
    }
    let found = format!("{} is another build than sm", helper.display());
    vec![Finding::problem(found).fix(install(context))]
}

/// Whether two files have the same content. One that is not a file, or as long as a disk, is not
/// read: it may be anybody's.
fn is_same(one: &Path, other: &Path) -> bool {
    let open = |path: &Path| {
        let file = file::open(path).ok()?;
        let size = file.metadata().ok()?.len();
        Some((file, size))
    };
    let (Some((one, size)), Some((other, other_size))) = (open(one), open(other)) else {
        return false;
    };
    let read = |file: File| {
        let mut bytes = Vec::new();
        file.take(size).read_to_end(&mut bytes).map(|_| bytes).ok()
    };
    size == other_size && read(one) == read(other)
}

/// What puts both programs in place again: two files with the same content.
fn install(context: &Context) -> String {
    if let Some(again) = install::again(&context.program) {
        return again;
    }
    match context.drop_ins.iter().find_map(|file| file.who.as_ref()) {
        Some(who) => format!("{} setup-sudo --install {}", word(&context.program), who.flags()),
        None if is_here().is_ok_and(|is| is) => {
            format!("{} setup-broker --install", word(&context.program))
        }
        None => "packaging/install".to_owned(),
    }
}

pub fn capabilities(context: &Context) -> Vec<Finding> {
    let has = |path: &&PathBuf| {
        CString::new(path.as_os_str().as_bytes()).is_ok_and(|path| kernel::has_capabilities(&path))
    };
    let with = [&context.program, &context.helper].into_iter().filter(has);
    let found = with
        // The kernel takes them away with a change of the owner, also to the same one.
        .map(|path| {
            Finding::problem(format!("{} has file capabilities", path.display()))
                .fix(format!("chown root:root {}", word(path)))
        })
        .collect();
    or_ok(found, "neither sm nor sm-helper has file capabilities")
}

pub fn twice(context: &Context) -> Vec<Finding> {
    let identity = |path: &Path| file::identity(path).filter(|_| path.is_file());
    let own = identity(&context.helper);
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for folder in search_path() {
        let path = Path::new(&folder).join("sm-helper");
        let Some(other) = identity(&path) else { continue };
        // The same file under another name of its folder (/bin, /usr/bin) is no second one.
        if Some(other) == own || !seen.insert(other) {
            continue;
        }
        let same = is_same(&path, &context.helper);
        let what = format!("{} also exists, besides {}", path.display(), context.helper.display());
        let finding = if same {
            Finding::warning(what)
        } else {
            Finding::problem(format!("{what}, and is another program"))
        };
        found.push(finding.fix(removal(&path)));
    }
    or_ok(found, format!("{} is the only one", context.helper.display()))
}

/// What takes another helper away. At no time may a rule name a file that is not there: the package
/// takes its own rules away, and so does the program beside it, if it is one of ours.
fn removal(helper: &Path) -> String {
    if let Some(package) = Package::of(helper) {
        return package.remove();
    }
    let program = helper.with_file_name("sm");
    let (rm, program_word) = (format!("rm {}", word(helper)), word(&program));
    // Root does not run what others can change.
    if is_same(&program, helper) && trusted(&program).is_ok() {
        format!("{program_word} setup-sudo --remove --all && {rm} {program_word}")
    } else {
        rm
    }
}

/// The folders that some PATH of this host has: this process's, those that a login gets
/// (`login.defs(5)`, `pam_env(8)`), and the usual ones.
fn search_path() -> Vec<String> {
    let mut paths = vec![std::env::var("PATH").unwrap_or_default()];
    paths.push(PATH.to_owned());
    let defs = fs::read_to_string("/etc/login.defs").unwrap_or_default();
    for line in defs.lines() {
        let mut words = line.split_whitespace();
        if words.next().is_some_and(|key| key == "ENV_PATH" || key == "ENV_SUPATH") {
            paths.extend(words.next().map(|path| path.trim_start_matches("PATH=").to_owned()));
        }
    }
    let environment = fs::read_to_string("/etc/environment").unwrap_or_default();
    let set = environment.lines().filter_map(|line| line.trim().strip_prefix("PATH="));
    paths.extend(set.map(|path| path.trim_matches(['"', '\'']).to_owned()));
    let folders = paths.iter().flat_map(|path| path.split(':'));
    folders.filter(|folder| folder.starts_with('/')).map(str::to_owned).collect()
}

pub fn preload(_: &Context) -> Vec<Finding> {
    const FILE: &str = "/etc/ld.so.preload";
    if fs::symlink_metadata(FILE).is_err() {
        return vec![Finding::ok("there is no /etc/ld.so.preload")];
    }
    if let Some(weak) = weak(Path::new(FILE)) {
        return vec![weak];
    }
    let text = fs::read_to_string(FILE).unwrap_or_default();
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    // ld.so(8): blanks and colons are between two of them.
    let names: Vec<&str> = lines
        .flat_map(|line| line.split([' ', '\t', ':']))
        .filter(|name| !name.is_empty())
        .collect();
    let mut found = Vec::new();
    for name in &names {
        let path = Path::new(name);
        let off = format!("mv {FILE} {FILE}.off");
        match if path.is_absolute() { weak(path) } else { None } {
            Some(weak) if weak.fix.is_some() => found.push(weak),
            Some(not_there) => found.push(
                Finding::warning(format!("{FILE}: {}", not_there.found))
                    .means("every program, including root's, would load it once it exists")
                    .fix(off),
            ),
            None => found.push(
                Finding::warning(format!("{FILE} loads {name} into every program"))
                    .means(
                        "it is root's, and part of the helper: keep it only if you know what it is",
                    )
                    .fix(off),
            ),
        }
    }
    or_ok(found, format!("{FILE} names nothing"))
}

pub fn tools(_: &Context) -> Vec<Finding> {
    const SYSTEMCTL: &str = "/usr/bin/systemctl";
    let packages = host::ALL.into_iter().flat_map(|manager| manager.programs()).copied();
    let there = [SYSTEMCTL, "/usr/bin/journalctl"]
        .into_iter()
        .chain(packages)
        .chain(["/usr/bin/sudo", "/usr/sbin/visudo"])
        .map(Path::new)
        .filter(|path| path.exists());
    let mut found: Vec<Finding> = there.clone().filter_map(weak).collect();
    found.extend(packages::settings());
    if !Path::new(SYSTEMCTL).exists() {
        found.push(
            Finding::warning(format!("{SYSTEMCTL} is missing"))
                .means("requests about services cannot be answered on this host"),
        );
    }
    if host::of_this_host().is_none() {
        found.push(
            Finding::warning(format!("there is neither {}", host::programs()))
                .means("requests about packages cannot be answered on this host"),
        );
    }
    let names: Vec<&str> =
        there.filter_map(|path| path.file_name()).filter_map(|name| name.to_str()).collect();
    or_ok(found, format!("root's alone: {}", names.join(", ")))
}
