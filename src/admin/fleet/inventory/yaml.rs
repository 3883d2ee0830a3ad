//! YAML as Ansible's loader reads it, with the line of each value, and bounded in what it can
//! make of a small file.
//!
//! Scalars stay the text that was written: what YAML 1.1 would make of `022`, `1:30` or `no` is
//! not what somebody who writes a port or a name means.

use crate::admin::fleet::inventory::problem::{Problem, Result, named};
use crate::request::name::quoted;
use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use std::collections::HashMap;
use std::rc::Rc;

/// Values in a document, those counted again that an alias repeats ("billion laughs").
const MOST_VALUES: usize = 2_000_000;
/// Values in values; Ansible's own loader gives up at about 330.
const MOST_DEPTH: usize = 512;

/// A value and where it is.
#[derive(Debug)]
pub struct Node {
    /// Where it begins.
    pub line: usize,
    /// What it is.
    pub kind: Kind,
    tag: Option<String>,
    values: usize,
    height: usize,
}

/// What a value is.
#[derive(Debug)]
pub enum Kind {
    /// A text, and whether it was written without quotes.
    Scalar(Box<str>, bool),
    /// A list.
    List(Vec<Rc<Node>>),
    /// Keys and their values in the order of the file, no key twice.
    Map(Vec<(Key, Rc<Node>)>),
}

/// The key of a map.
#[derive(Debug, Clone)]
pub struct Key {
    /// As it was written.
    pub text: Rc<str>,
    /// Where.
    pub line: usize,
}

impl Node {
    /// A text without quotes; nothing, if it is empty.
    pub fn text(text: &str, line: usize) -> Self {
        Self::of(Kind::Scalar(text.into(), true), line)
    }

    /// A text that means itself, whatever it is.
    pub fn quoted(text: &str, line: usize) -> Self {
        Self::of(Kind::Scalar(text.into(), false), line)
    }

    /// A value without a tag, of a reader that bounds what it makes itself.
    pub fn of(kind: Kind, line: usize) -> Self {
        Self { line, kind, tag: None, values: 1, height: 1 }
    }

    /// Whether it is nothing: `~`, `null`, or no text at all.
    pub fn is_null(&self) -> bool {
        match (&self.kind, self.tag.as_deref()) {
            (Kind::Scalar(text, true), None) => {
                matches!(&**text, "" | "~" | "null" | "Null" | "NULL")
            }
            (Kind::Scalar(..), Some(tag)) => tag == "!!null",
            _ => false,
        }
    }

    /// A tag that gives the value a meaning which this program does not know.
    pub fn strange_tag(&self) -> Option<&str> {
        const KNOWN: [&str; 9] =
            ["!", "!unsafe", "!!str", "!!int", "!!bool", "!!float", "!!null", "!!map", "!!seq"];
        self.tag.as_deref().filter(|tag| !KNOWN.contains(tag))
    }

    /// Whether `{{` is meant as it is written.
    pub fn is_unsafe(&self) -> bool {
        self.tag.as_deref() == Some("!unsafe")
    }

