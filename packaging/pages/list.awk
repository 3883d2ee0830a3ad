/^  "/ { inside = $0 == "  \"" kind "s\": {"; next }
inside && /^    "[A-Za-z0-9][A-Za-z0-9+_.@:-]*": [{]$/ { split($0, part, "\""); name = part[2]; next }
inside && /^    "/ { name = "" }
inside && name && /^        "/ { split($0, part, "\""); if (part[2] == action) print name }
