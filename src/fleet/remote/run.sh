# What runs on a host for `sm fleet run`: the command that follows, and its reply as one line.
# $1 is the word that marks what is said.
IFS= read -r n && command=$(head -c "$n")
said=$(eval "$command" </dev/null) && status=0 || status=$?
printf '\n%s reply %s %s\n' "$1" "$status" "$(printf %s "$said" | tr -d '\n')"
