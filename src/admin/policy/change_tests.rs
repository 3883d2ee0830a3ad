use super::*;
use crate::admin::policy::document::Kind;
use crate::policy::model::Limits;
use crate::policy::operations::service;
use crate::policy::parse::parse;
use crate::policy::unused::unused;
use crate::request::action::{Action, PackageAction, ServiceAction};
use crate::request::name::{PackageName, UnitName};
use crate::request::operation::Operation;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::collections::BTreeSet;

// In the tests the compiled policy has these, and mode "narrow": what a site policy grants is what
// it says.
const ACTIONS: [&str; 4] = ["start", "stop", "restart", "status"];
const UNITS: [&str; 3] = ["nginx", "caddy.service", "docker"];
const PACKAGES: [&str; 3] = ["curl", "git", "docker.io"];
const PACKAGE_ACTIONS: [&str; 3] = ["install", "remove", "upgrade"];
const CALLERS: [&str; 3] = ["user:sm-no-such", "group:sm-no-such", "default"];

/// A list as a policy has it, in one of the ways in which people write it.
fn array(words: &[&str], style: usize) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    match style {
        0 => format!("[{}]", words.join(", ")),
        1 => format!("[ {} ] # a list", words.join(" , ")),
        _ => format!(
            "[\n{}]",
            words.iter().map(|word| format!("    {word}, # one\n")).collect::<String>()
        ),
    }
}

/// A section with its names, each with all actions or some.
fn section(
    [section, names]: [&'static str; 2],
    all: &'static [&'static str],
    actions: &'static [&'static str],
) -> impl Strategy<Value = (String, Vec<&'static str>)> {
    let general = subsequence(actions, 1..=actions.len());
    let rules = subsequence(all, 0..=all.len());
    (general, rules, 0..3_usize, 0..3_usize, any::<u8>()).prop_map(
        move |(general, rules, style, form, own)| {
            let mut text =
                format!("# of {section}\n[{section}]\nactions = {}\n", array(&general, style));
            if form == 2 && !rules.is_empty() {
                text.push_str(&format!("[{section}.{names}]\n"));
            }
            for (place, name) in rules.iter().enumerate() {
                let few = (own >> place) & 1 == 1;
                let line = if few {
                    format!("actions = {}", array(&general[..1], 0))
                } else {
                    String::new()
                };
                match form {
                    0 => text.push_str(&format!(
                        "\n# why {name}\n[{section}.{names}.{name:?}]\n{line}\n"
                    )),
                    1 => text.push_str(&format!("{names}.{name:?} = {{ {line} }} # why {name}\n")),
                    _ => text.push_str(&format!("{name:?} = {{ {line} }} # why {name}\n")),
                }
            }
            (text, rules)
        },
    )
}

