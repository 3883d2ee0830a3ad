//! With indexes the same is found as without, whatever the log, the indexes and the question are.

use super::*;
use crate::audit::files::NAME;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A folder with a log, and one for indexes.
struct Log {
    folder: PathBuf,
    cache: PathBuf,
}

impl Log {
    fn new() -> Self {
        let thread = thread::current().id();
        let folder =
            std::env::temp_dir().join(format!("sm-search-{}-{thread:?}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let cache = folder.join("cache");
        fs::create_dir_all(&cache).expect("a folder");
        Self { folder, cache }
    }

    /// The lines in so many files, of which some are packed; the last is the one that is written to.
    fn write(&self, lines: &[String], files: usize, packed: u8) {
        let each = lines.len().div_ceil(files.max(1)).max(1);
        let parts: Vec<&[String]> = lines.chunks(each).collect();
        for (at, part) in parts.iter().enumerate() {
            let is_last = at + 1 == parts.len();
            let is_packed = packed >> (at % 8) & 1 == 1;
            let name = match (is_last, is_packed) {
                (true, _) => NAME.to_owned(),
                (false, true) => format!("{NAME}.{}.gz", parts.len() - at),
                (false, false) => format!("{NAME}.{}", parts.len() - at),
            };
            let text = part.concat();
            let file = File::create(self.folder.join(name)).expect("a file");
            if is_packed && !is_last {
                let mut packed = GzEncoder::new(&file, Compression::fast());
                packed.write_all(text.as_bytes()).expect("written");
                packed.finish().expect("written");
            } else {
                (&file).write_all(text.as_bytes()).expect("written");
            }
            old(&file);
        }
    }

    fn files(&self) -> Vec<LogFile> {
        files::all_in(&self.folder).expect("the files")
    }

    fn kept(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.cache).expect("a folder");
        let paths = entries.map(|entry| entry.expect("a file").path());
        paths.filter(|path| path.extension().is_some_and(|end| end == "index")).collect()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What was written is so old that no clock is too coarse.
fn old(file: &File) {
    file.set_modified(SystemTime::now() - Duration::from_secs(10)).expect("a time");
}

/// A record as it is written.
fn record(
    seq: usize,
    event: &str,
    id: u32,
    user: &str,
    what: usize,
    code: &str,
    second: u32,
) -> String {
    const WHAT: [&str; 8] = [
        r#"{"kind":"service","action":"restart","name":"nginx.service"},"argv":null,"reason":null,"code":"CODE","#,
        r#"{"kind":"service","action":"status","name":"nginx.service"},"argv":null,"reason":"a \"b\"","code":"CODE","#,
        r#"{"kind":"package","action":"install","name":"git"},"argv":null,"reason":null,"code":"CODE","#,
        r#"{"kind":"undo","action":"undo","name":"0197b5c0-0000-7000-8000-0000deadbeef"},"argv":null,"reason":null,"code":"CODE","#,
        r#"null,"argv":null,"reason":null,"code":"CODE","asked":["list"],"#,
        r#"null,"argv":null,"reason":null,"code":"CODE","asked":["result","0197b5c0-0000-7000-8000-0000deadbeef"],"#,
        r#"null,"argv":null,"reason":null,"code":"CODE","asked":["sm","approve","x"],"#,
        r#"null,"argv":null,"reason":null,"code":"CODE","asked":["frob","a\"b"],"error":"what","#,
    ];
    let what = WHAT[what % WHAT.len()].replace("CODE", code);
    let agent = if id.is_multiple_of(3) { ",\"agent\":\"claude\"" } else { "" };
    let hash = "0".repeat(64);
    format!(
        r#"{{"seq":{seq},"time":"2026-11-21T19:30:{second:02}.{seq:06}Z","event":"{event}","request_id":"0197b5c0-0000-7000-8000-{id:012x}","caller":{{"uid":1000,"user":"{user}","gid":1,"pid":2,"via":"sudo","tty":null,"loginuid":null{agent}}},"operation":{what}"returncode":null,"duration_ms":1.5,"policy":"p","prev":"{hash}","hash":"{hash}"}}"#
    ) + "\n"
}

/// A line, by a few numbers: mostly records, which mostly are of few kinds.
fn line(seq: usize, (event, id, user, what, code, odd): (u8, u32, u8, usize, u8, u16)) -> String {
    let event = ["intent", "result", "refused"][usize::from(event) % 3];
    let user = ["agent", "ci", "é"][usize::from(user) % 3];
    let code = ["ok", "ok", "denied", "command_failed"][usize::from(code) % 4];
    let line = record(seq, event, id % 40, user, what, code, (seq % 60) as u32);
    match odd {
        0 => line.replace("\"time\":\"2026", "\"time\":\"+2026"),
        1 => line.replace(",\"code\"", ",\"new\":[1],\"code\""),
        2 => line.replace(",\"user\":", ", \"user\": "),
        3 => line[..line.len() / 2].to_owned() + "\n",
        4 => "\n".to_owned(),
        5 => line.replace("agent", "\\u0061gent"),
        6 => line.replace("\"request_id\":\"", "\"request_id\": \""),
        7 => line.replace("\"event\":\"intent\"", "\"event\":\"int\\u0065nt\""),
        8 => format!("{}\n", "x".repeat(70_000)),
        9 => line.replace("\"seq\"", "\"event\":\"intent\",\"seq\""),
        _ => line,
    }
}

type Numbers = (u8, u32, u8, usize, u8, u16);

fn lines() -> impl Strategy<Value = Vec<String>> {
    let numbers: (_, _, _, _, _, _) = (
        any::<u8>(),
        any::<u32>(),
        any::<u8>(),
        any::<usize>(),
        any::<u8>(),
        prop_oneof![5 => Just(u16::MAX), 1 => 0_u16..20],
    );
    proptest::collection::vec(numbers, 0..400).prop_map(|all: Vec<Numbers>| {
        // A file of the log begins with a record.
        let first = record(1, "refused", 0, "agent", 0, "denied", 0);
        let rest = all.into_iter().enumerate().map(|(at, numbers)| line(at + 2, numbers));
        std::iter::once(first).chain(rest).collect()
    })
}

fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        3 => Just(None),
        1 => proptest::sample::select(words).prop_map(|word| Some(word.to_owned())),
    ]
}

fn question() -> impl Strategy<Value = AuditFilter> {
    let times = &["2026-11-21 19:30:05", "2026-11-21 19:30:20.000100", "2026-11-21 19:30:59"];
    let ids = &["0000000a", "00-000000000003", "0197b5c0-0000-7000-8000-000000000011", "ffffffff"];
    let operations =
        &["service", "service restart", "undo", "list", "result", "sm approve", "serv"];
    (
        (one_of(&["agent", "ci", "é", "nobody"]), one_of(&["claude", "nobody"])),
        one_of(&["ok", "denied", "command_failed"]),
        one_of(&["intent", "result", "refused"]),
        one_of(operations),
        one_of(&["nginx", "git", "none"]),
        one_of(ids),
        one_of(&["frob", "a \\\"b", "nginx"]),
        (one_of(times), one_of(times)),
    )
        .prop_map(|((user, agent), code, event, operation, name, id, text, (since, until))| {
            let (since, until) = match (since, until) {
                (Some(since), Some(until)) if until < since => (Some(until), Some(since)),
                times => times,
            };
            let identity = None;
            AuditFilter {
                user,
                agent,
                code,
                event,
                operation,
                name,
                id,
                text,
                since,
                until,
                identity,
            }
        })
}

/// What somebody does to the indexes or to the log before the same is looked for again.
#[derive(Debug, Clone)]
enum Damage {
    None,
    /// A byte of an index is another one, or its end is missing.
    Byte(f64, u8),
    Cut(f64),
    /// The index of one file is called like that of another.
    Swapped,
    /// The index, its checksum right again, says something else: a kind, an id or a place.
    Forged(f64, u8),
    /// A code in the log is another one, in the same place.
    Log(f64),
    /// The log goes on.
    Appended,
    /// Others can write to the folder, or to the indexes.
    Open,
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        Just(Damage::None),
        (0.0..1.0_f64, any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        (0.0..1.0_f64).prop_map(Damage::Cut),
        Just(Damage::Swapped),
        (0.0..1.0_f64).prop_map(Damage::Log),
        Just(Damage::Appended),
        Just(Damage::Open),
    ]
}

impl Damage {
    fn done_to(&self, log: &Log) {
        use std::os::unix::fs::PermissionsExt;
        let kept = log.kept();
        let open = |path: &Path| OpenOptions::new().read(true).write(true).open(path).expect("it");
        let at = |path: &Path, at: f64| {
            let length = fs::metadata(path).expect("a file").len();
            (length as f64 * at) as u64
        };
        match self {
            Self::None => {}
            Self::Byte(place, byte) => kept.iter().for_each(|path| {
                open(path).write_all_at(&[*byte], at(path, *place)).expect("written");
            }),
            Self::Cut(place) => kept.iter().for_each(|path| {
                open(path).set_len(at(path, *place)).expect("cut");
            }),
            Self::Swapped => {
                if let [first, second, ..] = &kept[..] {
                    let other = log.cache.join("other");
                    fs::rename(first, &other).expect("renamed");
                    fs::rename(second, first).expect("renamed");
                    fs::rename(other, second).expect("renamed");
                }
            }
            Self::Forged(place, more) => kept.iter().for_each(|path| {
                let mut bytes = fs::read(path).expect("read");
                let place = (bytes.len() as f64 * place) as usize;
                bytes[place] = bytes[place].wrapping_add(*more);
                fs::write(path, super::super::index::store::sealed(bytes)).expect("written");
            }),
            Self::Log(place) => {
                for file in log.files() {
                    let path = &file.path;
                    let text = fs::read(path).expect("read");
                    let found: Vec<usize> =
                        memchr::memmem::find_iter(&text, b"\"denied\"").collect();
                    if path.extension().is_none_or(|end| end != "gz") && !found.is_empty() {
                        let place = found[(found.len() as f64 * place) as usize];
                        let file = open(path);
                        file.write_all_at(b"\"busy!!\"", place as u64).expect("written");
                        // Before the index was made, and yet not when the file was as it is there.
                        let time = SystemTime::now() - Duration::from_secs(5);
                        file.set_modified(time).expect("a time");
                    }
                }
            }
            Self::Appended => {
                let mut file = OpenOptions::new();
                let mut file = file.append(true).open(log.folder.join(NAME)).expect("the log");
                let line = record(999, "refused", 9, "ci", 1, "denied", 59);
                file.write_all(line.as_bytes()).expect("written");
            }
            Self::Open => {
                for path in kept.iter().take(1).chain([&log.cache]) {
                    let mode = fs::metadata(path).expect("it").permissions().mode();
                    let mode = PermissionsExt::from_mode(mode | 0o022);
                    fs::set_permissions(path, mode).expect("changed");
                }
            }
        }
    }
}

/// What is found with and without.
fn both(
    log: &Log,
    question: &AuditFilter,
    is_of_records: bool,
    most: usize,
) -> [(Vec<Value>, u64); 2] {
    let filter = Filter::of(question).unwrap_or_else(|_| panic!("{question:?}"));
    let store = Store::at(&log.cache);
    let new = || Found::new(is_of_records, most);
    let with = found_in(&log.files(), &store, &filter, new).expect("it is read");
    let without = read_all(&log.files(), &filter, new()).expect("it is read");
    [with.last(), without.last()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn with_indexes_the_same_is_found(
        lines in lines(),
        (files, packed) in any::<(u8, u8)>(),
        questions in proptest::collection::vec((question(), any::<bool>(), 1_usize..30), 1..6),
        damage in damage(),
    ) {
        let log = Log::new();
        log.write(&lines, usize::from(files % 5) + 1, packed);
        for (question, is_of_records, most) in &questions {
            let [with, without] = both(&log, question, *is_of_records, *most);
            prop_assert_eq!(with, without, "{:?}", question);
        }
        damage.done_to(&log);
        for (question, is_of_records, most) in &questions {
            let [with, without] = both(&log, question, *is_of_records, *most);
            prop_assert_eq!(with, without, "{:?} after {:?}", question, damage);
        }
    }

    #[test]
    fn a_forged_index_breaks_nothing_and_shows_nothing_that_is_not_there(
        lines in lines(), question in question(), place in 0.0..1.0_f64, more in 1_u8..255,
    ) {
        let log = Log::new();
        log.write(&lines, 3, 2);
        both(&log, &question, true, 1000);
        Damage::Forged(place, more).done_to(&log);
        let [(with, _), (without, _)] = both(&log, &question, true, 1000);
        prop_assert!(with.iter().all(|record| without.contains(record)), "{:?}", question);
    }
}

#[test]
fn what_was_put_aside_is_read_once_and_its_index_goes_with_it() {
    let log = Log::new();
    let lines: Vec<String> = (1..=500)
        .map(|seq| record(seq, "refused", seq as u32, "agent", seq, "denied", 0))
        .collect();
    log.write(&lines, 5, 0b10);
    let question = AuditFilter { id: Some("00000123".to_owned()), ..AuditFilter::default() };
    let [(with, count), without] = both(&log, &question, false, 10);
    assert_eq!((with.clone(), count), without);
    assert_eq!((with.len(), count, &with[0]["seq"]), (1, 1, &0x123.into()));
    // Not of the log that goes on.
    assert_eq!(log.kept().len(), 4);
    let store = Store::at(&log.cache);
    assert_eq!(log.files().iter().filter(|file| store.find(file).is_some()).count(), 4);
    fs::remove_file(log.folder.join(format!("{NAME}.5"))).expect("it goes");
    both(&log, &question, false, 10);
    assert_eq!(log.kept().len(), 3);
    // One that was changed since is another one, even if that was before its index was made.
    let path = log.folder.join(format!("{NAME}.3"));
    let text = fs::read(&path).expect("a file");
    let place = memchr::memmem::find(&text, b"\"denied\"").expect("a code");
    let file = OpenOptions::new().write(true).open(&path).expect("a file");
    file.write_all_at(b"\"busy!!\"", place as u64).expect("written");
    file.set_modified(SystemTime::now() - Duration::from_secs(5)).expect("a time");
    let busy = AuditFilter { code: Some("busy!!".to_owned()), ..AuditFilter::default() };
    let [with, without] = both(&log, &busy, true, 10);
    assert_eq!((with.1, with), (1, without));
    // One that was written to just now may be written to again without being seen.
    let name = log.folder.join(format!("{NAME}.3"));
    File::options()
        .append(true)
        .open(name)
        .expect("a file")
        .set_modified(SystemTime::now())
        .expect("now");
    both(&log, &question, false, 10);
    assert_eq!(log.files().iter().filter(|file| store.find(file).is_some()).count(), 2);
}
