//! Waiting for what happens in a host at its own pace.

use std::thread;
use std::time::{Duration, Instant};

/// Generous: what waits this long has hung.
const PATIENCE: Duration = Duration::from_secs(180);

/// Waits until it is so.
#[track_caller]
pub fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(20);
    while !so() {
        assert!(Instant::now() < end, "still not so: {what}");
        thread::sleep(pause);
        // To look costs the processor more than to wait.
        pause = (pause * 3 / 2).min(Duration::from_millis(300));
    }
}
