//! The names that a policy has, for a shell to offer: asked of the program, at each tab.
//!
//! An account gets its own, from `sm-helper list`, which needs no root and leaves no record. Root's
//! `list` would be recorded, and root may ask for all, so for root it is `sm policy surface`. It is
//! the installed program by its path that is asked, whatever was typed: a tab must not run a file
//! of that name in somebody's folder. Of what it prints only what is a name by the policy's own
//! rules is handed on, so that nothing in it can mean anything to a shell.

/// The function of this name, for bash and zsh alike: kind, action; a name a line.
pub fn function(name: &str) -> String {
    format!(
        r#"{name}() {{ # KIND ACTION
    if ((EUID == 0)); then
        /usr/local/bin/sm policy surface </dev/null 2>/dev/null | LC_ALL=C {FOR_ROOT}
    else
        /usr/local/bin/sm-helper list --pretty </dev/null 2>/dev/null | LC_ALL=C {FOR_ALL}
    fi
}}
"#
    )
}

/// The same for fish.
pub fn in_fish(name: &str) -> String {
    let quoted =
        |program: &str| program.replace("\"$1\"", "$argv[1]").replace("\"$2\"", "$argv[2]");
    format!(
        r#"function {name} --argument-names kind action
    if test (id -u) -eq 0
        /usr/local/bin/sm policy surface </dev/null 2>/dev/null | env LC_ALL=C {}
    else
        /usr/local/bin/sm-helper list --pretty </dev/null 2>/dev/null | env LC_ALL=C {}
    end
end
"#,
        quoted(FOR_ROOT),
        quoted(FOR_ALL)
    )
}

/// From lines like `"service restart nginx.service": [[…`.
const FOR_ROOT: &str = r#"awk -v kind="$1" -v action="$2" '
            BEGIN { begin = "\"" kind " " action " " }
            index($0, begin) == 1 {
                name = substr($0, length(begin) + 1)
                sub(/": .*/, "", name)
                if (name ~ /^[A-Za-z0-9][A-Za-z0-9+_.@:-]*$/) print name
            }'"#;

/// From the indented reply, where a name has its line, and below it each action.
const FOR_ALL: &str = r#"awk -v kind="$1" -v action="$2" '
            /^  "/ { inside = $0 == "  \"" kind "s\": {"; next }
            inside && /^    "[A-Za-z0-9][A-Za-z0-9+_.@:-]*": [{]$/ { split($0, part, "\""); name = part[2]; next }
            inside && /^    "/ { name = "" }
            inside && name && /^        "/ { split($0, part, "\""); if (part[2] == action) print name }'"#;
