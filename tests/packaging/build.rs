//! The policy is checked and compiled in by the build: a bad one does not build.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::host::repository;
use crate::said;

/// The folder that all builds of this file share.
const FOLDER: &str = "target/policies";

/// Has cargo find in [`FOLDER`] the crates that the tests themselves are built with, and what the
/// compiler remembers of the program with another policy.
fn share_crates() {
    let script = format!(
        "[ -e {FOLDER} ] && exit; mkdir -p {FOLDER}.part/debug/deps && \
         cp -a \"$0\"/debug/.fingerprint \"$0\"/debug/build {FOLDER}.part/debug && \
         cp -a \"$0\"/debug/deps/lib* {FOLDER}.part/debug/deps && \
         {{ cp -al \"$0\"/debug/incremental {FOLDER}.part/debug || :; }} && mv {FOLDER}.part {FOLDER}"
    );
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder");
    // Where it finds none it builds them, which takes longer.
    let _ = Command::new("sh")
        .args(["-c", &script])
        .arg(built)
        .current_dir(repository())
        .output()
        .expect("sh");
}

/// `cargo build` with this policy.
fn build(policy: &str) -> Output {
    build_with(policy, "")
}

/// The same with another `[site] mode`.
fn build_with(policy: &str, mode: &str) -> Output {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Command::new(cargo)
        .args(["build", "--quiet", "--locked", "--target-dir", FOLDER])
        .current_dir(repository())
        .env("SM_POLICY", policy)
        .env("SM_SITE_MODE", mode)
        .env_remove("RUSTC_BOOTSTRAP")
        .output()
        .expect("cargo runs")
}

/// What was built last.
fn built() -> PathBuf {
    repository().join(FOLDER).join("debug/sm")
}

/// The program that this variable names, where tests/run has built it; else it is built.
fn made(variable: &str, scratch: &Path, build: impl FnOnce() -> Output) -> PathBuf {
    let Some(program) = std::env::var_os(variable) else {
        let output = build();
        assert!(output.status.success(), "{}", said(&output));
        return built();
    };
    // By its name it knows that it is to be `sm`.
    let copy = scratch.join("sm");
    std::fs::copy(program, &copy).expect("a copy");
    copy
}

fn run(program: &Path, args: &[&str]) -> serde_json::Value {
    let output = Command::new(program).args(args).output().expect("it runs");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", said(&output)))
}

/// One test, since the builds share their folder.
#[test]
fn the_policy_is_compiled_in_and_a_bad_one_does_not_build() {
    share_crates();
    let scratch = crate::Scratch::new("policies");
    let file = "policy/examples/status-only.toml";
    only_looks(&made("SM_OFF_BIN", scratch.path(), || build(file)), file);
    // What it is called must not tell of the machine that built it. It has this mode already.
    let elsewhere = scratch.path().join("elsewhere.toml");
    std::fs::copy(repository().join(file), &elsewhere).expect("a copy");
    let output = build_with(elsewhere.to_str().expect("UTF-8"), "off");
    assert!(output.status.success(), "{}", said(&output));
    only_looks(&built(), "elsewhere.toml");
    says_its_mode(&built(), &elsewhere, "off", "off", scratch.path());
    for (policy, said_of_it) in [
        (
            "tests/policy/bad/key_misspelt_at_top.toml",
            "tests/policy/bad/key_misspelt_at_top.toml:4:2: the policy has no key \"servces\" (did you mean \"services\"?)",
        ),
        (
            "tests/policy/bad/toml_unclosed.toml",
            "tests/policy/bad/toml_unclosed.toml:3:10: this is not TOML",
        ),
        ("tests/policy/not-there.toml", "tests/policy/not-there.toml: No such file"),
    ] {
        let output = build(policy);
        let text = said(&output);
        assert!(!output.status.success(), "{policy} builds: {text}");
        assert!(
            text.contains("the policy does not build: ") && text.contains(said_of_it),
            "{text}"
        );
    }
    the_site_mode_can_be_chosen(scratch.path());
}

