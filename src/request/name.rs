//! Names of units, packages and tasks, parsed once at the edge into types that hold nothing else.
//!
//! The grammar is the same for all of them: `[A-Za-z0-9][A-Za-z0-9+_.@:-]{0,127}`. It has no character
//! that a shell, a glob, a regular expression, systemd's or apt's own notation gives a meaning,
//! save the few that [`PackageName`] takes care of.

use std::fmt;

/// The longest name, in bytes; [`SERVICE`] at the end of a unit's does not count.
pub const LONGEST: usize = 128;

/// The suffix of a unit that may be left out.
pub const SERVICE: &str = ".service";

/// The suffixes that make a unit name complete (`systemd.unit(5)`).
const UNIT_SUFFIXES: [&str; 11] = [
    SERVICE,
    ".socket",
    ".device",
    ".mount",
    ".automount",
    ".swap",
    ".target",
    ".path",
    ".timer",
    ".slice",
    ".scope",
];

/// Why some bytes are not a name: one sentence that names the offending character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameError {
    sentence: String,
    hint: Option<String>,
}

impl NameError {
    fn new(sentence: String) -> Self {
        Self { sentence, hint: None }
    }

    /// The right form, if it can be told.
    pub fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// A complete unit name: `nginx` is held as `nginx.service`, `snapd.socket` as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitName(String);

impl UnitName {
    /// Takes a name from a caller or a policy; `.service` is added if there is no suffix. A
    /// complete name, given again, is the same name.
    ///
    /// # Errors
    /// If the bytes are not of the grammar.
    pub fn parse(bytes: &[u8]) -> Result<Self, NameError> {
        let more = if bytes.ends_with(SERVICE.as_bytes()) { SERVICE.len() } else { 0 };
        let name = grammar(bytes, LONGEST + more)?;
        let complete =
            UNIT_SUFFIXES.iter().any(|suffix| name.len() > suffix.len() && name.ends_with(suffix));
        Ok(Self(if complete { name.to_owned() } else { format!("{name}{SERVICE}") }))
    }

    /// The same of a name that a policy grants, which must be one that can run.
    ///
    /// # Errors
    /// If the bytes are not of the grammar, name a template (`app@`) and none of its instances, or
    /// end in what is nearly a suffix.
    pub fn parse_granted(bytes: &[u8]) -> Result<Self, NameError> {
        let unit = Self::parse(bytes)?;
        if let Some(meant) = unit.meant_by(bytes) {
            return Err(NameError {
                sentence: format!("{} would be the unit {}", quoted(bytes), unit.0),
                hint: Some(format!("write {meant:?}, or all of that name: {:?}", unit.0)),
            });
        }
        let (stem, suffix) = unit.0.rsplit_once('.').unwrap_or((&unit.0, ""));
        let Some(template) = stem.strip_suffix('@') else { return Ok(unit) };
        let suffix = if bytes.ends_with(b"@") { String::new() } else { format!(".{suffix}") };
        Err(NameError {
            sentence: format!(
                "{} is not a unit: it is a template, of which only instances run",
                quoted(bytes)
            ),
            hint: Some(format!("name an instance of it: `{template}@NAME{suffix}`")),
        })
    }

    /// The unit that was most likely meant by a name whose suffix is one letter, or a capital, away
    /// from one of systemd's.
    fn meant_by(&self, bytes: &[u8]) -> Option<String> {
        let given = self.0.strip_suffix(SERVICE).filter(|given| given.as_bytes() == bytes)?;
        let (stem, last) = given.rsplit_once('.')?;
        let last = format!(".{}", last.to_ascii_lowercase());
        // Of a short word many others are one letter away.
        let is_near = |suffix: &&str| {
            *suffix == last || suffix.len() > 5 && strsim::osa_distance(&last, suffix) == 1
        };
        UNIT_SUFFIXES.into_iter().find(is_near).map(|suffix| format!("{stem}{suffix}"))
    }

