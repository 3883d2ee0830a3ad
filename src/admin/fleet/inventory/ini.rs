//! Ansible's INI form (`ansible/plugins/inventory/ini.py`).

use crate::admin::fleet::inventory::groups::{ALL, Model, UNGROUPED, group_label};
use crate::admin::fleet::inventory::problem::{Problem, Result, named};
use crate::admin::fleet::inventory::variables::{self, Form, Value};
use crate::admin::fleet::inventory::yaml::{Key, Kind};
use crate::admin::fleet::inventory::{address, literal, range, words};
use crate::output::nearest::nearest;
use crate::request::name::quoted;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// What may stand behind the colon of a head.
const KINDS: [&str; 3] = ["hosts", "children", "vars"];

/// What a line below a head is.
#[derive(Clone, Copy)]
enum Section {
    Hosts,
    Children,
    Vars,
}

/// What is written between brackets.
#[derive(Debug, PartialEq, Eq)]
pub struct Head<'t> {
    name: &'t str,
    kind: &'t str,
}

/// The head of a section, if the line is one.
pub fn head(line: &str) -> Option<Head<'_>> {
    let (inner, behind) = line.strip_prefix('[')?.split_once(']')?;
    let behind = behind.trim_start();
    let (name, kind) = inner.split_once(':').unwrap_or((inner, "hosts"));
    let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
    let is_kind = !kind.is_empty() && kind.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_head = is_name && is_kind && (behind.is_empty() || behind.starts_with('#'));
    is_head.then_some(Head { name, kind })
}

/// What is left of a line: nothing of an empty one and of a comment.
pub fn content(line: &str) -> Option<&str> {
    let line = line.trim();
    (!line.is_empty() && !line.starts_with(['#', ';'])).then_some(line)
}

/// Reads all groups of the file.
///
/// # Errors
/// With the line, and the host or group.
pub fn read(text: &str, model: &mut Model) -> Result<()> {
    let mut reader = Reader {
        model,
        declared: HashSet::from([ALL, UNGROUPED]),
        begun: HashSet::from([ALL, UNGROUPED]),
        waiting: HashMap::new(),
        used: Vec::new(),
        first_use: HashMap::new(),
    };
    let (mut group, mut section) = (UNGROUPED, Section::Hosts);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for (number, line) in text.split('\n').enumerate() {
        let number = number + 1;
        // To Python each of these ends a line; a person sees none of it.
        let hidden = |c: char| {
            matches!(
                c,
                '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
            )
        };
        if let Some(c) = line.chars().find(|c| hidden(*c)) {
            let text =
                format!("U+{:04X} is in this line, which ends the line for Ansible", u32::from(c));
            return Err(Problem::new(number, text).hint("remove it"));
        }
        let Some(line) = content(line) else { continue };
        if let Some(head) = head(line) {
            (group, section) = reader.head(&head, number)?;
            continue;
        }
        if line.starts_with('[') && line.ends_with(']') {
            let text = format!("{} is not a section header", quoted(line.as_bytes()));
            return Err(Problem::new(number, text)
                .hint("write [GROUP], [GROUP:vars] or [GROUP:children], without spaces"));
        }
        match section {
            Section::Hosts => reader.host(line, group, number)?,
            Section::Children => reader.child(line, group, number)?,
            Section::Vars => reader.variable(line, group, number)?,
        }
    }
    reader.all_are_declared()
}

struct Reader<'m> {
    model: &'m mut Model,
    /// Groups that have a section of hosts or children.
    declared: HashSet<usize>,
    /// Groups that have a section of any kind so far.
    begun: HashSet<usize>,
    /// Groups that have none yet, and whose children they become with their first one of hosts or
    /// children: as in Ansible they come behind those that were there before, which `--limit
    /// GROUP[0]` shows. With the line for each.
    waiting: HashMap<usize, Vec<(usize, usize)>>,
    /// Groups that need one, as they are met.
    used: Vec<usize>,
    first_use: HashMap<usize, (usize, String)>,
}

