//! A log that was edited is not the one that was signed, and the first record that is not is named.

use super::*;
use crate::audit::checkpoint::{Checkpoint, with_signature};
use crate::audit::key::Key;
use crate::audit::record::hash_of;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

const TIME: &str = "2026-11-21T19:30:00.123456Z";

/// A record's text before it is hashed.
fn body(seq: u64, prev: &str, text: &str) -> String {
    let time = format!("\"time\":\"{TIME}\"");
    format!("{{\"seq\":{seq},{time},\"event\":\"result\",\"text\":\"{text}\",\"prev\":\"{prev}\"}}")
}

fn signed(seq: u64, prev: &str, key: &Key, next: Option<&Key>, host: &str) -> String {
    let checkpoint = Checkpoint {
        host: host.to_owned(),
        machine: "0123".to_owned(),
        key: key.public().to_string(),
        next: next.map(|next| next.public().to_string()),
        signature: String::new(),
    };
    let checkpoint = serde_json::to_string(&checkpoint).expect("JSON");
    let time = format!("\"time\":\"{TIME}\"");
    let text = format!(
        "{{\"seq\":{seq},{time},\"event\":\"checkpoint\",\"checkpoint\":{checkpoint},\"policy\":\"p\",\"prev\":\"{prev}\"}}"
    );
    with_signature(&text, &key.sign(text.as_bytes())).expect("a place for it")
}

fn hashed(body: &str) -> String {
    format!("{},\"hash\":\"{}\"}}", &body[..body.len() - 1], hash_of(body))
}

fn hash(line: &str) -> String {
    line[line.len() - 66..line.len() - 2].to_owned()
}

fn unhashed(line: &str) -> String {
    format!("{}}}", &line[..line.len() - 66 - ",\"hash\":\"".len()])
}

/// A log whose records are checkpoints where it says so.
fn log(kinds: &[bool], key: &Key) -> Vec<String> {
    let mut prev = Link::start().hash;
    let line = |(at, is_checkpoint): (usize, &bool)| {
        let seq = at as u64 + 1;
        let line = hashed(&match is_checkpoint {
            true => signed(seq, &prev, key, None, "web1"),
            false => body(seq, &prev, "as it was"),
        });
        prev = hash(&line);
        line
    };
    kinds.iter().enumerate().map(line).collect()
}

fn verified(lines: &[String], keys: &[&Key]) -> Found {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let keys = keys.iter().map(|key| key.public()).collect();
    verify_stream(&mut text.as_bytes(), "log", BTreeSet::new(), Some(keys)).expect("it is read")
}

/// Chains what comes behind a record anew, as somebody without the key can do it.
fn chain_from(lines: &mut [String], at: usize) {
    for at in at..lines.len() {
        let prev = if at == 0 { Link::start().hash } else { hash(&lines[at - 1]) };
        let body = unhashed(&lines[at]);
        let place = body.rfind("\"prev\":\"").expect("a link") + 8;
        lines[at] = hashed(&format!("{}{prev}\"}}", &body[..place]));
    }
}

#[derive(Debug, Clone, Copy)]
enum Edit {
    /// Other text.
    Raw,
    /// Other text and the hash of it.
    Hashed,
    /// As that, and all that follows chained to it.
    Chained,
    /// Another number, and the hash of it.
    Number,
    /// Another link to the record before, and the hash of it.
    Linked,
    Removed,
    Inserted,
    Twice,
    Swapped,
    NoRecord,
}

fn edit() -> impl Strategy<Value = Edit> {
    use Edit::*;
    prop::sample::select(vec![
        Raw, Hashed, Chained, Number, Linked, Removed, Inserted, Twice, Swapped, NoRecord,
    ])
}

