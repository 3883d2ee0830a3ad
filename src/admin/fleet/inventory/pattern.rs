//! `--limit`: which hosts a pattern means, as Ansible has it (`ansible/inventory/manager.py`).

use crate::admin::fleet::inventory::glob;
use crate::admin::fleet::inventory::groups::{ALL, Group};
use crate::output::nearest::nearest;
use crate::request::code::{Code, Refusal};
use crate::request::name::quoted;
use std::collections::{HashMap, HashSet};

/// What a subscript may go through.
const MOST_MATCHES: usize = 10_000_000;

/// The names that a pattern can mean.
pub struct Names<'i> {
    /// The hosts, in the order of the inventory.
    pub hosts: HashMap<&'i str, usize>,
    /// The same with their order.
    pub in_order: Vec<&'i str>,
    /// The groups.
    pub groups: &'i [Group],
}

impl Names<'_> {
    /// Which hosts the pattern means, by their numbers.
    ///
    /// # Errors
    /// If it is none, or a part of it means nothing.
    pub fn matching(&self, pattern: &str) -> Result<HashSet<usize>, Refusal> {
        let terms = self.terms(pattern);
        if terms.is_empty() {
            return Err(wrong("there is no pattern in it".to_owned()));
        }
        let is = |mark: char| terms.iter().filter(move |term| term.starts_with(mark));
        let plain: Vec<&String> =
            terms.iter().filter(|term| !term.starts_with(['!', '&'])).collect();
        let mut hosts = HashSet::new();
        if plain.is_empty() {
            hosts.extend(0..self.in_order.len());
        }
        for term in plain {
            match self.hosts.get(term.as_str()) {
                // Before it is looked at as a pattern; behind `&` and `!` Ansible has no such rule,
                // so there a group wins over a host of the same name.
                Some(&host) => {
                    hosts.insert(host);
                }
                None => hosts.extend(self.term(term)?),
            }
        }
        for term in is('&') {
            let those = self.term(&term[1..])?;
            hosts.retain(|host| those.contains(host));
        }
        for term in is('!') {
            let those = self.term(&term[1..])?;
            hosts.retain(|host| !those.contains(host));
        }
        if hosts.is_empty() {
            let text = format!("{} matches no host", quoted(pattern.as_bytes()));
            return Err(wrong(text).hint("sm fleet list shows the hosts"));
        }
        Ok(hosts)
    }

    /// The parts of a pattern: split at commas and colons, but not in brackets, and not in an
    /// IPv6 address.
    fn terms(&self, pattern: &str) -> Vec<String> {
        let mut terms = Vec::new();
        for part in pattern.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let name = part.strip_prefix(['!', '&']).unwrap_or(part);
            let whole = self.hosts.contains_key(name)
                || name.parse::<std::net::Ipv6Addr>().is_ok()
                || part.starts_with('~');
            if whole {
                terms.push(part.to_owned());
                continue;
            }
            let mut term = String::new();
            let mut inside = false;
            for c in part.chars().chain([':']) {
                match c {
                    '[' => inside = true,
                    ']' => inside = false,
                    _ => {}
                }
                if !inside && (c == ':' || c.is_whitespace()) {
                    if !term.is_empty() {
                        terms.push(std::mem::take(&mut term));
                    }
                } else {
                    term.push(c);
                }
            }
            // A bracket without its end.
            if !term.is_empty() {
                term.pop();
                terms.push(term);
            }
        }
        terms
    }

    fn term(&self, term: &str) -> Result<HashSet<usize>, Refusal> {
        let shown = quoted(term.as_bytes());
        match term.chars().next() {
            None => return Err(wrong("`!` or `&` needs a name after it".to_owned())),
            Some('~') => {
                return Err(wrong(format!("{shown}: regular expressions are not supported"))
                    .hint("names, groups, *, ?, [a-c], ! and & are"));
            }
            Some('@') => {
                return Err(wrong(format!("{shown}: files with hosts are not supported"))
                    .hint("name a group of the inventory"));
            }
            Some(_) => {}
        }
        let (name, subscript) =
            subscript(term).map_err(|reason| wrong(format!("{shown} {reason}")))?;
        let groups = self.groups_like(name);
        let hosts = if groups.is_empty() || name.contains(['.', '?', '*', '[']) {
            self.hosts_like(name)
        } else {
            Vec::new()
        };
        if groups.is_empty() && hosts.is_empty() {
            return Err(self.unknown(term, name));
        }
        let Some(subscript) = subscript else {
            let mut all: HashSet<usize> = hosts.into_iter().collect();
            self.under(&groups, |host| all.insert(host));
            return Ok(all);
        };
        // Ansible counts a host again for each group that matches.
        let mut all = Vec::new();
        for group in groups {
            let mut seen = HashSet::new();
            self.under(&[group], |host| {
                if seen.insert(host) {
                    all.push(host);
                }
                true
            });
            if all.len() > MOST_MATCHES {
                return Err(wrong(format!("{shown} matches too many hosts")));
            }
        }
        all.extend(hosts);
        let count = all.len();
        match subscript.of(&all) {
            Some(some) if !some.is_empty() => Ok(some.iter().copied().collect()),
            // Of a group without hosts there is no first one, and that is no mistake.
            _ if count == 0 => Ok(HashSet::new()),
            _ => Err(wrong(format!(
                "{shown} matches no host: {} has {count}",
                quoted(name.as_bytes())
            ))
            .hint("the first one is [0], the last one [-1]")),
        }
    }

    fn groups_like(&self, pattern: &str) -> Vec<usize> {
        let pattern: Vec<char> = pattern.chars().collect();
        let like = |name: &str| glob::matches(&pattern, &name.chars().collect::<Vec<_>>());
        (0..self.groups.len()).filter(|group| like(&self.groups[*group].name)).collect()
    }

    fn hosts_like(&self, pattern: &str) -> Vec<usize> {
        let pattern: Vec<char> = pattern.chars().collect();
        let like = |name: &str| glob::matches(&pattern, &name.chars().collect::<Vec<_>>());
        (0..self.in_order.len()).filter(|host| like(self.in_order[*host])).collect()
    }

    /// Goes through the hosts of groups and of all groups in them, those of the groups themselves
    /// first, then level by level (`Group.get_hosts`).
    fn under(&self, groups: &[usize], mut each: impl FnMut(usize) -> bool) {
        let mut seen: HashSet<usize> = groups.iter().copied().collect();
        let mut order = groups.to_vec();
        let mut at = 0;
        while let Some(&group) = order.get(at) {
            at += 1;
            for &host in &self.groups[group].hosts {
                each(host);
            }
            order.extend(self.groups[group].children.iter().filter(|child| seen.insert(**child)));
        }
    }

    fn unknown(&self, term: &str, name: &str) -> Refusal {
        let text = format!("{} matches no host and no group", quoted(term.as_bytes()));
        let groups = self.groups.iter().skip(ALL + 1).map(|group| group.name.as_str());
        let near = nearest(name, self.in_order.iter().copied().chain(groups));
        match near {
            Some(near) => wrong(text).hint(format!(
                "did you mean {}?",
                crate::admin::fleet::inventory::problem::named(near)
            )),
            None => wrong(text).hint("sm fleet list shows the hosts"),
        }
    }
}

