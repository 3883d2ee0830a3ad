//! Whose connections are answered now, and whose wait: so many processes for each account, so that
//! one that opens thousands keeps no other waiting.
//!
//! Here it is counted by the user id that the kernel names, without a look into the account
//! database, which could take long: who may ask is found out by the process that answers. What that
//! finds is believed from then on. Ids of which nothing is known yet share one account's part, since
//! one account can have thousands of them (`subuid(5)`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The most processes of one account at a time: its requests under way ([`crate::limits::slots`]),
/// and room for the refusals of those that are too many.
pub const MOST_OF_ONE: usize = 96;

/// The most connections of one account that wait.
pub const MOST_WAITING_OF_ONE: usize = 1000;

/// The most connections in all. Each that waits is a descriptor (`LimitNOFILE=` of the unit).
pub const MOST: usize = 4096;

/// The most ids of which it is remembered that they are accounts.
const MOST_KNOWN: usize = 4096;

/// Whose part of the connections it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// This id's, which is an account.
    Account(u32),
    /// That of all ids of which nothing is known.
    Unknown,
}

/// One part: its processes, and its connections that wait.
#[derive(Debug)]
struct Queue<C> {
    under_way: usize,
    waiting: VecDeque<(u32, C)>,
}

impl<C> Default for Queue<C> {
    fn default() -> Self {
        Self { under_way: 0, waiting: VecDeque::new() }
    }
}

/// All connections. `C` is one.
#[derive(Debug)]
pub struct Crowd<C> {
    parts: BTreeMap<Part, Queue<C>>,
    /// The processes that answer, by their ids.
    answering: BTreeMap<i32, (Part, u32)>,
    accounts: BTreeSet<u32>,
    waiting: usize,
}

/// What a process that has ended found out about who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// An account of this host.
    Account,
    /// None.
    Stranger,
    /// It did not come to that.
    Nothing,
}

impl<C> Default for Crowd<C> {
    fn default() -> Self {
        Self {
            parts: BTreeMap::new(),
            answering: BTreeMap::new(),
            accounts: BTreeSet::from([0]),
            waiting: 0,
        }
    }
}

impl<C> Crowd<C> {
    /// A new connection of this id. It waits until [`Crowd::next`] gives it out. Where there are
    /// too many already it is not taken, and given back.
    pub fn arrived(&mut self, uid: u32, connection: C) -> Option<C> {
        if self.waiting + self.answering.len() >= MOST {
            return Some(connection);
        }
        let queue = self.parts.entry(self.part(uid)).or_default();
        if queue.waiting.len() >= MOST_WAITING_OF_ONE {
            return Some(connection);
        }
        queue.waiting.push_back((uid, connection));
        self.waiting += 1;
        None
    }

    /// The next connection that may be answered, of whichever account has fewest under way; of all
    /// that wait, if nobody can let them wait any longer.
    pub fn next(&mut self, of_all: bool) -> Option<(Turn, C)> {
        let ready = self.parts.iter_mut().filter(|(_, queue)| {
            (of_all || queue.under_way < MOST_OF_ONE) && !queue.waiting.is_empty()
        });
        let (part, queue) = ready.min_by_key(|(_, queue)| queue.under_way)?;
        let (uid, connection) = queue.waiting.pop_front()?;
        queue.under_way += 1;
        self.waiting -= 1;
        Some((Turn { part: *part, uid }, connection))
    }

    /// This process answers it.
    pub fn begun(&mut self, turn: Turn, process: i32) {
        self.answering.insert(process, (turn.part, turn.uid));
    }

    /// Nobody answers it: there could be no process.
    pub fn given_up(&mut self, turn: &Turn) {
        self.leave(turn.part);
    }

    /// A process has ended. Says whether it was one of ours.
    pub fn ended(&mut self, process: i32, found: Found) -> bool {
        let Some((part, uid)) = self.answering.remove(&process) else { return false };
        self.leave(part);
        match found {
            Found::Nothing => {}
            Found::Stranger => {
                self.accounts.remove(&uid);
            }
            Found::Account => {
                if self.accounts.len() >= MOST_KNOWN {
                    self.accounts = BTreeSet::from([0]);
                }
                self.accounts.insert(uid);
            }
        }
        true
    }

