//! Completions: what clap_complete makes of a grammar, and around it what it does not know. The
//! texts around it are scripts, in which `@name@` stands for what is made here.

use super::grammar::{self, GROUP};
use clap::Command;
use clap::builder::ValueHint;
use clap_complete::{Shell, generate};

/// The script for bash.
pub fn bash(program: &Command) -> String {
    if program.get_name() == "sm-helper" {
        return filled(include_str!("sm-helper.bash.in"), program, Shell::Bash);
    }
    let helper = bash(&grammar::helper());
    filled(include_str!("sm.bash.in"), program, Shell::Bash).replace("@helper@\n", &helper)
}

/// The script for zsh, in which our functions stand before the lines that call it.
pub fn zsh(program: &Command) -> String {
    let own = match program.get_name() {
        "sm-helper" => include_str!("sm-helper.zsh.in"),
        _ => include_str!("sm.zsh.in"),
    };
    let text = generated(program, Shell::Zsh);
    let (begin, end) = text.rsplit_once("\nif [").expect("the call at the end");
    format!("{begin}\n{}\nif [{end}", filled(own, program, Shell::Zsh))
}

/// The script for fish.
pub fn fish(program: &Command) -> String {
    let own = match program.get_name() {
        "sm-helper" => include_str!("sm-helper.fish.in"),
        _ => include_str!("sm.fish.in"),
    };
    filled(own, program, Shell::Fish)
}

/// What a script has where it says `@requests@`: the commands whose arguments are a request.
const REQUESTS: [&str; 5] =
    ["helper", "policy explain", "policy allow", "policy deny", "fleet run"];

/// The text with what it asks for.
fn filled(text: &str, program: &Command, shell: Shell) -> String {
    let flags = |hint: ValueHint| grammar::flags(program, Some(hint)).join(" | ");
    let (plan, planned) = grammar::planned();
    let requests = REQUESTS.map(|place| format!("'{place}'")).join(" ");
    let mut filled = text
        .replace("@generated@", generated(program, shell).trim_end())
        .replace("@surface@", include_str!("surface.awk").trim_end())
        .replace("@list@", include_str!("list.awk").trim_end())
        .replace("@valued@", &grammar::valued(program).join(" "))
        .replace("@accounts@", &flags(ValueHint::Username))
        .replace("@groups@", &flags(GROUP))
        .replace("@files@", &flags(ValueHint::FilePath))
        .replace("@free@", &flags(ValueHint::Other))
        .replace("@planned@", &planned.join(" "))
        .replace("@plan@", plan)
        .replace("@requests@", &requests);
    for kind in ["service", "package", "task"] {
        let mark = format!("@{kind}@");
        if filled.contains(&mark) {
            let words = grammar::words(program, kind, "action").join(" ");
            filled = filled.replace(&mark, &words);
        }
    }
    filled
}

/// What clap_complete makes of the grammar, with our own functions in the place of the hints
/// that are no more than marks.
fn generated(program: &Command, shell: Shell) -> String {
    let mut bytes = Vec::new();
    let mut program = program.clone();
    let name = match shell {
        // In bash nothing below a program with a dash in its name is found: the dash is written
        // in two ways (clap issue 6421, in clap_complete 4.6.11).
        Shell::Bash => program.get_name().replace('-', "_"),
        _ => program.get_name().to_owned(),
    };
    generate(shell, &mut program, name, &mut bytes);
    let text = String::from_utf8(bytes).expect("a script of UTF-8");
    match shell {
        // Without its last lines, in the place of which are ours.
        Shell::Bash => text.split("\nif [[ ").next().unwrap_or_default().to_owned(),
        Shell::Zsh => ZSH.iter().fold(text, |text, (mark, own)| text.replace(mark, own)),
        Shell::Fish => {
            let groups = grammar::flags(&program, Some(GROUP));
            let line = |line: &str| {
                let word = |flag: &String| format!(" -l {} ", flag.trim_start_matches('-'));
                let own = groups.iter().any(|flag| line.contains(&word(flag)));
                let values = if own { " -a \"(__fish_complete_groups)\"" } else { "" };
                format!("{line}{values}\n")
            };
            text.lines().map(line).collect::<String>().replace(
                "function __fish_sm_using_subcommand\n",
                "function __fish_sm_using_subcommand\n    test (count (__sm_request)) -eq 0; or return 1\n",
            )
        }
        _ => text,
    }
}

/// What clap_complete makes of our marks in zsh, and what stands there instead. With three colons
/// the words of a request are all that its function sees.
const ZSH: [(&str, &str); 7] = [
    ("'*::request -- ", "'*:::request -- "),
    ("'*::arguments -- ", "'*:::arguments -- "),
    (":_cmdambivalent'", ": _sm_request'"),
    (":_email_addresses'", ":_groups'"),
    (":_hosts'", ": _sm_helper_name service'"),
    (":_urls'", ": _sm_helper_name package'"),
    (":_command_names -e'", ": _sm_helper_name task'"),
];
