//! Completion in zsh.

use super::bash::kind;
use super::grammar::{Flag, Place, planned};
use super::{names, word};
use std::fmt::Write as _;

/// The whole script, for a folder of `$fpath`.
pub fn script(program: &Place) -> String {
    let name = &program.path[0];
    let f = format!("_{}", name.replace('-', "_"));
    let own = format!("_{name}");
    let mut table = String::new();
    rows(program, &mut table);
    let (plan, actions) = planned();
    let actions = actions.join(",");
    format!(
        r#"#compdef {name}
# Completion of {name} in zsh. Made from the program's grammar by packaging/pages/write.

# What can stand at a place: commands, flags and flags with a value (each with what it is), the
# kinds of those values, kinds of words.
{f}_at() {{
    commands=() flags=() valued=() values=() kinds=()
    case $1 in
{table}    esac
}}

# The names that this caller may use, as the program says.
{names}
# Adds what a KIND can be.
{f}_offer() {{
    case $1 in
    words:*) compadd -- ${{(s:,:)1#words:}} ;;
    file) _files ;;
    user) _users ;;
    group) _groups ;;
    names:*)
        local kind=${{1#names:}} action=$given[1]
        if [[ $kind == package && $action == {plan} ]]; then
            (($#given > 1)) || {{ {f}_offer words:{actions}; return; }}
            action=$given[2]
        fi
        compadd -- ${{(f)"$({f}_names "$kind" "$action")"}}
        ;;
    *) _message {message} ;;
    esac
}}

{own}() {{
    local -a commands flags valued kinds given
    local -A values
    local place={name} value='' each
    {f}_at "$place"
    for each in "${{(@)words[2,CURRENT-1]}}"; do
        if [[ -n $value ]]; then
            value=
        elif [[ $each == -* ]]; then
            value=${{values[$each]-}}
        elif (($commands[(I)$each:*])); then
            place+=" $each"
            {f}_at "$place"
        else
            given+=("$each")
        fi
    done
    if [[ -n $value ]]; then
        {f}_offer "$value"
    elif [[ $PREFIX == --*=* ]]; then
        value=${{values[${{PREFIX%%=*}}]-}}
        compset -P '*=' && {f}_offer "$value"
    elif [[ $PREFIX == -* ]]; then
        _describe -o flag flags -- valued
    elif (($#commands)); then
        _describe command commands
    elif (($#kinds)); then
        local -i which=$(($#given + 1))
        ((which <= $#kinds)) || which=$#kinds
        {f}_offer "$kinds[which]"
    fi
}}

# As a file of $fpath this is the body of the function itself.
if [[ $funcstack[1] == {own} ]]; then
    {own} "$@"
else
    compdef {own} {name}
fi
"#,
        names = names::function(&format!("{f}_names")),
        message = word("nothing that could be offered"),
    )
}

fn rows(place: &Place, into: &mut String) {
    // A colon parts the word from what it is.
    let described = |name: &str, help: &str| word(&format!("{}:{help}", name.replace(':', "\\:")));
    let commands = place.commands.iter();
    let commands: Vec<String> = commands
        .map(|command| described(command.path.last().map_or("", String::as_str), &command.about))
        .collect();
    let (mut flags, mut valued, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for Flag { long, short, help, value } in &place.flags {
        for name in [Some(long), short.as_ref()].into_iter().flatten() {
            match value {
                Some((_, value)) => {
                    valued.push(described(name, help));
                    values.push(format!("{name} {}", kind(value)));
                }
                None => flags.push(described(name, help)),
            }
        }
    }
    let kinds: Vec<String> = place.words.iter().map(|word| kind(&word.kind)).collect();
    let _ = writeln!(into, "    ({})", word(&place.path.join(" ")));
    for (name, rows) in [("commands", commands), ("flags", flags), ("valued", valued)] {
        if !rows.is_empty() {
            let _ = writeln!(
                into,
                "        {name}=(\n            {}\n        )",
                rows.join("\n            ")
            );
        }
    }
    for (name, rows) in [("values", values), ("kinds", kinds)] {
        if !rows.is_empty() {
            let _ = writeln!(into, "        {name}=({})", rows.join(" "));
        }
    }
    let _ = writeln!(into, "        ;;");
    place.commands.iter().for_each(|command| self::rows(command, into));
}
