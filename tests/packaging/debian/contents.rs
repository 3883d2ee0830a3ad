//! What is in the packages.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{NARROW, SITE, build, packages};
use crate::host::{Host, Sudo, repository};
use crate::{Scratch, said, script};

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|error| {
        panic!("{program}: {error}; `tests/host/host needs`, as root on Debian, installs it")
    });
    assert!(output.status.success(), "{program} {arguments:?}: {}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn deb(name: &str) -> String {
    packages().join(format!("{name}.deb")).to_string_lossy().into_owned()
}

#[test]
#[ignore = "needs lintian and both programs: run tests/run"]
fn lintian_has_nothing_to_say() {
    let debs = [deb(NARROW), deb(SITE)];
    let all =
        [&["--allow-root", "--fail-on", "error,warning"][..], &debs.each_ref().map(String::as_str)]
            .concat();
    assert_eq!(run("lintian", &all), "");
    // An override that is not needed any more is told of too.
    // The other one has a program in it here that links dynamically.
    let overrides = ["--allow-root", "--tags", "mismatched-override", &debs[0]];
    assert_eq!(run("lintian", &overrides), "");
}

/// One list says what is installed, and it is not that of the packages.
#[test]
#[ignore = "needs both programs: run tests/run"]
fn what_is_in_them_is_what_is_installed() {
    let listed = script("install")
        .arg("--list")
        .env("PREFIX", "/usr")
        .env("SYSCONFDIR", "/etc")
        .env("ZSHDIR", "/usr/share/zsh/vendor-completions")
        .output()
        .expect("packaging/install runs");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut listed: Vec<&str> = listed.lines().collect();
    listed.sort_unstable();
    for name in [NARROW, SITE] {
        let listing = run("dpkg-deb", &["--contents", &deb(name)]);
        let mut files = Vec::new();
        let mut pages = Vec::new();
        for line in listing.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (mode, owner, path) = (words[0], words[1], words[5].trim_start_matches('.'));
            assert_eq!(owner, "0/0", "{line}");
            let wanted = match path {
                _ if path.ends_with('/') => "drwxr-xr-x",
                "/usr/bin/sm" | "/usr/bin/sm-helper" | "/usr/bin/sm-mcp" => "-rwxr-xr-x",
                _ => "-rw-r--r--",
            };
            assert_eq!((mode, words.len()), (wanted, 6), "{line}");
            let own =
                [format!("/usr/share/doc/{name}/"), "/usr/share/lintian/overrides/".to_owned()];
            if path.ends_with('/') || own.iter().any(|own| path.starts_with(own)) {
                continue;
            }
            match path.strip_suffix(".gz") {
                Some(page) if path.starts_with("/usr/share/man/") => pages.push(page),
                _ => files.push(path),
            }
        }
        files.extend(pages);
        files.sort_unstable();
        assert_eq!(files, listed, "{name}");
        let configuration = run("dpkg-deb", &["--info", &deb(name), "conffiles"]);
        let in_etc = files.iter().filter(|path| path.starts_with("/etc/"));
        assert_eq!(
            configuration.lines().collect::<Vec<_>>(),
            in_etc.copied().collect::<Vec<_>>(),
            "{name}"
        );
        for folder in ["copyright", "changelog.Debian.gz"] {
            assert!(listing.contains(&format!("/usr/share/doc/{name}/{folder}")), "{listing}");
        }
    }
}

#[test]
#[ignore = "needs both programs: run tests/run"]
fn they_say_what_they_are_and_what_they_need() {
    for (name, other) in [(NARROW, SITE), (SITE, NARROW)] {
        let field =
            |field: &str| run("dpkg-deb", &["--field", &deb(name), field]).trim().to_owned();
        assert_eq!(field("Package"), name);
        assert_eq!((field("Conflicts"), field("Replaces")), (other.to_owned(), other.to_owned()));
        assert_eq!(field("Section"), "admin");
        assert_eq!(
            field("Version"),
            format!("{}-1", env!("CARGO_PKG_VERSION")),
            "packaging/debian/changelog"
        );
        let depends = field("Depends");
        assert!(depends.contains("debconf"), "{depends}");
        // The released program links statically; the other one is as `cargo build` makes it here.
        assert_eq!(depends.contains("libc6"), name == SITE, "{depends}");
        let recommends = field("Recommends");
        assert!(recommends.contains("sudo | sudo-rs"), "{recommends}");
        let description = field("Description");
        let synopsis = description.lines().next().unwrap_or_default();
        assert!(synopsis.len() < 80 && description.lines().count() > 8, "{description}");
    }
}

/// The program in each is the one that its name says, and the packager does not mix them up.
#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn each_has_the_program_of_its_name() {
    use super::Packages;
    let host = Host::bare(Sudo::Classic);
    host.fetch();
    for (name, mode) in [(NARROW, "narrow"), (SITE, "replace")] {
        host.apt_install(name).ok();
        let shown: serde_json::Value =
            serde_json::from_str(&host.root("sm policy show --json").ok()).expect("JSON");
        assert_eq!(shown["site_mode"], mode, "{name}");
        host.root("cmp /usr/bin/sm /usr/bin/sm-helper; test ! /usr/bin/sm -ef /usr/bin/sm-helper")
            .ok();
    }
    let scratch = Scratch::new("mixed-up");
    let swapped = script("deb")
        .arg("--binary")
        .arg(super::site_program())
        .arg("--site-binary")
        .arg(crate::program())
        .arg("--output")
        .arg(scratch.path())
        .output()
        .expect("packaging/deb runs");
    assert!(
        !swapped.status.success() && said(&swapped).contains("its site mode is not narrow"),
        "{}",
        said(&swapped)
    );
    assert_eq!(fs::read_dir(scratch.path()).expect("a folder").count(), 0);
}

#[test]
#[ignore = "needs both programs: run tests/run"]
fn the_same_source_gives_the_same_bytes() {
    let scratch = Scratch::new("debs");
    // Whatever the times of what is packaged, and whoever's file mask.
    let touched = Command::new("touch").arg(repository().join("packaging/logrotate/sm")).status();
    assert!(touched.is_ok_and(|status| status.success()));
    let again = build(scratch.path());
    for (again, name) in again.iter().zip([NARROW, SITE]) {
        let same =
            fs::read(again).expect("it") == fs::read(Path::new(&deb(name))).expect("the first");
        assert!(same, "{name} has other bytes the second time");
    }
}

#[test]
#[ignore = "needs shellcheck and both programs: run tests/run"]
fn the_scripts_are_sound() {
    let scratch = Scratch::new("scripts");
    let folder = scratch.path().to_string_lossy();
    run("dpkg-deb", &["--control", &deb(NARROW), &folder]);
    let scripts = ["config", "postinst", "postrm", "prerm"].map(|name| format!("{folder}/{name}"));
    let output = Command::new("shellcheck")
        .args(["--shell=sh", "packaging/deb"])
        .args(scripts)
        .current_dir(repository())
        .output()
        .expect("shellcheck: `tests/host/host needs`, as root on Debian, installs it");
    assert!(output.status.success(), "{}", said(&output));
}
