//! `sm fleet audit`: has each host sign its log, and keeps the checkpoint here. What follows the last one
//! that is kept is read and verified here, so that a host can only go on from there: root of a host can
//! write what it wants from now on, and not another past.

use crate::admin::answer::{Answer, Failure};
use crate::admin::audit::archive::identity::Identity;
use crate::admin::fleet::arguments::Manner;
use crate::admin::fleet::encrypted::Reader;
use crate::admin::fleet::inventory::host::Host;
use crate::admin::fleet::report::{self, Progress};
use crate::admin::fleet::row::{Row, Status, left_out};
use crate::admin::fleet::ssh::Said;
use crate::admin::fleet::store::{Held, Store};
use crate::admin::fleet::{greeting, pool, trouble};
use crate::audit::key::Public;
use crate::audit::line::Line;
use crate::audit::record::Link;
use crate::audit::signature::Signature;
use crate::audit::verify::{Found, Unread, Verifier};
use crate::cli::FleetAudit;
use crate::output::text::{counted, one_line, shell_word, some_of};
use crate::request::code::Refusal;
use crate::system::kernel;
use crate::system::step::step;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

const SCRIPT: &str = include_str!("remote/audit.sh");

/// How long a host may take to give its log, and how much that may be, in bytes: more than any host keeps
/// by default.
const TO_ANSWER: Duration = Duration::from_secs(3600);
const MOST: usize = 8 << 30;

/// The code of a host whose past is not the one that was collected.
const CHANGED: &str = "audit_changed";
/// The code of a host of whose past a part could not be read, since it is encrypted.
const ENCRYPTED: &str = "audit_encrypted";

/// Does it with these hosts.
///
/// # Errors
/// That the folder cannot be written to; that some hosts failed.
pub fn run(
    command: &FleetAudit,
    hosts: &[&Host],
    folder: &Path,
    fields: Map<String, Value>,
) -> Result<Answer, Failure> {
    let identity = command.identity.as_deref().map(Identity::read).transpose()?;
    let store = Store::open(folder)?;
    kernel::count_interrupts();
    let progress = Progress::new();
    let manner = Manner::of(&command.reached);
    let rows = pool::each(hosts.to_vec(), usize::from(command.forks), |host| {
        if let Some(row) = left_out(host) {
            return row;
        }
        let shown = progress.begin(host);
        shown.now("reading its log");
        let began = Instant::now();
        let row = match store.hold(&host.alias) {
            Ok(held) => collect(host, &manner, held, command.full, identity.as_ref()),
            Err(refusal) => Row::refused(host, &refusal),
        };
        let row = row.took(began.elapsed());
        progress.end(&shown, &row);
        row
    });
    let mut fields = fields;
    fields.insert("store".to_owned(), store.folder().to_string_lossy().into());
    report::finish(rows, command.reached.skip_unreachable, fields)
}

/// What a host gave.
struct Given {
    /// What its `sm audit checkpoint` and its `sm audit verify` answered.
    signed: Value,
    verified: Value,
    /// The checkpoint that it has just made, if there is one.
    checkpoint: Option<Checkpoint>,
    found: Found,
    /// The keys of the host by now.
    keys: Vec<Public>,
    /// Why an encrypted file could not be read.
    unreadable: Option<String>,
    /// The exit status of its `sm audit export`.
    status: String,
}

/// A checkpoint, as a host says that it has made it.
#[derive(Clone)]
struct Checkpoint {
    line: String,
    link: Link,
    key: Public,
}

impl Checkpoint {
    fn of(signed: &Value) -> Option<Self> {
        let line = signed["line"].as_str()?;
        let record = Line::parse(line.as_bytes()).filter(Line::is_unchanged)?;
        let signature = Signature::of(&record).filter(|signature| signature.is_signed)?;
        let hash = String::from_utf8_lossy(record.hash).into_owned();
        let link = Link { seq: record.seq, hash };
        Some(Self { line: line.to_owned(), link, key: signature.key })
    }
}

