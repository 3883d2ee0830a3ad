//! What `systemctl show` prints, read.

/// The value of a property in what `systemctl show` printed; none if it is empty.
pub fn value<'s>(shown: &'s str, key: &str) -> Option<&'s str> {
    let values = shown.lines().filter_map(|line| line.split_once('='));
    let mut named = values.filter(|(name, _)| *name == key).map(|(_, value)| value);
    named.next().filter(|value| !value.is_empty())
}

/// Whether a unit of this `SubState=` died, and the manager starts it again after a while.
pub fn starts_again(sub_state: &str) -> bool {
    sub_state.starts_with("auto-restart")
}

/// The units that these properties name.
pub fn named_units(shown: &str, keys: &[&str]) -> Vec<String> {
    let named = keys.iter().filter_map(|key| value(shown, key));
    named.flat_map(str::split_whitespace).map(unquoted).collect()
}

/// In a list `systemctl` quotes each name that a shell would not take as it stands, as every one
/// with an escaped sign in it: `"my\\x2dapp.service"` is `my\x2dapp.service`.
fn unquoted(name: &str) -> String {
    let quoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    quoted.map_or_else(|| name.to_owned(), |quoted| quoted.replace("\\\\", "\\"))
}

/// Whether the file of any of the units is another one than the service manager has read.
pub fn is_any_file_unread(shown: &str) -> bool {
    shown.lines().any(|line| line == "NeedDaemonReload=yes")
}
