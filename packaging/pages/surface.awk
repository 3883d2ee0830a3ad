BEGIN { begin = "\"" kind " " action " " }
index($0, begin) == 1 {
    name = substr($0, length(begin) + 1)
    sub(/": .*/, "", name)
    if (name ~ /^[A-Za-z0-9][A-Za-z0-9+_.@:-]*$/) print name
}
