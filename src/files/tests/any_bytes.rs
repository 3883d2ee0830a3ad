//! A stream that is torn, or lies, is an error and never more.

use crate::files::stream;
use crate::files::tree::Tree;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn touched(bytes: &[u8]) -> Result<BTreeSet<PathBuf>, crate::files::failed::Failed> {
    let folder = std::env::temp_dir();
    let empty = folder.join(format!("sm-stream-{}", std::process::id()));
    std::fs::create_dir_all(&empty).expect("a folder");
    let tree = Tree::open(&empty).expect("a tree");
    stream::touched(bytes, &tree, &tree)
}

/// A command with these attributes.
fn command(number: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, value) in attributes {
        body.extend(kind.to_le_bytes());
        body.extend(u16::try_from(value.len()).expect("a short value").to_le_bytes());
        body.extend(*value);
    }
    let mut bytes = u32::try_from(body.len()).expect("a short command").to_le_bytes().to_vec();
    bytes.extend(number.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(body);
    bytes
}

fn stream(version: u32, commands: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"btrfs-stream\0".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend(command(2, &[(15, b"after")]));
    bytes.extend(commands.concat());
    bytes.extend(command(21, &[]));
    bytes
}

fn make(path: &str) -> Vec<u8> {
    command(3, &[(15, path.as_bytes())])
}

fn rename(from: &str, to: &str) -> Vec<u8> {
    command(9, &[(15, from.as_bytes()), (16, to.as_bytes())])
}

#[test]
fn renames_are_followed() {
    let found = touched(&stream(
        1,
        &[
            rename("a", "o257-1-0"),
            rename("b/c", "a"),
            command(18, &[(15, b"a/x")]),
            rename("o257-1-0/y", "z"),
            make("o300-1-0"),
            rename("o300-1-0", "b/new"),
            command(12, &[(15, b"o257-1-0")]),
            command(10, &[(15, b"b/link"), (17, b"b/new")]),
            command(11, &[(15, b"b/gone")]),
        ],
    ))
    .expect("a good stream");
    let wanted = ["", "a", "a/x", "a/y", "b", "b/c", "b/c/x", "b/gone", "b/link", "b/new", "z"];
    assert_eq!(found, wanted.iter().map(PathBuf::from).collect());
}

#[test]
fn a_stream_that_lies_is_an_error() {
    let long = "x".repeat(4097);
    let mut deep: Vec<Vec<u8>> = vec![make("d")];
    for _ in 0..2200 {
        deep.push(rename("d", "t"));
        deep.push(make("d"));
        deep.push(rename("t", "d/d"));
    }
    for (what, commands) in [
        ("moved into itself", vec![rename("a", "a/b/c")]),
        ("not there", vec![command(11, &[(15, b"a")]), command(18, &[(15, b"a")])]),
        ("not there", vec![make("a"), command(18, &[(15, b"a/b")])]),
        ("given twice", vec![make("a"), make("a")]),
        ("not there", vec![command(12, &[(15, b"")])]),
        ("below the root", vec![make("../a")]),
        ("below the root", vec![make("/a")]),
        ("below the root", vec![make("a//b")]),
        ("below the root", vec![make("a\0")]),
        ("below the root", vec![make(&long)]),
        ("too long", deep),
        ("lacks a path", vec![command(3, &[])]),
        ("not of its version", vec![command(25, &[])]),
    ] {
        let failed = touched(&stream(1, &commands)).expect_err(what);
        assert!(failed.to_string().contains(what), "{what}: {failed}");
    }
    let mut large = stream(1, &[]);
    large.truncate(17);
    large.extend([0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 0]);
    assert!(touched(&large).expect_err("large").to_string().contains("too long"));
    let full = [&b"btrfs-stream\0\x01\0\0\0"[..], &command(1, &[(15, b"x")])].concat();
    assert!(touched(&full).expect_err("no parent").to_string().contains("two snapshots"));
    assert!(touched(&stream(4, &[])).is_err() && touched(&stream(0, &[])).is_err());
    // What is new in version 2, with data that has no length.
    let mut data = command(25, &[(15, b"a")]);
    data.extend([19, 0, 1, 2, 3]);
    data[0] += 5;
    assert!(touched(&stream(2, &[data])).expect("version 2").contains(Path::new("a")));
}

#[test]
fn no_stream_can_be_cut_off() {
    let whole = stream(1, &[make("a"), rename("a", "b"), rename("x/y", "z")]);
    assert!(touched(&whole).is_ok());
    for length in 0..whole.len() {
        assert!(touched(&whole[..length]).is_err(), "{length}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(
        commands in prop::collection::vec((0..30_u16, "[ab./]{0,6}", "[ab./]{0,6}"), 0..20),
        version in 0..5_u32,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let commands: Vec<Vec<u8>> = commands
            .iter()
            .map(|(number, one, other)| {
                command(*number, &[(15, one.as_bytes()), (16, other.as_bytes()), (17, b"a")])
            })
            .collect();
        let mut bytes = stream(version, &commands);
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = touched(&bytes);
    }
}
