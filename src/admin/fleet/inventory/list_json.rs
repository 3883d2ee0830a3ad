//! What `ansible-inventory --list` and inventory scripts print
//! (`ansible/plugins/inventory/script.py`).

use crate::admin::fleet::inventory::address;
use crate::admin::fleet::inventory::groups::{Model, group_label};
use crate::admin::fleet::inventory::problem::{Problem, Result, named};
use crate::admin::fleet::inventory::variables::{self, Form, Value};
use crate::admin::fleet::inventory::yaml::{Key, Kind, Node};
use crate::request::name::quoted;
use std::collections::HashMap;
use std::rc::Rc;

const META: &str = "_meta";

type Entries = [(Key, Rc<Node>)];

/// Whether this is of that form: only there is such a key.
pub fn is_one(top: &Entries) -> bool {
    top.iter().any(|(key, node)| &*key.text == META && matches!(node.kind, Kind::Map(_)))
}

/// Reads all groups.
///
/// # Errors
/// With the line, and the host or group.
pub fn read(top: &Entries, model: &mut Model) -> Result<()> {
    let mut hosts: HashMap<String, usize> = HashMap::new();
    for (key, node) in top {
        if &*key.text != META {
            group(key, node, model, &mut hosts)?;
        }
    }
    let meta = top.iter().find(|(key, _)| &*key.text == META);
    let Some((key, node)) = meta.and_then(|(_, node)| match &node.kind {
        Kind::Map(entries) => entries.iter().find(|(key, _)| &*key.text == "hostvars"),
        _ => None,
    }) else {
        return Ok(());
    };
    for (name, node) in mapping(key, node, META)? {
        let label = named(&name.text);
        let Some(&host) = hosts.get(&*name.text) else {
            let text =
                "it has variables but is in no group: Ansible does not count it as a host either";
            model.warnings.add(name.line, label, text);
            continue;
        };
        for (variable, node) in mapping(name, node, &label)? {
            variables::warn(variable, &label, Form::Ansible, &mut model.warnings);
            if let Some(known) = variables::known(&variable.text, Form::Ansible) {
                let value = Value { node: node.clone(), line: variable.line };
                model.set_for_host(host, known, value);
            }
        }
    }
    Ok(())
}

fn group(
    key: &Key,
    node: &Rc<Node>,
    model: &mut Model,
    hosts: &mut HashMap<String, usize>,
) -> Result<()> {
    let whose = group_label(&key.text);
    address::alias(&key.text)
        .map_err(|reason| Problem::new(key.line, format!("group: {reason}")))?;
    let group = model.group(&key.text, key.line)?;
    let mut put = |model: &mut Model, list: &Key, node: &Node| -> Result<()> {
        for (alias, line) in names(list, node, &whose)? {
            address::alias(alias).map_err(|reason| Problem::new(line, reason))?;
            let host = model.host(alias, None, group, line)?;
            hosts.insert(alias.to_owned(), host);
        }
        Ok(())
    };
    let parts = match &node.kind {
        // Old scripts print the hosts alone.
        Kind::List(_) => return put(model, key, node),
        Kind::Map(parts) => parts,
        Kind::Scalar(..) => {
            let text = format!("a group cannot be {}", node.what());
            return Err(Problem::new(key.line, text).of(&whose));
        }
    };
    for (part, content) in parts {
        match &*part.text {
            "hosts" => put(model, part, content)?,
            "children" => {
                for (name, line) in names(part, content, &whose)? {
                    address::alias(name)
                        .map_err(|reason| Problem::new(line, format!("group: {reason}")))?;
                    let child = model.group(name, line)?;
                    model.child(group, child, line)?;
                }
            }
            "vars" => {
                for (name, node) in mapping(part, content, &whose)? {
                    variables::warn(name, &whose, Form::Ansible, &mut model.warnings);
                    if &*name.text == variables::PRIORITY {
                        let priority = match &node.kind {
                            Kind::Scalar(text, _) => text.parse().ok(),
                            _ => None,
                        };
                        model.groups[group].priority = priority.ok_or_else(|| {
                            let text = format!("{} is a whole number", variables::PRIORITY);
                            Problem::new(name.line, text).of(&whose)
                        })?;
                    } else if let Some(known) = variables::known(&name.text, Form::Ansible) {
                        let value = Value { node: node.clone(), line: name.line };
                        model.set_for_group(group, known, value);
                    }
                }
            }
            other => {
                let text = format!("a group has no {}", quoted(other.as_bytes()));
                return Err(Problem::new(part.line, text)
                    .of(&whose)
                    .hint("in this form a group has hosts, children and vars"));
            }
        }
    }
    Ok(())
}

fn names<'n>(part: &Key, node: &'n Node, whose: &str) -> Result<Vec<(&'n str, usize)>> {
    let Kind::List(items) = &node.kind else {
        let text = format!("{} is {}, not a list", quoted(part.text.as_bytes()), node.what());
        return Err(Problem::new(part.line, text).of(whose));
    };
    items
        .iter()
        .map(|item| match &item.kind {
            Kind::Scalar(text, false) => Ok((&**text, item.line)),
            _ => Err(Problem::new(item.line, format!("a name cannot be {}", item.what()))
                .of(whose)
                .hint("write it in quotation marks")),
        })
        .collect()
}

fn mapping<'n>(part: &Key, node: &'n Node, whose: &str) -> Result<&'n Entries> {
    match &node.kind {
        Kind::Map(entries) => Ok(entries),
        _ => {
            let text =
                format!("{} is {}, not a mapping", quoted(part.text.as_bytes()), node.what());
            Err(Problem::new(part.line, text).of(whose))
        }
    }
}
