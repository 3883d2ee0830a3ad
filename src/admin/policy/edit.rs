//! `sm policy edit`: edits the site policy like visudo: an editor changes a copy, which is checked and
//! then replaces the policy as a whole. The old one is kept.

use crate::admin::answer::{Answer, Failure};
use crate::admin::policy::missing;
use crate::admin::policy::mistakes::wrong;
use crate::admin::risks;
use crate::admin::setup_sudo;
use crate::policy::force::InForce;
use crate::policy::model::SiteMode;
use crate::policy::parse::Parsed;
use crate::policy::site::{self, FILE, understood};
use crate::policy::table::Mistakes;
use crate::policy::{COMPILED, ineffective, presence};
use crate::request::code::{Code, Refusal};
use crate::system::file;
use crate::system::state;
use nix::sys::signal::{SigSet, Signal};
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the site policy.
pub const FOLDER: &str = "/etc/sm";
const COPY: &str = "/etc/sm/policy.toml.new";
const MODE: u32 = 0o644;
/// The site policy before the last change.
pub const OLD: &str = "/etc/sm/policy.toml.old";

/// The text with which a new site policy begins.
pub const BEGINNING: &str = "\
# The site policy of sm. What it can change is compiled in: see [site] in `sm policy show`.
# In mode \"narrow\" only what it names is allowed, of what is compiled in.
schema = 1

";

/// The comment at the top of a site policy that begins as a copy of the compiled one.
pub const COMMENT: &str = "\
# The site policy of sm. What it can change is compiled in: see [site] in `sm policy show`.
# It began as a copy of the compiled policy.
";

/// Edits the site policy.
///
/// # Errors
/// If it was not changed, and why.
pub fn edit(program: &Path) -> Result<Answer, Failure> {
    let failed = |path: &str, error: io::Error| {
        Refusal::new(Code::CommandFailed, format!("{path}: {error}"))
            .hint("the policy was not changed")
    };
    let _lock = alone(program, "edit")?;
    state::folder(FOLDER, 0o755, "root").map_err(|error| failed(FOLDER, error))?;
    let before = present().map_err(|error| failed(FILE, error))?;
    // An interrupt at the terminal is meant for the editor. A child of Command has an empty mask.
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGQUIT);
    let _ = signals.thread_block();
    let begin = before.as_deref().unwrap_or(BEGINNING);
    write(COPY, begin).map_err(|error| failed(COPY, error))?;
    let edited = edited(begin);
    let done = match edited {
        Ok(Some(policy)) => put(policy.policy().text(), before.as_deref())
            .map(|answer| {
                let policy = policy.policy();
                // That the whole file has none is said below, whatever was done.
                let ineffective = match COMPILED.site_mode {
                    SiteMode::Off => Vec::new(),
                    _ => ineffective::sentences(&policy),
                };
                let force = InForce::supposing(FILE, policy.text());
                let risks = force.map(|force| risks::of_force(&force)).unwrap_or_default();
                let warnings = [ineffective, missing::warnings(&policy), risks];
                answer.warned([warnings.concat(), setup_sudo::behind(program)].concat())
            })
            .map_err(|error| failed(FILE, error).into()),
        Ok(None) => Ok(Answer::text("nothing was changed").with("changed", false)),
        Err(failure) => Err(failure),
    };
    let _ = fs::remove_file(COPY);
    if COMPILED.site_mode == SiteMode::Off {
        let note = format!(
            "this program ignores site policies such as {FILE}: mode \"off\" is compiled in"
        );
        return done.map(|answer| answer.line(&note));
    }
    done
}

/// Takes the lock for changes of the site policy, until the value is dropped.
///
/// # Errors
/// `not_privileged` if not run as root; `command_failed` if the lock cannot be taken.
pub fn alone(program: &Path, command: &str) -> Result<fs::File, Refusal> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Refusal::new(Code::NotPrivileged, format!("only root can change {FILE}"))
            .hint(format!("run: sudo {} policy {command}", program.display())));
    }
    state::lock("policy-edit").map_err(|error| {
        Refusal::new(Code::CommandFailed, format!("{}: {error}", state::FOLDER))
            .hint("the policy was not changed")
    })
}

