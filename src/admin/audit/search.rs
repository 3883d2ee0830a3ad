//! `sm audit search`: which records are looked for, found with an index of each file where that is
//! quicker than reading all of them. What is found is the same with and without.

#[cfg(test)]
mod tests;

use crate::admin::answer::{self, Failure};
use crate::admin::audit::filter::{Answer, Filter, missing, read, unreadable};
use crate::admin::audit::index::blocks::Blocks;
use crate::admin::audit::index::store::Store;
use crate::admin::audit::index::{Index, LINES, UNKNOWN, id_number};
use crate::admin::audit::rows::{Requests, Style};
use crate::audit::files::{self, LogFile};
use crate::cli::AuditFilter;
use serde_json::Value;
use std::collections::{HashSet, VecDeque};
use std::fmt::Write as _;
use std::io;
use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Prints what is looked for: the last ones, and how many there are.
///
/// # Errors
/// If the log cannot be read.
pub fn search(
    filter: &AuditFilter,
    limit: u32,
    style: &Style,
    json: bool,
) -> Result<answer::Answer, Failure> {
    let filter = &Filter::of(filter)?;
    let files = files::all().map_err(|error| unreadable(&error))?;
    if files.is_empty() {
        return Err(missing());
    }
    let new = || Found::new(json || style.is_of_records(), limit as usize);
    let found = found_in(&files, &Store::host(), filter, new);
    let (found, all) = found.map_err(|error| unreadable(&error))?.last();
    let mut text = style.rows(&found);
    if all > found.len() as u64 {
        let _ = write!(text, "\nthe last {} of {all}; --limit shows more", found.len());
    }
    Ok(filter.window(answer::Answer::text(text)).with("found", all).with("records", found))
}

/// What was found so far.
enum Found {
    Records { most: usize, last: VecDeque<Value>, count: u64 },
    Requests { most: usize, requests: Requests },
}

impl Found {
    /// Nothing yet: of what comes, the last ones are kept.
    fn new(is_of_records: bool, most: usize) -> Self {
        if is_of_records {
            Self::Records { most, last: VecDeque::new(), count: 0 }
        } else {
            Self::Requests { most, requests: Requests::at_most(most) }
        }
    }

    /// Takes the next line, of which this is the record if it is looked for.
    fn take(&mut self, line: &[u8], record: Option<Value>) {
        match (self, record) {
            (Self::Records { most, last, count }, Some(record)) => {
                *count += 1;
                last.push_back(record);
                if last.len() > *most {
                    last.pop_front();
                }
            }
            (Self::Requests { requests, .. }, Some(record)) => requests.push(record),
            (Self::Requests { requests, .. }, None) => requests.pass(line),
            (Self::Records { .. }, None) => {}
        }
    }

    fn last(self) -> (Vec<Value>, u64) {
        match self {
            Self::Records { last, count, .. } => (last.into(), count),
            Self::Requests { requests, .. } => {
                let (last, count) = requests.last();
                (last, count as u64)
            }
        }
    }
}

/// Looks for it in these files.
fn found_in(
    files: &[LogFile],
    store: &Store,
    filter: &Filter<'_>,
    new: impl Fn() -> Found,
) -> io::Result<Found> {
    if filter.asks_for_the_rest() && !filter.asks_an_index() {
        return read_all(files, filter, new());
    }
    for is_kept in [true, false] {
        let indexes = indexes(files, store, is_kept);
        if let Some(found) = with_indexes(files, &indexes, filter, new()) {
            if nix::unistd::geteuid().is_root() {
                store.clean(files);
            }
            return Ok(found);
        }
        tracing::debug!("an index is not of the log as it is now, and is thrown away");
    }
    read_all(files, filter, new())
}

/// Reads all of them.
fn read_all(files: &[LogFile], filter: &Filter<'_>, mut found: Found) -> io::Result<Found> {
    for at in 0..files.len() {
        read(files, at, filter, &mut |line, record| found.take(line, record))?;
    }
    Ok(found)
}

/// The index of each file that has one: those that are kept, if they may be used, and else made
/// anew.
fn indexes(files: &[LogFile], store: &Store, is_kept: bool) -> Vec<Option<Index>> {
    let made: Vec<OnceLock<Option<Index>>> = files.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    let make = || {
        while let Some((file, place)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            files.get(at).zip(made.get(at))
        } {
            let index = if is_kept { store.find(file) } else { None };
            let _ = place.set(index.or_else(|| make(file, store)));
        }
    };
    let count = thread::available_parallelism().map_or(1, NonZero::get).min(files.len());
    thread::scope(|scope| {
        (1..count).for_each(|_| drop(scope.spawn(make)));
        make();
    });
    made.into_iter().map(|index| index.into_inner().flatten()).collect()
}

fn make(file: &LogFile, store: &Store) -> Option<Index> {
    let before = file.data().ok()?;
    // What is wrong with a file says whoever reads it.
    let index = Index::of(file.stored()?).ok()?;
    if nix::unistd::geteuid().is_root() {
        store.keep(file, &before, &index);
    }
    Some(index)
}

/// Looks for it in these files, which have these indexes. None if one of those is wrong, or a file
/// cannot be read.
fn with_indexes(
    files: &[LogFile],
    indexes: &[Option<Index>],
    filter: &Filter<'_>,
    found: Found,
) -> Option<Found> {
    let plans: Vec<Option<Plan<'_>>> =
        indexes.iter().map(|index| index.as_ref().map(|index| Plan::of(index, filter))).collect();
    let first_shown = first_shown(&plans, &found);
    let mut looking = Looking { filter, found, watched: Watched::default() };
    for (at, (file, plan)) in files.iter().zip(&plans).enumerate() {
        let Some(plan) = plan else {
            read(files, at, filter, &mut |line, record| looking.take(line, record)).ok()?;
            continue;
        };
        let counted = match at.cmp(&first_shown.0) {
            std::cmp::Ordering::Less => usize::MAX,
            std::cmp::Ordering::Equal => first_shown.1,
            std::cmp::Ordering::Greater => 0,
        };
        looking.file(file, plan, counted)?;
    }
    Some(looking.found)
}

