//! Standard input and output as lines: bounded, and each read and written by a thread of its own, so
//! that neither a client that sends half a line nor one that reads nothing stops the rest.

use std::io::{self, BufRead, Read, Write};
use std::thread;
use tokio::sync::mpsc;

/// The most bytes of a line that are taken. The longest request there can be is a few kilobytes.
pub const LONGEST: usize = 1024 * 1024;

/// How many lines are kept that nobody has taken yet.
const KEPT: usize = 16;

/// What a client has sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A line, without its end.
    Whole(Vec<u8>),
    /// The first bytes of one that is longer than [`LONGEST`].
    Cut(Vec<u8>),
}

/// Reads lines until the end. The last one counts without a line feed too: it may be a whole message.
pub fn read(mut from: impl BufRead + Send + 'static) -> mpsc::Receiver<Line> {
    let (give, take) = mpsc::channel(KEPT);
    thread::spawn(move || {
        while let Ok(Some(line)) = next(&mut from) {
            if give.blocking_send(line).is_err() {
                return;
            }
        }
    });
    take
}

/// The next line; none at the end.
fn next(from: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    // One byte for the line feed.
    from.by_ref().take(LONGEST as u64 + 1).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() > LONGEST {
        line.truncate(LONGEST);
        from.skip_until(b'\n')?;
        return Ok(Some(Line::Cut(line)));
    }
    Ok(Some(Line::Whole(line)))
}

/// Writes lines. The receiver is done when all senders are gone, or when nobody can read any more.
pub fn write(
    mut to: impl Write + Send + 'static,
) -> (mpsc::Sender<Vec<u8>>, thread::JoinHandle<()>) {
    let (give, mut take) = mpsc::channel::<Vec<u8>>(KEPT);
    let writer = thread::spawn(move || {
        while let Some(mut line) = take.blocking_recv() {
            line.push(b'\n');
            if to.write_all(&line).and_then(|()| to.flush()).is_err() {
                return;
            }
        }
    });
    (give, writer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn all(bytes: Vec<u8>) -> Vec<Line> {
        let mut from = Cursor::new(bytes);
        std::iter::from_fn(|| next(&mut from).expect("it is read")).collect()
    }

    #[test]
    fn each_line_is_read_the_last_one_without_its_end_too() {
        let whole = |text: &str| Line::Whole(text.as_bytes().to_vec());
        assert_eq!(
            all(b"one\n\ntwo\r\nthree".to_vec()),
            [whole("one"), whole(""), whole("two\r"), whole("three")]
        );
        assert_eq!(all(Vec::new()), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_next_one_is_whole() {
        let mut bytes = vec![b'x'; LONGEST];
        bytes.extend(b"\n");
        bytes.extend(vec![b'y'; 10 * LONGEST]);
        bytes.extend(b"\nnext\n");
        assert_eq!(
            all(bytes),
            [
                Line::Whole(vec![b'x'; LONGEST]),
                Line::Cut(vec![b'y'; LONGEST]),
                Line::Whole(b"next".to_vec())
            ]
        );
    }
}