    /// What it is, for a message.
    pub fn what(&self) -> &'static str {
        match self.kind {
            _ if self.is_null() => "nothing",
            Kind::Scalar(..) => "a plain value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }
}

/// A list or map that was begun.
struct Open {
    line: usize,
    anchor: usize,
    tag: Option<String>,
    is_map: bool,
    items: Vec<Rc<Node>>,
}

#[derive(Default)]
struct Loader {
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    values: usize,
    root: Option<Rc<Node>>,
    documents: usize,
}

/// Reads the one document of a file.
///
/// # Errors
/// What is no YAML, or more than a file of hosts needs.
pub fn load(text: &str) -> Result<Rc<Node>> {
    let mut parser = Parser::new_from_str(text);
    let mut loader = Loader::default();
    while let Some(event) = parser.next_event() {
        match event {
            Ok((event, span)) => loader.event(event, span)?,
            Err(error) => return Err(unreadable(text, error.marker().line(), &error)),
        }
    }
    match loader.root {
        Some(root) if !root.is_null() => Ok(root),
        _ => Err(Problem::new(1, "it is empty")
            .hint("write for example: all: {hosts: {web1: {ansible_host: 192.0.2.1}}}")),
    }
}

fn unreadable(text: &str, line: usize, error: &saphyr_parser::ScanError) -> Problem {
    let column = error.marker().col() + 1;
    let problem = Problem::new(line, format!("column {column}: not YAML: {}", error.info()));
    let of_line = |at: usize| text.lines().nth(at.saturating_sub(1)).unwrap_or_default();
    let indent = |at: usize| {
        let line = of_line(at);
        line[..line.len() - line.trim_start().len()].contains('\t')
    };
    if indent(line) || (line > 1 && indent(line - 1)) {
        return problem.hint("YAML is indented with spaces, not with tabs");
    }
    match (line.saturating_sub(2)..=line).rev().find_map(|at| without_colon(of_line(at))) {
        Some(name) => problem.hint(format!("write a colon after each name: {name}:")),
        None => problem,
    }
}

/// A line that is a name with nothing behind it.
fn without_colon(line: &str) -> Option<String> {
    let name = line.trim();
    let is_name = !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
        && name.starts_with(|c: char| c.is_alphanumeric());
    is_name.then(|| named(name))
}

impl Loader {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<()> {
        let line = span.start.line();
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Problem::new(line, "a second document begins here")
                        .hint("an inventory is one document: at most one `---`"));
                }
                Ok(())
            }
            Event::Alias(id) => {
                let node = self.anchors.get(&id).cloned().ok_or_else(|| {
                    Problem::new(line, "this alias refers to a value that contains it")
                })?;
                if self.open.len() + node.height > MOST_DEPTH {
                    return Err(too_deep(line));
                }
                self.count(line, node.values)?;
                self.place(node);
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let kind = Kind::Scalar(text.into(), style == ScalarStyle::Plain);
                let tag = tag.map(|tag| tag_name(&tag));
                self.done(anchor, Node { line, kind, tag, values: 1, height: 1 })
            }
            Event::SequenceStart(anchor, tag) => self.begin(line, anchor, tag.as_deref(), false),
            Event::MappingStart(anchor, tag) => self.begin(line, anchor, tag.as_deref(), true),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(&mut self, line: usize, anchor: usize, tag: Option<&Tag>, is_map: bool) -> Result<()> {
        if self.open.len() == MOST_DEPTH {
            return Err(too_deep(line));
        }
        let tag = tag.map(tag_name);
        self.open.push(Open { line, anchor, tag, is_map, items: Vec::new() });
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let Some(Open { line, anchor, tag, is_map, items }) = self.open.pop() else {
            return Ok(());
        };
        let height = 1 + items.iter().map(|item| item.height).max().unwrap_or(0);
        let kind = if is_map { Kind::Map(self.map(&items)?) } else { Kind::List(items) };
        let values = match &kind {
            Kind::Map(entries) => entries.iter().map(|entry| 1 + entry.1.values).sum(),
            Kind::List(items) => items.iter().map(|item| item.values).sum(),
            Kind::Scalar(..) => 0,
        };
        self.done(anchor, Node { line, kind, tag, values: 1 + values, height })
    }

    fn done(&mut self, anchor: usize, node: Node) -> Result<()> {
        // What it holds was counted before.
        self.count(node.line, 1)?;
        let node = Rc::new(node);
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.place(node);
        Ok(())
    }

    fn place(&mut self, node: Rc<Node>) {
        match self.open.last_mut() {
            Some(open) => open.items.push(node),
            None => self.root = Some(node),
        }
    }

    fn count(&mut self, line: usize, values: usize) -> Result<()> {
        self.values = self.values.saturating_add(values);
        if self.values <= MOST_VALUES {
            return Ok(());
        }
        Err(Problem::new(line, format!("more than {MOST_VALUES} values, with what aliases repeat"))
            .hint("write groups and their vars instead of aliases of aliases"))
    }

    /// Keys with values, and what `<<` brings in below what stands there itself.
    fn map(&mut self, items: &[Rc<Node>]) -> Result<Vec<(Key, Rc<Node>)>> {
        let mut own: Vec<(Key, Rc<Node>)> = Vec::with_capacity(items.len() / 2);
        let mut seen: HashMap<Rc<str>, usize> = HashMap::new();
        let mut merged: Vec<Rc<Node>> = Vec::new();
        for pair in items.chunks_exact(2) {
            let (key, value) = (&pair[0], &pair[1]);
            let Kind::Scalar(text, plain) = &key.kind else {
                return Err(Problem::new(key.line, format!("the key here is {}", key.what())));
            };
            if *plain && &**text == "<<" {
                merged.extend(merges(value)?);
                continue;
            }
            let text: Rc<str> = text.clone().into();
            if let Some(first) = seen.insert(text.clone(), key.line) {
                let key = quoted(text.as_bytes());
                return Err(Problem::new(
                    pair[0].line,
                    format!("{key} is repeated; line {first} already has it"),
                ));
            }
            own.push((Key { text, line: key.line }, value.clone()));
        }
        if merged.is_empty() {
            return Ok(own);
        }
        // The order is that of PyYAML: what is merged comes first, the first of several wins.
        let mut all: Vec<(Key, Rc<Node>)> = Vec::new();
        let mut at: HashMap<Rc<str>, usize> = HashMap::new();
        let brought = merged.iter().rev().filter_map(|node| match &node.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        });
        for (key, value) in brought.flatten().chain(&own) {
            if let Some(&place) = at.get(&key.text) {
                all[place] = (key.clone(), value.clone());
                continue;
            }
            self.count(key.line, value.values)?;
            at.insert(key.text.clone(), all.len());
            all.push((key.clone(), value.clone()));
        }
        Ok(all)
    }
}

/// What `<<` stands before: a map or a list of maps.
fn merges(value: &Rc<Node>) -> Result<Vec<Rc<Node>>> {
    let wrong =
        |node: &Node| Problem::new(node.line, format!("`<<` needs a mapping, not {}", node.what()));
    match &value.kind {
        Kind::Map(_) => Ok(vec![value.clone()]),
        Kind::List(items) => match items.iter().find(|item| !matches!(item.kind, Kind::Map(_))) {
            Some(item) => Err(wrong(item)),
            None => Ok(items.clone()),
        },
        Kind::Scalar(..) => Err(wrong(value)),
    }
}

fn tag_name(tag: &Tag) -> String {
    if tag.is_yaml_core_schema() {
        format!("!!{}", tag.suffix)
    } else {
        format!("{}{}", tag.handle, tag.suffix)
    }
}

fn too_deep(line: usize) -> Problem {
    Problem::new(line, format!("more than {MOST_DEPTH} values inside each other"))
}
