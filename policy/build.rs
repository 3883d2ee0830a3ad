//! Checks the policy and writes it into the program as a table, and beside it what the program is
//! made of. A bad policy does not build.

mod dependencies;
mod site_mode;

// The build reads a policy with the very code that the program uses.
#[allow(dead_code, unreachable_pub)]
#[path = "../src/output"]
mod output {
    pub mod base64;
    pub mod hex;
    pub mod nearest;
}
#[allow(dead_code, unreachable_pub)]
#[path = "../src/request"]
mod request {
    pub mod action;
    pub mod agent;
    pub mod confine;
    pub mod name;
}
#[allow(dead_code, unreachable_pub)]
#[path = "../src/policy"]
mod policy {
    pub mod meant;
    pub mod model;
    pub mod never;
    pub mod not_toml;
    pub mod parse;
    pub mod parsed;
    pub mod recipient;
    pub mod rows;
    pub mod table;
    pub mod tasks;
    pub mod window;
}

use policy::model::{self, Policy};
use policy::parse;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, process};

const DEFAULT: &str = "policy/default.toml";

fn main() {
    println!("cargo::rerun-if-env-changed=SM_POLICY");
    println!("cargo::rerun-if-env-changed={}", site_mode::VARIABLE);
    let chosen = env::var_os("SM_POLICY").filter(|value| !value.is_empty());
    // Relative to where the build is started, as a person would expect; cargo starts build
    // scripts in the package's folder, which is the same place for a plain `cargo build`.
    let file = chosen.map_or_else(|| PathBuf::from(DEFAULT), PathBuf::from);
    println!("cargo::rerun-if-changed={}", file.display());
    println!("cargo::rerun-if-changed=policy/build.rs");
    println!("cargo::rerun-if-changed=policy/site_mode.rs");
    println!("cargo::rerun-if-changed=src/policy");
    println!("cargo::rerun-if-changed=src/request");
    println!("cargo::rerun-if-changed=src/output/base64.rs");
    println!("cargo::rerun-if-changed=src/output/hex.rs");

    let text = fs::read_to_string(&file)
        .unwrap_or_else(|error| fail(&[format!("{}: {error}", file.display())]));
    // What the program calls the policy it was built with must not depend on the machine that
    // built it: the path inside the repository, else the file's name alone.
    let called = match file.strip_prefix(env::current_dir().unwrap_or_default()) {
        Ok(inside) => inside.to_path_buf(),
        Err(_) if file.is_relative() => file.clone(),
        Err(_) => file.file_name().map(PathBuf::from).unwrap_or_default(),
    };
    let parse = |text: &str| {
        parse::parse(&called.to_string_lossy(), text, model::Limits::USUAL).unwrap_or_else(
            |mistakes| {
                let sentences = mistakes.iter().map(|each| match &each.hint {
                    Some(hint) => format!("{each} ({hint})"),
                    None => each.to_string(),
                });
                fail(&sentences.collect::<Vec<_>>())
            },
        )
    };
    // First as it stands, so that what is wrong is said of the file.
    let mut parsed = parse(&text);
    let mode = site_mode::chosen().unwrap_or_else(|wrong| fail(&[wrong]));
    if let Some(mode) = mode.filter(|mode| *mode != parsed.policy().site_mode) {
        parsed = parse(&site_mode::set(&text, mode));
        assert_eq!(parsed.policy().site_mode, mode, "{} is in the text", site_mode::VARIABLE);
    }
    let out = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    let write = |name: &str, content: &[u8]| {
        let path = out.join(name);
        fs::write(&path, content).unwrap_or_else(|e| fail(&[format!("{}: {e}", path.display())]));
    };
    let policy = parsed.policy();
    // Who builds it has chosen that, and should know it.
    for (line, sentence) in policy::never::starters(&policy) {
        println!("cargo::warning={}:{line}: {sentence}", policy.file);
    }
    write("policy.toml", policy.text);
    write("policy.strings", policy.strings);
    write("policy.rs", render(&policy).as_bytes());
    let section = dependencies::section().unwrap_or_else(|error| {
        println!("cargo::error={error}");
        process::exit(1)
    });
    write("dependencies.zlib", &section);
}

