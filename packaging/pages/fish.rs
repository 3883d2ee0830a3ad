//! Completion in fish.

use super::grammar::{Kind, Place, planned};
use super::names;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The whole script.
pub fn script(program: &Place) -> String {
    let name = &program.path[0];
    let f = format!("__{}", name.replace('-', "_"));
    let (mut places, mut valued) = (BTreeSet::new(), BTreeSet::new());
    gather(program, &mut places, &mut valued);
    let places: Vec<String> = places.iter().map(|place| word(place)).collect();
    let valued: Vec<String> = valued.into_iter().collect();
    let mut lines = String::new();
    rows(program, name, &f, &mut lines);
    format!(
        r#"# Completion of {name} in fish. Made from the program's grammar by packaging/pages/write.

# Whether the words so far lead to this place; with COUNT, whether so many words follow it.
function {f}_at --argument-names wanted count
    set -l place ''
    set -l given 0
    set -l skip no
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case {valued}
                set skip yes
            case '-*'
            case '*'
                set -l next (string trim -- "$place $word")
                if contains -- "$next" {places}
                    set place "$next"
                else
                    set given (math $given + 1)
                end
        end
    end
    test "$place" = "$wanted"; and begin
        test -z "$count"; or test "$count" = $given
    end
end

# The words behind a place.
function {f}_given
    set -l skip no
    set -l all
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case {valued}
                set skip yes
            case '-*'
            case '*'
                set -a all $word
        end
    end
    printf '%s\n' $all
end

# The names that this caller may use, as the program says.
{names}
complete -c {name} -f
{lines}"#,
        valued = valued.join(" "),
        places = places.join(" "),
        names = names::in_fish(&format!("{f}_names")),
    )
}

/// A word that fish takes as it is.
fn word(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn gather(place: &Place, places: &mut BTreeSet<String>, valued: &mut BTreeSet<String>) {
    if place.path.len() > 1 {
        places.insert(place.path[1..].join(" "));
    }
    for flag in place.flags.iter().filter(|flag| flag.value.is_some()) {
        valued.insert(flag.long.clone());
        valued.extend(flag.short.clone());
    }
    place.commands.iter().for_each(|command| gather(command, places, valued));
}

fn rows(place: &Place, program: &str, f: &str, into: &mut String) {
    let at = place.path[1..].join(" ");
    let when = |count: &str| word(format!("{f}_at {} {count}", word(&at)).trim_end());
    for command in &place.commands {
        let (here, name) = (when("0"), command.path.last().map_or("", String::as_str));
        let _ = writeln!(
            into,
            "complete -c {program} -n {here} -a {} -d {}",
            word(name),
            word(&command.about)
        );
    }
    for flag in &place.flags {
        let long = flag.long.trim_start_matches('-');
        let _ = write!(into, "complete -c {program} -n {} -l {long}", when(""));
        if let Some(short) = &flag.short {
            let _ = write!(into, " -s {}", short.trim_start_matches('-'));
        }
        match &flag.value {
            Some((_, Kind::File)) => into.push_str(" -r -F"),
            Some((_, kind)) => {
                into.push_str(" -x");
                if let Some(values) = values(kind, f, place.path.len() - 1, 0) {
                    let _ = write!(into, " -a {}", word(&values));
                }
            }
            None => {}
        }
        let _ = writeln!(into, " -d {}", word(&flag.help));
    }
    for (number, given) in place.words.iter().enumerate() {
        // `plan` has one more word before the name.
        let (plan, actions) = planned();
        let behind = place.path.len() - 1;
        if given.kind == Kind::Packages {
            let _ = writeln!(
                into,
                "complete -c {program} -n {} -a {} -d 'What to plan'",
                word(&format!("{f}_at {} 1; and test ({f}_given)[-1] = {plan}", word(&at))),
                word(&actions.join(" "))
            );
            let _ = writeln!(
                into,
                "complete -c {program} -n {} -a {} -d {}",
                word(&format!(
                    "{f}_at {} 2; and test ({f}_given)[{}] = {plan}",
                    word(&at),
                    behind + 1
                )),
                word(&values(&given.kind, f, behind, 1).unwrap_or_default()),
                word(&given.help)
            );
        }
        let condition = if given.kind == Kind::File { " -F" } else { "" };
        let Some(values) =
            values(&given.kind, f, behind, 0).or((given.kind == Kind::File).then(String::new))
        else {
            continue;
        };
        let _ = write!(into, "complete -c {program} -n {}{condition}", when(&number.to_string()));
        if !values.is_empty() {
            let _ = write!(into, " -a {}", word(&values));
        }
        let _ = writeln!(into, " -d {}", word(&given.help));
    }
    place.commands.iter().for_each(|command| rows(command, program, f, into));
}

/// What fish makes the values of. The action is the word behind the `behind` first ones, and
/// `plan` more.
fn values(kind: &Kind, f: &str, behind: usize, plan: usize) -> Option<String> {
    let names = |kind: &str| format!("({f}_names {kind} ({f}_given)[{}])", behind + plan + 1);
    match kind {
        Kind::Words(words) => Some(words.join(" ")),
        Kind::User => Some("(__fish_complete_users)".to_owned()),
        Kind::Group => Some("(__fish_complete_groups)".to_owned()),
        Kind::Units => Some(names("service")),
        Kind::Packages => Some(names("package")),
        Kind::File | Kind::Free => None,
    }
}
