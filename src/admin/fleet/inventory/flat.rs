//! The flat form: an alias, and how its host is reached.

use crate::admin::fleet::inventory::groups::{ALL, Model};
use crate::admin::fleet::inventory::problem::{Problem, Result, named};
use crate::admin::fleet::inventory::variables::{self, Form, Setting, Value};
use crate::admin::fleet::inventory::yaml::{Key, Kind, Node};
use crate::admin::fleet::inventory::{address, form, range};
use crate::output::nearest::nearest;
use crate::request::name::quoted;
use std::rc::Rc;

/// Reads all hosts of the file.
///
/// # Errors
/// With the line and the host.
pub fn read(top: &[(Key, Rc<Node>)], model: &mut Model) -> Result<()> {
    for (key, node) in top {
        host(key, node, model)?;
    }
    Ok(())
}

fn host(key: &Key, node: &Rc<Node>, model: &mut Model) -> Result<()> {
    let label = named(&key.text);
    address::alias(&key.text).map_err(|reason| Problem::new(key.line, reason))?;
    let found =
        range::expanded(&key.text).map_err(|reason| Problem::new(key.line, reason).of(&label))?;
    let entries: &[(Key, Rc<Node>)] = match &node.kind {
        Kind::Map(entries) => entries,
        _ if node.is_null() => &[],
        _ => {
            return Err(Problem::new(key.line, format!("a host cannot be {}", node.what()))
                .of(&label)
                .hint("write below it for example hostname: 192.0.2.1"));
        }
    };
    let mut values: Vec<(&'static str, Value)> = Vec::new();
    for (name, node) in entries {
        let Some(known) = variables::known(&name.text, Form::Flat) else {
            strange(name, node, &label, model)?;
            continue;
        };
        let twin = values.iter().find(|one| is_twin(one.0, known) && !one.1.node.is_null());
        if let Some((other, value)) = twin.filter(|_| !node.is_null()) {
            let text = format!("{known}: line {} already has {other}", value.line);
            return Err(Problem::new(name.line, text).of(&label).hint("write one of them"));
        }
        values.push((known, Value { node: node.clone(), line: name.line }));
    }
    for alias in &found.names {
        address::alias(alias).map_err(|reason| Problem::new(key.line, reason))?;
        let host = model.host(alias, found.port, ALL, key.line)?;
        for (name, value) in &values {
            model.set_for_host(host, name, value.clone());
        }
    }
    Ok(())
}

/// Whether two names say the same.
fn is_twin(one: &'static str, other: &'static str) -> bool {
    let setting = variables::setting(one);
    setting == variables::setting(other)
        && !matches!(setting, Some(Setting::Arguments | Setting::FirstArguments))
}

/// A key without a meaning here. The file may hold what other programs keep of a host, as lists
/// and mappings; a plain value under an unknown key is a slip.
fn strange(name: &Key, node: &Node, label: &str, model: &mut Model) -> Result<()> {
    if variables::warn(name, label, Form::Flat, &mut model.warnings) {
        return Ok(());
    }
    let word = quoted(name.text.as_bytes());
    let plain = name.text.to_ascii_lowercase().replace('-', "_");
    let near = nearest(&plain, variables::of_the_flat_form());
    if let Kind::Map(entries) = &node.kind
        && entries.iter().any(|(key, _)| form::is_of_a_host(&key.text))
    {
        let text = format!("{word} looks like a host inside a host");
        return Err(Problem::new(name.line, text)
            .of(label)
            .hint("is this a group? put its hosts below hosts:"));
    }
    if near.is_none() && !matches!(node.kind, Kind::Scalar(..)) {
        model.warnings.add(name.line, label, format!("{word} is not read"));
        return Ok(());
    }
    let hint = match near {
        Some(near) => format!("did you mean {near}?"),
        None => {
            let all: Vec<_> = variables::of_the_flat_form().collect();
            format!("a host has {}", all.join(", "))
        }
    };
    Err(Problem::new(name.line, format!("a host has no {word}")).of(label).hint(hint))
}