/// The policy as the Rust constant that the program includes.
fn render(policy: &Policy<'_>) -> String {
    let mut code = String::new();
    let limits = &policy.limits;
    let _ = writeln!(
        code,
        "/// The policy that this program was built with.\n\
         pub static COMPILED: Policy<'static> = Policy {{\n\
         file: {:?}, hash: {:?},\n\
         text: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/policy.toml\")),\n\
         strings: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/policy.strings\")),\n\
         site_mode: SiteMode::{:?},\n\
         limits: {limits:?},\n\
         maintenance: Set::from_bits({}), maintenance_approval: Set::from_bits({}), maintenance_line: {}, undo: {:?}, allow_removals: {},\n\
         manager: Set::from_bits({}), manager_approval: Set::from_bits({}), manager_line: {}, approvals: {:?}, recipients: {:?}, recipients_line: {},\n\
         units: Rows::Plain(&UNITS), packages: Rows::Plain(&PACKAGES), tasks: &TASKS, callers: &CALLERS, words: Rows::Plain(&WORDS),\n}};",
        policy.file,
        policy.hash,
        policy.site_mode,
        policy.maintenance.bits,
        policy.maintenance_approval.bits,
        policy.maintenance_line,
        policy.undo,
        policy.allow_removals,
        policy.manager.bits,
        policy.manager_approval.bits,
        policy.manager_line,
        policy.approvals,
        policy.recipients,
        policy.recipients_line,
    );
    let _ = writeln!(code, "static UNITS: [UnitRule; {}] = [", policy.units.len());
    for rule in policy.units.iter() {
        let _ = writeln!(
            code,
            "UnitRule {{ name: {:?}, line: {}, actions_line: {}, actions: Set::from_bits({}), approval: Set::from_bits({}), require_reason: {}, check: {:?}, check_start: {}, watch_seconds: {:?}, when: {:?} }},",
            rule.name,
            rule.line,
            rule.actions_line,
            rule.actions.bits,
            rule.approval.bits,
            rule.require_reason,
            rule.check,
            rule.check_start,
            rule.watch_seconds,
            rule.when
        );
    }
    let _ = writeln!(code, "];\nstatic PACKAGES: [PackageRule; {}] = [", policy.packages.len());
    for rule in policy.packages.iter() {
        let _ = writeln!(
            code,
            "PackageRule {{ name: {:?}, pacman: {:?}, line: {}, actions_line: {}, actions: Set::from_bits({}), approval: Set::from_bits({}), require_reason: {}, allow_removals: {:?}, when: {:?} }},",
            rule.name,
            rule.pacman,
            rule.line,
            rule.actions_line,
            rule.actions.bits,
            rule.approval.bits,
            rule.require_reason,
            rule.allow_removals,
            rule.when
        );
    }
    let _ = writeln!(code, "];\nstatic TASKS: [TaskRule; {}] = [", policy.tasks.len());
    for rule in policy.tasks {
        let _ = writeln!(
            code,
            "TaskRule {{ name: {:?}, line: {}, argv: {:?}, user: {:?}, directory: {:?}, environment: {:?}, timeout_seconds: {}, on_timeout: OnTimeout::{:?}, require_reason: {}, approval: {}, description: {:?}, snapshot: {}, is_confined: {}, confine: Confine::{:?}, write: {:?}, network: {}, when: {:?} }},",
            rule.name,
            rule.line,
            rule.argv,
            rule.user,
            rule.directory,
            rule.environment,
            rule.timeout_seconds,
            rule.on_timeout,
            rule.require_reason,
            rule.approval,
            rule.description,
            rule.snapshot,
            rule.is_confined,
            rule.confine,
            rule.write,
            rule.network,
            rule.when
        );
    }
    let _ = writeln!(code, "];\nstatic CALLERS: [CallerRule; {}] = [", policy.callers.len());
    for rule in policy.callers {
        let _ = writeln!(
            code,
            "CallerRule {{ kind: CallerKind::{:?}, name: {:?}, line: {}, services: {:?}, packages: {:?}, tasks: {:?}, maintenance: Set::from_bits({}), manager: Set::from_bits({}), undo: {}, approval: {}, agent: {:?}, when: {:?} }},",
            rule.kind,
            rule.name,
            rule.line,
            rule.services,
            rule.packages,
            rule.tasks,
            rule.maintenance.bits,
            rule.manager.bits,
            rule.undo,
            rule.approval,
            rule.agent,
            rule.when
        );
    }
    let _ = writeln!(
        code,
        "];\nstatic WORDS: [Span; {}] = {:?};",
        policy.words.len(),
        policy.words.iter().collect::<Vec<_>>()
    );
    code
}

/// Ends the build with a sentence for each thing that is wrong.
fn fail(messages: &[String]) -> ! {
    for message in messages {
        println!("cargo::error=the policy does not build: {message}");
    }
    if !Path::new(DEFAULT).exists() {
        println!("cargo::error=build from the root of the repository");
    }
    process::exit(1)
}
