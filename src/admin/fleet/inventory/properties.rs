//! Whatever an inventory holds: what comes out of it is fit for ssh, or nothing comes out.

use crate::admin::fleet::inventory::host::Host;
use crate::admin::fleet::inventory::{Inventory, address, ssh_arguments};
use crate::output::text::is_hidden;
use proptest::prelude::*;
use std::path::Path;

/// What ssh may get of a host, said a second time and in other words than the readers' own.
fn is_fit(host: &Host) {
    let plain = |text: &str| {
        assert!(!text.starts_with('-') && !text.chars().any(is_hidden), "{text:?}");
    };
    plain(&host.alias);
    plain(&host.address);
    assert!(host.address.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-:%".contains(&c)));
    assert_ne!(host.port, Some(0));
    if let Some(user) = &host.user {
        plain(user);
        assert!(!user.contains([' ', ';', '`', '\'', '"', '|', '&', '(', '<', '>']), "{user}");
    }
    if let Some(identity) = &host.identity {
        let identity = identity.to_str().expect("text");
        plain(identity);
        assert!(!identity.contains(['%', '$']));
    }
    let words: Vec<&str> =
        host.ssh_arguments.iter().map(|word| word.to_str().expect("text")).collect();
    assert_eq!(words.len() % 2, 0);
    for pair in words.chunks(2) {
        plain(pair[1]);
        match pair[0] {
            "-F" => assert!(!pair[1].contains(' ')),
            "-o" => {
                let (key, value) = pair[1].split_once('=').expect("a key and a value");
                assert!(!value.is_empty() && key.bytes().all(|c| c.is_ascii_alphanumeric()));
                assert!(
                    !["LocalCommand", "RemoteCommand", "StrictHostKeyChecking", "HostName"]
                        .contains(&key)
                );
                if key.starts_with("Forward") || key == "PermitLocalCommand" {
                    assert_eq!(value, "no");
                }
            }
            other => panic!("{other}"),
        }
    }
}

fn read(bytes: &[u8]) -> Option<Inventory> {
    let inventory = Inventory::parse(Path::new("i"), bytes, Some(Path::new("/home/joe"))).ok()?;
    inventory.hosts.iter().for_each(is_fit);
    Some(inventory)
}

/// Words that an inventory is made of, and words that should not be in one.
const WORDS: &[&str] = &[
    "all",
    "hosts",
    "children",
    "vars",
    "ungrouped",
    "offline",
    "web",
    "db",
    "web[1:3]",
    "web1:22",
    "ansible_host",
    "ansible_port",
    "ansible_user",
    "ansible_ssh_private_key_file",
    "ansible_ssh_common_args",
    "ansible_connection",
    "ansible_group_priority",
    "hostname",
    "user",
    "port",
    "key_path",
    "proxy_jump",
    "<<",
    "&a",
    "*a",
    "!vault",
    "!!str",
    "-",
    "?",
    "|",
    ">-",
    "22",
    "0",
    "70000",
    "true",
    "local",
    "192.0.2.1",
    "::1",
    "[::1]:22",
    "root",
    "~/.ssh/id",
    "-oProxyCommand=id",
    "'-J a -o ForwardAgent=yes'",
    "\"-o ProxyJump=a\"",
    "\"a\\nb\"",
    "{{ x }}",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    ": ",
    "#",
    "'",
    "\"",
    "\n",
    "\n  ",
    "\n    ",
    "\n      ",
    "\t",
    "---",
    "...",
    "%YAML 1.2",
    "\n[web]\n",
    "\n[web:vars]\n",
    "\n[all:children]\nweb\n",
    "\nweb1 ansible_host=",
    "ansible_port = ",
    "'-oProxyCommand=id'",
    "\"'\\n-x'\"",
    ";",
    "=",
    "\r",
    "\u{2028}",
    "None",
    "0x16",
    "_meta",
    "{\"_meta\": {\"hostvars\": {\"a\": {\"ansible_host\": ",
    "hostvars",
    "\u{feff}",
    "\u{0}",
    "ä",
    "$(id)",
    "~",
    "null",
    " ",
];

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read(&bytes);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        read(text.as_bytes());
    }

    #[test]
    fn any_words_are_read_or_refused(
        words in proptest::collection::vec(proptest::sample::select(WORDS), 0..60),
    ) {
        read(words.concat().as_bytes());
    }

    /// A value gets into a host as it is, or the whole inventory is refused.
    #[test]
    fn a_value_is_taken_whole_or_not_at_all(
        value in "[-a-z0-9%$@:;'\"`\\[\\]{} \n\t.\\\\/=,ä\u{200b}]{1,12}",
    ) {
        let quoted = serde_json::to_string(&value).expect("JSON");
        for (key, taken) in [
            ("hostname", 0), ("user", 1), ("identity_file", 2), ("ssh_common_args", 3),
            ("proxy_jump", 3), ("proxy_command", 3), ("port", 3),
        ] {
            let text = format!("web1: {{{key}: {quoted}}}");
            let Some(inventory) = read(text.as_bytes()) else { continue };
            let host = &inventory.hosts[0];
            match taken {
                0 => prop_assert_eq!(&host.address, value.trim_matches(['[', ']'])),
                1 => prop_assert_eq!(host.user.as_deref(), Some(value.as_str())),
                2 => prop_assert_eq!(host.identity.as_deref(), Some(Path::new(&value))),
                _ => {}
            }
        }
        read(format!("{quoted}:").as_bytes());
        read(format!("all: {{hosts: {{{quoted}: }}}}").as_bytes());
    }

    #[test]
    fn any_arguments_are_taken_apart_or_refused(
        words in proptest::collection::vec(proptest::sample::select(&[
            "-o", "-J", "-i", "-p", "-F", "-4C", "-A", "-tt", "-oUser=", "ProxyJump=", "ProxyCommand",
            "ForwardAgent=yes", "forwardagent=no", "LocalCommand=id", "=", " ", "\"", "'", "\\", "a",
            "-", "--", "22", "/k", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "\n",
        ][..]), 0..12),
    ) {
        let line = words.concat();
        if let Ok(arguments) = ssh_arguments::parse(&line) {
            is_fit(&Host {
                alias: "web1".to_owned(),
                address: "web1".to_owned(),
                port: arguments.port,
                user: arguments.user,
                identity: None,
                ssh_arguments: arguments.ssh,
                offline: false,
                line: 1,
                refused: None,
            });
        }
    }

    #[test]
    fn any_pattern_is_answered(pattern in "[-a-z0-9*?!&~@:,\\[\\] ]{0,20}") {
        let text = "all: {children: {web: {hosts: {'web[1:3]': , '2001:db8::1': }}, db: {hosts: {a: }}}}";
        let inventory = read(text.as_bytes()).expect("a good one");
        if let Ok(hosts) = inventory.limited(Some(&pattern)) {
            prop_assert!(!hosts.is_empty());
        }
    }

    /// The parts of an address' grammar that are easy to get wrong.
    #[test]
    fn an_address_has_nothing_but_its_characters(text in "\\PC{0,20}") {
        if let Ok(address) = address::Address::parse(&text) {
            prop_assert!(address.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-:%".contains(&c)));
            prop_assert!(!address.starts_with('-'));
        }
    }
}