/// What an index says of what is looked for.
struct Plan<'i> {
    index: &'i Index,
    /// Of each kind, whether it is looked for.
    answers: Vec<Answer>,
    /// Of each kind, whether it is an intent.
    intents: Vec<bool>,
    /// Of each block, whether its times are.
    times: Vec<Answer>,
    /// The number of the id.
    id: Option<u32>,
}

impl<'i> Plan<'i> {
    fn of(index: &'i Index, filter: &Filter<'_>) -> Self {
        let kinds = &index.head.kinds;
        let most = if filter.asks_for_the_rest() || filter.id().is_some() {
            Answer::Maybe
        } else {
            Answer::Yes
        };
        Self {
            index,
            answers: kinds.iter().map(|kind| kind.answer(filter).min(most)).collect(),
            intents: kinds.iter().map(|kind| kind.is_intent()).collect(),
            times: index
                .head
                .blocks
                .iter()
                .map(|block| filter.answer_between(block.from, block.to))
                .collect(),
            id: filter.id().map(|id| id_number(id.as_bytes())),
        }
    }

    /// The lines of a block: their numbers, kinds and ids.
    fn lines(&self, block: usize) -> impl Iterator<Item = (usize, u16, u32)> {
        let begin = block * LINES;
        let end = (begin + LINES).min(self.index.kinds.len());
        let lines = self.index.kinds[begin..end].iter().zip(&self.index.ids[begin..end]);
        lines.zip(begin..).map(|((kind, id), line)| (line, *kind, *id))
    }

    fn answer(&self, block: usize, kind: u16, id: u32) -> Answer {
        if self.id.is_some_and(|wanted| wanted != id) {
            return Answer::No;
        }
        self.answers[usize::from(kind)].min(self.times[block])
    }
}

/// The file and the block from which on there are as many as are shown: what is before them is
/// counted.
fn first_shown(plans: &[Option<Plan<'_>>], found: &Found) -> (usize, usize) {
    let (Found::Records { most, .. } | Found::Requests { most, .. }) = found;
    let is_of_records = matches!(found, Found::Records { .. });
    let mut count = 0;
    for (at, plan) in plans.iter().enumerate().rev() {
        let Some(plan) = plan else { continue };
        for block in (0..plan.times.len()).rev() {
            let is_one = |(_, kind, id): &(usize, u16, u32)| {
                *kind != UNKNOWN
                    && (is_of_records || !plan.intents[usize::from(*kind)])
                    && plan.answer(block, *kind, *id) == Answer::Yes
            };
            count += plan.lines(block).filter(is_one).count();
            if count >= *most {
                return (at, block);
            }
        }
    }
    (0, 0)
}

struct Looking<'f> {
    filter: &'f Filter<'f>,
    found: Found,
    watched: Watched,
}

impl Looking<'_> {
    fn take(&mut self, line: &[u8], record: Option<Value>) {
        if let (Found::Requests { .. }, Some(record)) = (&self.found, &record)
            && record["event"] == "intent"
        {
            self.watched.insert(record["request_id"].as_str().unwrap_or_default());
        }
        self.found.take(line, record);
    }

    /// Reads what has to be read of a file; of the first blocks it is enough to know how many there
    /// are.
    fn file(&mut self, file: &LogFile, plan: &Plan<'_>, counted: usize) -> Option<()> {
        let mut blocks = Blocks::of(file.stored()?, plan.index);
        let is_of_records = matches!(self.found, Found::Records { .. });
        for block in 0..plan.times.len() {
            for (number, kind, id) in plan.lines(block) {
                let is_known = kind != UNKNOWN;
                let answer = if is_known { plan.answer(block, kind, id) } else { Answer::Maybe };
                let is_intent = plan.intents[usize::from(kind)];
                if is_known && is_intent && !is_of_records {
                    // One that something ends in this file is not there in the end.
                    let open = &plan.index.head.open;
                    if answer == Answer::No
                        || u32::try_from(number)
                            .is_ok_and(|line| open.binary_search(&line).is_err())
                    {
                        continue;
                    }
                } else if is_of_records || !self.watched.contains(id) {
                    match answer {
                        Answer::No => continue,
                        Answer::Yes if block < counted => {
                            self.count();
                            continue;
                        }
                        _ => {}
                    }
                }
                let line = blocks.line(number).ok()?;
                let record = self.filter.record(line);
                // The log says something else than the index.
                if record.is_some() != (answer == Answer::Yes) && answer != Answer::Maybe {
                    return None;
                }
                self.take(line, record);
            }
        }
        Some(())
    }

    fn count(&mut self) {
        match &mut self.found {
            Found::Records { count, .. } => *count += 1,
            Found::Requests { requests, .. } => requests.count(1),
        }
    }
}

/// The numbers of ids whose requests may be open.
#[derive(Default)]
struct Watched {
    ids: HashSet<u32>,
    /// Of each of them one bit.
    bits: u64,
}

impl Watched {
    fn insert(&mut self, id: &str) {
        let id = id_number(id.as_bytes());
        self.ids.insert(id);
        self.bits |= 1 << (id % 64);
    }

    fn contains(&self, id: u32) -> bool {
        self.bits >> (id % 64) & 1 == 1 && self.ids.contains(&id)
    }
}
