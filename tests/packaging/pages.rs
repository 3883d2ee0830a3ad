//! The manual pages, as those who read them see them.

use crate::host::repository;
use crate::{said, script};
use std::path::PathBuf;
use std::process::Command;

fn pages() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(repository().join("packaging/man")).expect("the folder");
    let mut pages: Vec<PathBuf> = folder.flatten().map(|entry| entry.path()).collect();
    pages.sort();
    assert_eq!(pages.len(), 4, "{pages:?}");
    pages
}

#[test]
#[ignore = "needs mandoc and man: run tests/run"]
fn pages_are_clean_for_both_who_format_them() {
    for page in pages() {
        let lint = Command::new("mandoc").args(["-T", "lint", "-W", "style"]).arg(&page).output();
        let lint = lint.expect("mandoc; install it with: apt-get install mandoc");
        assert!(lint.status.success() && lint.stdout.is_empty(), "{}", said(&lint));
        let man = Command::new("man")
            .args(["--warnings", "--encoding=UTF-8", "--local-file", "--ditroff"])
            .arg(&page)
            .env("LC_ALL", "C.UTF-8")
            .output();
        let man = man.expect("man; install it with: apt-get install man-db");
        assert!(man.status.success() && man.stderr.is_empty(), "{}", said(&man));
        // What whatis and apropos find it by.
        let name = page.file_stem().and_then(|name| name.to_str()).expect("a name");
        let head = Command::new("lexgrog").arg(&page).output().expect("lexgrog, of man-db");
        assert!(said(&head).contains(&format!("\"{name} - ")), "{}", said(&head));
    }
}

#[test]
fn pages_that_are_installed_are_those_of_the_repository() {
    let list = script("install").arg("--list").output().expect("packaging/install runs");
    let list = said(&list);
    for page in pages() {
        let name = page.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(list.contains(&format!("/{name}\n")), "{name}: {list}");
    }
}
