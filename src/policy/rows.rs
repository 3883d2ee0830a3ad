//! The rules of a policy: as a slice, or as they are packed in a file, of which only those rows are read
//! that somebody asks for. So a request costs the same however many names a policy has.

use std::cmp::Ordering;
use std::ops::Range;

/// Rows of one kind, each found by its number.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'p, T> {
    /// As they are used.
    Plain(&'p [T]),
    /// As they are in a file.
    Packed {
        /// Where each of them ends, four bytes each, the lowest first.
        ends: &'p [u8],
        /// One after another.
        bytes: &'p [u8],
        /// Makes a row of its bytes.
        read: fn(&[u8]) -> Option<T>,
    },
}

impl<'p, T: Copy> Rows<'p, T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Plain(rows) => rows.len(),
            Self::Packed { ends, .. } => ends.len() / 4,
        }
    }

    /// The row of this number, from 0. None also for one that is damaged: nothing is granted by that.
    pub fn get(&self, number: usize) -> Option<T> {
        match *self {
            Self::Plain(rows) => rows.get(number).copied(),
            Self::Packed { ends, bytes, read } => {
                let end = |number: usize| {
                    let end = ends.get(number.checked_mul(4)?..)?.first_chunk()?;
                    usize::try_from(u32::from_le_bytes(*end)).ok()
                };
                let begin = number.checked_sub(1).map_or(Some(0), end)?;
                read(bytes.get(begin..end(number)?)?)
            }
        }
    }

    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = T> + use<'p, T> {
        (0..self.len()).filter_map(move |number| self.get(number))
    }

    /// That one of these, which stand in this order, of which `order` says that it is equal.
    pub fn find(&self, range: Range<usize>, order: impl Fn(&T) -> Ordering) -> Option<T> {
        let (mut low, mut high) = (range.start, range.end.min(self.len()));
        while low < high {
            let middle = low + (high - low) / 2;
            let row = self.get(middle)?;
            match order(&row) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Some(row),
            }
        }
        None
    }
}
