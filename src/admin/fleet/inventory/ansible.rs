//! Ansible's YAML form (`ansible/plugins/inventory/yaml.py`).

use crate::admin::fleet::inventory::groups::{Model, group_label};
use crate::admin::fleet::inventory::problem::{Problem, Result, named};
use crate::admin::fleet::inventory::variables::{self, Form, OFFLINE, PRIORITY, Value};
use crate::admin::fleet::inventory::yaml::{Key, Kind, Node};
use crate::admin::fleet::inventory::{address, range};
use crate::output::nearest::nearest;
use crate::request::name::quoted;
use std::rc::Rc;

/// What a group consists of.
pub const PARTS: [&str; 3] = ["hosts", "children", "vars"];

/// Reads all groups of the file.
///
/// # Errors
/// With the line, and the host or group.
pub fn read(top: &[(Key, Rc<Node>)], model: &mut Model) -> Result<()> {
    for (key, node) in top {
        if &*key.text == "plugin" {
            return Err(Problem::new(key.line, "this is the configuration of an inventory plugin")
                .hint(
                    "plugins are not run; write its output into a file: ansible-inventory --list --yaml --export",
                ));
        }
        group(key, node, model)?;
    }
    Ok(())
}

/// As deep as the file is: `yaml` has bounded that.
fn group(key: &Key, node: &Rc<Node>, model: &mut Model) -> Result<usize> {
    let whose = group_label(&key.text);
    address::alias(&key.text)
        .map_err(|reason| Problem::new(key.line, format!("group: {reason}")))?;
    let group = model.group(&key.text, key.line)?;
    if node.is_null() {
        return Ok(group);
    }
    plain_tag(node, key.line, &whose)?;
    let Kind::Map(parts) = &node.kind else {
        return Err(Problem::new(key.line, format!("a group cannot be {}", node.what()))
            .of(&whose)
            .hint("write hosts, children or vars below it"));
    };
    for (part, content) in parts {
        match &*part.text {
            "hosts" => hosts(group, &whose, part, content, model)?,
            "children" => {
                for (child, content) in mapping(part, content, &whose)? {
                    let line = child.line;
                    let child = self::group(&child, &content, model)?;
                    model.child(group, child, line)?;
                }
            }
            "vars" => vars(group, &whose, part, content, model)?,
            OFFLINE => {
                let value = Value { node: content.clone(), line: part.line };
                model.set_for_group(group, OFFLINE, value);
            }
            other => return Err(no_part(other, part.line, &whose)),
        }
    }
    Ok(group)
}

fn no_part(name: &str, line: usize, whose: &str) -> Problem {
    let hint = if variables::known(name, Form::Ansible).is_some() || name == PRIORITY {
        "a variable of a group belongs below vars".to_owned()
    } else {
        match nearest(name, PARTS.into_iter().chain([OFFLINE])) {
            Some(near) => format!("did you mean {near}?"),
            None => {
                "a group has hosts, children, vars and offline; groups in it belong below children"
                    .to_owned()
            }
        }
    };
    Problem::new(line, format!("a group has no {}", quoted(name.as_bytes()))).of(whose).hint(hint)
}

fn hosts(
    group: usize,
    whose: &str,
    part: &Key,
    content: &Rc<Node>,
    model: &mut Model,
) -> Result<()> {
    for (key, node) in mapping(part, content, whose)? {
        address::alias(&key.text).map_err(|reason| Problem::new(key.line, reason))?;
        let found = range::expanded(&key.text)
            .map_err(|reason| Problem::new(key.line, reason).of(&named(&key.text)))?;
        let label = named(&key.text);
        if !node.is_null() {
            plain_tag(&node, key.line, &label)?;
        }
        let variables: &[(Key, Rc<Node>)] = match &node.kind {
            Kind::Map(entries) => entries,
            _ if node.is_null() => &[],
            _ => {
                return Err(Problem::new(key.line, format!("a host cannot be {}", node.what()))
                    .of(&label)
                    .hint("write its variables below it, for example ansible_host: 192.0.2.1"));
            }
        };
        for (name, _) in variables {
            variables::warn(name, &label, Form::Ansible, &mut model.warnings);
        }
        for alias in &found.names {
            address::alias(alias).map_err(|reason| Problem::new(key.line, reason))?;
            let host = model.host(alias, found.port, group, key.line)?;
            for (name, node) in variables {
                if let Some(known) = variables::known(&name.text, Form::Ansible) {
                    let value = Value { node: node.clone(), line: name.line };
                    model.set_for_host(host, known, value);
                }
            }
        }
    }
    Ok(())
}

fn vars(
    group: usize,
    whose: &str,
    part: &Key,
    content: &Rc<Node>,
    model: &mut Model,
) -> Result<()> {
    for (name, node) in mapping(part, content, whose)? {
        variables::warn(&name, whose, Form::Ansible, &mut model.warnings);
        if &*name.text == PRIORITY {
            let priority = match &node.kind {
                Kind::Scalar(text, _) => text.parse().ok(),
                _ => None,
            };
            model.groups[group].priority = priority.ok_or_else(|| {
                Problem::new(name.line, format!("{PRIORITY} is a whole number")).of(whose)
            })?;
        } else if let Some(known) = variables::known(&name.text, Form::Ansible) {
            model.set_for_group(group, known, Value { node, line: name.line });
        }
    }
    Ok(())
}

/// What stands below `hosts`, `children` or `vars`. As in Ansible a single name may stand below the
/// first two; lines without colons, which YAML folds into one text, are names that got lost.
fn mapping(part: &Key, content: &Rc<Node>, whose: &str) -> Result<Vec<(Key, Rc<Node>)>> {
    if content.is_null() {
        return Ok(Vec::new());
    }
    plain_tag(content, part.line, whose)?;
    match &content.kind {
        Kind::Map(entries) => Ok(entries.clone()),
        Kind::Scalar(text, _) if &*part.text == "vars" => {
            let text = format!("vars cannot be a plain value: {}", quoted(text.as_bytes()));
            Err(Problem::new(content.line, text)
                .of(whose)
                .hint("write a colon after each variable: ansible_user: deploy"))
        }
        Kind::Scalar(text, _) if text.contains(|c: char| c.is_whitespace() || c == ',') => {
            let example = text.split(|c: char| c.is_whitespace() || c == ',').next();
            let example = named(example.unwrap_or_default());
            let text =
                format!("without colons all of this is one name: {}", quoted(text.as_bytes()));
            Err(Problem::new(content.line, text).of(whose).hint(format!(
                "write each name on its own line, with a colon after it: {example}:"
            )))
        }
        Kind::Scalar(text, _) => {
            let key = Key { text: text.clone().into(), line: content.line };
            Ok(vec![(key, Rc::new(Node::text("", content.line)))])
        }
        Kind::List(_) => {
            let text = format!("{} cannot be a list", part.text);
            Err(Problem::new(part.line, text)
                .of(whose)
                .hint("write a colon after each name, and no dash before it"))
        }
    }
}

/// A tag may mean anything.
fn plain_tag(node: &Node, line: usize, whose: &str) -> Result<()> {
    match node.strange_tag() {
        None => Ok(()),
        Some(tag) => {
            let text = format!("the tag {} has no meaning here", quoted(tag.as_bytes()));
            Err(Problem::new(line, text).of(whose))
        }
    }
}
