//! The files among the arguments of a command line that sudo lets an account run as root, and what
//! root does with them.

use crate::admin::doctor::paths::refused;
use crate::admin::doctor::programs::{Kind, has};
use crate::system::accounts::{Group, User};
use std::fs;
use std::path::Path;

/// Below these root finds its programs, settings, accounts and devices: whoever chooses what is in a
/// file there, or who may change it, has root.
const ROOTS: &str = "\
    /bin /boot /dev /etc /lib /lib32 /lib64 /libx32 /nix /proc/sys/fs/binfmt_misc \
    /proc/sys/kernel /root /run/docker /run/sm /run/sudo /run/systemd /run/udev /sbin /snap \
    /sys/firmware /sys/fs/cgroup /sys/kernel /usr /var/lib/apt /var/lib/cloud /var/lib/containerd \
    /var/lib/dbus /var/lib/docker /var/lib/dpkg /var/lib/incus /var/lib/kubelet /var/lib/libvirt \
    /var/lib/lxc /var/lib/lxd /var/lib/pacman /var/lib/polkit-1 /var/lib/rancher /var/lib/sm \
    /var/lib/snapd /var/lib/sudo /var/lib/systemd /var/log/sm /var/spool/at /var/spool/cron";

/// What is below them and gives nothing.
const HARMLESS: &str = "\
    /dev/full /dev/null /dev/random /dev/stderr /dev/stdin /dev/stdout /dev/tty /dev/urandom \
    /dev/zero";

/// Who reads these has a password's hash, a key of root's, or all memory and disks.
const SECRETS: &str = "\
    /dev /etc/gshadow /etc/gshadow- /etc/krb5.keytab /etc/security/opasswd /etc/shadow \
    /etc/shadow- /etc/ssl/private /proc/kcore /root/.ssh /var/backups/gshadow.bak \
    /var/backups/shadow.bak /var/lib/sm /var/lib/sss";

/// What holds somebody back only while it is there.
const GUARDS: &str = "\
    /etc/apparmor.d /etc/at.allow /etc/cron.allow /etc/nologin /etc/pam.d /etc/passwd \
    /etc/polkit-1 /etc/security /etc/shadow /etc/sm /etc/ssh /etc/sudoers /etc/sudoers.d \
    /run/sm /var/lib/sm /var/log/sm";

/// Why a program that does this with the files that these words name gives root; none if it
/// does not.
pub fn danger(kind: Kind, name: &str, words: &[&str]) -> Option<String> {
    let is_file_kind = matches!(kind, Kind::Reads | Kind::Writes | Kind::Copies | Kind::Removes);
    let files = files(name, words, is_file_kind);
    for file in &files {
        if !file.starts_with('/') {
            return Some(format!("{file} is looked for in a folder of the account's choice"));
        }
        if file.split('/').any(|part| part == "..") {
            return Some(format!("{file} leads elsewhere"));
        }
        if has(HARMLESS, file) {
            continue;
        }
        if let Some(refusal) = refused(Path::new(file)) {
            return Some(refusal.error);
        }
    }
    let last = files.last();
    let is_written = |file: &&String| match kind {
        Kind::Writes if name == "dd" => words.contains(&format!("of={file}").as_str()),
        Kind::Writes if is_archive(name) && !extracts(name, words) => files.first() == Some(*file),
        Kind::Writes if name == "sed" => in_place(words),
        Kind::Writes => true,
        // `sort -o FILE`, `uniq FROM TO`
        Kind::Reads => {
            let has_output =
                words.iter().any(|word| word.starts_with("-o") || word.starts_with("--output"));
            has_output || name == "uniq" && files.len() > 1 && Some(*file) == last
        }
        Kind::Copies => Some(*file) == last || is_target(words, file),
        _ => false,
    };
    let message = |file: &String, what: &str| Some(format!("{file} {what}"));
    if let Some(file) = files.iter().filter(is_written).find(|file| is_below(file, ROOTS)) {
        return message(file, "holds what root runs or obeys");
    }
    if let (Kind::Reads | Kind::Writes | Kind::Copies, Some(file)) =
        (kind, files.iter().find(|file| is_below(file, SECRETS)))
    {
        return message(file, "holds secrets of root's");
    }
    let has_output = words.iter().any(|word| *word == "-o" || word.starts_with("--output"));
    if kind == Kind::Chosen
        && has_output
        && let Some(file) = files.iter().find(|file| is_below(file, ROOTS))
    {
        return message(file, "holds what root runs or obeys");
    }
    let is_taken = |file: &&String| {
        kind == Kind::Removes || kind == Kind::Copies && name == "mv" && Some(*file) != last
    };
    if let Some(file) = files.iter().filter(is_taken).find(|file| guards(file)) {
        return message(file, "is or contains what restrains others");
    }
    let needs_file = match kind {
        Kind::Writes => !words.is_empty() && writes_somewhere(name, words),
        Kind::Copies | Kind::Folder => true,
        _ => false,
    };
    let is_there = |word: &&str| {
        ["-C", "-D", "-d"].iter().any(|flag| word.starts_with(flag))
            || word.starts_with("--directory")
    };
    let is_here = is_archive(name) && extracts(name, words) && !words.iter().any(is_there);
    (needs_file && files.is_empty() || is_here)
        .then(|| "it works in the current folder, which the account chooses".to_owned())
}

