//! A tree with one of everything, and the things that an operation can do to it.

use crate::files::tests::disk::{CAPABILITY, access_list, make_node, set_attribute};
use rustix::fs::FileType;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::path::Path;

pub fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a file");
}

/// Files, links, devices, a directory with 100 files, and a deep one.
pub fn fill(top: &Path) {
    let at = |path: &str| top.join(path);
    for directory in ["etc", "many", "bin", "empty", "deep/1/2/3/4/5/6/7/8"] {
        fs::create_dir_all(at(directory)).expect("a directory");
    }
    for number in 0..100 {
        write(&at(&format!("many/{number}")), &format!("file {number}"));
    }
    write(&at("etc/settings"), "one");
    write(&at("etc/large"), &"large ".repeat(50_000));
    write(&at("etc/name with \n and \u{202e}"), "odd");
    write(&at("deep/1/2/3/4/5/6/7/8/end"), "end");
    write(&at("bin/tool"), "tool");
    for name in ["bin/tool2", "bin/tool3", "etc/tool4"] {
        fs::hard_link(at("bin/tool"), at(name)).expect("a link");
    }
    write(&at("bin/setuid"), "setuid");
    chown(at("bin/setuid"), Some(1234), Some(1235)).expect("an owner");
    fs::set_permissions(at("bin/setuid"), Permissions::from_mode(0o6755)).expect("a mode");
    write(&at("bin/capable"), "capable");
    set_attribute(&at("bin/capable"), "security.capability", &CAPABILITY).expect("a capability");
    write(&at("etc/listed"), "listed");
    set_attribute(&at("etc/listed"), "system.posix_acl_access", &access_list()).expect("a list");
    set_attribute(&at("many"), "system.posix_acl_default", &access_list()).expect("a list");
    fs::set_permissions(at("many"), Permissions::from_mode(0o2775)).expect("a mode");
    symlink("settings", at("etc/link")).expect("a link");
    lchown(at("etc/link"), Some(1234), Some(1234)).expect("an owner");
    make_node(&at("etc/fifo"), FileType::Fifo).expect("a fifo");
    make_node(&at("etc/socket"), FileType::Socket).expect("a socket");
    make_node(&at("etc/null"), FileType::CharacterDevice).expect("a device");
}

pub fn append(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().append(true).open(path).expect("a file");
    file.write_all(text.as_bytes()).expect("it is written");
}

/// As package managers do it: written beside it, and renamed.
pub fn replace(path: &Path, text: &str) {
    let new = path.with_extension("dpkg-new");
    write(&new, text);
    fs::rename(&new, path).expect("it is renamed");
}

