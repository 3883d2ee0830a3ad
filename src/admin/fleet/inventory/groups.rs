//! Ansible's model of hosts and groups (`ansible/inventory/data.py`, `group.py`, `helpers.py`):
//! who is in which group, and whose variable wins.

use crate::admin::fleet::inventory::problem::{Problem, Result, Warnings, named};
use crate::admin::fleet::inventory::range::MOST_HOSTS;
use crate::admin::fleet::inventory::variables::{Value, Values};
use crate::admin::fleet::inventory::yaml::{Kind, Node};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// Hosts put into groups, those counted again that are there already.
const MOST_PLACES: usize = 1_000_000;
/// Groups of one inventory.
const MOST_GROUPS: usize = 100_000;

/// The group that every host is in.
pub const ALL: usize = 0;
/// The group of those that are in no other.
pub const UNGROUPED: usize = 1;

/// A group.
#[derive(Debug, Default)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The hosts that were put into it, not those of its children.
    pub hosts: Vec<usize>,
    /// The groups in it.
    pub children: Vec<usize>,
    /// Who wins among groups of the same depth.
    pub priority: i64,
    values: Values,
    parents: Vec<usize>,
    /// How far below `all`, along the longest way.
    depth: usize,
    /// For each variable the group that wins, of this one and all above it, and its value.
    winners: Vec<(&'static str, usize, Value)>,
}

/// A host.
#[derive(Debug)]
pub struct Member {
    /// What the inventory calls it.
    pub alias: String,
    /// The line that names it first.
    pub line: usize,
    values: Values,
    groups: Vec<usize>,
}

/// What a port behind a host's name is.
const PORT: &str = "ansible_port";

impl Member {
    fn has_port(&self, port: u16) -> bool {
        let text = |value: &Value| match &value.node.kind {
            Kind::Scalar(text, _) => text.parse() == Ok(port),
            _ => false,
        };
        self.values.get(PORT).is_some_and(text)
    }
}

/// Where a host's value comes from.
#[derive(Debug, Clone, Copy)]
pub struct Found<'m> {
    /// The value.
    pub value: &'m Value,
    /// The group that has it, if it is not the host itself.
    pub group: Option<&'m str>,
}

/// The hosts and groups of an inventory.
#[derive(Debug)]
pub struct Model {
    /// The groups, `all` and `ungrouped` first, the others in the order of the file.
    pub groups: Vec<Group>,
    /// The hosts in the order of the file.
    pub members: Vec<Member>,
    /// What was noticed.
    pub warnings: Warnings,
    group_at: HashMap<String, usize>,
    member_at: HashMap<String, usize>,
    inside: HashSet<(usize, usize)>,
    edges: HashMap<(usize, usize), usize>,
    places: usize,
}

impl Default for Model {
    fn default() -> Self {
        let mut model = Self {
            groups: Vec::new(),
            members: Vec::new(),
            warnings: Warnings::default(),
            group_at: HashMap::new(),
            member_at: HashMap::new(),
            inside: HashSet::new(),
            edges: HashMap::new(),
            places: 0,
        };
        model.new_group("all");
        model.new_group("ungrouped");
        model.link(ALL, UNGROUPED, 0);
        model
    }
}

impl Model {
    fn new_group(&mut self, name: &str) -> usize {
        let group = Group { name: name.to_owned(), priority: 1, ..Group::default() };
        self.groups.push(group);
        self.group_at.insert(name.to_owned(), self.groups.len() - 1);
        self.groups.len() - 1
    }

    /// The group with this name, which may be new.
    ///
    /// # Errors
    /// If there are too many.
    pub fn group(&mut self, name: &str, line: usize) -> Result<usize> {
        if let Some(&group) = self.group_at.get(name) {
            return Ok(group);
        }
        if self.groups.len() == MOST_GROUPS {
            return Err(Problem::new(line, format!("more than {MOST_GROUPS} groups")));
        }
        Ok(self.new_group(name))
    }