    /// Whether nobody waits and nobody is answered.
    pub fn is_empty(&self) -> bool {
        self.waiting == 0 && self.answering.is_empty()
    }

    fn part(&self, uid: u32) -> Part {
        if self.accounts.contains(&uid) { Part::Account(uid) } else { Part::Unknown }
    }

    fn leave(&mut self, part: Part) {
        if let Some(queue) = self.parts.get_mut(&part) {
            queue.under_way = queue.under_way.saturating_sub(1);
            if queue.under_way == 0 && queue.waiting.is_empty() {
                self.parts.remove(&part);
            }
        }
    }
}

/// That one connection is to be answered now.
#[derive(Debug)]
#[must_use]
pub struct Turn {
    part: Part,
    uid: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives out all that may be answered; the processes' ids count up.
    fn begin_all(crowd: &mut Crowd<u32>, last: &mut i32) -> Vec<(i32, u32)> {
        let mut begun = Vec::new();
        while let Some((turn, connection)) = crowd.next(false) {
            *last += 1;
            crowd.begun(turn, *last);
            begun.push((*last, connection));
        }
        begun
    }

    #[test]
    fn one_account_keeps_no_other_waiting() {
        let (mut crowd, mut last) = (Crowd::default(), 0);
        // Both are known.
        for uid in [1000, 1001] {
            assert_eq!(crowd.arrived(uid, uid), None);
        }
        for (process, _) in begin_all(&mut crowd, &mut last) {
            assert!(crowd.ended(process, Found::Account));
        }
        assert!(crowd.is_empty());
        let turned_away = (0..5000).filter_map(|_| crowd.arrived(1000, 1000)).count();
        let begun = begin_all(&mut crowd, &mut last);
        assert_eq!((turned_away, begun.len()), (5000 - MOST_WAITING_OF_ONE, MOST_OF_ONE));
        assert_eq!(crowd.arrived(1001, 1001), None);
        assert_eq!(begin_all(&mut crowd, &mut last).len(), 1, "the other one's");
        // As one ends, the next one begins.
        let (process, _) = begun[0];
        assert!(crowd.ended(process, Found::Account) && !crowd.ended(process, Found::Account));
        assert_eq!(begin_all(&mut crowd, &mut last).len(), 1);
    }

    #[test]
    fn ids_without_an_account_have_one_accounts_part() {
        let (mut crowd, mut last) = (Crowd::default(), 0);
        assert_eq!(crowd.arrived(1000, 1000), None);
        let [(process, _)] = begin_all(&mut crowd, &mut last)[..] else { panic!("one") };
        assert!(crowd.ended(process, Found::Account));
        for uid in 100_000..102_000 {
            let _ = crowd.arrived(uid, uid);
        }
        let begun = begin_all(&mut crowd, &mut last);
        assert_eq!(begun.len(), MOST_OF_ONE);
        // Whom it is known of is answered at once.
        assert_eq!(crowd.arrived(1000, 1000), None);
        assert_eq!(begin_all(&mut crowd, &mut last).len(), 1);
        // Who is found to be none stays none.
        for (process, _) in begun {
            assert!(crowd.ended(process, Found::Stranger));
        }
        assert_eq!(begin_all(&mut crowd, &mut last).len(), MOST_OF_ONE);
    }

    #[test]
    fn nothing_is_left_of_those_who_were_here() {
        let (mut crowd, mut last) = (Crowd::default(), 0);
        for uid in 0..100_000_u32 {
            assert_eq!(crowd.arrived(uid, uid), None);
            for (process, _) in begin_all(&mut crowd, &mut last) {
                assert!(crowd.ended(process, Found::Account));
            }
        }
        assert!(crowd.is_empty() && crowd.parts.is_empty() && crowd.accounts.len() <= MOST_KNOWN);
        assert_eq!(crowd.arrived(1, 1), None);
        let (turn, _) = crowd.next(false).expect("a turn");
        crowd.given_up(&turn);
        assert!(crowd.is_empty() && crowd.parts.is_empty());
    }
}
