//! What `systemctl show` prints, read.

/// The value of a property in what `systemctl show` printed; none if it is empty.
pub fn value<'s>(shown: &'s str, key: &str) -> Option<&'s str> {
    let values = shown.lines().filter_map(|line| line.split_once('='));
    let mut named = values.filter(|(name, _)| *name == key).map(|(_, value)| value);
    named.next().filter(|value| !value.is_empty())
}

/// The units that these properties name.
pub fn named_units(shown: &str, keys: &[&str]) -> Vec<String> {
    let named = keys.iter().filter_map(|key| value(shown, key));
    named.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

/// Whether the file of any of the units is another one than the service manager has read.
pub fn is_any_file_unread(shown: &str) -> bool {
    shown.lines().any(|line| line == "NeedDaemonReload=yes")
}
