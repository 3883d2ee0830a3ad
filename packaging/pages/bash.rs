//! Completion in bash.

use super::grammar::{Flag, Kind, Place, planned};
use super::{names, word};
use std::fmt::Write as _;

/// The whole script.
pub fn script(program: &Place) -> String {
    let name = &program.path[0];
    let f = format!("_{}", name.replace('-', "_"));
    let mut table = String::new();
    rows(program, &mut table);
    let (plan, actions) = planned();
    let actions = actions.join(",");
    format!(
        r#"# Completion of {name} in bash. Made from the program's grammar by packaging/pages/write.

# What can stand at a place: commands, flags (with the kind of their value), kinds of words.
{f}_at() {{
    commands=() flags=() kinds=()
    case $1 in
{table}    esac
}}

# The names that this caller may use, as the program says.
{names}
# Adds those of what a KIND can be that begin with $cur.
{f}_offer() {{
    local each
    case $1 in
    words:*)
        local IFS=,
        for each in ${{1#words:}}; do [[ $each != "$cur"* ]] || COMPREPLY+=("$each"); done
        ;;
    file)
        compopt -o filenames 2>/dev/null
        while IFS= read -r each; do COMPREPLY+=("$each"); done < <(compgen -f -- "$cur")
        ;;
    user | group)
        while IFS= read -r each; do COMPREPLY+=("$each"); done < <(compgen -A "$1" -- "$cur")
        ;;
    names:*)
        local kind=${{1#names:}} action=${{given[0]}}
        if [[ $kind == package && $action == {plan} ]]; then
            ((${{#given[@]}} > 1)) || {{ {f}_offer words:{actions} && return; }}
            action=${{given[1]}}
        fi
        while IFS= read -r each; do
            [[ $each != "$cur"* ]] || COMPREPLY+=("$each")
        done < <({f}_names "$kind" "$action")
        ;;
    esac
}}

{f}() {{
    local words=() commands flags kinds given=() place={name} value='' cur each flag prefix='' part joined='' i
    COMPREPLY=()
    # A word that bash has cut at one of these is one word here.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        part=${{COMP_WORDS[i]}}
        if [[ ($joined || $part == [:=@]) && ${{#words[@]}} -gt 1 ]]; then
            words[${{#words[@]}} - 1]+=$part
            [[ $part == [:=@] ]] && joined=1 || joined=
        else
            words+=("$part")
        fi
    done
    cur=${{words[${{#words[@]}} - 1]}}
    words=("${{words[@]:1:${{#words[@]}}-2}}")
    {f}_at "$place"
    for each in "${{words[@]}}"; do
        if [[ $value ]]; then
            value=
        elif [[ $each == -* ]]; then
            for flag in "${{flags[@]}}"; do [[ $flag != "$each="* ]] || value=${{flag#*=}}; done
        elif [[ " ${{commands[*]}} " == *" $each "* ]]; then
            place+=" $each"
            {f}_at "$place"
        else
            given+=("$each")
        fi
    done
    # bash puts what is offered behind the last of these.
    for each in : = @; do
        if [[ $COMP_WORDBREAKS == *"$each"* && $cur == *"$each"* ]]; then
            part=${{cur%"${{cur##*"$each"}}"}}
            ((${{#part}} <= ${{#prefix}})) || prefix=$part
        fi
    done
    if [[ $value ]]; then
        {f}_offer "$value"
    elif [[ $cur == --*=* ]]; then
        flag=${{cur%%=*}}=
        for each in "${{flags[@]}}"; do
            [[ $each != "$flag"* ]] || {{ cur=${{cur#"$flag"}} && prefix=${{prefix#"$flag"}} && {f}_offer "${{each#*=}}"; }}
        done
    elif [[ $cur == -* ]]; then
        for each in "${{flags[@]}}"; do [[ ${{each%%=*}} != "$cur"* ]] || COMPREPLY+=("${{each%%=*}}"); done
    elif ((${{#commands[@]}})); then
        for each in "${{commands[@]}}"; do [[ $each != "$cur"* ]] || COMPREPLY+=("$each"); done
    elif ((${{#kinds[@]}})); then
        i=${{#given[@]}}
        ((i < ${{#kinds[@]}})) || i=$((${{#kinds[@]}} - 1))
        {f}_offer "${{kinds[i]}}"
    fi
    for i in "${{!COMPREPLY[@]}}"; do COMPREPLY[i]=${{COMPREPLY[i]#"$prefix"}}; done
}}

complete -F {f} {name}
"#,
        names = names::function(&format!("{f}_names")),
    )
}

fn rows(place: &Place, into: &mut String) {
    let commands = place.commands.iter().filter_map(|command| command.path.last());
    let commands: Vec<String> = commands.cloned().collect();
    let mut flags = Vec::new();
    for Flag { long, short, value, .. } in &place.flags {
        for name in [Some(long), short.as_ref()].into_iter().flatten() {
            flags.push(match value {
                Some((_, value)) => format!("{name}={}", kind(value)),
                None => name.clone(),
            });
        }
    }
    let kinds: Vec<String> = place.words.iter().map(|word| kind(&word.kind)).collect();
    let _ = writeln!(into, "    {})", word(&place.path.join(" ")));
    for (name, values) in [("commands", commands), ("flags", flags), ("kinds", kinds)] {
        if !values.is_empty() {
            let values: Vec<String> = values.iter().map(|value| word(value)).collect();
            let _ = writeln!(into, "        {name}=({})", values.join(" "));
        }
    }
    let _ = writeln!(into, "        ;;");
    place.commands.iter().for_each(|command| rows(command, into));
}

/// A kind as a word of the script.
pub fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Words(words) => format!("words:{}", words.join(",")),
        Kind::File => "file".to_owned(),
        Kind::User => "user".to_owned(),
        Kind::Group => "group".to_owned(),
        Kind::Units => "names:service".to_owned(),
        Kind::Packages => "names:package".to_owned(),
        Kind::Free => "free".to_owned(),
    }
}
