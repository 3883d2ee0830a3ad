# What runs on a host for `sm fleet run`: the helper with the words that follow, and its reply as
# one line. $1 is the word that marks what is said.
IFS= read -r n && words=$(head -c "$n")
helper=/usr/local/bin/sm-helper
# A package's.
[ -e "$helper" ] || [ ! -e /usr/bin/sm-helper ] || helper=/usr/bin/sm-helper
said=$(eval "$helper $words" </dev/null) && status=0 || status=$?
printf '\n%s reply %s %s\n' "$1" "$status" "$(printf %s "$said" | tr -d '\n')"
