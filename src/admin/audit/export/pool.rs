//! Threads that make events of records while others are read and written. What they make comes back
//! in the order of the records.

use crate::admin::audit::export::quick;
use crate::admin::audit::export::record::Record;
use crate::audit::line::Line;
use crate::audit::record::Link;
use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

/// What writes the event of a record, with the name of this host.
pub type Write = fn(&mut Vec<u8>, &Record<'_>, &str);

/// Records that follow each other: their lines.
#[derive(Default)]
pub struct Records {
    /// The lines of those of which events are wanted, each with its line break.
    pub lines: Vec<u8>,
    /// The last of them, wanted or not.
    pub last: Option<Link>,
}

/// What became of them.
#[derive(Default)]
pub struct Events {
    /// The memory that the records were in.
    pub emptied: Vec<u8>,
    /// The events, each with its line break.
    pub lines: Vec<u8>,
    /// The numbers of those that could not be read.
    pub unread: Vec<u64>,
    /// The last of the records.
    pub last: Option<Link>,
}

/// The threads, and what they have not given back yet.
pub struct Pool {
    jobs: Sender<Job>,
    pending: VecDeque<Receiver<Events>>,
    most: usize,
}

/// What a thread is to make events of, where to, and to whom it gives them.
struct Job {
    records: Records,
    lines: Vec<u8>,
    back: SyncSender<Events>,
}

impl Pool {
    /// As many threads as there are processors: the one that reads and writes mostly waits.
    pub fn new(write: Write, host: &str) -> Self {
        const MOST: usize = 8;
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        let count = processors.min(MOST);
        let (jobs, queue) = channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..count {
            let (queue, host) = (Arc::clone(&queue), host.to_owned());
            thread::spawn(move || {
                loop {
                    // Whoever waits holds the lock; it is let go before the work begins.
                    let next = queue.lock().ok().and_then(|queue| queue.recv().ok());
                    let Some(Job { records, lines, back }) = next else { break };
                    // Nobody wants it any more: the process ends.
                    let _ = back.send(events(write, &host, records, lines));
                }
            });
        }
        Self { jobs, pending: VecDeque::new(), most: 2 * count + 2 }
    }

    /// Hands records to a thread, and memory for their events.
    pub fn put(&mut self, records: Records, lines: Vec<u8>) {
        let (back, events) = sync_channel(1);
        // The threads are there as long as this is.
        let _ = self.jobs.send(Job { records, lines, back });
        self.pending.push_back(events);
    }

    /// The next events, if there are so many records on the way that one has to wait, or they are
    /// all wanted.
    pub fn take(&mut self, is_all: bool) -> Option<Events> {
        let first = self.pending.front()?;
        let has_to_wait = is_all || self.pending.len() >= self.most;
        let events = if has_to_wait { first.recv().ok() } else { first.try_recv().ok() }?;
        self.pending.pop_front();
        Some(events)
    }
}

fn events(write: Write, host: &str, records: Records, lines: Vec<u8>) -> Events {
    let mut events = Events { lines, last: records.last, ..Events::default() };
    events.lines.reserve(3 * records.lines.len());
    let mut begin = 0;
    for end in memchr::memchr_iter(b'\n', &records.lines) {
        let line = &records.lines[begin..end];
        begin = end + 1;
        let seq = Line::parse(line).map_or(0, |line| line.seq);
        if !event(&mut events.lines, write, host, seq, line) {
            events.unread.push(seq);
        }
    }
    events.emptied = records.lines;
    events
}

/// Writes the event of a record, which has this number. Gives whether it could be read.
fn event(out: &mut Vec<u8>, write: Write, host: &str, seq: u64, line: &[u8]) -> bool {
    let read = quick::parse(line).or_else(|| Record::parse(line));
    // What is read by name and what is read by place has to be one and the same.
    let Some(record) = read.filter(|read| read.seq == seq) else {
        return false;
    };
    write(out, &record, host);
    true
}
