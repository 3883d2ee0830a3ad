//! The options of ssh that an inventory may give (`ssh_config(5)`), and what may stand behind each.

use crate::admin::fleet::inventory::address::{self, Address};
use crate::output::nearest::nearest;
use crate::output::text::is_hidden;
use crate::request::name::quoted;

/// What may stand behind `=`.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Hosts in between.
    Jump,
    /// A command line, as it stands there: the administrator's own words.
    Command,
    /// A file.
    Path,
    /// A socket, or what ssh calls it.
    Agent,
    /// Files with host keys.
    KnownHosts,
    /// Names of algorithms, of ways to log in.
    List,
    /// 0 to 65535.
    Number,
    /// One of these words; if there is one only, the others are refused.
    OneOf(&'static [&'static str]),
    /// A host's name or address.
    Address,
    /// A network interface.
    Interface,
    /// The port.
    Port,
    /// The account.
    User,
    /// How strictly host keys are checked is not the inventory's to say.
    Strictness,
    /// Each host gets one connection of this program's own.
    LeftOut,
}

const YES_NO: Kind = Kind::OneOf(&["yes", "no"]);
const NO: Kind = Kind::OneOf(&["no"]);

/// The options that an inventory may give (`ssh_config(5)`).
pub const TABLE: [(&str, Kind); 56] = [
    ("AddressFamily", Kind::OneOf(&["any", "inet", "inet6"])),
    ("BatchMode", Kind::LeftOut),
    ("BindAddress", Kind::Address),
    ("BindInterface", Kind::Interface),
    ("CASignatureAlgorithms", Kind::List),
    ("CertificateFile", Kind::Path),
    ("CheckHostIP", YES_NO),
    ("Ciphers", Kind::List),
    ("ClearAllForwardings", Kind::OneOf(&["yes"])),
    ("Compression", YES_NO),
    ("ConnectionAttempts", Kind::Number),
    ("ConnectTimeout", Kind::LeftOut),
    ("ControlMaster", Kind::LeftOut),
    ("ControlPath", Kind::LeftOut),
    ("ControlPersist", Kind::LeftOut),
    ("ForwardAgent", NO),
    ("ForwardX11", NO),
    ("ForwardX11Trusted", NO),
    ("GlobalKnownHostsFile", Kind::KnownHosts),
    ("GSSAPIAuthentication", YES_NO),
    ("GSSAPIDelegateCredentials", NO),
    ("HashKnownHosts", YES_NO),
    ("HostbasedAuthentication", YES_NO),
    ("HostKeyAlgorithms", Kind::List),
    ("HostKeyAlias", Kind::Address),
    ("IdentitiesOnly", YES_NO),
    ("IdentityAgent", Kind::Agent),
    ("IdentityFile", Kind::Path),
    ("IPQoS", Kind::List),
    ("KbdInteractiveAuthentication", YES_NO),
    ("KexAlgorithms", Kind::List),
    ("LogLevel", Kind::LeftOut),
    ("MACs", Kind::List),
    ("NumberOfPasswordPrompts", Kind::Number),
    ("PasswordAuthentication", YES_NO),
    ("PermitLocalCommand", NO),
    ("Port", Kind::Port),
    ("PreferredAuthentications", Kind::List),
    ("ProxyCommand", Kind::Command),
    ("ProxyJump", Kind::Jump),
    ("PubkeyAcceptedAlgorithms", Kind::List),
    ("PubkeyAcceptedKeyTypes", Kind::List),
    ("PubkeyAuthentication", YES_NO),
    ("RekeyLimit", Kind::List),
    ("RequestTTY", NO),
    ("RequiredRSASize", Kind::Number),
    ("ServerAliveCountMax", Kind::Number),
    ("ServerAliveInterval", Kind::Number),
    ("StrictHostKeyChecking", Kind::Strictness),
    ("TCPKeepAlive", YES_NO),
    ("Tunnel", NO),
    ("UpdateHostKeys", NO),
    ("User", Kind::User),
    ("UserKnownHostsFile", Kind::KnownHosts),
    ("VerifyHostKeyDNS", NO),
    ("VisualHostKey", Kind::LeftOut),
];

/// Flags of ssh that are an option by another name (`ssh(1)`).
pub const FLAGS: [(char, &str, Option<&str>); 13] = [
    ('4', "AddressFamily", Some("inet")),
    ('6', "AddressFamily", Some("inet6")),
    ('C', "Compression", Some("yes")),
    ('T', "RequestTTY", Some("no")),
    ('a', "ForwardAgent", Some("no")),
    ('k', "GSSAPIDelegateCredentials", Some("no")),
    ('q', "LogLevel", Some("quiet")),
    ('x', "ForwardX11", Some("no")),
    ('J', "ProxyJump", None),
    ('b', "BindAddress", None),
    ('i', "IdentityFile", None),
    ('l', "User", None),
    ('p', "Port", None),
];

/// What is wrong, and what to write.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What is wrong.
    pub text: String,
    /// What to write.
    pub hint: Option<String>,
}

impl Wrong {
    /// Without a hint.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), hint: None }
    }

    /// With what to write.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With the option that it is about.
    #[must_use]
    pub fn of(mut self, option: &str) -> Self {
        self.text = format!("{option}: {}", self.text);
        self
    }

    /// Not in the table.
    pub fn refused(name: &str) -> Self {
        let text =
            format!("{} is not an option that an inventory may set", quoted(name.as_bytes()));
        Self::new(text).hint(match nearest(name, TABLE.iter().map(|row| row.0)) {
            Some(near) => format!("did you mean {near}?"),
            None => {
                "docs/fleet-inventory.md says which ones it may; the rest belongs in ~/.ssh/config"
                    .to_owned()
            }
        })
    }
}

