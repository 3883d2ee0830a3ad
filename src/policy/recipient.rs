//! Whom what rotation puts aside is encrypted to: `[audit] recipients`, each a public key that the program
//! `age` takes on its command line.

use crate::output::base64;

/// The longest there is, in bytes: an RSA key of 16384 bits with a comment.
const LONGEST: usize = 4096;

/// The letters of bech32 (BIP 173), each at its value.
const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// How long a recipient of age's own is: `age1`, 52 letters for 32 bytes, 6 for the checksum.
const X25519: usize = 4 + 52 + 6;

/// A public key whose form and checksum are right. It is one word or two, does not begin with `-`, and has
/// nothing in it but letters, digits, `+`, `/`, `=`, `-` and the space between the two words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recipient(String);

/// What is wrong with one, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// In one sentence. It has nothing of the text, which may be secret.
    pub message: &'static str,
    /// What to write.
    pub hint: &'static str,
}

const FORMS: &str = "write what age-keygen prints behind \"public key:\" (age1…), or a line of a .pub file of ssh-keygen (ssh-ed25519 …, ssh-rsa …)";
const SECRET: &str = "make a new one with age-keygen, since this one can be read here, and write its recipient: age-keygen -y FILE";

impl Recipient {
    /// `age1…`, `ssh-ed25519 …` or `ssh-rsa …`; what an SSH key has behind it is left out.
    ///
    /// # Errors
    /// If it is none of these.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = |message| Err(Wrong { message, hint: FORMS });
        if text.to_ascii_uppercase().contains("SECRET-KEY-") || text.contains("PRIVATE KEY") {
            let message = "this is an identity, which is secret, and not a recipient";
            return Err(Wrong { message, hint: SECRET });
        }
        if text.len() > LONGEST {
            return wrong("this is too long for a recipient");
        }
        if text.bytes().any(|byte| !(b' '..=b'~').contains(&byte)) {
            return wrong("a recipient is one line of printable ASCII");
        }
        let mut words = text.split(' ');
        let (kind, key) = (words.next().unwrap_or_default(), words.next());
        match (kind, key) {
            (kind, None) if kind.starts_with("age1") => match kind.len() {
                X25519 if is_bech32(kind) => Ok(Self(kind.to_owned())),
                X25519 => {
                    wrong("the checksum of this recipient is wrong: it was not copied as it is")
                }
                _ if kind[4..].contains('1') => {
                    let hint = "those of plugins and of other kinds need programs and terminals that no timer has: write an age1… of age-keygen, or an SSH key";
                    Err(Wrong { message: "this recipient is of a kind that is not taken", hint })
                }
                _ => wrong(
                    "this recipient has not the 62 letters of an age1…: a part of it is missing",
                ),
            },
            ("ssh-ed25519" | "ssh-rsa", Some(key)) => match base64::decoded(key) {
                None => {
                    wrong("the second word of this SSH key is not base64: a part of it is missing")
                }
                Some(blob) => {
                    check(kind, &blob).map(|()| Self(format!("{kind} {key}"))).or_else(wrong)
                }
            },
            _ => wrong("this is not a recipient"),
        }
    }

    /// As `age --recipient` takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether it is `age1`, values and their checksum, with what 32 bytes leave over being zero.
fn is_bech32(text: &str) -> bool {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let Some((name, data)) = text.split_once('1') else { return false };
    let value = |letter: u8| BECH32.iter().position(|known| *known == letter);
    let Some(data) = data.bytes().map(value).collect::<Option<Vec<usize>>>() else { return false };
    let name = name.bytes();
    let expanded = name.clone().map(|byte| byte >> 5).chain([0]).chain(name.map(|byte| byte & 31));
    let all = expanded.map(u32::from).chain(data.iter().map(|value| *value as u32));
    let checksum = all.fold(1_u32, |sum, value| {
        let top = sum >> 25;
        let next = (sum & 0x01ff_ffff) << 5 ^ value;
        let bits = GENERATOR.iter().enumerate().filter(|(at, _)| top >> at & 1 == 1);
        bits.fold(next, |next, (_, bits)| next ^ bits)
    });
    // 52 letters are 260 bits.
    checksum == 1 && data.get(51).is_some_and(|last| last & 0b1111 == 0)
}