/// Whether it writes a file at all with these arguments.
fn writes_somewhere(name: &str, words: &[&str]) -> bool {
    let has = |long: &[&str], short: &str| {
        words.iter().any(|word| {
            long.iter().any(|long| word.starts_with(long))
                || !word.starts_with("--")
                    && word
                        .strip_prefix('-')
                        .is_some_and(|rest| rest.contains(|c| short.contains(c)))
        })
    };
    match name {
        "curl" => has(&["--output", "--remote-name", "--cookie-jar", "--dump-header"], "oOJcD"),
        "sed" => in_place(words),
        "dd" => words.iter().any(|word| word.starts_with("of=")),
        "touch" | "tee" | "wget" | "patch" | "split" | "csplit" => true,
        _ => is_archive(name),
    }
}

fn in_place(words: &[&str]) -> bool {
    words.iter().any(|word| {
        word.starts_with("--in-place")
            || !word.starts_with("--") && word.starts_with('-') && word.contains('i')
    })
}

fn is_archive(name: &str) -> bool {
    ["tar", "bsdtar", "unzip", "cpio", "pax", "7z", "7za", "unrar", "zip", "ar", "arj"]
        .contains(&name)
}

/// Whether an archive is unpacked.
fn extracts(name: &str, words: &[&str]) -> bool {
    if ["unzip", "unrar"].contains(&name) {
        return true;
    }
    // The letters may stand there without a dash: `tar xzf`, `7z x`.
    let is_it = |(at, word): (usize, &&str)| {
        ["--extract", "--get"].contains(word)
            || !word.starts_with("--")
                && (word.starts_with('-') || at == 0 && !word.starts_with('/'))
                && word.contains(if name == "cpio" { 'i' } else { 'x' })
    };
    words.iter().enumerate().any(is_it)
}

/// Whether a file is the folder that everything is copied into: `-t DIR`, `--target-directory=DIR`.
fn is_target(words: &[&str], file: &str) -> bool {
    let behind = |(at, word): (usize, &&str)| {
        (*word == "-t" || *word == "--target-directory") && words.get(at + 1) == Some(&file)
    };
    words.iter().enumerate().any(behind)
        || words.contains(&format!("--target-directory={file}").as_str())
}

/// The words that name files. If the program is one for files, so does a word that is neither a
/// number, a mode, an account nor the value of an option.
fn files(name: &str, words: &[&str], is_file_kind: bool) -> Vec<String> {
    let mut files = Vec::new();
    // A mode, an owner, a script or a pattern comes first.
    let mut is_first = ["chgrp", "chmod", "chown", "egrep", "fgrep", "grep", "sed", "setcap"]
        .contains(&name)
        || is_archive(name) && words.first().is_some_and(|word| !word.contains(['-', '/']));
    let mut is_behind_option = false;
    for word in words {
        if name == "dd" && !word.starts_with("if=") && !word.starts_with("of=") {
            continue;
        }
        let is_option = word.starts_with('-');
        // `of=FILE`, `--file=FILE`, `-o/etc/x`, `@FILE`
        let value = match word.split_once('=') {
            Some((key, value)) if !key.contains('/') => value,
            _ if is_option => word.find('/').map_or("", |at| &word[at..]),
            _ => word.trim_start_matches('@'),
        };
        let is_pattern = !is_option && std::mem::take(&mut is_first);
        let is_remote =
            value.contains("://") || value.split('/').next().is_some_and(|host| host.contains(':'));
        let is_file = value.starts_with('/') && value != "/" && !is_pattern
            || value == "/" && is_file_kind
            || !is_option
                && !is_pattern
                && (value.contains('/')
                    || value == "."
                    || is_file_kind && !value.is_empty() && !is_behind_option && !is_plain(value));
        if is_file && !is_remote {
            files.push(value.to_owned());
        }
        is_behind_option = is_option && !word.contains('=');
    }
    files
}

/// A number, a mode, an account or a group: `0644`, `u+x`, `root:adm`.
fn is_plain(word: &str) -> bool {
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit() || b".:+-kKMG".contains(&byte));
    let is_mode =
        word.contains(['+', '-']) && word.bytes().all(|byte| b"ugoa+-=rwxXst,".contains(&byte));
    let is_owner = word.split([':', '.']).all(|part| {
        part.is_empty()
            || User::from_name(part).ok().flatten().is_some()
            || Group::from_name(part).ok().flatten().is_some()
    });
    is_number || is_mode || is_owner
}

/// Whether a path is one of these or below one, as it is written or as it is.
fn is_below(path: &str, folders: &str) -> bool {
    if has(HARMLESS, path) {
        return false;
    }
    let real = fs::canonicalize(path).unwrap_or_default();
    let is_it = |path: &Path| folders.split_whitespace().any(|folder| path.starts_with(folder));
    path == "/" || is_it(Path::new(path)) || is_it(&real)
}

/// Whether it is a guard, or a folder with one in it.
fn guards(path: &str) -> bool {
    is_below(path, GUARDS)
        || GUARDS.split_whitespace().any(|guard| Path::new(guard).starts_with(path))
}