/// The row of an option, which may be written in any case.
///
/// # Errors
/// If it has none.
pub fn row(name: &str) -> Result<(&'static str, Kind), Wrong> {
    let row = TABLE.iter().find(|row| row.0.eq_ignore_ascii_case(name));
    row.copied().ok_or_else(|| Wrong::refused(name))
}

/// What becomes of an option.
#[derive(Debug)]
pub enum Taken {
    /// ssh gets it with this value.
    Value(String),
    /// It is the port.
    Port(u16),
    /// It is the account.
    User(String),
    /// It would switch off the checking of host keys.
    Unchecked,
    /// It has no effect, and nobody expects one.
    Nothing,
}

impl Kind {
    /// Reads what stands behind `=`.
    ///
    /// # Errors
    /// If it cannot stand there.
    pub fn taken(self, value: &str) -> Result<Taken, Wrong> {
        if let Some(c) = value.chars().find(|c| is_hidden(*c)) {
            return Err(Wrong::new(format!("U+{:04X} is in it", u32::from(c))));
        }
        if value.is_empty() {
            return Err(Wrong::new("it has no value"));
        }
        // ssh takes such quotes off, except from a command line.
        let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
        match self {
            Self::Port => return address::port(bare).map(Taken::Port).map_err(Wrong::new),
            Self::User => return address::user(bare).map(Taken::User).map_err(Wrong::new),
            Self::KnownHosts if bare.split_whitespace().any(is_no_file) => {
                return Ok(Taken::Unchecked);
            }
            Self::Strictness => {
                let off = ["no", "off", "false"].iter().any(|off| off.eq_ignore_ascii_case(bare));
                return Ok(if off { Taken::Unchecked } else { Taken::Nothing });
            }
            Self::LeftOut => return Ok(Taken::Nothing),
            Self::Jump => {
                let hint = "write ACCOUNT@HOST:PORT, account and port only if needed";
                return address::jump(bare)
                    .map(Taken::Value)
                    .map_err(|reason| Wrong::new(reason).hint(hint));
            }
            _ => {}
        }
        self.text(value, bare).map(Taken::Value).map_err(Wrong::new)
    }

    fn text(self, value: &str, bare: &str) -> Result<String, String> {
        let shown = quoted(bare.as_bytes());
        match self {
            Self::Agent if matches!(bare, "none" | "SSH_AUTH_SOCK" | "$SSH_AUTH_SOCK") => {
                Ok(bare.to_owned())
            }
            Self::Agent | Self::Path => path(bare),
            // In quotes it is one file, and ssh would take it for two without them.
            Self::KnownHosts if bare != value => path(bare),
            Self::KnownHosts => {
                let files: Result<Vec<_>, _> = bare.split_whitespace().map(path).collect();
                Ok(files?.join(" "))
            }
            Self::List => list(bare),
            Self::Number => match bare.parse::<u16>() {
                Ok(number) => Ok(number.to_string()),
                Err(_) => Err(format!("{shown} is not a number from 0 to 65535")),
            },
            Self::OneOf(words) => match words.iter().find(|word| word.eq_ignore_ascii_case(bare)) {
                Some(word) => Ok((*word).to_owned()),
                None if words.len() == 1 => {
                    Err(format!("an inventory can only have {}, not {shown}", words[0]))
                }
                None => Err(format!("{shown} is not one of {}", words.join(", "))),
            },
            Self::Address => Address::parse(bare),
            Self::Interface => {
                let good = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
                if bare.bytes().all(good) && !bare.starts_with('-') {
                    Ok(bare.to_owned())
                } else {
                    Err(format!("{shown} is not an interface"))
                }
            }
            // These were seen to before; what is not seen to does not pass.
            Self::Jump | Self::Port | Self::User | Self::Strictness | Self::LeftOut => {
                Err(format!("{shown} is not allowed here"))
            }
            Self::Command => Ok(value.to_owned()),
        }
    }
}

/// A path that is one word for ssh, which knows quotes, `\`, `#` and `${…}` in a value.
///
/// # Errors
/// If it is none.
pub fn path(text: &str) -> Result<String, String> {
    let wrong = |reason: &str| Err(format!("{} is not a path: {reason}", quoted(text.as_bytes())));
    if text.is_empty() || text.starts_with('-') {
        return wrong("it is empty or begins with `-`");
    }
    let strange = |c: &char| is_hidden(*c) || c.is_whitespace() || "\"'\\$`#=".contains(*c);
    if let Some(c) = text.chars().find(strange) {
        return wrong(&format!("`{}` is in it", c.escape_default()));
    }
    Ok(text.to_owned())
}

/// A list of known hosts that would hold none.
fn is_no_file(file: &str) -> bool {
    let file = file.replace("//", "/");
    file == "none" || file.starts_with("/dev/") || file.starts_with("/proc/")
}

/// Words as algorithms and ways to log in have them.
fn list(text: &str) -> Result<String, String> {
    let good = |c: u8| c.is_ascii_alphanumeric() || b"@.,+^*?!_- ".contains(&c);
    if text.bytes().all(good) && !text.trim().is_empty() {
        Ok(text.to_owned())
    } else {
        Err(format!("{} is not a list of names", quoted(text.as_bytes())))
    }
}
