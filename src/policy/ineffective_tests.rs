use super::*;
use crate::policy::model::Limits;
use crate::policy::parse::{Parsed, parse};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

fn compiled(mode: &str, text: &str) -> Parsed {
    let text = format!("schema = 1\nsite.mode = {mode:?}\n{text}");
    parse("compiled.toml", &text, Limits::USUAL).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"))
}

fn site(text: &str, limits: Limits) -> Parsed {
    parse("site.toml", text, limits).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"))
}

#[test]
fn each_line_without_effect_is_named_with_the_reason() {
    const COMPILED: &str = "[limits]
output_bytes = 4096
[services]
actions = [\"restart\", \"status\"]
units.nginx = {}
[packages]
actions = [\"install\"]
maintenance = [\"update\"]
names.curl = {}
names.git = {}
";
    for (mode, text, expected) in [
        (
            "narrow",
            "schema = 1
[limits]
output_bytes = 8192
[services]
actions = [\"restart\", \"logs\"]
maintenance = [\"daemon-reload\"]
[services.units.postgresql]
[services.units.nginx]
[packages]
actions = [\"install\"]
maintenance = [\"update\", \"repair\"]
[packages.names.curl]
[packages.names.vim]
",
            &[
                "3: `limits.output_bytes` has no effect: the compiled policy's is stricter",
                "5: the action \"logs\" has no effect: this program's site policy can only narrow",
                "6: the action \"daemon-reload\" has no effect: this program's site policy can only narrow",
                "7: postgresql.service has no effect: this program's site policy can only narrow",
                "11: the action \"repair\" has no effect: this program's site policy can only narrow",
                "13: vim has no effect: this program's site policy can only narrow",
            ][..],
        ),
        // Fewer actions and fewer packages, which `extend` cannot have.
        (
            "extend",
            "schema = 1
[services]
actions = [\"restart\", \"stop\"]
[services.units.nginx]
actions = [\"restart\"]
[services.units.redis]
[packages]
actions = [\"install\"]
[packages.names.curl]
actions = []
[packages.names.git]
require_reason = true
[callers.\"user:agent\"]
services = [\"nginx\", \"redis\"]
packages = [\"curl\", \"git\"]
",
            &[
                "4: nginx.service has no effect: the compiled policy allows it already",
                "9: curl has no effect: the compiled policy allows it already",
                "13: [callers.\"user:agent\"] has no effect",
            ],
        ),
        (
            "replace",
            "schema = 1
[services]
actions = [\"restart\", \"stop\"]
[services.units.nginx]
actions = [\"restart\"]
[services.units.redis]
actions = [\"restart\"]
[callers.default]
services = [\"nginx\"]
",
            &[
                "3: the action \"stop\" has no effect: no entry of [services] has it",
                "6: redis.service has no effect: no table of [callers] gives it",
            ],
        ),
        ("off", "schema = 1\n", &["1: this file has no effect: this program ignores"]),
    ] {
        let compiled = compiled(mode, COMPILED);
        let site = site(text, compiled.policy().limits);
        let found = lines(&compiled.policy(), &site.policy());
        let sentences: Vec<&str> = found.iter().map(|each| each.sentence.as_str()).collect();
        assert_eq!(found.len(), expected.len(), "{mode}: {sentences:#?}");
        for (sentence, begin) in sentences.iter().zip(expected) {
            assert!(sentence.starts_with(&format!("site.toml:{begin}")), "{mode}: {sentence}");
        }
    }
}

/// A policy in parts that can be left out one by one.
#[derive(Debug, Clone)]
struct Parts {
    units: Vec<(&'static str, Vec<&'static str>, bool)>,
    packages: Vec<(&'static str, Vec<&'static str>)>,
    callers: Vec<(&'static str, Vec<&'static str>)>,
}

/// What of it is left out.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Unit(usize),
    Package(usize),
    Caller(usize),
}

const UNITS: [&str; 3] = ["caddy", "nginx", "redis"];
const ACTIONS: [&str; 3] = ["restart", "status", "logs"];
const CALLERS: [&str; 5] = ["user:a", "user:b", "group:g", "group:h", "default"];

fn parts() -> impl Strategy<Value = Parts> {
    let unit = (subsequence(&ACTIONS[..], 1..=3), any::<bool>());
    let units = (subsequence(&UNITS[..], 0..=3), vec(unit, 3));
    let packages = (
        subsequence(&["curl", "git"][..], 0..=2),
        vec(subsequence(&["install", "remove"][..], 1..=2), 2),
    );
    let names = subsequence(&["caddy", "nginx", "redis", "curl", "git"][..], 0..=5);
    let callers = (subsequence(&CALLERS[..], 0..=3), vec(names, 5));
    (units, packages, callers).prop_map(|(units, packages, callers)| Parts {
        units: units
            .0
            .into_iter()
            .zip(units.1)
            .map(|(name, (set, why))| (name, set, why))
            .collect(),
        packages: packages.0.into_iter().zip(packages.1).collect(),
        callers: callers.0.into_iter().zip(callers.1).collect(),
    })
}

impl Parts {
    /// The text without a part, and the line of each other one.
    fn text(&self, without: Option<Part>) -> (String, Vec<(Part, u32)>) {
        let mut text = "schema = 1\n".to_owned();
        let mut places = Vec::new();
        let mut add = |part: Option<Part>, lines: String| {
            if part.is_some() && part == without {
                return;
            }
            let line = text.matches('\n').count() + 1;
            places.extend(part.map(|part| (part, u32::try_from(line).expect("a line"))));
            text.push_str(&lines);
        };
        let mut kept: Vec<&str> = Vec::new();
        add(None, format!("[services]\nactions = {ACTIONS:?}\n"));
        for (at, (name, actions, why)) in self.units.iter().enumerate() {
            let part = Part::Unit(at);
            kept.extend((without != Some(part)).then_some(name));
            let own = format!("actions = {actions:?}\nrequire_reason = {why}\n");
            add(Some(part), format!("[services.units.{name}]\n{own}"));
        }
        add(None, "[packages]\nactions = [\"install\", \"remove\"]\n".to_owned());
        for (at, (name, actions)) in self.packages.iter().enumerate() {
            let part = Part::Package(at);
            kept.extend((without != Some(part)).then_some(name));
            add(Some(part), format!("[packages.names.{name}]\nactions = {actions:?}\n"));
        }
        for (at, (whom, names)) in self.callers.iter().enumerate() {
            let of = |all: &[&str]| -> Vec<&str> {
                names
                    .iter()
                    .copied()
                    .filter(|one| all.contains(one) && kept.contains(one))
                    .collect()
            };
            let (services, packages) = (of(&UNITS), of(&["curl", "git"]));
            let own = format!("services = {services:?}\npackages = {packages:?}\n");
            add(Some(Part::Caller(at)), format!("[callers.{whom:?}]\n{own}"));
        }
        (text, places)
    }
}

/// Every decision on every operation for every caller that there can be.
fn all_decisions(compiled: &Policy<'_>, site: &Policy<'_>) -> Vec<bool> {
    let everything = "schema = 1
services.actions = [\"restart\", \"status\", \"logs\"]
services.units = { caddy = {}, nginx = {}, redis = {} }
packages.actions = [\"install\", \"remove\"]
packages.names = { curl = {}, git = {} }
[callers.\"user:a\"]
[callers.\"user:b\"]
[callers.\"group:g\"]
[callers.\"group:h\"]
";
    let everything = parse("all.toml", everything, Limits::USUAL).expect("a policy");
    let everything = everything.policy();
    let one: Vec<Member<'_>> =
        everything.callers.iter().filter_map(|rule| Member::of(&everything, rule)).collect();
    let gone: Vec<Member<'_>> = one.iter().filter_map(Member::without_its_group).collect();
    let one = [one, gone].concat();
    let sets = 0..1_u32 << one.len();
    let callers = sets.filter_map(|set| {
        Member::of_all(one.iter().enumerate().filter(|(at, _)| set & 1 << at != 0).map(|(_, m)| m))
    });
    let all: Vec<Operation> = operations(&everything).collect();
    callers
        .flat_map(|who| {
            let decided = |operation: &Operation| {
                [None, Some(Reason::any())].map(|reason| {
                    let request = Request::new(operation.clone(), reason);
                    decide(compiled, Some(site), &who, request).is_ok()
                })
            };
            all.iter().flat_map(decided).collect::<Vec<bool>>()
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn what_is_called_without_effect_is_what_can_be_left_out(
        own in parts(),
        other in parts(),
        mode in select(vec!["narrow", "extend", "replace"]),
    ) {
        let compiled = compiled(mode, other.text(None).0.trim_start_matches("schema = 1\n"));
        let compiled = compiled.policy();
        let (text, places) = own.text(None);
        let whole = site(&text, compiled.limits);
        let found = lines(&compiled, &whole.policy());
        let before = all_decisions(&compiled, &whole.policy());
        for (part, line) in places {
            let less = site(&own.text(Some(part)).0, compiled.limits);
            let is_same = before == all_decisions(&compiled, &less.policy());
            let is_said = found.iter().any(|each| each.line == line);
            // Of a name that is compiled in, `narrow` names the actions in the line that lists them.
            let actions = found.iter().filter(|each| each.line == line + 1).count();
            let granted = match part {
                Part::Unit(at) => own.units[at].1.len(),
                Part::Package(at) => own.packages[at].1.len(),
                Part::Caller(_) => usize::MAX,
            };
            let is_said = is_said || actions == granted;
            prop_assert_eq!(is_said, is_same, "{} {:?}\n{}\nunder\n{}", mode, part, text, compiled.text());
        }
    }
}
