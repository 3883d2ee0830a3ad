//! How many bytes of the audit log an account's requests may take: what is counted alone could be
//! as long as whoever asks wants, and root's disk holds it.
//!
//! Two budgets an account: one for what is refused or only looks, one for what changes something.
//! Each is a bucket that empties at a steady rate. A policy can bound what both take within any
//! minute, in their place or besides. What was run is written down whatever there is room for, and
//! counts.
//!
//! One table of a fixed size for all, with a line for each account that has asked lately: sets of
//! [`WAYS`] lines, of which an account's number says which one is its own. It is read and written
//! under the audit log's lock, a line in one write.

#[cfg(test)]
mod tests;

use crate::limits::ring::Store;
use std::io;
use std::time::Duration;

/// What is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// What is refused, and what only looks.
    Reads,
    /// What may change something.
    Changes,
}

/// How large a bucket is, and how fast it empties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// In bytes.
    pub room: u64,
    /// In bytes an hour.
    pub hourly: u64,
}

/// What an account may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// The buckets of looks and of changes.
    pub buckets: [Size; 2],
    /// Whether they count.
    pub has_buckets: bool,
    /// What both may take within any minute, in bytes; looks no more than three quarters of it, so
    /// that an account that looks too often is not kept from a change.
    pub minute: Option<u64>,
}

/// A request's share of the log.
#[derive(Debug, Clone, Copy)]
pub struct Charge {
    /// Whom it counts for.
    pub key: u64,
    /// From which budget.
    pub bucket: Bucket,
    /// How many bytes.
    pub bytes: u64,
    /// Whether it is written in any case.
    pub is_due: bool,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Charged {
    /// It may be written.
    Taken {
        /// How many refused requests a record should stand for now.
        unrecorded: u64,
    },
    /// It may not.
    Over {
        /// Until there is room for it.
        wait: Duration,
        /// Whether it is a minute's bound that it is over.
        is_minute: bool,
        /// How many refused requests a record should stand for now.
        record: Option<u64>,
    },
}

/// How many sets there are, and how many lines in each: for so many accounts that asked within a
/// few hours. When a set is full, the line goes of who has used least.
const SETS: u64 = 128;
const WAYS: usize = 16;
const WORDS: usize = 8 + SLOTS;
const LINE: usize = WORDS * 8;

/// What a byte is counted as, so that what leaks in a millisecond is a whole number.
const UNIT: u64 = 3_600_000;

/// What is waited for besides, in bytes: records differ a little from one time to the next.
const SLACK: u64 = 64;

/// What a minute's bound counts is kept for each of so many parts of a minute and one more, in
/// milliseconds: whatever is within a minute is counted, and forgotten at most ten seconds later.
const SLOT: u64 = 10_000;
const SLOTS: usize = 7;

/// How much longer the record of a refusal may be than what was refused: it has its words.
const EXTRA: u64 = 1536;

/// An account's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    /// Whose it is, from 1.
    key: u64,
    /// Of which boot its moment is.
    boot: u64,
    /// When it was written, in milliseconds since the boot.
    at: u64,
    /// What is in the buckets, in [`UNIT`]s.
    used: [u64; 2],
    /// The minute in which a refusal was recorded last, from 1.
    recorded_in: u64,
    /// How many were not since.
    unrecorded: u64,
    /// How many bytes were taken in each slot, the one of the moment first: of looks and of changes.
    slots: [[u32; 2]; SLOTS],
}