/// Small files that would become large: each is refused, and soon.
#[test]
fn a_small_file_does_not_become_a_large_inventory() {
    let laughs = |first: &str| {
        let mut text = format!("a0: &a0 [{first}]\n");
        for level in 1..30 {
            let alias = format!("*a{}", level - 1);
            text += &format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 9].join(", "));
        }
        text
    };
    let chain: String = "g5000: {hosts: {a: }}\n".to_owned()
        + &(0..5000)
            .map(|group| {
                format!("g{group}: {{children: {{g{}: }}, vars: {{ansible_port: 1}}}}\n", group + 1)
            })
            .collect::<String>();
    let children = {
        let mut text = "g0: &g0 {hosts: {a: }}\n".to_owned();
        for level in 1..40 {
            let below = format!("*g{}", level - 1);
            text += &format!(
                "g{level}: &g{level} {{children: {{x{level}: {below}, y{level}: {below}}}}}\n"
            );
        }
        text
    };
    // Each level is as deep as it may be, and the next one hangs on it.
    let deeper: String = (0..100)
        .map(|level| {
            let below = if level == 0 { "x".to_owned() } else { format!("*d{}", level - 1) };
            let (open, close) = ("[".repeat(200), "]".repeat(200));
            format!("d{level}: &d{level} {open}{below}{close}\n")
        })
        .collect();
    let many = |times: usize| -> String {
        (0..times).map(|group| format!("g{group}: {{hosts: {{'a[1:100000]': }}}}\n")).collect()
    };
    for (name, text, good) in [
        ("laughs", laughs("x"), false),
        ("children", children, false),
        ("aliases in the depth", deeper, false),
        ("nested lists", "[".repeat(100_000), false),
        ("nested maps", "{a: ".repeat(100_000), false),
        (
            "nested blocks",
            (0..3000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(),
            false,
        ),
        ("dashes", "- ".repeat(100_000), false),
        ("itself", "all: &a {children: *a}".to_owned(), false),
        ("merges itself", "all: &a {<<: *a}".to_owned(), false),
        ("a long chain", chain, true),
        ("all at once", many(1), true),
        ("too often", many(11), false),
        ("too many", "a: {hosts: {'a[1:60000]': , 'b[1:60000]': }}".to_owned(), false),
        ("anchors", "&a ".repeat(100_000), false),
        ("comments", "#".repeat(1 << 20), false),
        ("one word", "a".repeat(1 << 20), false),
        ("quotes", "'".repeat(1 << 20), false),
        ("questions", "? ".repeat(100_000), false),
        ("spaces", " ".repeat(1 << 20), false),
        ("lines", "\n".repeat(1 << 20), false),
        ("INI: lines", "[web]\n".repeat(100_000), false),
        ("INI: groups", (0..100_001).map(|group| format!("[g{group}]\n")).collect(), false),
        ("INI: hosts", "[a]\nb[1:100000]\n[c]\n".to_owned(), true),
        ("INI: hosts in hosts", "a[1:1000]b[1:1000]\n".to_owned(), false),
        (
            "INI: too often",
            (0..11).map(|group| format!("[g{group}]\na[1:100000]\n")).collect(),
            false,
        ),
        ("INI: brackets", format!("a ansible_host={}", "[".repeat(1 << 20)), false),
        ("INI: braces", format!("[a:vars]\nx={}", "{(".repeat(1 << 20)), false),
        ("INI: strings", format!("a x=\"{}\"", "''".repeat(1 << 20)), true),
        ("INI: digits", format!("a ansible_port={}", "9".repeat(1 << 20)), false),
        (
            "INI: a long chain",
            (0..5000)
                .map(|group| format!("[g{group}:children]\ng{}\n", group + 1))
                .collect::<String>()
                + "[g5000]\na\n",
            true,
        ),
        ("tags", "!a ".repeat(100_000), false),
        ("keys", (0..50_000).map(|key| format!("k{key}:\n")).collect(), true),
        ("stars", format!("all: {{hosts: {{{}: }}}}", "a".repeat(200)), true),
    ] {
        let begun = std::time::Instant::now();
        assert_eq!(read(text.as_bytes()).is_some(), good, "{name}");
        assert!(begun.elapsed().as_secs() < 120, "{name} took {:?}", begun.elapsed());
    }
    let long = "a".repeat(200);
    let inventory = read(format!("all: {{hosts: {{{long}: }}}}").as_bytes()).expect("one host");
    assert!(inventory.limited(Some(&"*a".repeat(100))).is_ok());
    assert!(inventory.limited(Some(&format!("{}b", "*a".repeat(100)))).is_err());
}
