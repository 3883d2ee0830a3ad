//! `sm policy diff`: what the site policy changes.

use crate::admin::answer::{Answer, Failure, GREEN, RED, tinted};
use crate::admin::policy::host::{in_force, manager};
use crate::admin::policy::subject::{Right, rights, subjects};
use crate::cli::Supposed;
use crate::policy::force::InForce;
use crate::policy::model::SiteMode;
use crate::policy::{COMPILED, ineffective, site};
use crate::surface::{Row, surface};
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Display;

/// What the site policy changes, operation by operation; with `argv` command line by command line.
///
/// # Errors
/// If the policy cannot be read.
pub fn run(supposed: &Supposed, argv: bool) -> Result<Answer, Failure> {
    let force = in_force(supposed)?;
    let manager = manager(supposed);
    let rows = |force: &InForce| -> BTreeSet<String> {
        let line = |row: Row| {
            let name = row.operation.to_string();
            row.commands.into_iter().map(move |argv| format!("{name}: {}", json!(argv)))
        };
        surface(force, manager).into_iter().flat_map(line).collect()
    };
    if force.site().is_none() {
        let text = match COMPILED.site_mode {
            SiteMode::Off => "site policies are ignored: mode \"off\" is compiled in".to_owned(),
            SiteMode::Narrow | SiteMode::Extend | SiteMode::Replace => {
                format!("there is no {}", site::FILE)
            }
        };
        return Ok(Answer::text(text)
            .with("removed", [""; 0])
            .with("added", [""; 0])
            .warned(ineffective::warnings(&force)));
    }
    let (before, after) = (rows(&InForce::compiled()), rows(&force));
    let removed: Vec<&String> = before.difference(&after).collect();
    let added: Vec<&String> = after.difference(&before).collect();
    let compiled = InForce::compiled();
    let callers = subjects(&[&compiled, &force], &[]);
    let (old, new) = (rights(&compiled, &callers), rights(&force, &callers));
    let (gone, come): (Vec<&Right>, Vec<&Right>) =
        (old.difference(&new).collect(), new.difference(&old).collect());
    let lines = if argv { lines(&removed, &added) } else { lines(&gone, &come) };
    let text = match lines.is_empty() {
        true => "the site policy changes nothing in the surface".to_owned(),
        false => lines.join("\n"),
    };
    Ok(Answer::text(text)
        .with("removed", &removed)
        .with("added", &added)
        .with("operations", json!({"removed": gone, "added": come}))
        .warned(ineffective::warnings(&force)))
}

fn lines<T: Display>(removed: &[T], added: &[T]) -> Vec<String> {
    let removed = removed.iter().map(|line| tinted(RED, &format!("- {line}")));
    removed.chain(added.iter().map(|line| tinted(GREEN, &format!("+ {line}")))).collect()
}