/// A policy, as somebody has written it.
fn policies() -> impl Strategy<Value = String> {
    let services = section(["services", "units"], &UNITS, &ACTIONS);
    let packages = section(["packages", "names"], &PACKAGES, &PACKAGE_ACTIONS);
    let callers = subsequence(&CALLERS[..], 0..=CALLERS.len());
    (services, packages, callers, any::<u32>()).prop_map(
        |((services, units), (packages, names), callers, given)| {
            let mut text =
                format!("# at the top\nschema = 1 # the first\n{services}\n{packages}\n");
            for (place, caller) in callers.iter().enumerate() {
                let part = |all: &[&'static str], more: usize| -> Vec<&'static str> {
                    let has = |at: &usize| (given >> (place * 6 + more + at)) & 1 == 1;
                    (0..all.len()).filter(has).map(|at| all[at]).collect()
                };
                text.push_str(&format!(
                    "\n# who {caller}\n[callers.{caller:?}]\nservices = {}\npackages = {}\n",
                    array(&part(&units, 0), 0),
                    array(&part(&names, 3), 1)
                ));
            }
            text.push_str("# at the end\n");
            text
        },
    )
}

/// What can be asked for.
fn changes() -> impl Strategy<Value = Asked> {
    let actions = subsequence(&ACTIONS[..], 1..=ACTIONS.len());
    let unit = (actions, select(&UNITS[..])).prop_map(|(words, unit)| {
        let unit = UnitName::parse(unit.as_bytes()).expect("a unit");
        let operations = words.iter().filter_map(|word| ServiceAction::from_word(word));
        Asked {
            operations: operations.map(|action| service(action, unit.clone())).collect(),
            names: vec![(Kind::Unit, words, unit.as_str().to_owned())],
            maintenance: Vec::new(),
            manager: Vec::new(),
            undo: false,
            words: String::new(),
        }
    });
    let actions = subsequence(&PACKAGE_ACTIONS[..], 1..=PACKAGE_ACTIONS.len());
    let package = (actions, select(&PACKAGES[..])).prop_map(|(words, written)| {
        let name = PackageName::parse(written.as_bytes()).expect("a package");
        let operation =
            |action| Operation::Package { action, name: name.clone(), only_plan: false };
        let operations = words.iter().filter_map(|word| PackageAction::from_word(word));
        Asked {
            operations: operations.map(operation).collect(),
            names: vec![(Kind::Package, words, written.to_owned())],
            maintenance: Vec::new(),
            manager: Vec::new(),
            undo: false,
            words: String::new(),
        }
    });
    let words = subsequence(&["update", "autoclean"][..], 1..=2);
    let maintenance = words.prop_map(|words| Asked {
        operations: words
            .iter()
            .filter_map(|word| crate::request::action::Maintenance::from_word(word))
            .map(|action| Operation::Maintenance { action, only_plan: false })
            .collect(),
        names: Vec::new(),
        maintenance: words,
        manager: Vec::new(),
        undo: false,
        words: String::new(),
    });
    prop_oneof![unit, package, maintenance]
}

fn whoms() -> impl Strategy<Value = Option<Subject>> {
    let user = |name: &str| Some(Subject::User(name.to_owned()));
    let group = Some(Subject::Group("sm-no-such".to_owned()));
    select(vec![None, user("sm-no-such"), user("sm-other"), group])
}

/// Whether a policy's text becomes one with exactly this more, or less.
fn changed(
    text: &str,
    direction: Direction,
    asked: &Asked,
    whom: Option<&Subject>,
) -> Result<String, String> {
    let old =
        InForce::supposing("old.toml", text).map_err(|refusal| format!("before: {refusal}"))?;
    let mut document = Document::parse("old.toml", text).expect("it is TOML");
    direction.apply(&mut document, whom, asked).map_err(|refusal| refusal.error)?;
    let after = document.text();
    let new = InForce::supposing("new.toml", &after)
        .unwrap_or_else(|refusal| panic!("{text}\n---\n{after}\n---\n{refusal}"));
    Effect::of(&old, &new, whom)
        .is_what_was_asked(direction, asked, whom)
        .map_err(|refusal| refusal.error)?;
    Ok(after)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    // What is installed is checked for this; here it must not be refused either, as long as a
    // policy can say it.
    #[test]
    fn a_change_grants_and_takes_away_what_was_named_and_nothing_else(
        text in policies(), asked in changes(), whom in whoms(), allows in any::<bool>(),
    ) {
        let direction = if allows { Direction::Allow } else { Direction::Deny };
        let has_callers = text.contains("[callers.");
        let after = match changed(&text, direction, &asked, whom.as_ref()) {
            Ok(after) => after,
            Err(error) => {
                prop_assert!(!error.starts_with("before"), "{error}\n{text}");
                // Only where several callers share a name.
                prop_assert!(whom.is_some() || has_callers, "{error}\n{text}");
                return Ok(());
            }
        };
        // Comments stay, those of what was removed aside.
        if allows {
            for comment in text.lines().filter_map(|line| line.split_once('#')).map(|(_, text)| text) {
                prop_assert!(after.contains(comment), "{comment} is gone\n{after}");
            }
        }
        // Nor does it leave an action in a section's list that no name has any more.
        let idle = |text: &str| -> BTreeSet<String> {
            let parsed = parse("x.toml", text, Limits::USUAL).expect("a policy");
            unused(&parsed.policy()).into_iter().map(|(_, what, why)| format!("{what}: {why}")).collect()
        };
        let (before, left) = (idle(&text), idle(&after));
        prop_assert!(left.is_subset(&before), "{before:?} {left:?}\n{text}\n---\n{after}");
        // Once more changes nothing.
        if let Ok(again) = changed(&after, direction, &asked, whom.as_ref()) {
            prop_assert_eq!(&after, &again);
        }
    }
}

#[test]
fn what_is_done_to_the_service_manager_is_allowed_and_denied() {
    let asked = |words: &[&str]| read(&words.iter().map(|&w| w.to_owned()).collect::<Vec<_>>());
    let reload = asked(&["service", "daemon-reload"]).expect("it is an operation");
    let text = "schema = 1\n[services]\nactions = [\"status\"]\n[services.units.probe]\n";
    let granted = |document: &Document| {
        let text = document.text();
        let parsed = crate::policy::parse::parse("x", &text, crate::policy::model::Limits::USUAL);
        let parsed = parsed.expect("a policy");
        let callers = parsed.policy().callers.iter().map(|rule| rule.manager.words().len());
        (parsed.policy().manager.words(), callers.collect::<Vec<_>>())
    };
    let mut document = Document::parse("x", text).expect("TOML");
    Direction::Allow.apply(&mut document, None, &reload).expect("it is allowed");
    assert_eq!(granted(&document), (vec!["daemon-reload"], Vec::new()));
    Direction::Deny.apply(&mut document, None, &reload).expect("it is denied");
    assert_eq!(granted(&document), (Vec::new(), Vec::new()));
    let user = Subject::User("sm-no-such".to_owned());
    Direction::Allow.apply(&mut document, Some(&user), &reload).expect("it is allowed");
    assert_eq!(granted(&document), (vec!["daemon-reload"], vec![0, 1]));
    for words in
        [&["service", "daemon-reload", "probe"], &["service", "restart,daemon-reload", "probe"]]
    {
        assert!(asked(words).is_err_and(|refusal| refusal.error.contains("all unit files")));
    }
    assert!(asked(&["service", "restart"]).is_err());
}
