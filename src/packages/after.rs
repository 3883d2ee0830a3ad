//! What came of an operation: not what the package manager said of it, but what is installed
//! afterwards, beside what was asked for.

use crate::exec::context::verdict;
use crate::exec::message::DOWNLOADER;
use crate::managers::host::PackageManager;
use crate::managers::inventory::{Inventory, Unfinished};
use crate::managers::transaction::Transaction;
use crate::output::text::one_line;
use crate::packages::hooks::{self, Hook};
use crate::packages::unfinished::{self, way_out};
use crate::packages::{lists, sources};
use crate::plan::Plan;
use crate::request::action::{Maintenance, PackageAction};
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;
use crate::request::ran::{Ended, Ran};
use std::collections::BTreeSet;

/// An operation that was run, and what is installed before and after it.
pub struct Done<'d> {
    /// What was asked.
    pub plan: &'d Plan,
    /// The package manager.
    pub manager: PackageManager,
    /// What the package manager takes the name for; none where there is no name.
    pub name: Option<&'d str>,
    /// What it said that it would change.
    pub transaction: Option<&'d Transaction>,
    /// What was installed.
    pub before: &'d Inventory,
    /// What is installed.
    pub after: &'d Inventory,
    /// What the command did.
    pub ran: &'d Ran,
}

impl Done<'_> {
    /// `ok` where what was asked for is so.
    pub fn verdict(&self) -> Result<(), Refusal> {
        let missing = self.missing();
        match verdict(self.plan, self.ran) {
            Ok(()) if missing.is_empty() => script_failed(self.manager, self.ran),
            Ok(()) => Err(self.nothing_less(&missing)),
            Err(refusal) => Err(self.explained(refusal, missing.is_empty())),
        }
    }

    /// Whether all is as it was asked for, while the command still runs: pacman writes down what is
    /// installed before the scripts of it have run.
    pub fn is_so(&self) -> bool {
        let scripts_are_over = match self.manager {
            PackageManager::Apt => true,
            PackageManager::Pacman => self.ran.stdout.lines().any(|line| line == POST_HOOKS),
        };
        scripts_are_over && self.missing().is_empty()
    }

    /// What is not as it was asked for, a few words each.
    fn missing(&self) -> BTreeSet<String> {
        let mut missing = BTreeSet::new();
        let empty = Transaction::default();
        let transaction = self.transaction.unwrap_or(&empty);
        for change in transaction.arriving() {
            missing.extend(self.is_not_there(&change.name, Some(&change.version)));
        }
        // One that is in the way for a while is removed and comes back.
        let comes_back = |name: &str| transaction.arriving().any(|change| change.name == name);
        for change in transaction.remove.iter().filter(|change| !comes_back(&change.name)) {
            missing.extend(self.is_not_gone(&change.name));
        }
        match (&self.plan.request().operation, self.name) {
            (Operation::Package { action: PackageAction::Remove, .. }, Some(name)) => {
                missing.extend(self.is_not_gone(name));
            }
            (Operation::Package { .. }, Some(name)) => {
                missing.extend(self.is_not_there(name, None));
            }
            _ => {}
        }
        for (name, how) in self.begun() {
            missing.insert(format!("{name} is {}", how.word()));
        }
        missing
    }

    fn is_not_there(&self, name: &str, version: Option<&str>) -> Option<String> {
        if let Some(how) = self.after.unfinished(name) {
            return Some(format!("{name} is {}", how.word()));
        }
        let Some(row) = self.after.get(name).filter(|_| self.after.has(name)) else {
            return Some(format!("{name} is not installed"));
        };
        let other = version.filter(|version| row.version != *version)?;
        Some(format!("{name} is there in version {} and not {other}", row.version))
    }

    fn is_not_gone(&self, name: &str) -> Option<String> {
        match self.after.unfinished(name) {
            Some(how) => Some(format!("{name} is {}", how.word())),
            None => self.after.has(name).then(|| format!("{name} is still installed")),
        }
    }

    /// What is not come to its end and was before; to repair is to bring all to their end.
    fn begun(&self) -> Vec<(&str, Unfinished)> {
        let repairs = self.plan.request().operation.maintenance() == Some(Maintenance::Repair);
        let mut begun = self.after.broken();
        begun.retain(|(name, _)| {
            repairs || Some(*name) == self.name || self.before.unfinished(name).is_none()
        });
        begun
    }

    /// The command ended with success, and it is none.
    fn nothing_less(&self, missing: &BTreeSet<String>) -> Refusal {
        let short = self.plan.main().short();
        let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
        let missing = one_line(&missing.join(", "), 300);
        let error = format!("`{short}` ended with success, and yet {missing}");
        let hint = match self.begun().as_slice() {
            [] => match self.manager {
                PackageManager::Apt => "`stdout` has what it did; an administrator looks for a setting that keeps it from that, such as no-act: in /etc/dpkg/dpkg.cfg, /etc/dpkg/dpkg.cfg.d, or with: apt-config dump".to_owned(),
                PackageManager::Pacman => "`stdout` has what it did; an administrator looks at /etc/pacman.conf and /var/log/pacman.log".to_owned(),
            },
            begun => way_out(self.plan, self.manager, self.after, begun),
        };
        Refusal::new(Code::CommandFailed, error).hint(hint)
    }

    /// The command failed; `is_so` is whether what was asked for is so all the same.
    fn explained(&self, refusal: Refusal, is_so: bool) -> Refusal {
        if !matches!(self.ran.ended, Ended::Exited(_)) {
            return refusal;
        }
        if self.manager == PackageManager::Pacman {
            return self.explained_of_pacman(refusal);
        }
        let begun = self.begun();
        let short = self.plan.main().short();
        let hook = Hook::failed(&self.ran.stderr);
        let refusal = match (&hook, is_so) {
            (Some(hook), _) => {
                let done = if is_so { "; the packages themselves are done" } else { "" };
                hooks::failed(&short, hook, done)
            }
            (None, true) => {
                let error = format!("{}; the packages themselves are done", refusal.error);
                Refusal { error, ..refusal }
            }
            (None, false) => refusal,
        };
        let in_want = unfinished::in_want(&self.ran.stderr);
        let in_want = in_want.filter(|(name, _)| begun.iter().any(|(begun, _)| begun == name));
        match (begun.is_empty(), in_want) {
            (true, _) if self.is_full() => {
                refusal.hint(format!("{}, then try again", self.make_room()))
            }
            (true, _) if hook.is_none() && is_of_script(&self.ran.stderr) => refusal.hint(
                "a script of the package failed, and says why in `stderr`: mend that, then the same again; an installed package's scripts are in /var/lib/dpkg/info",
            ),
            (true, _) => lists::too_old(self.plan, self.manager, self.ran, refusal),
            // A script that fails goes first: it is told with its own words.
            (false, Some((name, words))) if !is_of_script(&self.ran.stderr) => refusal
                .said(words)
                .hint(unfinished::for_want_of(self.plan, self.manager, self.after, name)),
            (false, _) => {
                let left = unfinished::all(&begun);
                let error = match hook {
                    Some(_) => format!("{}; {left}", refusal.error),
                    None => refusal.error.clone(),
                };
                let way = way_out(self.plan, self.manager, self.after, &begun);
                let hint = match self.is_full() {
                    true => format!("{}; {way}", self.make_room()),
                    false => way,
                };
                Refusal { error, ..refusal }.hint(hint)
            }
        }
    }

    fn explained_of_pacman(&self, refusal: Refusal) -> Refusal {
        const SAID: &str = "(failed to run transaction hooks)";
        let short = self.plan.main().short();
        if self.ran.stderr.lines().any(|line| line.ends_with(SAID)) {
            let error = format!("`{short}` failed before it changed anything, since a hook failed");
            let hook = hooks_of_pacman(&self.ran.stdout).pop().unwrap_or_default();
            return Refusal::new(Code::CommandFailed, error)
                .said(hook)
                .hint("an administrator mends that hook, or takes it out of /etc/pacman.d/hooks");
        }
        if self.ran.stderr.lines().any(|line| line.ends_with(DOWNLOADER)) {
            return refusal.hint(
                "nothing was changed; what XferCommand in /etc/pacman.conf runs failed: an administrator tries it by hand, or takes it out of there",
            );
        }
        let refusal = sources::unread_by_pacman(self.ran, refusal);
        lists::too_old(self.plan, self.manager, self.ran, refusal)
    }

    /// Whether a file system was full, as dpkg or a script says.
    fn is_full(&self) -> bool {
        const SAID: &str = "No space left on device";
        [&self.ran.stderr, &self.ran.stdout].into_iter().any(|text| text.contains(SAID))
    }

    /// What a removal of this caller's does, which goes on beside what is not configured.
    fn make_room(&self) -> &'static str {
        match self.plan.approved().may_do_to_all(Maintenance::Autoremove) {
            true => "make room first: sm-helper package autoremove, or remove what is not needed",
            false => "make room first: remove what is not needed",
        }
    }
}

