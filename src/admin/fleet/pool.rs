//! So many at once, and no more.

use std::sync::Mutex;
use std::thread;

/// Enough for a conversation, so that a thousand threads are no burden.
const STACK: usize = 256 << 10;

/// Does `work` with each, `at_once` at a time, in their order; gives the results in that order.
pub fn each<T: Send, R: Send>(
    items: Vec<T>,
    at_once: usize,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let threads = at_once.min(items.len());
    let results: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let queue = Mutex::new(items.into_iter().enumerate());
    let worker = || {
        while let Some((place, item)) = queue.lock().ok().and_then(|mut queue| queue.next()) {
            let result = work(item);
            if let Ok(mut slot) = results[place].lock() {
                *slot = Some(result);
            }
        }
    };
    thread::scope(|scope| {
        // The kernel may give fewer threads than wanted, and this one works, too.
        for _ in 1..threads {
            if thread::Builder::new().stack_size(STACK).spawn_scoped(scope, worker).is_err() {
                break;
            }
        }
        worker();
    });
    results.into_iter().filter_map(|slot| slot.into_inner().ok().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::each;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn results_keep_the_order_and_no_more_run_than_may() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let results = each((0..50).collect(), 4, |number| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::yield_now();
            now.fetch_sub(1, Ordering::SeqCst);
            number * 2
        });
        assert_eq!(results, (0..50).map(|number| number * 2).collect::<Vec<_>>());
        assert!(most.into_inner() <= 4);
    }

    #[test]
    fn nothing_is_done_with_nothing() {
        assert!(each(Vec::<u8>::new(), 4, |number| number).is_empty());
    }
}