fn edited(lines: &mut Vec<String>, at: usize, edit: Edit) {
    // Of a checkpoint, what it says of the policy; of another record, its text.
    let changed =
        |line: &str| line.replacen("\"p\"", "\"q\"", 1).replacen("as it was", "as it is", 1);
    match edit {
        Edit::Raw => lines[at] = changed(&lines[at]),
        Edit::Hashed | Edit::Chained => {
            lines[at] = hashed(&changed(&unhashed(&lines[at])));
            if matches!(edit, Edit::Chained) {
                chain_from(lines, at + 1);
            }
        }
        Edit::Number => {
            let from = format!("{{\"seq\":{}", at + 1);
            let body = unhashed(&lines[at]).replacen(&from, &format!("{from}0"), 1);
            lines[at] = hashed(&body);
        }
        Edit::Linked => {
            let body = unhashed(&lines[at]);
            let place = body.rfind("\"prev\":\"").expect("a link") + 8;
            lines[at] = hashed(&format!("{}{}\"}}", &body[..place], "f".repeat(64)));
        }
        Edit::Removed => drop(lines.remove(at)),
        Edit::Inserted => {
            let prev = if at == 0 { Link::start().hash } else { hash(&lines[at - 1]) };
            lines.insert(at, hashed(&body(at as u64 + 1, &prev, "put there")));
        }
        Edit::Twice => lines.insert(at, lines[at].clone()),
        Edit::Swapped => lines.swap(at, at + 1),
        Edit::NoRecord => lines[at] = "{\"seq\":".to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn the_first_record_that_is_not_the_signed_one_is_named(
        mut kinds in proptest::collection::vec(prop::bool::weighted(0.3), 2..24),
        at: prop::sample::Index,
        edit in edit(),
    ) {
        let key = Key::generate();
        // With the edit somewhere before what is signed last.
        kinds.push(true);
        let at = at.index(kinds.len() - 1);
        let mut lines = log(&kinds, &key);
        let whole = verified(&lines, &[&key]);
        prop_assert!(whole.broken.is_none(), "{:?}", whole.broken);
        prop_assert_eq!(whole.signed.map(|signed| signed.until), Some(kinds.len() as u64));
        edited(&mut lines, at, edit);
        let found = verified(&lines, &[&key]);
        let first = at as u64 + 1;
        let signed = (0..at).rev().find(|at| kinds[*at]).map(|at| at as u64 + 1);
        let reason = format!("{edit:?} at {first}: {:?}", found.broken);
        if at == 0 && matches!(edit, Edit::Removed) {
            // A log whose beginning was rotated away is no other.
            prop_assert!(found.broken.is_none() && found.first == 2, "{}", reason);
            return Ok(());
        }
        // Until there nothing is said to be signed that is not.
        let until = found.signed.as_ref().map_or(0, |signed| signed.until);
        prop_assert!(Some(until) < found.wrong, "{}", reason);
        match edit {
            // Nothing but the next signature is wrong.
            Edit::Chained => {
                let next = (at..kinds.len()).find(|at| kinds[*at]).expect("the last") as u64 + 1;
                prop_assert_eq!(found.wrong, Some(signed.unwrap_or(0) + 1), "{}", reason);
                prop_assert_eq!(found.broken.map(|(place, _)| place.line), Some(next), "{}", reason);
            }
            // A link that is wrong says nothing else than a record before it that is.
            Edit::Linked if at > 0 => {
                prop_assert_eq!(found.broken.map(|(place, _)| place.line), Some(first), "{}", reason);
            }
            // A log may begin with any record: the second one is where it should be.
            Edit::Swapped if at == 0 => prop_assert!(found.broken.is_some()),
            // Of two checkpoints that are the same, the first one is as good as it was.
            Edit::Twice if until == first => prop_assert_eq!(found.wrong, Some(first + 1)),
            _ => prop_assert_eq!(found.wrong, Some(first), "{}", reason),
        }
    }
}

fn assert_broken(found: &Found, line: u64, reason: &str) -> Result<(), TestCaseError> {
    let (place, why) =
        found.broken.as_ref().ok_or_else(|| TestCaseError::fail("nothing is wrong"))?;
    prop_assert!(place.line == line && why.contains(reason), "{place:?} {why}");
    Ok(())
}

/// Logs, each signed by one after the other.
fn of_keys(keys: &[(&Key, Option<&Key>)]) -> Vec<String> {
    let mut prev = Link::start().hash;
    let mut lines = Vec::new();
    for (key, next) in keys {
        for is_checkpoint in [false, true] {
            let seq = lines.len() as u64 + 1;
            let line = hashed(&match is_checkpoint {
                true => signed(seq, &prev, key, *next, "web1"),
                false => body(seq, &prev, "as it was"),
            });
            prev = hash(&line);
            lines.push(line);
        }
    }
    lines
}

#[test]
fn a_key_takes_over_from_one_that_signed_it_and_from_no_other() -> Result<(), TestCaseError> {
    let [one, two, three] = [Key::generate(), Key::generate(), Key::generate()];
    let rotated = of_keys(&[(&one, None), (&one, Some(&two)), (&two, None)]);
    let found = verified(&rotated, &[&one]);
    assert!(found.broken.is_none(), "{:?}", found.broken);
    assert_eq!(found.signed.map(|signed| signed.until), Some(6));
    // A key that was never signed; and with both of them given, that is as it should be.
    let lost = of_keys(&[(&one, None), (&two, None)]);
    assert_broken(&verified(&lost, &[&one]), 4, "none of the given keys has signed")?;
    assert!(verified(&lost, &[&one, &two]).broken.is_none());
    // Killed while it was rotated: the old one goes on, and rotates again.
    let killed = of_keys(&[(&one, Some(&two)), (&one, None), (&one, Some(&three)), (&three, None)]);
    assert!(verified(&killed, &[&one]).broken.is_none());
    // The old one signs nothing after the new one has.
    let back = of_keys(&[(&one, Some(&two)), (&two, None), (&one, None)]);
    assert_broken(&verified(&back, &[&one]), 6, "was replaced before")?;
    // What has signed the new one may have been deleted by rotation.
    assert_broken(&verified(&rotated[4..], &[&one]), 2, "if it is the key of this host")?;
    assert_broken(&verified(&lost, &[&one]), 4, "one of the records from 3 on is not")?;
    // The old key is not in the new one's trust.
    assert_broken(&verified(&rotated, &[&two]), 2, "none of the given keys has signed")
}

#[test]
fn a_checkpoint_of_elsewhere_or_of_before_proves_nothing() -> Result<(), TestCaseError> {
    let key = Key::generate();
    let lines = log(&[false, true, false, false, true], &key);
    // The same key on two hosts, as an image copies it: what one signed is none of the other's.
    let mut other = of_keys(&[(&key, None), (&key, None)]);
    other.truncate(4);
    other.push(lines[4].clone());
    assert!(verified(&other, &[&key]).broken.is_some());
    // Cut, and written anew from there without the key; the old checkpoint put behind it.
    let mut again = lines[..2].to_vec();
    again.push(hashed(&body(3, &hash(&again[1]), "another")));
    again.push(hashed(&body(4, &hash(&again[2]), "another")));
    again.push(lines[4].clone());
    let found = verified(&again, &[&key]);
    assert_broken(&found, 4, "is not the record that was signed, as checkpoint 5 says")?;
    assert_eq!(found.signed.map(|signed| signed.until), Some(2));
    // Without it, nothing is wrong, and nothing of it is signed.
    let found = verified(&again[..4], &[&key]);
    assert!(found.broken.is_none());
    assert_eq!(found.signed.map(|signed| signed.until), Some(2));
    Ok(())
}

#[test]
fn a_signature_that_was_damaged_is_named() -> Result<(), TestCaseError> {
    let key = Key::generate();
    let lines = log(&[false, true, false, true, false, true], &key);
    for (from, to) in
        [("\"signature\":\"", "\"signature\":\"0"), ("web1", "web2"), ("\"p\"", "\"q\"")]
    {
        let mut damaged = lines.clone();
        damaged[3] = hashed(&unhashed(&damaged[3]).replacen(from, to, 1));
        assert_broken(&verified(&damaged, &[&key]), 4, "is not the record that was signed")?;
        // With the chain mended behind it.
        chain_from(&mut damaged, 4);
        let found = verified(&damaged, &[&key]);
        assert!(found.wrong == Some(3), "{:?}", found.broken);
        // And nothing behind it.
        damaged.truncate(4);
        assert_eq!(verified(&damaged, &[&key]).wrong, Some(3));
    }
    Ok(())
}

#[test]
fn what_a_power_cut_took_leaves_what_is_before_it_without_a_proof() {
    let key = Key::generate();
    let mut lines = log(&[false, true, false, false], &key);
    let lost = |prev: &str| {
        let body = body(6, prev, "as it was");
        let place = body.rfind(",\"prev\"").expect("a link");
        hashed(&format!("{},\"lost_records\":1{}", &body[..place], &body[place..]))
    };
    lines.push(lost(&"a".repeat(64)));
    lines.push(hashed(&signed(7, &hash(&lines[4]), &key, None, "web1")));
    let found = verified(&lines, &[&key]);
    assert!(found.broken.is_none(), "{:?}", found.broken);
    assert_eq!((found.signed.map(|signed| signed.until), found.unproven), (Some(7), vec![(3, 4)]));
}

#[test]
fn what_is_no_log_ends_and_takes_no_more_room_than_a_line() {
    let key = Key::generate();
    let highest = hashed(&body(u64::MAX, &"0".repeat(64), "x"));
    let found = verified(&[highest.clone(), highest], &[&key]);
    assert!(found.broken.is_some());
    let mut endless = io::repeat(b'x').take(1 << 32);
    let mut endless = io::BufReader::new(&mut endless);
    let found = verify_stream(&mut endless, "log", BTreeSet::new(), None).expect("it is read");
    assert!(found.broken.is_some_and(|(place, _)| place.line == 1));
}

#[test]
fn a_torn_record_is_not_the_one_that_what_is_behind_it_says() {
    let key = Key::generate();
    let kept = log(&[false, true], &key).remove(1);
    // Another past, with the place of what was kept torn, and its hash in the next record.
    let mut lines =
        vec![hashed(&body(1, &Link::start().hash, "another")), "{\"seq\":2,".to_owned()];
    let next = body(3, &hash(&kept), "as it was");
    let place = next.rfind(",\"prev\"").expect("a link");
    lines.push(hashed(&format!("{},\"torn_bytes\":9{}", &next[..place], &next[place..])));
    lines.push(hashed(&signed(4, &hash(&lines[2]), &key, None, "web1")));
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let wanted = BTreeSet::from([2]);
    let found = verify_stream(&mut text.as_bytes(), "log", wanted, Some(vec![key.public()]))
        .expect("it is read");
    assert!(found.broken.is_none(), "{:?}", found.broken);
    // What the last link and the journal say of it fits; nothing else has seen it.
    assert_eq!((found.hashes.get(&2), found.hearsay), (Some(&hash(&kept)), BTreeSet::from([2])));
}

#[test]
fn what_goes_on_behind_a_power_cut_does_not_show_what_it_goes_on_from() {
    let key = Key::generate();
    let lines = log(&[false, true, false, true], &key);
    let read = |lines: &[String]| {
        let last = Link { seq: 2, hash: "a".repeat(64) };
        let mut verifier = Verifier::new(BTreeSet::new(), Some(vec![key.public()])).after(last);
        for line in lines {
            let place = || Place { file: "log".to_owned(), line: 1 };
            verifier.line(line.as_bytes(), true, place);
        }
        verifier.end()
    };
    // Another record 2.
    assert!(read(&lines[2..]).broken.is_some());
    // It is said that 3 was lost, or torn.
    for (said, torn) in [("lost_records\":1", None), ("torn_bytes\":9", Some("{\"seq\":3,"))] {
        let body = body(4, &"b".repeat(64), "another");
        let place = body.rfind(",\"prev\"").expect("a link");
        let next = hashed(&format!("{},\"{said}{}", &body[..place], &body[place..]));
        let signed = hashed(&signed(5, &hash(&next), &key, None, "web1"));
        let lines: Vec<String> =
            torn.map(str::to_owned).into_iter().chain([next, signed]).collect();
        let found = read(&lines);
        assert!(found.broken.is_none(), "{:?}", found.broken);
        assert!(found.is_cut_off && found.signed.is_some(), "{said}");
    }
    // One that was lost later is another's concern.
    let key_of = |lines: &[String]| verified(lines, &[&key]).is_cut_off;
    assert!(!key_of(&lines));
}