fn collect(
    host: &Host,
    manner: &Manner<'_>,
    mut held: Held,
    full: bool,
    identity: Option<&Identity>,
) -> Row {
    let named = |what: &str| format!("{}: {what}", host.alias);
    let mut session = match step(&named("connect"), || greeting::open(host, manner, SCRIPT)) {
        Ok(session) => session,
        Err(not) => return trouble::not_reached(host, &not),
    };
    session.allow(MOST);
    let last = held.kept.last().filter(|_| !full);
    let after =
        last.as_ref().map_or(String::new(), |last| format!(" --after {}:{}", last.seq, last.hash));
    let how = if identity.is_some() { "base64" } else { "name" };
    let which = format!("--encrypted {how}{after}");
    let end = Instant::now() + TO_ANSWER;
    let read = step(&named("read its log"), || {
        session.send_script(&which, end)?;
        let (mut signed, mut verified, mut checkpoint) = (Value::Null, Value::Null, None);
        let mut reader = None;
        let begin = |checkpoint: Option<&Checkpoint>| {
            let verifier = verifier(&held, last.as_ref(), checkpoint);
            Reader::new(verifier, identity, &held, &host.alias)
        };
        let status = loop {
            let Said::Line(line) = session.next(end)? else { continue };
            match line.split_once(' ').unwrap_or((&line, "")) {
                ("record", line) => {
                    reader.get_or_insert_with(|| begin(checkpoint.as_ref())).line(line);
                }
                // Before the records.
                ("signed", said) if signed.is_null() => {
                    signed = serde_json::from_str(said).unwrap_or_default();
                    checkpoint = Checkpoint::of(&signed);
                }
                ("verified", said) => verified = serde_json::from_str(said).unwrap_or_default(),
                ("ended", status) => break status.to_owned(),
                _ => {}
            }
        };
        let reader = reader.unwrap_or_else(|| begin(checkpoint.as_ref()));
        let (verifier, unreadable) = reader.end();
        let keys = verifier.keys().to_vec();
        Ok(Given { signed, verified, checkpoint, found: verifier.end(), keys, unreadable, status })
    });
    let words = session.words();
    match read {
        Ok(given) => judged(host, &mut held, &given, last.as_ref(), &words.behind()),
        Err(lost) => trouble::lost_on_the_way(host, &lost, &words, "its audit log was read"),
    }
}

/// What verifies the records of a host. As long as no key of it is known, only whether the checkpoint that
/// it has just made is the end of a whole chain.
fn verifier(held: &Held, last: Option<&Link>, checkpoint: Option<&Checkpoint>) -> Verifier {
    let new = checkpoint.map(|checkpoint| checkpoint.link.seq);
    let wanted: BTreeSet<u64> = held.kept.records.keys().copied().chain(new).collect();
    let known = |keys: Vec<Public>| (!keys.is_empty()).then_some(keys);
    match last {
        // A key that was replaced before signs nothing any more, whoever has it by now.
        Some(last) => {
            Verifier::new(wanted, known(held.kept.still_signing(&held.trusted))).after(last.clone())
        }
        None => Verifier::new(wanted, known(held.trusted.clone())),
    }
}

/// What is to be said of a host, by what it gave and what was collected of it before.
fn judged(host: &Host, held: &mut Held, given: &Given, last: Option<&Link>, words: &str) -> Row {
    if let Some(why) = given.unreadable.as_ref().filter(|_| given.found.broken.is_none()) {
        return Row::new(host, Status::Failed, ENCRYPTED)
            .error(&format!("an encrypted file of its log cannot be read: {}", one_line(why, 500)))
            .hint(Some("give it the identity that the host's policy encrypts to; without --identity, what is not encrypted is verified"));
    }
    let unread = &given.found.unread;
    let with_identity = format!(
        "with the identity that they are encrypted to, they are read, too: sm fleet audit --full --identity FILE --limit {}",
        shell_word(&host.alias)
    );
    if given.found.broken.is_some() && given.found.is_key_unknown {
        return Row::new(host, Status::Failed, ENCRYPTED)
            .error(&format!(
                "{}, and what follows is signed with a key that none of the known ones has signed, unless in there",
                encrypted(unread)
            ))
            .hint(Some(&with_identity))
            .with("encrypted", unread);
    }
    if let Some(what) = changed(held, given, last, words) {
        let (keys, kept) = (held.keys().display(), held.path().display());
        let hint = if given.found.is_cut_off && given.found.broken.is_none() {
            "with --full all of its log is read, and has to have each record that was collected"
                .into()
        } else {
            format!(
                "keep what the host has as it is, and look there: sm audit verify; to compare it here with what was collected: sm audit verify --stdin --key {keys} --checkpoints {kept}"
            )
        };
        let row = Row::new(host, Status::Failed, CHANGED).error(&what).hint(Some(&hint));
        return row.with("wrong", given.found.wrong);
    }
    if given.status != "0" {
        return Row::new(host, Status::Failed, "no_reply")
            .error(&format!("its log cannot be read{words}"))
            .hint(Some("log in as root, as an account that sudo lets run sm without a password, or as one in group adm"));
    }
    let mut warnings = Vec::new();
    for (from, to) in &given.found.unproven {
        warnings.push(format!(
            "of its records {from} to {to} nothing is proven: it says that a power cut took what followed them"
        ));
    }
    let new = match new_checkpoint(held, given) {
        Some((line, key)) => match keep(held, given, &line, key) {
            Ok(warning) => {
                warnings.extend(warning);
                true
            }
            Err(refusal) => return Row::refused(host, &refusal),
        },
        None => false,
    };
    if given.signed["success"] != true || given.checkpoint.is_none() {
        let why = given.signed["error"].as_str().map(|error| one_line(error, 500));
        let why = why.map_or_else(|| words.to_owned(), |error| format!(": {error}"));
        // Who stops signing cannot say that it was done.
        warnings.push(format!("its log was not signed now{why}"));
    }
    let signed = given.found.signed.as_ref().map(|signed| signed.until);
    let made = given.checkpoint.as_ref().map(|checkpoint| checkpoint.link.seq);
    let until = signed.or(made.filter(|_| new)).or(held.kept.last().map(|last| last.seq));
    let Some(until) = until else {
        return Row::new(host, Status::Failed, "no_checkpoint")
            .error("it was not signed, so there is nothing to keep of its log")
            .hint(Some("sign it there, as root: sm audit checkpoint"))
            .warned(warnings);
    };
    let row = match unread.as_slice() {
        [] => Row::new(host, if new { Status::Done } else { Status::Already }, "ok"),
        // Nothing was collected that it could go on from.
        unread if held.kept.records.is_empty() => {
            warnings.push(format!("{}, and not verified", encrypted(unread)));
            Row::new(host, Status::Done, "ok")
        }
        unread => {
            let hint = format!(
                "{with_identity}; or collect between the rotation of the log and sm-audit-encrypt.timer"
            );
            Row::new(host, Status::Failed, ENCRYPTED)
                .error(&format!(
                    "{}, so it is not known whether they go on from what was collected",
                    encrypted(unread)
                ))
                .hint(Some(&hint))
        }
    };
    let row = if unread.is_empty() { row } else { row.with("encrypted", unread) };
    let read = counted(given.found.records, "record");
    row.what(format!("signed until record {until}; {read} read"))
        .with("signed_until", until)
        .with("records", given.found.records)
        .warned(warnings)
}