    fn link(&mut self, parent: usize, child: usize, line: usize) {
        if self.edges.insert((parent, child), line).is_none() {
            self.groups[parent].children.push(child);
            self.groups[child].parents.push(parent);
        }
    }

    /// Puts a group into another one.
    ///
    /// # Errors
    /// If it cannot be there.
    pub fn child(&mut self, parent: usize, child: usize, line: usize) -> Result<()> {
        if child == ALL || parent == child {
            return Err(self.loops(parent, child, line));
        }
        if child == UNGROUPED && parent != ALL {
            return Err(Problem::new(line, "`ungrouped` can be a child of `all` only")
                .of(&group_label(&self.groups[parent].name)));
        }
        self.link(parent, child, line);
        Ok(())
    }

    fn loops(&self, parent: usize, child: usize, line: usize) -> Problem {
        let (parent, child) = (&self.groups[parent].name, &self.groups[child].name);
        let text = format!("`{}` would contain itself, through `{}`", named(child), named(parent));
        Problem::new(line, text).of(&group_label(child))
    }

    /// Puts a host into a group; it may be new.
    ///
    /// # Errors
    /// If there are too many.
    pub fn host(
        &mut self,
        alias: &str,
        port: Option<u16>,
        group: usize,
        line: usize,
    ) -> Result<usize> {
        self.places += 1;
        let host = match self.member_at.get(alias) {
            Some(&host) => {
                if port.is_some_and(|port| !self.members[host].has_port(port)) {
                    self.warnings.add(
                        line,
                        named(alias),
                        "as in Ansible, a port after a name counts only where the host is named first",
                    );
                }
                host
            }
            None => {
                let mut values = Values::default();
                if let Some(port) = port {
                    let node = Rc::new(Node::text(&port.to_string(), line));
                    values.set(PORT, Value { node, line });
                }
                let member = Member { alias: alias.to_owned(), line, values, groups: Vec::new() };
                self.members.push(member);
                self.member_at.insert(alias.to_owned(), self.members.len() - 1);
                self.members.len() - 1
            }
        };
        if self.members.len() > MOST_HOSTS || self.places > MOST_PLACES {
            let text =
                format!("more than {MOST_HOSTS} hosts, or {MOST_PLACES} places of hosts in groups");
            return Err(Problem::new(line, text).of(&named(alias)));
        }
        if self.inside.insert((group, host)) {
            self.groups[group].hosts.push(host);
            self.members[host].groups.push(group);
        }
        Ok(host)
    }

    /// Sets a variable of a group.
    pub fn set_for_group(&mut self, group: usize, name: &'static str, value: Value) {
        self.groups[group].values.set(name, value);
    }

    /// Sets a variable of a host. If a group has the same name, Ansible gives it to the group.
    pub fn set_for_host(&mut self, host: usize, name: &'static str, value: Value) {
        match self.group_at.get(&self.members[host].alias) {
            Some(&group) => self.groups[group].values.set(name, value),
            None => self.members[host].values.set(name, value),
        }
    }

    /// Once everything was read: who is in `all` and `ungrouped`, and who wins.
    ///
    /// # Errors
    /// If a group is in itself.
    pub fn settle(&mut self) -> Result<()> {
        for group in 0..self.groups.len() {
            if group != ALL && self.groups[group].parents.is_empty() {
                self.link(ALL, group, 0);
            }
        }
        for host in 0..self.members.len() {
            let groups = &mut self.members[host].groups;
            if groups.iter().any(|group| *group > UNGROUPED) {
                groups.retain(|group| *group != UNGROUPED);
                self.inside.remove(&(UNGROUPED, host));
            } else if !groups.contains(&UNGROUPED) {
                groups.push(UNGROUPED);
                self.inside.insert((UNGROUPED, host));
                self.groups[UNGROUPED].hosts.push(host);
            }
            let alias = &self.members[host].alias;
            if self.group_at.contains_key(alias) {
                let line = self.members[host].line;
                let text = "a host and a group have this name; as in Ansible, what is set for the \
                            host is set for the group";
                self.warnings.add(line, named(alias), text);
            }
        }
        let mut hosts = std::mem::take(&mut self.groups[UNGROUPED].hosts);
        hosts.retain(|host| self.inside.contains(&(UNGROUPED, *host)));
        self.groups[UNGROUPED].hosts = hosts;
        let order = self.downwards()?;
        self.choose(&order);
        Ok(())
    }