    /// The complete name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A package name that a package manager can only read as a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageName(String);

impl PackageName {
    /// Takes a name from a caller or a policy.
    ///
    /// A trailing `-` or `+` is refused, since `apt-get install curl-` removes curl
    /// (`apt-get(8)`); `++` may end a name (`g++`), for apt takes the exact name first.
    ///
    /// # Errors
    /// If the bytes are not of the grammar, or end in a modifier.
    pub fn parse(bytes: &[u8]) -> Result<Self, NameError> {
        let name = grammar(bytes, LONGEST)?;
        let modifier = name.ends_with('-') || (name.ends_with('+') && !name.ends_with("++"));
        if modifier {
            let last = char::from(bytes[bytes.len() - 1]);
            return Err(NameError::new(format!(
                "{} is not a name: a package manager would read the `{last}` at its end as an instruction",
                quoted(bytes)
            )));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a task, which a policy has made up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskName(String);

impl TaskName {
    /// Takes a name from a caller or a policy.
    ///
    /// # Errors
    /// If the bytes are not of the grammar.
    pub fn parse(bytes: &[u8]) -> Result<Self, NameError> {
        grammar(bytes, LONGEST).map(|name| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The bytes as text if they are of the grammar that units, packages and tasks share, and no longer.
fn grammar(bytes: &[u8], longest: usize) -> Result<&str, NameError> {
    let Some(&first) = bytes.first() else {
        return Err(NameError::new("an empty name is not a name".to_owned()));
    };
    if bytes.len() > longest {
        return Err(NameError::new(format!(
            "{} is not a name: it is {} bytes long, {longest} are allowed",
            quoted(bytes),
            bytes.len()
        )));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+_.@:-".contains(&byte);
    if let Some(at) = bytes.iter().position(|&byte| !allowed(byte)) {
        let sentence = format!(
            "{} is not a name: {} at byte {} is not allowed",
            quoted(bytes),
            character(bytes, at),
            at + 1
        );
        let is_glob = b"*?[{".contains(&bytes[at]);
        let hint = "names are whole, there are no globs: list them one by one";
        return Err(NameError { sentence, hint: is_glob.then(|| hint.to_owned()) });
    }
    if !first.is_ascii_alphanumeric() {
        return Err(NameError::new(format!(
            "{} is not a name: it begins with {}, and a letter or a digit is needed there",
            quoted(bytes),
            character(bytes, 0)
        )));
    }
    // Every byte is ASCII here.
    str::from_utf8(bytes).map_err(|_| NameError::new("a name must be ASCII".to_owned()))
}

/// The character that begins at `at`, in words: `` character `;` (U+003B) `` or `byte 0xff`.
fn character(bytes: &[u8], at: usize) -> String {
    let rest = &bytes[at..bytes.len().min(at + 4)];
    let decoded = match str::from_utf8(rest) {
        Ok(text) => text.chars().next(),
        Err(error) => {
            str::from_utf8(&rest[..error.valid_up_to()]).ok().and_then(|text| text.chars().next())
        }
    };
    match decoded {
        Some(c) => format!("character `{}` (U+{:04X})", c.escape_debug(), u32::from(c)),
        None => format!("byte 0x{:02x}, which is not UTF-8,", bytes[at]),
    }
}

/// What the caller wrote, escaped and cut, so that a message can hold it.
pub fn quoted(bytes: &[u8]) -> String {
    const SHOWN: usize = 48;
    let cut = &bytes[..bytes.len().min(SHOWN)];
    let dots = if bytes.len() > SHOWN { "…" } else { "" };
    format!("`{}{dots}`", cut.escape_ascii())
}

/// Whether requests come in over this unit (`sm setup-broker`): no policy can grant it. Those of the
/// first version were a unit for each connection, in a slice of their own (`systemd.slice(5)`).
pub fn is_of_the_broker(unit: &str) -> bool {
    let is_one = ["sm.socket", "sm-broker.service", "system-sm.slice"].contains(&unit);
    is_one || unit.starts_with("sm@")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_unit_name_is_made_complete() {
        for (given, complete) in [
            ("nginx", "nginx.service"),
            ("nginx.service", "nginx.service"),
            ("snapd.socket", "snapd.socket"),
            ("app@blue", "app@blue.service"),
            ("foo.bar", "foo.bar.service"),
            ("service", "service.service"),
        ] {
            assert_eq!(UnitName::parse(given.as_bytes()).unwrap().as_str(), complete);
        }
    }

    #[test]
    fn the_offending_character_is_named() {
        for (given, message) in [
            (&b"nginx;reboot"[..], "character `;` (U+003B) at byte 6"),
            (b"nginx.servic?", "character `?` (U+003F) at byte 13"),
            (b"curl/stable", "character `/`"),
            (b"curl=1.0", "character `=`"),
            (b"-y", "begins with character `-` (U+002D)"),
            (b"--force", "begins with character `-`"),
            (b"a\xffb", "byte 0xff"),
            ("né".as_bytes(), "character `é` (U+00E9)"),
            (b"a\nb", "character `\\n` (U+000A)"),
            (b"", "empty"),
            (&[b'a'; 129], "129 bytes long"),
        ] {
            let error = PackageName::parse(given).unwrap_err().to_string();
            assert!(error.contains(message), "{error:?} does not say {message:?}");
        }
    }

    #[test]
    fn a_template_without_an_instance_is_no_unit() {
        for (given, right) in [
            ("app@", "`app@NAME`"),
            ("app@.service", "`app@NAME.service`"),
            ("a.b@", "`a.b@NAME`"),
            ("app@.socket", "`app@NAME.socket`"),
            ("app@x@", "`app@x@NAME`"),
        ] {
            let error = UnitName::parse_granted(given.as_bytes()).expect_err(given);
            assert!(error.to_string().contains("template"), "{error}");
            let hint = error.hint().expect("a hint");
            assert!(hint.ends_with(right), "{given}: {hint}");
        }
        for given in ["app@blue", "app@blue.socket", "app@.x", "a@b@c", "app@x.service"] {
            assert!(UnitName::parse_granted(given.as_bytes()).is_ok(), "{given}");
        }
        // A request for one is refused as for any other that the policy does not name.
        assert!(UnitName::parse(b"app@").is_ok());
        // A package may end so for all that is known.
        assert!(PackageName::parse(b"app@").is_ok());
    }

    #[test]
    fn a_suffix_that_is_misspelt_is_no_part_of_a_name_that_is_granted() {
        for (given, meant) in [
            ("myapp.servce", "\"myapp.service\""),
            ("myapp.Service", "\"myapp.service\""),
            ("my.app.sevrice", "\"my.app.service\""),
            ("app@1.services", "\"app@1.service\""),
            ("backup.timers", "\"backup.timer\""),
            ("a.SWAP", "\"a.swap\""),
        ] {
            let error = UnitName::parse_granted(given.as_bytes()).expect_err(given);
            let hint = error.hint().expect("a hint");
            assert!(hint.contains(meant), "{given}: {hint}");
            // Whoever means just that can say so.
            let whole = format!("{given}.service");
            assert_eq!(UnitName::parse_granted(whole.as_bytes()).expect("a name").as_str(), whole);
        }
        for given in ["org.example.daily", "a.math", "a.swat", "app.v2", "service", "servce"] {
            assert!(UnitName::parse_granted(given.as_bytes()).is_ok(), "{given}");
        }
    }

    #[test]
    fn what_apt_reads_as_an_instruction_is_no_package_name() {
        for given in ["curl-", "curl+", "a+", "a--"] {
            assert!(PackageName::parse(given.as_bytes()).is_err(), "{given}");
        }
        for given in ["g++", "libstdc++6", "docker.io", "trash-cli", "libc6:i386"] {
            assert!(PackageName::parse(given.as_bytes()).is_ok(), "{given}");
        }
    }

    proptest! {
        #[test]
        fn a_complete_name_names_the_same(
            given in "[a-z][A-Za-z0-9+_.@:-]{0,9}a{0,130}(|\\.service|\\.socket)",
        ) {
            if let Ok(unit) = UnitName::parse(given.as_bytes()) {
                prop_assert_eq!(UnitName::parse(unit.as_str().as_bytes()), Ok(unit));
            } else {
                prop_assert!(given.len() > LONGEST);
            }
        }

        #[test]
        fn no_bytes_make_a_bad_name(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(name) = PackageName::parse(&bytes) {
                prop_assert_eq!(name.as_str().as_bytes(), &bytes[..]);
                prop_assert!(bytes[0].is_ascii_alphanumeric() && bytes.len() <= LONGEST);
                prop_assert!(bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"+_.@:-".contains(b)));
            }
            if let Err(error) = UnitName::parse(&bytes) {
                prop_assert!(error.to_string().len() < 600);
                prop_assert!(error.to_string().chars().all(|c| !c.is_control()));
            }
        }
    }
}