/// Lets the administrator edit the text until it is a valid policy or they give up, even if it was
/// broken before. None if it did not change.
fn edited(before: &str) -> Result<Option<Parsed>, Failure> {
    let editor = editor()?;
    loop {
        // EDITOR may have flags, so it is split into words; no shell reads it.
        let status =
            Command::new(&editor[0]).args(&editor[1..]).arg(COPY).status().map_err(|error| {
                Refusal::new(Code::CommandFailed, format!("{}: {error}", editor[0]))
                    .hint("the policy was not changed; name another editor in EDITOR")
            })?;
        if !status.success() {
            let refusal =
                Refusal::new(Code::CommandFailed, format!("the editor ended with {status}"))
                    .hint("the policy was not changed");
            return Err(refusal.into());
        }
        let text = file::read_to_string(COPY).map_err(|error| {
            Refusal::new(Code::CommandFailed, format!("{COPY}: {error}"))
                .hint("the policy was not changed")
        })?;
        match understood(FILE, &text) {
            Ok(_) if before == text => return Ok(None),
            Ok(policy) => return Ok(Some(policy)),
            Err(mistakes) if !again(&mistakes) => {
                return Err(wrong(mistakes).hint_too("the policy was not changed"));
            }
            Err(_) => {}
        }
    }
}

/// Asks at the terminal whether to go on editing a broken policy.
fn again(mistakes: &Mistakes) -> bool {
    if !io::stdin().is_terminal() {
        return false;
    }
    let mut stderr = io::stderr();
    for mistake in mistakes.iter() {
        let _ = writeln!(stderr, "sm: {mistake}");
        if let Some(hint) = &mistake.hint {
            let _ = writeln!(stderr, "    {hint}");
        }
    }
    let _ = write!(stderr, "What now? [E]dit again, or e(x)it without changing anything: ");
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer).unwrap_or(0);
    read > 0 && !answer.trim().eq_ignore_ascii_case("x")
}

fn editor() -> Result<Vec<String>, Failure> {
    let named = ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok());
    let words = |text: String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    if let Some(words) = named.map(words).filter(|words| !words.is_empty()) {
        return Ok(words);
    }
    let usual = ["/usr/bin/editor", "/usr/bin/nano", "/usr/bin/vi", "/usr/bin/vim"];
    match usual.iter().find(|path| PathBuf::from(path).exists()) {
        Some(path) => Ok(vec![(*path).to_owned()]),
        None => Err(Refusal::new(Code::Unsupported, "there is no editor on this host")
            .hint("name one in EDITOR")
            .into()),
    }
}

fn write(path: &str, text: &str) -> io::Result<()> {
    state::make(Path::new(path), text.as_bytes(), MODE)
}

/// The text of the site policy; none if there is no file.
///
/// # Errors
/// The kernel's error, or that it is not UTF-8.
pub fn present() -> io::Result<Option<String>> {
    match file::read_to_string(FILE) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes the site policy, and keeps the one before beside it.
///
/// # Errors
/// The kernel's error; then the old policy is still in place.
pub fn put(text: &str, before: Option<&str>) -> io::Result<Answer> {
    state::folder(FOLDER, 0o755, "root")?;
    if let Some(before) = before {
        write(OLD, before)?;
    }
    // A new file, since the owner and mode of the editor's file are the editor's.
    state::put(Path::new(FILE), Path::new(COPY), text.as_bytes(), MODE)?;
    presence::note()?;
    site::cache(text.len());
    let kept = if before.is_some() { format!("; the old one is in {OLD}") } else { String::new() };
    Ok(Answer::text(format!("{FILE} takes effect with the next request{kept}"))
        .with("changed", true)
        .line("what it changes: sm policy diff"))
}
