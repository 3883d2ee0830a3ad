//! What the next record follows: after a power cut the log and the link that is kept apart from it
//! can each be older than the other.

use crate::audit::head::Head;
use crate::audit::record::Link;

/// What the next record follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    /// The record before it.
    pub link: Link,
    /// How many records before it a power cut took: they had never been synced.
    pub lost: u64,
    /// The last record that is known to be on disk.
    pub synced: u64,
}

impl Last {
    /// Finds it. `kept` is where the log ends, or what rotation made of it.
    ///
    /// What is missing there though it was synced, or was written since this boot, was removed
    /// by somebody: the chain continues from the head, and the gap shows.
    pub fn find(kept: Option<Link>, head: Option<Head>, boot: u64) -> Self {
        let kept = kept.unwrap_or_else(Link::start);
        let Some(head) = head else {
            return Self { synced: kept.seq, link: kept, lost: 0 };
        };
        let is_of_this_boot = head.boot == boot;
        if kept.seq >= head.link.seq {
            // What is in a file after a boot was on disk.
            let synced = if is_of_this_boot { head.synced.min(kept.seq) } else { kept.seq };
            return Self { link: kept, lost: 0, synced };
        }
        let lost = if head.may_have_lost(kept.seq, boot) { head.link.seq - kept.seq } else { 0 };
        Self { synced: head.synced.max(kept.seq), link: head.link, lost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever of the files and the head is older, newer or gone: nothing is numbered twice,
        /// and a gap is one that the next record accounts for, or that shows.
        #[test]
        fn the_chain_goes_on_from_the_newest_of_both(
            kept in proptest::option::of(1_u64..50),
            head in proptest::option::of((1_u64..50, 0_u64..50)),
            is_of_this_boot: bool,
        ) {
            let link = |seq: u64| Link { seq, hash: format!("{seq:064}") };
            let boot = if is_of_this_boot { 1 } else { 2 };
            let head = head
                .map(|(seq, synced)| Head { link: link(seq), synced: synced.min(seq), boot, signed: 0 });
            let last = Last::find(kept.map(link), head.clone(), 1);
            let kept = kept.unwrap_or(0);
            let (written, synced) = head.map_or((0, 0), |head| (head.link.seq, head.synced));
            let newest = kept.max(written);
            prop_assert_eq!(&last.link, &if newest == 0 { Link::start() } else { link(newest) });
            let missing = newest - kept;
            // Only what was never synced, and of another boot, is a power cut's.
            let is_honest = missing > 0 && !is_of_this_boot && kept >= synced;
            prop_assert_eq!(last.lost, if is_honest { missing } else { 0 });
            prop_assert!(last.synced <= newest);
        }
    }
}