/// Which of the hosts that a pattern means.
#[derive(Debug, PartialEq, Eq)]
enum Subscript {
    /// One, counted from the end if it is negative.
    One(i64),
    /// From one to another, both taken with; to the end if there is no other.
    Range(usize, Option<usize>),
}

impl Subscript {
    fn of<'h>(&self, hosts: &'h [usize]) -> Option<&'h [usize]> {
        match *self {
            Self::One(place) => {
                let last = i64::try_from(hosts.len()).unwrap_or(i64::MAX);
                let place = if place < 0 { last.checked_add(place)? } else { place };
                let place = usize::try_from(place).ok()?;
                hosts.get(place..place.checked_add(1)?)
            }
            Self::Range(first, last) => {
                let end = last.map_or(hosts.len(), |last| last.saturating_add(1).min(hosts.len()));
                hosts.get(first.min(end)..end)
            }
        }
    }
}

/// `NAME[0]`, `NAME[-1]`, `NAME[0:2]`, `NAME[1:]` taken apart; other brackets belong to the name.
fn subscript(term: &str) -> Result<(&str, Option<Subscript>), &'static str> {
    let Some((name, inside)) = term.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) else {
        return Ok((term, None));
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if name.is_empty() {
        return Ok((term, None));
    }
    let number = |text: &str| text.parse().map_err(|_| "has a number that is too large");
    if digits(inside.strip_prefix('-').unwrap_or(inside)) {
        let place = inside.parse().map_err(|_| "has a number that is too large")?;
        return Ok((name, Some(Subscript::One(place))));
    }
    let Some((first, last)) = inside.split_once([':', '-']) else { return Ok((term, None)) };
    if !digits(first) || !(last.is_empty() || digits(last)) {
        return Ok((term, None));
    }
    let first = number(first)?;
    let last = if last.is_empty() { None } else { Some(number(last)?) };
    if last.is_some_and(|last| last < first) {
        return Err("ends before it begins");
    }
    Ok((name, Some(Subscript::Range(first, last))))
}

fn wrong(text: String) -> Refusal {
    Refusal::new(Code::InvalidArgument, format!("--limit: {text}"))
}