    /// The groups with each below all that it is in; sets the depths.
    fn downwards(&mut self) -> Result<Vec<usize>> {
        let mut waits: Vec<usize> = self.groups.iter().map(|group| group.parents.len()).collect();
        let mut order = vec![ALL];
        let mut at = 0;
        while let Some(&group) = order.get(at) {
            at += 1;
            let below = self.groups[group].depth + 1;
            for child in self.groups[group].children.clone() {
                self.groups[child].depth = self.groups[child].depth.max(below);
                waits[child] -= 1;
                if waits[child] == 0 {
                    order.push(child);
                }
            }
        }
        if order.len() == self.groups.len() {
            return Ok(order);
        }
        // Each that still waits does so for a parent that waits too: upwards there is no end.
        let waiting = |group: &usize| waits[*group] > 0;
        let mut seen = HashSet::new();
        let mut group = (0..self.groups.len()).find(waiting).unwrap_or(ALL);
        let mut child = group;
        while seen.insert(group) {
            child = group;
            group = self.groups[group].parents.iter().copied().find(waiting).unwrap_or(ALL);
        }
        // `group` is the first one met twice; `child` is below it.
        let line = self.edges.get(&(group, child)).copied().unwrap_or(1);
        Err(self.loops(group, child, line))
    }

    /// Ansible goes through a host's groups by depth, priority and name; the last one with a
    /// variable wins. So each group knows the winner of all above it and itself.
    fn choose(&mut self, order: &[usize]) {
        let mut ranked: Vec<usize> = (0..self.groups.len()).collect();
        ranked.sort_by_key(|&group| {
            let group = &self.groups[group];
            (group.depth, group.priority, group.name.clone())
        });
        let mut rank = vec![0; ranked.len()];
        for (place, &group) in ranked.iter().enumerate() {
            rank[group] = place;
        }
        for &group in order {
            let own = self.groups[group].values.iter();
            let mut winners: Vec<(&'static str, usize, Value)> =
                own.map(|(name, value)| (*name, group, value.clone())).collect();
            for &parent in &self.groups[group].parents {
                for above in &self.groups[parent].winners {
                    match winners.iter_mut().find(|one| one.0 == above.0) {
                        Some(one) if rank[above.1] > rank[one.1] => *one = above.clone(),
                        Some(_) => {}
                        None => winners.push(above.clone()),
                    }
                }
            }
            self.groups[group].winners = winners;
        }
        // From here on a group's place among all is what decides.
        for (group, rank) in rank.into_iter().enumerate() {
            self.groups[group].depth = rank;
        }
    }

    /// The value of a host's variable.
    pub fn value(&self, host: usize, name: &str) -> Option<Found<'_>> {
        let member = &self.members[host];
        if let Some(value) = member.values.get(name) {
            return Some(Found { value, group: None });
        }
        let groups = member.groups.iter().flat_map(|group| &self.groups[*group].winners);
        let winner = groups
            .filter(|winner| winner.0 == name)
            .max_by_key(|winner| self.groups[winner.1].depth)?;
        Some(Found { value: &winner.2, group: Some(&self.groups[winner.1].name) })
    }
}

/// A group in a message.
pub fn group_label(name: &str) -> String {
    format!("group {}", named(name))
}