/// Whether these are the bytes of a public key of this kind (RFC 4253, 6.6; RFC 8709, 4).
fn check(kind: &str, blob: &[u8]) -> Result<(), &'static str> {
    const OTHER: &str = "this is not an SSH key of the kind that its first word says";
    let mut rest = blob;
    let mut next = || {
        let (length, behind) = rest.split_at_checked(4)?;
        let length = u32::from_be_bytes(length.try_into().ok()?);
        let (field, behind) = behind.split_at_checked(length as usize)?;
        rest = behind;
        Some(field)
    };
    let fields = [next(), next(), if kind == "ssh-rsa" { next() } else { Some(&[][..]) }];
    let [Some(name), Some(first), Some(second)] = fields else { return Err(OTHER) };
    if name != kind.as_bytes() || !rest.is_empty() {
        return Err(OTHER);
    }
    if kind == "ssh-ed25519" {
        return if first.len() == 32 { Ok(()) } else { Err(OTHER) };
    }
    // Exponents of more than 24 bits are no key to age, and a number with its highest bit is negative.
    let is_exponent = matches!(first, [..] if first.len() <= 3)
        && first.last().is_some_and(|last| last & 1 == 1)
        && first != [1];
    let number = second.strip_prefix(&[0]).unwrap_or(second);
    if !is_exponent || second.first().is_none_or(|byte| *byte >= 0x80) || number.is_empty() {
        return Err(OTHER);
    }
    match number.len() * 8 - number[0].leading_zeros() as usize {
        ..2048 => Err("this RSA key has less than 2048 bits, which age does not take"),
        16_385.. => Err("this RSA key has more than 16384 bits"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Those of age's own documentation and of `ssh-keygen`.
    const GOOD: [&str; 3] = [
        "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
        "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIDbcDSmVP8x3eVC+M2HtIP2YgN0hMLtmyHKoKRfgYgB",
    ];

    /// A key of so many bits, with this exponent.
    fn rsa(bits: usize, exponent: &[u8]) -> String {
        let mut number = vec![0xff; bits / 8];
        number.insert(0, 0);
        let fields: [&[u8]; 3] = [b"ssh-rsa", exponent, &number];
        let mut blob = Vec::new();
        for field in fields {
            blob.extend((field.len() as u32).to_be_bytes());
            blob.extend(field);
        }
        format!("ssh-rsa {}", base64::encoded(&blob))
    }

    #[test]
    fn recipients_are_taken_as_age_takes_them() {
        for good in GOOD {
            assert_eq!(Recipient::parse(good).map(|one| one.0), Ok(good.to_owned()));
        }
        for (bits, exponent, is_good) in [
            (2048, &[1, 0, 1][..], true),
            (16_384, &[3], true),
            (2040, &[1, 0, 1], false),
            (16_392, &[1, 0, 1], false),
            (2048, &[1], false),
            (2048, &[1, 0, 0], false),
            (2048, &[1, 0, 0, 1], false),
            (2048, &[], false),
        ] {
            assert_eq!(Recipient::parse(&rsa(bits, exponent)).is_ok(), is_good, "{bits}");
        }
        let commented = format!("{} agent@host, 2026", GOOD[2]);
        assert_eq!(Recipient::parse(&commented).map(|one| one.0), Ok(GOOD[2].to_owned()));
    }

    #[test]
    fn nothing_else_is_a_recipient() {
        let (own, ssh) = (GOOD[0], GOOD[2]);
        for bad in [
            "",
            " ",
            "age1",
            "-r",
            "--identity=/root/key",
            "-",
            "/etc/sm/recipients",
            "github:somebody",
            &own.to_uppercase(),
            &own[..61],
            &format!("{own}q"),
            &format!(" {own}"),
            &format!("{own} "),
            &format!("{own} {own}"),
            &format!("{own}\n{own}"),
            &own.replacen('q', "p", 1),
            "age1yubikey1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt",
            "age1pq1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq",
            "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX",
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "ssh-ed25519",
            "ssh-ed25519 ",
            "ssh-ed25519 AAAA",
            &ssh[..ssh.len() - 4],
            &ssh[..ssh.len() - 1],
            &format!("{ssh}AAAA"),
            &ssh.replace("ssh-ed25519 ", "ssh-rsa "),
            &ssh.replace("ssh-ed25519 ", "ssh-ed25519  "),
            &ssh.replace("ssh-ed25519 ", "ecdsa-sha2-nistp256 "),
            &format!("from=\"*\" {ssh}"),
            &format!("{ssh} tab\there"),
            &format!("{ssh} {}", "x".repeat(LONGEST)),
        ] {
            let wrong = Recipient::parse(bad).expect_err(bad);
            assert!(!wrong.message.contains("SECRET") && !wrong.hint.is_empty(), "{bad}");
        }
    }

    proptest! {
        /// Bech32 finds each change of one letter, and no text makes it fail otherwise than with a
        /// sentence.
        #[test]
        fn a_changed_letter_is_found(at in 4_usize..X25519, to in 0_usize..32) {
            let mut text = GOOD[0].as_bytes().to_vec();
            let is_same = text[at] == BECH32[to];
            text[at] = BECH32[to];
            let text = String::from_utf8(text).expect("ASCII");
            prop_assert_eq!(Recipient::parse(&text).is_ok(), is_same);
        }

        #[test]
        fn whatever_is_taken_is_no_option(text in "(age1|ssh-ed25519 |ssh-rsa |-)?[ -~]{0,80}") {
            if let Ok(taken) = Recipient::parse(&text) {
                prop_assert!(taken.as_str().starts_with(['a', 's']));
            }
        }
    }
}