impl Line {
    fn bytes(&self) -> [u8; LINE] {
        let Self { key, boot, at, used: [reads, changes], recorded_in, unrecorded, slots } = *self;
        let mut words = [0; WORDS];
        words[..7].copy_from_slice(&[key, boot, at, reads, changes, recorded_in, unrecorded]);
        for (word, [reads, changes]) in words[7..].iter_mut().zip(slots) {
            *word = u64::from(changes) << 32 | u64::from(reads);
        }
        words[WORDS - 1] = crate::limits::ring::sum(&words[..WORDS - 1]);
        let mut bytes = [0; LINE];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// None if there is nothing.
    fn parse(bytes: &[u8]) -> io::Result<Option<Self>> {
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        if words == [0; WORDS] {
            return Ok(None);
        }
        let [key, boot, at, reads, changes, recorded_in, unrecorded, taken @ .., check] = words;
        if check != crate::limits::ring::sum(&words[..WORDS - 1]) {
            return Err(io::Error::other("it is not a table of budgets"));
        }
        let slots = taken.map(|word| [word as u32, (word >> 32) as u32]);
        Ok(Some(Self { key, boot, at, used: [reads, changes], recorded_in, unrecorded, slots }))
    }

    /// What has leaked by now is in it no more.
    fn leak(&mut self, now: u64, sizes: &[Size; 2]) {
        let since = now.saturating_sub(self.at);
        for (used, size) in self.used.iter_mut().zip(sizes) {
            *used = used.saturating_sub(since.saturating_mul(size.hourly));
        }
        let passed = (now / SLOT).saturating_sub(self.at / SLOT);
        let passed = usize::try_from(passed).unwrap_or(SLOTS).min(SLOTS);
        self.slots.copy_within(..SLOTS - passed, passed);
        self.slots[..passed].fill([0; 2]);
        self.at = now;
    }

    /// How many milliseconds until so many bytes more are within a minute's bound; 0 if they are.
    fn wait_for_minute(&self, bucket: Bucket, bytes: u64, minute: u64) -> u64 {
        let fits = |passed: &usize| {
            let kept = &self.slots[..SLOTS - passed];
            let of = |at: usize| kept.iter().map(|slot| u64::from(slot[at])).sum::<u64>();
            let (reads, changes) = (of(0), of(1));
            let is_within = reads + changes + bytes <= minute;
            is_within && (bucket == Bucket::Changes || reads + bytes <= minute / 4 * 3)
        };
        let passed = (0..SLOTS).find(fits).unwrap_or(SLOTS) as u64;
        ((self.at / SLOT + passed) * SLOT).saturating_sub(self.at)
    }

    /// Takes so many bytes.
    fn take(&mut self, bucket: Bucket, bytes: u64, has_buckets: bool) {
        let taken = &mut self.slots[0][bucket as usize];
        *taken = taken.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        if has_buckets {
            let used = &mut self.used[bucket as usize];
            *used = used.saturating_add(bytes.saturating_mul(UNIT));
        }
    }
}

impl Line {
    /// How many refused requests a record should stand for now, with so many more: none if there
    /// was one within this minute.
    fn unrecorded_until(&mut self, now: Duration, more: u64) -> u64 {
        self.unrecorded += more;
        let minute = now.as_secs() / 60 + 1;
        if self.unrecorded == 0 || self.recorded_in == minute {
            return 0;
        }
        self.recorded_in = minute;
        std::mem::take(&mut self.unrecorded)
    }
}

/// Charges.
///
/// # Errors
/// If the table cannot be read or written, or is none.
pub fn charge(
    table: &impl Store,
    boot: u64,
    now: Duration,
    sizes: &Sizes,
    charge: &Charge,
) -> io::Result<Charged> {
    let millis = now.as_millis() as u64;
    // Accounts are numbered one after the other: each of a row in another set.
    let set = charge.key % SETS * (WAYS * LINE) as u64;
    let mut bytes = [0; WAYS * LINE];
    table.read_at(&mut bytes, set)?;
    let mut lines = [None; WAYS];
    for (line, bytes) in lines.iter_mut().zip(bytes.chunks_exact(LINE)) {
        // What another boot used is forgotten.
        *line = Line::parse(bytes)?.filter(|line| line.boot == boot);
        if let Some(line) = line {
            line.leak(millis, &sizes.buckets);
        }
    }
    let own = |line: &Option<Line>| line.is_some_and(|line| line.key == charge.key);
    let place = lines.iter().position(own).unwrap_or_else(|| least_used(&lines));
    let mut line = lines[place].filter(|line| line.key == charge.key).unwrap_or(Line {
        key: charge.key,
        boot,
        at: millis,
        used: [0; 2],
        recorded_in: 0,
        unrecorded: 0,
        slots: [[0; 2]; SLOTS],
    });
    let at = charge.bucket as usize;
    let Size { room, hourly } = sizes.buckets[at];
    let over = |bytes: u64| {
        let wanted = line.used[at].saturating_add(bytes.saturating_mul(UNIT));
        let over = wanted.saturating_sub(room.saturating_mul(UNIT));
        if sizes.has_buckets { over.div_ceil(hourly.max(1)) } else { 0 }
    };
    let over_minute = |bytes: u64| {
        sizes.minute.map_or(0, |minute| line.wait_for_minute(charge.bucket, bytes, minute))
    };
    let is_minute = over_minute(charge.bytes) > 0;
    let is_over = is_minute || over(charge.bytes) > 0;
    let waits = |more: u64| {
        let bytes = charge.bytes.saturating_add(more);
        over(bytes).max(over_minute(bytes))
    };
    // The record that says so is charged, too.
    let (wait, wait_recorded) = (waits(SLACK), waits(SLACK + EXTRA + charge.bytes));
    let charged = if !is_over || charge.is_due {
        line.take(charge.bucket, charge.bytes, sizes.has_buckets);
        Charged::Taken { unrecorded: line.unrecorded_until(now, 0) }
    } else {
        let record = Some(line.unrecorded_until(now, 1)).filter(|count| *count > 0);
        let millis = if record.is_some() { wait_recorded } else { wait };
        Charged::Over { wait: Duration::from_millis(millis), is_minute, record }
    };
    table.write_at(&line.bytes(), set + (place * LINE) as u64)?;
    Ok(charged)
}

/// The place of a line that is free, or whose account has used least.
fn least_used(lines: &[Option<Line>; WAYS]) -> usize {
    let weight = |line: &Option<Line>| {
        line.map_or((0, 0), |line| (line.used[0].saturating_add(line.used[1]), line.unrecorded + 1))
    };
    (0..WAYS).min_by_key(|place| weight(&lines[*place])).unwrap_or(0)
}

/// Whether this is such a table.
///
/// # Errors
/// If it is none, or cannot be read.
pub fn check(table: &impl Store) -> io::Result<()> {
    for set in 0..SETS {
        let mut bytes = [0; WAYS * LINE];
        table.read_at(&mut bytes, set * (WAYS * LINE) as u64)?;
        bytes.chunks_exact(LINE).try_for_each(|line| Line::parse(line).map(|_| ()))?;
    }
    Ok(())
}
