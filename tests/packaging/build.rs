//! The policy is checked and compiled in by the build: a bad one does not build.

use std::path::Path;
use std::process::{Command, Output};

use crate::host::repository;
use crate::said;

/// `cargo build` with this policy, in a folder that all builds of this file share.
fn build(policy: &str) -> Output {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Command::new(cargo)
        .args(["build", "--quiet", "--locked", "--target-dir", "target/policies"])
        .current_dir(repository())
        .env("SM_POLICY", policy)
        .output()
        .expect("cargo runs")
}

fn run(args: &[&str]) -> serde_json::Value {
    let program = repository().join("target/policies/debug/sm");
    let output = Command::new(program).args(args).output().expect("it runs");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", said(&output)))
}

/// One test, since the builds share their folder.
#[test]
fn the_policy_is_compiled_in_and_a_bad_one_does_not_build() {
    let scratch = crate::Scratch::new("policies");
    let elsewhere = scratch.path().join("elsewhere.toml");
    for (policy, called, units) in [
        ("policy/examples/status-only.toml", "policy/examples/status-only.toml", 3),
        // What it is called must not tell of the machine that built it.
        (elsewhere.to_str().expect("UTF-8"), "elsewhere.toml", 3),
    ] {
        if Path::new(policy).is_absolute() {
            std::fs::copy(repository().join("policy/examples/status-only.toml"), policy)
                .expect("a copy");
        }
        let output = build(policy);
        assert!(output.status.success(), "{}", said(&output));
        let shown = run(&["policy", "show", "--json"]);
        assert_eq!(
            (&shown["file"], shown["services"].as_array().map(Vec::len)),
            (&called.into(), Some(units)),
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
}