/// A line: what it is called, what it does, and the changes that come of it.
pub type Case = (&'static str, fn(&Path), &'static [&'static str]);

pub const CASES: &[Case] = &[
    ("a file is made", |top| write(&top.join("etc/new"), "new"), &["T etc/", "A etc/new"]),
    (
        "a file is removed",
        |top| fs::remove_file(top.join("etc/settings")).expect("it goes"),
        &["T etc/", "R etc/settings"],
    ),
    ("a file is written to", |top| append(&top.join("etc/large"), "more"), &["M etc/large"]),
    (
        "a file is replaced",
        |top| replace(&top.join("etc/settings"), "two"),
        &["T etc/", "M etc/settings"],
    ),
    (
        "a file is renamed",
        |top| fs::rename(top.join("etc/settings"), top.join("bin/s")).expect("it moves"),
        &["T bin/", "A bin/s", "T etc/", "R etc/settings"],
    ),
    (
        "one of several names is replaced",
        |top| replace(&top.join("bin/tool2"), "new"),
        &["T bin/", "M bin/tool2"],
    ),
    (
        "one of several names becomes a file of its own, and is otherwise the same",
        |top| {
            let (new, old) = (top.join("bin/new"), top.join("bin/tool2"));
            fs::copy(&old, &new).expect("a copy");
            let time = fs::metadata(&old).and_then(|data| data.modified()).expect("a time");
            fs::File::options()
                .write(true)
                .open(&new)
                .and_then(|file| file.set_modified(time))
                .expect("the time");
            fs::rename(&new, &old).expect("it is renamed");
        },
        &["T bin/", "M bin/tool2"],
    ),
    (
        "one of several names is removed",
        |top| fs::remove_file(top.join("etc/tool4")).expect("it goes"),
        &["T etc/", "R etc/tool4"],
    ),
    (
        "a file with several names is written to",
        |top| append(&top.join("bin/tool"), "more"),
        &["M bin/tool", "M bin/tool2", "M bin/tool3", "M etc/tool4"],
    ),
    (
        "a name is added",
        |top| fs::hard_link(top.join("bin/tool"), top.join("etc/tool5")).expect("a link"),
        &["T etc/", "A etc/tool5"],
    ),
    (
        "a name becomes one of another file of the same content",
        |top| {
            fs::remove_file(top.join("many/1")).expect("it goes");
            fs::hard_link(top.join("bin/tool"), top.join("many/1")).expect("a link");
        },
        &["T many/", "M many/1"],
    ),
    (
        "a mode changes, and an owner, and a capability goes with it",
        |top| {
            chown(top.join("bin/setuid"), Some(0), Some(0)).expect("an owner");
            chown(top.join("bin/capable"), Some(1), None).expect("an owner");
            fs::set_permissions(top.join("empty"), Permissions::from_mode(0o700)).expect("a mode");
        },
        &["M bin/capable", "M bin/setuid", "M empty/"],
    ),
    (
        "an access control list goes",
        |top| {
            rustix::fs::removexattr(top.join("etc/listed"), "system.posix_acl_access").expect("a");
            rustix::fs::removexattr(top.join("many"), "system.posix_acl_default").expect("d");
        },
        &["M etc/listed", "M many/"],
    ),
    (
        "a capability is given",
        |top| {
            set_attribute(&top.join("bin/tool"), "security.capability", &CAPABILITY).expect("a");
        },
        &["M bin/tool", "M bin/tool2", "M bin/tool3", "M etc/tool4"],
    ),
    (
        "links, devices, fifos and sockets go",
        |top| {
            for name in ["link", "fifo", "socket", "null"] {
                fs::remove_file(top.join("etc").join(name)).expect("it goes");
            }
        },
        &["T etc/", "R etc/fifo", "R etc/link", "R etc/null", "R etc/socket"],
    ),
    (
        "links, devices and fifos come",
        |top| {
            symlink("/etc/shadow", top.join("empty/link")).expect("a link");
            make_node(&top.join("empty/fifo"), FileType::Fifo).expect("a fifo");
            make_node(&top.join("empty/null"), FileType::CharacterDevice).expect("a device");
        },
        &["T empty/", "A empty/fifo", "A empty/link", "A empty/null"],
    ),
    (
        "a link says something else",
        |top| {
            fs::remove_file(top.join("etc/link")).expect("it goes");
            symlink("large", top.join("etc/link")).expect("a link");
        },
        &["T etc/", "M etc/link"],
    ),
    (
        "a file becomes a directory",
        |top| {
            fs::remove_file(top.join("etc/settings")).expect("it goes");
            fs::create_dir_all(top.join("etc/settings/below/it")).expect("a directory");
            write(&top.join("etc/settings/below/it/file"), "text");
        },
        &[
            "T etc/",
            "M etc/settings/",
            "A etc/settings/below/",
            "A etc/settings/below/it/",
            "A etc/settings/below/it/file",
        ],
    ),
    (
        "a directory becomes a file",
        |top| {
            fs::remove_dir_all(top.join("deep/1/2/3/4/5/6")).expect("it goes");
            write(&top.join("deep/1/2/3/4/5/6"), "text");
        },
        &[
            "T deep/1/2/3/4/5/",
            "M deep/1/2/3/4/5/6",
            "R deep/1/2/3/4/5/6/7/",
            "R deep/1/2/3/4/5/6/7/8/",
            "R deep/1/2/3/4/5/6/7/8/end",
        ],
    ),
    (
        "a directory becomes a link",
        |top| {
            fs::remove_dir(top.join("empty")).expect("it goes");
            symlink("etc", top.join("empty")).expect("a link");
        },
        &["T /", "M empty"],
    ),
    (
        "a deep directory is moved, and something is changed in it",
        |top| {
            fs::rename(top.join("deep/1/2"), top.join("empty/2")).expect("it moves");
            write(&top.join("empty/2/3/new"), "new");
            fs::rename(top.join("empty/2/3/4/5"), top.join("etc/5")).expect("it moves");
        },
        &[
            "T deep/1/",
            "R deep/1/2/",
            "R deep/1/2/3/",
            "R deep/1/2/3/4/",
            "R deep/1/2/3/4/5/",
            "R deep/1/2/3/4/5/6/",
            "R deep/1/2/3/4/5/6/7/",
            "R deep/1/2/3/4/5/6/7/8/",
            "R deep/1/2/3/4/5/6/7/8/end",
            "T empty/",
            "A empty/2/",
            "A empty/2/3/",
            "A empty/2/3/4/",
            "A empty/2/3/new",
            "T etc/",
            "A etc/5/",
            "A etc/5/6/",
            "A etc/5/6/7/",
            "A etc/5/6/7/8/",
            "A etc/5/6/7/8/end",
        ],
    ),
    (
        "two directories change places",
        |top| {
            fs::rename(top.join("empty"), top.join("other")).expect("it moves");
            fs::rename(top.join("bin"), top.join("empty")).expect("it moves");
            fs::rename(top.join("other"), top.join("bin")).expect("it moves");
        },
        &[
            "T /",
            "T bin/",
            "R bin/capable",
            "R bin/setuid",
            "R bin/tool",
            "R bin/tool2",
            "R bin/tool3",
            "T empty/",
            "A empty/capable",
            "A empty/setuid",
            "A empty/tool",
            "A empty/tool2",
            "A empty/tool3",
        ],
    ),
];
