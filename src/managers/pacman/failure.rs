//! Why pacman failed, and what is to be done about it.

use crate::managers::pacman::message::DOWNLOADER;
use crate::managers::pacman::sources;
use crate::managers::run::Run;
use crate::output::text::one_line;
use crate::request::code::{Code, Refusal};
use crate::request::ran::Ran;

/// Of an operation that changes packages.
pub fn of(run: &Run<'_>, refusal: Refusal) -> Refusal {
    const SAID: &str = "(failed to run transaction hooks)";
    let (stdout, stderr) = (&run.ran.stdout, &run.ran.stderr);
    if stderr.lines().any(|line| line.ends_with(SAID)) {
        let short = run.asked.command();
        let error = format!("`{short}` failed before it changed anything, because a hook failed");
        let hook = hooks(stdout).pop().unwrap_or_default();
        return Refusal::new(Code::CommandFailed, error)
            .detail(hook)
            .hint("an administrator has to fix that hook, or remove it from /etc/pacman.d/hooks");
    }
    if stderr.lines().any(|line| line.ends_with(DOWNLOADER)) {
        return refusal.hint(
            "nothing was changed; the XferCommand in /etc/pacman.conf failed: an administrator should try it by hand, or remove it from there",
        );
    }
    sources::unread(run.ran, refusal)
}

/// What pacman says before it runs the hooks that come last (`alpm-hooks(5)`).
const POST_HOOKS: &str = ":: Running post-transaction hooks...";

/// Whether it runs them, or has.
pub fn runs_last_hooks(ran: &Ran) -> bool {
    ran.stdout.lines().any(|line| line == POST_HOOKS)
}

/// The hooks that pacman ran, by their description or the name of their file: `(1/2) a.hook`. Those
/// before the packages are left out if there are some after them.
fn hooks(stdout: &str) -> Vec<String> {
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

/// pacman continues if a script of a package fails, and says so: on standard error, where no
/// script can write.
pub fn of_script(ran: &Ran) -> Option<Refusal> {
    const SAID: &str = "error: command failed to execute correctly";
    if !ran.stderr.lines().any(|line| line == SAID) {
        return None;
    }
    let names = hooks(&ran.stdout);
    if runs_last_hooks(ran) && !names.is_empty() {
        // Which of them, or whether a script before them, pacman does not say.
        return Some(Refusal::new(
            Code::CommandFailed,
            "the packages were changed, but a hook that pacman ran, or a script of one of them, failed",
        )
        .detail(one_line(&names.join(", "), 300))
        .hint("`stdout` in this reply has what they wrote; pacman does not undo it, and an administrator has to fix the hook, or remove it from /etc/pacman.d/hooks"));
    }
    let last = ran.stdout.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Some(
        Refusal::new(
            Code::CommandFailed,
            "the packages were changed, but a script of one of them failed",
        )
        .detail(one_line(last, 300))
        .hint("`stdout` in this reply has what the script wrote; pacman does not undo it"),
    )
}