impl Reader<'_> {
    fn head(&mut self, head: &Head<'_>, line: usize) -> Result<(usize, Section)> {
        let whose = group_label(head.name);
        let section = match head.kind {
            "hosts" => Section::Hosts,
            "children" => Section::Children,
            "vars" => Section::Vars,
            other => {
                let near = nearest(other, KINDS);
                let text = format!("there is no kind of section {}", quoted(other.as_bytes()));
                return Err(Problem::new(line, text).of(&whose).hint(match near {
                    Some(near) => format!("did you mean [{}:{near}]?", named(head.name)),
                    None => "write [GROUP], [GROUP:vars] or [GROUP:children]".to_owned(),
                }));
            }
        };
        address::alias(head.name)
            .map_err(|reason| Problem::new(line, format!("group: {reason}")))?;
        let group = self.model.group(head.name, line)?;
        match section {
            Section::Vars => {
                let text = "its variables are set here, and nothing says which hosts it has";
                self.needs(group, line, text.to_owned());
            }
            Section::Hosts | Section::Children => {
                self.declared.insert(group);
                for (parent, line) in self.waiting.remove(&group).unwrap_or_default() {
                    self.model.child(parent, group, line)?;
                }
            }
        }
        self.begun.insert(group);
        Ok((group, section))
    }

    fn needs(&mut self, group: usize, line: usize, text: String) {
        self.first_use.entry(group).or_insert_with(|| {
            self.used.push(group);
            (line, text)
        });
    }

    fn all_are_declared(self) -> Result<()> {
        let missing = self.used.iter().find(|group| !self.declared.contains(group));
        let Some((group, (line, text))) =
            missing.and_then(|group| Some((group, self.first_use.get(group)?)))
        else {
            return Ok(());
        };
        let name = &self.model.groups[*group].name;
        let others = self.declared.iter().map(|group| self.model.groups[*group].name.as_str());
        let hint = match nearest(name, others) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("write [{}] and its hosts below it", named(name)),
        };
        Err(Problem::new(*line, text.clone()).of(&group_label(name)).hint(hint))
    }

    fn host(&mut self, line: &str, group: usize, number: usize) -> Result<()> {
        let at = |reason: String| Problem::new(number, reason);
        let tokens = words::split_before_comment(line).map_err(at)?;
        let Some((pattern, assignments)) = tokens.split_first() else { return Ok(()) };
        let label = named(pattern);
        let found = range::expanded(pattern).map_err(|reason| at(reason).of(&label))?;
        if pattern.ends_with(':') {
            let text = format!("{} ends in `:`", quoted(pattern.as_bytes()));
            return Err(at(text).hint("in INI there is no colon after a name; NAME:22 is a port"));
        }
        let mut values = Vec::new();
        for token in assignments {
            let Some((name, value)) = token.split_once('=') else {
                let text = format!("{} is not NAME=VALUE", quoted(token.as_bytes()));
                return Err(at(text).of(&label).hint(
                    "write one host a line, followed by NAME=VALUE, with quotation marks around \
                     what has spaces",
                ));
            };
            let key = Key { text: name.into(), line: number };
            variables::warn(&key, &label, Form::Ansible, &mut self.model.warnings);
            if let Some(known) = variables::known(name, Form::Ansible) {
                values.push((known, Rc::new(literal::value(value, number))));
            }
        }
        for alias in &found.names {
            address::alias(alias).map_err(at)?;
            if alias == "---" {
                return Err(at("`---` is YAML".to_owned()));
            }
            let host = self.model.host(alias, found.port, group, number)?;
            for (name, node) in &values {
                let value = Value { node: node.clone(), line: number };
                self.model.set_for_host(host, name, value);
            }
        }
        Ok(())
    }

    fn child(&mut self, line: &str, group: usize, number: usize) -> Result<()> {
        let name = line.split_once('#').map_or(line, |(name, _)| name).trim_end();
        let whose = group_label(&self.model.groups[group].name);
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || matches!(c, ':' | ']')) {
            let text = format!("{} is not a group name", quoted(line.as_bytes()));
            return Err(Problem::new(number, text)
                .of(&whose)
                .hint("write one group a line, and nothing after it"));
        }
        address::alias(name).map_err(|reason| Problem::new(number, format!("group: {reason}")))?;
        let child = self.model.group(name, number)?;
        let text = format!("{whose} names it, but it has no section");
        self.needs(child, number, text);
        if !self.begun.contains(&child) {
            self.waiting.entry(child).or_default().push((group, number));
            return Ok(());
        }
        self.model.child(group, child, number)
    }

    fn variable(&mut self, line: &str, group: usize, number: usize) -> Result<()> {
        let whose = group_label(&self.model.groups[group].name);
        let Some((name, value)) = line.split_once('=') else {
            let text = format!("{} is not NAME=VALUE", quoted(line.as_bytes()));
            return Err(Problem::new(number, text)
                .of(&whose)
                .hint("write one variable a line: NAME=VALUE"));
        };
        let (name, value) = (name.trim(), value.trim());
        let node = Rc::new(literal::value(value, number));
        let key = Key { text: name.into(), line: number };
        variables::warn(&key, &whose, Form::Ansible, &mut self.model.warnings);
        if name == variables::PRIORITY {
            let priority = match &node.kind {
                Kind::Scalar(text, _) => text.parse().ok(),
                _ => None,
            };
            self.model.groups[group].priority = priority.ok_or_else(|| {
                Problem::new(number, format!("{name} is a whole number")).of(&whose)
            })?;
        } else if let Some(known) = variables::known(name, Form::Ansible) {
            self.model.set_for_group(group, known, Value { node, line: number });
        }
        Ok(())
    }
}