/// That the program has the policy of the file `called`, `policy/examples/status-only.toml`.
fn only_looks(program: &Path, called: &str) {
    let run = |args: &[&str]| run(program, args);
    let shown = run(&["policy", "show", "--json"]);
    assert_eq!(
        (&shown["file"], shown["services"].as_array().map(Vec::len)),
        (&called.into(), Some(3)),
        "{shown:#}"
    );
    assert_eq!(run(&["helper", "--dry-run", "service", "status", "nginx"])["code"], "ok");
    assert_eq!(run(&["helper", "--dry-run", "service", "restart", "nginx"])["code"], "denied");
    let logs = run(&["helper", "--dry-run", "service", "logs", "nginx", "--lines", "7"]);
    assert!(logs["argv"].to_string().contains("--lines=7"), "{logs:#}");
    // The only things that are left open: numbers within bounds.
    let surface = run(&["policy", "surface"]);
    let open = surface["service logs nginx.service"].to_string();
    assert_eq!(open.matches("--lines=<1-1000>").count(), 2, "{open}");
    assert_eq!(open.matches("--since=-<1-10080>min").count(), 1, "{open}");
    assert_eq!(open.matches('<').count(), 3, "{open}");
    assert!(surface.get("service logs ssh.service").is_none(), "{surface:#}");
    assert_eq!(surface.as_object().map(serde_json::Map::len), Some(5), "{surface:#}");
}

/// `SM_SITE_MODE` takes the place of what the policy says, and what the program says of its policy
/// is true then too.
fn the_site_mode_can_be_chosen(scratch: &Path) {
    let without = scratch.join("without.toml");
    std::fs::write(
        &without,
        "schema = 1\n[services]\nactions = [\"status\"]\n[services.units.nginx]",
    )
    .expect("a policy");
    let inline = scratch.join("inline.toml");
    std::fs::write(&inline, "schema = 1\nsite = { mode = 'narrow' }\n").expect("a policy");
    let usual = repository().join("policy/default.toml");
    for (policy, own, mode) in
        [(&usual, "narrow", "extend"), (&without, "off", "narrow"), (&inline, "narrow", "off")]
    {
        let output = build_with(policy.to_str().expect("UTF-8"), mode);
        assert!(output.status.success(), "{policy:?} {mode}: {}", said(&output));
        says_its_mode(&built(), policy, own, mode, scratch);
    }
    for wrong in ["wide", "Extend", "narrow ", "off,narrow"] {
        let output = build_with("policy/default.toml", wrong);
        let text = said(&output);
        assert!(!output.status.success(), "{wrong} builds: {text}");
        assert!(
            text.contains("the policy does not build: SM_SITE_MODE is ")
                && text.contains("off, narrow, extend"),
            "{text}"
        );
    }
}

/// That a program, built with this policy, whose mode is `own`, has `mode`, and the text of a
/// policy that says the same, under the hash that is shown, line for line.
fn says_its_mode(program: &Path, policy: &Path, own: &str, mode: &str, scratch: &Path) {
    let shown = run(program, &["policy", "show", "--json"]);
    assert_eq!(shown["site_mode"], mode, "{policy:?}: {shown:#}");
    let text = shown["text"].as_str().expect("a text");
    let file = std::fs::read_to_string(policy).expect("the policy");
    assert_eq!(text == file, own == mode, "{policy:?} {mode}: {text}");
    let written = scratch.join("shown.toml");
    std::fs::write(&written, text).expect("a copy");
    let checked = run(program, &["policy", "check", written.to_str().expect("UTF-8"), "--json"]);
    assert_eq!(
        (&checked["success"], &checked["sha256"]),
        (&true.into(), &shown["sha256"]),
        "{checked:#}"
    );
    let same = text.lines().zip(file.lines()).filter(|(one, two)| one == two).count();
    assert!(same + 1 >= file.lines().count(), "{policy:?} {mode}: {text}");
    assert_eq!(text.contains("what SM_SITE_MODE said"), own != mode, "{text}");
}