/// Which records are in the files that were not read: `the records 501 to 900 are encrypted`.
fn encrypted(unread: &[Unread]) -> String {
    let mut ranges: Vec<(Option<u64>, u64)> = Vec::new();
    for one in unread {
        match ranges.last_mut() {
            Some((_, last))
                if one.first.is_some_and(|first| last.checked_add(1) == Some(first)) =>
            {
                *last = one.last;
            }
            _ => ranges.push((one.first, one.last)),
        }
    }
    let words = |(first, last): &(Option<u64>, u64)| match first {
        Some(first) => format!("{first} to {last}"),
        None => format!("up to {last}"),
    };
    let ranges: Vec<String> = ranges.iter().map(words).collect();
    format!("the records {} are encrypted", some_of(&ranges, 5))
}

/// How the log of a host differs from what was collected of it, or from itself.
fn changed(held: &Held, given: &Given, last: Option<&Link>, words: &str) -> Option<String> {
    let found = &given.found;
    if words.contains("does not go on from record") {
        let seq = last.map_or(0, |last| last.seq);
        return Some(format!(
            "its log does not go on from record {seq} as it was collected{words}"
        ));
    }
    if let Some((_, reason)) = &found.broken {
        let seq = found.wrong.unwrap_or(0);
        return Some(match last {
            Some(last) if last.seq.checked_add(1) == Some(seq) && found.records == 0 => {
                format!(
                    "its log does not go on from record {} as it was collected: the next one {reason}",
                    last.seq
                )
            }
            _ => format!("its record {seq} is not the one that was written: {reason}"),
        });
    }
    if given.status == "0"
        && last.is_none()
        && let Some(what) = held.kept.missing_in(found)
    {
        return Some(what);
    }
    if let Some(checkpoint) = &given.checkpoint
        && given.status == "0"
        && (found.hashes.get(&checkpoint.link.seq) != Some(&checkpoint.link.hash)
            || found.hearsay.contains(&checkpoint.link.seq))
    {
        let seq = checkpoint.link.seq;
        return Some(format!("its log does not have the checkpoint {seq}, which it has just made"));
    }
    if found.is_cut_off
        && let Some(last) = last
    {
        return Some(format!(
            "it says that a power cut took what followed record {}, which was collected: nothing shows that its log goes on from there",
            last.seq
        ));
    }
    // What it says of itself; and with that, what was removed before what was collected last.
    let is_wrong = given.verified["success"] == false && given.verified["records"].is_u64();
    let error = given.verified["error"].as_str().filter(|_| is_wrong);
    error.map(|error| format!("it says of its own log: {}", one_line(error, 1000)))
}

/// The checkpoint that is to be kept, and its key.
fn new_checkpoint(held: &Held, given: &Given) -> Option<(String, Option<Public>)> {
    if held.trusted.is_empty() {
        let made = given.checkpoint.as_ref()?;
        return Some((made.line.clone(), Some(made.key)));
    }
    let signed = given.found.signed.as_ref()?;
    let is_new = !held.kept.records.contains_key(&signed.until);
    is_new.then(|| (signed.line.clone(), None))
}

/// Keeps a checkpoint, and before it the keys that are new. Gives what is to be said of that.
fn keep(
    held: &mut Held,
    given: &Given,
    line: &str,
    first: Option<Public>,
) -> Result<Option<String>, Refusal> {
    for key in first.iter().chain(&given.keys) {
        if !held.trusted.contains(key) {
            held.trust(*key)?;
        }
    }
    held.add(line)?;
    Ok(first.map(|key| {
        format!(
            "its key was seen for the first time: compare it with sm audit key --json there: {key}"
        )
    }))
}