/// `dpkg: error processing package NAME (--remove):`, then ` installed NAME package pre-removal
/// script subprocess returned error exit status 1`.
fn is_of_script(stderr: &str) -> bool {
    let mut lines = stderr.lines().skip_while(|line| !line.starts_with("dpkg: error processing "));
    lines.any(|line| line.starts_with(' ') && line.contains(" script subprocess "))
}

/// What pacman says before it runs the hooks that come last (`alpm-hooks(5)`).
const POST_HOOKS: &str = ":: Running post-transaction hooks...";

/// The hooks that pacman ran, by their description or the name of their file: `(1/2) a.hook`. Those
/// before the packages are left out where there are some after them.
fn hooks_of_pacman(stdout: &str) -> Vec<String> {
    let lines: Vec<&str> = stdout.lines().collect();
    let first = lines.iter().rposition(|line| line.starts_with(":: Running "));
    let hook = |line: &&str| {
        let (number, name) = line.strip_prefix('(')?.split_once(") ")?;
        let is_number =
            number.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'/' | b' '));
        is_number.then(|| one_line(name, 100))
    };
    lines[first.unwrap_or(lines.len())..].iter().filter_map(hook).collect()
}

/// pacman goes on where a script of a package fails, and says so: on standard error, where no
/// script can write.
fn script_failed(manager: PackageManager, ran: &Ran) -> Result<(), Refusal> {
    const SAID: &str = "error: command failed to execute correctly";
    if manager != PackageManager::Pacman || !ran.stderr.lines().any(|line| line == SAID) {
        return Ok(());
    }
    let hooks = hooks_of_pacman(&ran.stdout);
    if ran.stdout.lines().any(|line| line == POST_HOOKS) && !hooks.is_empty() {
        // Which of them, or whether a script before them, pacman does not say.
        return Err(Refusal::new(
            Code::CommandFailed,
            "the packages were changed, but a hook that pacman ran, or a script of one of them, failed",
        )
        .said(one_line(&hooks.join(", "), 300))
        .hint("`stdout` in this reply has what they wrote; pacman does not undo it, and an administrator mends the hook, or takes it out of /etc/pacman.d/hooks"));
    }
    let last = ran.stdout.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(Refusal::new(
        Code::CommandFailed,
        "the packages were changed, but a script of one of them failed",
    )
    .said(one_line(last, 300))
    .hint("`stdout` in this reply has what the script wrote; pacman does not undo it"))
}
