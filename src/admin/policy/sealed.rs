//! What to do if a site policy cannot change what is allowed: the lines for a policy to compile in, and
//! the commands for that.

use crate::admin::answer::Failure;
use crate::admin::policy::asked::{Asked, Direction, task_lines};
use crate::admin::policy::document::{Document, Kind};
use crate::admin::policy::subject::Subject;
use crate::policy::COMPILED;
use crate::policy::model::SiteMode;
use crate::policy::operations::grants;
use crate::policy::site::FILE;
use crate::request::code::{Code, Refusal};

/// Whether a site policy of this program cannot make this change.
pub fn is_sealed(direction: Direction, asked: &Asked) -> bool {
    let is_compiled = |operation| grants(&COMPILED, operation);
    match (COMPILED.site_mode, direction) {
        (SiteMode::Off, _) => true,
        (SiteMode::Narrow, Direction::Allow) => !asked.operations.iter().all(is_compiled),
        (SiteMode::Extend, Direction::Deny) => asked.operations.iter().any(is_compiled),
        (SiteMode::Narrow, Direction::Deny)
        | (SiteMode::Extend, Direction::Allow)
        | (SiteMode::Replace, _) => false,
    }
}

/// The commands that compile a policy in, to be run in the source folder.
const BUILD: [&str; 2] =
    ["SM_POLICY=policy.toml packaging/build", "sudo packaging/install --binary target/release/sm"];

const PACKAGE: &str = "or use the package sm-helper-site, whose policy is the one in /etc/sm/policy.toml, and run this again";

/// The refusal that says to compile the policy in, since a site policy cannot do it.
pub fn compile_in(policy: &str) -> Failure {
    let error = format!(
        "{FILE} cannot allow this in this program (mode {:?}): not all of it is compiled in",
        COMPILED.site_mode.word()
    );
    let text = format!(
        "Put this into a file called policy.toml:\n\n{policy}\nThen build it and install it, from the source:\n\n    {}\n    {}",
        BUILD[0], BUILD[1]
    );
    Failure::of(Refusal::new(Code::Unsupported, error).hint(PACKAGE))
        .text(text)
        .with("text", policy)
        .with("build", BUILD)
}

/// The refusal that says what to do instead.
pub fn instead(direction: Direction, asked: &Asked, whom: Option<&Subject>) -> Failure {
    let mode = COMPILED.site_mode.word();
    let why = match COMPILED.site_mode {
        SiteMode::Off => "it is not read".to_owned(),
        SiteMode::Narrow => "it can only take away from what is compiled in".to_owned(),
        SiteMode::Extend => "it can only add to what is compiled in".to_owned(),
        SiteMode::Replace => "it is the policy".to_owned(),
    };
    let error =
        format!("{FILE} cannot {} this in this program (mode {mode:?}): {why}", direction.word());
    let lines = changed_lines(direction, asked, whom);
    let text = format!(
        "In the policy that is compiled in ({}), change these lines, in a copy called policy.toml:\n\n{}\n\nThen build it and install it, from the source:\n\n    {}\n    {}",
        COMPILED.file,
        lines.join("\n"),
        BUILD[0],
        BUILD[1]
    );
    let refusal = Refusal::new(Code::Unsupported, error).hint(PACKAGE);
    Failure::of(refusal).text(text).with("lines", lines).with("build", BUILD)
}

/// The changes in the text of the compiled policy, line by line.
fn changed_lines(direction: Direction, asked: &Asked, whom: Option<&Subject>) -> Vec<String> {
    let Ok(mut document) = Document::parse(COMPILED.file, COMPILED.text()) else {
        return Vec::new();
    };
    let changed = direction.apply(&mut document, whom, asked);
    if changed.is_err() {
        let tasks = asked.names.iter().filter(|(kind, ..)| *kind == Kind::Task);
        return tasks
            .flat_map(|(.., name)| task_lines(name).map(|line| format!("+ {line}")))
            .collect();
    }
    difference(COMPILED.text(), &document.text())
}

/// The added and removed lines between two texts, in order, each group below the header of its
/// section.
fn difference(old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    // The length of the longest common subsequence of the lines from here on.
    let mut common = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for (at, line) in old.iter().enumerate().rev() {
        for (to, other) in new.iter().enumerate().rev() {
            common[at][to] = if line == other {
                common[at + 1][to + 1] + 1
            } else {
                common[at + 1][to].max(common[at][to + 1])
            };
        }
    }
    let (mut at, mut to) = (0, 0);
    let (mut lines, mut header) = (Vec::new(), None);
    while at < old.len() || to < new.len() {
        let is_same = at < old.len() && to < new.len() && old[at] == new[to];
        if is_same {
            header = if old[at].starts_with('[') { Some(old[at]) } else { header };
            (at, to) = (at + 1, to + 1);
            continue;
        }
        let is_gone = to == new.len() || at < old.len() && common[at + 1][to] >= common[at][to + 1];
        let (sign, line) = if is_gone { ("-", old[at]) } else { ("+", new[to]) };
        (at, to) = if is_gone { (at + 1, to) } else { (at, to + 1) };
        if line.is_empty() {
            continue;
        }
        if let Some(header) = header.take().filter(|_| !line.starts_with('[')) {
            lines.push(format!("  {header}"));
        }
        lines.push(format!("{sign} {line}"));
    }
    lines
}
