//! Why apt failed, and what is to be done about it.

use crate::managers::apt::hooks::{self, Hook};
use crate::managers::apt::sources;
use crate::managers::apt::unfinished::{for_want_of, in_want, way_out};
use crate::managers::asked::Asked;
use crate::managers::inventory::{Inventory, Unfinished, described};
use crate::managers::run::Run;
use crate::request::action::Maintenance;
use crate::request::code::Refusal;
use crate::request::ran::Ran;

/// Of an operation that changes packages.
pub fn of(run: &Run<'_>, refusal: Refusal) -> Refusal {
    let (asked, begun, stderr) = (run.asked, run.begun, &run.ran.stderr);
    let hook = Hook::failed(stderr);
    let refusal = match (&hook, run.is_so) {
        (Some(hook), _) => {
            let done =
                if run.is_so { "; the packages themselves were changed as planned" } else { "" };
            hooks::failed(&asked.command(), hook, done)
        }
        (None, true) => {
            let error =
                format!("{}; the packages themselves were changed as planned", refusal.error);
            Refusal { error, ..refusal }
        }
        (None, false) => refusal,
    };
    let in_want = in_want(stderr).filter(|(name, _)| begun.iter().any(|(begun, _)| begun == name));
    match (begun.is_empty(), in_want) {
        (true, _) if is_full(run.ran) => {
            refusal.hint(format!("{}, then try again", make_room(asked)))
        }
        (true, _) if hook.is_none() && is_of_script(stderr) => refusal.hint(
            "a script of the package failed, and says why in `stderr`: fix that, then try again; the scripts of installed packages are in /var/lib/dpkg/info",
        ),
        (true, _) => refusal,
        // A script that fails goes first: it is told with its own words.
        (false, Some((name, words))) if !is_of_script(stderr) => {
            refusal.detail(words).hint(for_want_of(asked, run.installed, name))
        }
        (false, _) => {
            let left = described(begun);
            let error = match hook {
                Some(_) => format!("{}; {left}", refusal.error),
                None => refusal.error.clone(),
            };
            let way = way_out(asked, run.installed, begun);
            let hint = match is_full(run.ran) {
                true => format!("{}; {way}", make_room(asked)),
                false => way,
            };
            Refusal { error, ..refusal }.hint(hint)
        }
    }
}

/// Of a simulation.
pub fn of_simulation(
    asked: &dyn Asked,
    installed: &Inventory,
    ran: &Ran,
    refusal: Refusal,
) -> Refusal {
    if let Some(hook) = Hook::failed(&ran.stderr) {
        return hooks::failed(&asked.command(), &hook, "");
    }
    // `E: The package NAME needs to be reinstalled, but I can't find an archive for it.`
    let lacks_archive = ran.stderr.lines().find_map(|line| {
        let rest = line.strip_prefix("E: The package ")?;
        rest.split_once(" needs to be reinstalled, but ").map(|(name, _)| name)
    });
    match lacks_archive {
        Some(name) => refusal.hint(way_out(asked, installed, &[(name, Unfinished::Broken)])),
        None => refusal,
    }
}

/// Of what changes no package.
pub fn of_update(asked: &dyn Asked, ran: &Ran, refusal: Refusal) -> Refusal {
    if asked.operation().maintenance() != Some(Maintenance::Update) {
        return refusal;
    }
    match Hook::failed(&ran.stderr) {
        Some(hook) => hooks::failed(&asked.command(), &hook, ""),
        None => sources::read_in_part(ran, refusal),
    }
}

/// Whether a file system was full, as dpkg or a script says.
fn is_full(ran: &Ran) -> bool {
    const SAID: &str = "No space left on device";
    [&ran.stderr, &ran.stdout].into_iter().any(|text| text.contains(SAID))
}

/// What a removal of this caller's does, which continues beside what is not configured.
fn make_room(asked: &dyn Asked) -> &'static str {
    match asked.may_do_to_all(Maintenance::Autoremove) {
        true => "make room first: sm-helper package autoremove, or remove what is not needed",
        false => "make room first: remove what is not needed",
    }
}

/// `dpkg: error processing package NAME (--remove):`, then ` installed NAME package pre-removal
/// script subprocess returned error exit status 1`.
fn is_of_script(stderr: &str) -> bool {
    let mut lines = stderr.lines().skip_while(|line| !line.starts_with("dpkg: error processing "));
    lines.any(|line| line.starts_with(' ') && line.contains(" script subprocess "))
}
