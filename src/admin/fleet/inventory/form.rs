//! Which of the two forms a file has.

use crate::admin::fleet::inventory::ansible::PARTS;
use crate::admin::fleet::inventory::problem::{Problem, Result};
use crate::admin::fleet::inventory::variables::{self, Form, OFFLINE};
use crate::admin::fleet::inventory::yaml::{Key, Kind, Node};
use crate::request::name::quoted;
use std::rc::Rc;

/// Tells the forms apart by what stands below the names at the top.
///
/// # Errors
/// If both are in one file.
pub fn of(top: &[(Key, Rc<Node>)]) -> Result<Form> {
    let mut ansible: Option<&Key> = None;
    let mut flat: Option<(&Key, &Key)> = None;
    if let Some((key, _)) = top.iter().find(|(key, _)| PARTS.contains(&&*key.text)) {
        let text = format!("{} belongs to a group, but is at the top level", key.text);
        return Err(Problem::new(key.line, text).hint("write all: above it, and indent the rest"));
    }
    for (key, node) in top {
        let is_a_group = matches!(&*key.text, "all" | "ungrouped" | "plugin");
        if is_a_group {
            ansible.get_or_insert(key);
        }
        let Kind::Map(entries) = &node.kind else { continue };
        let part = entries.iter().find(|(name, _)| PARTS.contains(&&*name.text));
        let of_a_host =
            entries.iter().find(|(name, _)| *name.text != *OFFLINE && is_of_a_host(&name.text));
        match (part, of_a_host) {
            (Some((name, _)), _) => {
                ansible.get_or_insert(name);
            }
            (None, Some((name, _))) if !is_a_group => {
                flat.get_or_insert((key, name));
            }
            _ => {}
        }
    }
    match (ansible, flat) {
        (Some(group), Some((alias, name))) => {
            let (alias, name_text) = (quoted(alias.text.as_bytes()), quoted(name.text.as_bytes()));
            let text = format!(
                "{name_text} makes {alias} a host of the flat form, and {} in line {} is Ansible's form",
                quoted(group.text.as_bytes()),
                group.line
            );
            Err(Problem::new(name.line, text).hint("use one form in a file: put hosts below hosts"))
        }
        (Some(_), None) => Ok(Form::Ansible),
        // Names with nothing below them are hosts.
        (None, _) => Ok(Form::Flat),
    }
}

/// Whether a key is one of those by which a host is reached.
pub fn is_of_a_host(name: &str) -> bool {
    variables::known(name, Form::Flat).is_some() || name == "password"
}
