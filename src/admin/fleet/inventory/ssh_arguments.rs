//! The arguments of ssh that an inventory gives, looked at one by one. What ssh gets is made from
//! the table here: nothing passes because nobody thought of it.

use crate::admin::fleet::inventory::ssh_options::{self, FLAGS, Taken, Wrong};
use crate::admin::fleet::inventory::words;
use crate::request::name::quoted;
use std::ffi::OsString;

/// What the arguments come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// For ssh: `-o` and `KEY=VALUE`, or `-F` and a file, in this order as often as need be.
    pub ssh: Vec<OsString>,
    /// The port, if they have one.
    pub port: Option<u16>,
    /// The account, if they have one.
    pub user: Option<String>,
    /// What is left out, if that is not what its author would expect.
    pub left_out: Vec<String>,
}

/// Reads a line of arguments.
///
/// # Errors
/// What an inventory may not give.
pub fn parse(line: &str) -> Result<Arguments, Wrong> {
    let mut all = Arguments::default();
    let mut words = words::split(line).map_err(Wrong::new)?.into_iter();
    while let Some(word) = words.next() {
        let Some(mut flags) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            let text = format!("{} is not an option", quoted(word.as_bytes()));
            return Err(Wrong::new(text).hint("put a value with spaces in quotes"));
        };
        // As getopt(3): flags in one word, the value in the same word or in the next.
        while let Some(flag) = flags.chars().next() {
            flags = &flags[flag.len_utf8()..];
            let row = FLAGS.iter().find(|row| row.0 == flag);
            if let Some((_, key, Some(value))) = row {
                all.named(key, value)?;
                continue;
            }
            if row.is_none() && !matches!(flag, 'o' | 'F') {
                return Err(Wrong::refused(&format!("-{flag}")));
            }
            let value = match std::mem::take(&mut flags) {
                "" => words.next(),
                rest => Some(rest.to_owned()),
            };
            let value = value.ok_or_else(|| Wrong::new(format!("`-{flag}` needs a value")))?;
            match row {
                Some((_, key, _)) => all.named(key, &value)?,
                None if flag == 'F' => {
                    // Only a file: behind `-F` nothing else is possible.
                    let file =
                        ssh_options::path(&value).map_err(|reason| Wrong::new(reason).of("-F"))?;
                    all.ssh.extend(["-F".into(), file.into()]);
                }
                None => {
                    let (key, value) = apart(&value);
                    all.named(key, value)?;
                }
            }
        }
    }
    Ok(all)
}

impl Arguments {
    fn named(&mut self, key: &str, value: &str) -> Result<(), Wrong> {
        let (key, _) = ssh_options::row(key)?;
        self.option(key, value).map_err(|wrong| wrong.of(key))
    }

    /// Takes one of the table's options.
    ///
    /// # Errors
    /// If it is not in the table, or its value is none.
    pub fn option(&mut self, key: &str, value: &str) -> Result<(), Wrong> {
        let (key, kind) = ssh_options::row(key)?;
        match kind.taken(value)? {
            Taken::Value(value) => {
                self.ssh.extend(["-o".into(), format!("{key}={value}").into()]);
            }
            // ssh takes the first value that it gets.
            Taken::Port(port) => self.port = self.port.or(Some(port)),
            Taken::User(user) => self.user = self.user.take().or(Some(user)),
            Taken::Unchecked => self.left_out.push(format!("{key}={value}")),
            Taken::Nothing => {}
        }
        Ok(())
    }
}

/// `KEY=VALUE` or `KEY VALUE`, as a line of `ssh_config(5)`.
fn apart(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    let (key, rest) = text.split_at(end);
    let rest = rest.trim_start();
    (key, rest.strip_prefix('=').unwrap_or(rest).trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(line: &str) -> Vec<String> {
        let arguments = parse(line).expect(line);
        let words: Vec<_> = arguments.ssh.iter().map(|word| word.to_string_lossy()).collect();
        assert_eq!(words.len() % 2, 0);
        let words = words.chunks(2).map(|pair| pair.join(" "));
        words.map(|pair| pair.strip_prefix("-o ").map(str::to_owned).unwrap_or(pair)).collect()
    }

    #[test]
    fn what_an_inventory_may_give_becomes_options() {
        for (line, options) in [
            ("", &[][..]),
            ("-J bastion", &["ProxyJump=bastion"]),
            ("-Jbastion", &["ProxyJump=bastion"]),
            ("-o ProxyJump=joe@bastion:2222,b", &["ProxyJump=joe@bastion:2222,b"]),
            ("-o proxyjump=bastion", &["ProxyJump=bastion"]),
            ("-o 'ProxyJump bastion'", &["ProxyJump=bastion"]),
            ("-oProxyJump=bastion", &["ProxyJump=bastion"]),
            ("-o 'ProxyJump = bastion'", &["ProxyJump=bastion"]),
            ("-o 'ProxyJump=\"bastion\"'", &["ProxyJump=bastion"]),
            (
                "-o ProxyCommand=\"ssh -W %h:%p -q joe@bastion\"",
                &["ProxyCommand=ssh -W %h:%p -q joe@bastion"],
            ),
            ("-o 'ProxyCommand=nc -X 5 \"%h\" %p'", &["ProxyCommand=nc -X 5 \"%h\" %p"]),
            ("-4C", &["AddressFamily=inet", "Compression=yes"]),
            ("-6Jbastion", &["AddressFamily=inet6", "ProxyJump=bastion"]),
            (
                "-4axkT -q",
                &[
                    "AddressFamily=inet",
                    "ForwardAgent=no",
                    "ForwardX11=no",
                    "GSSAPIDelegateCredentials=no",
                    "RequestTTY=no",
                ],
            ),
            ("-i ~/.ssh/k -i /l", &["IdentityFile=~/.ssh/k", "IdentityFile=/l"]),
            ("-F /etc/ssh/fleet", &["-F /etc/ssh/fleet"]),
            ("-o IdentitiesOnly=YES", &["IdentitiesOnly=yes"]),
            ("-o ForwardAgent=no", &["ForwardAgent=no"]),
            ("-o Ciphers=-aes*,+x@openssh.com", &["Ciphers=-aes*,+x@openssh.com"]),
            ("-o ServerAliveInterval=030", &["ServerAliveInterval=30"]),
            ("-o UserKnownHostsFile=~/.ssh/fleet", &["UserKnownHostsFile=~/.ssh/fleet"]),
            ("-o 'UserKnownHostsFile=/a /b'", &["UserKnownHostsFile=/a /b"]),
            ("-o 'UserKnownHostsFile=\"/a\"'", &["UserKnownHostsFile=/a"]),
            ("-o IdentityAgent=SSH_AUTH_SOCK", &["IdentityAgent=SSH_AUTH_SOCK"]),
            ("-o HostKeyAlias=web1", &["HostKeyAlias=web1"]),
            ("-o ControlMaster=auto -o ControlPersist=60s -o ControlPath=/tmp/%C", &[]),
            ("-o ConnectTimeout=5 -o BatchMode=no -o LogLevel=DEBUG", &[]),
            ("-o StrictHostKeyChecking=yes -o StrictHostKeyChecking=accept-new", &[]),
        ] {
            assert_eq!(given(line), options, "{line}");
        }
    }

    #[test]
    fn what_it_may_not_give_is_refused() {
        for (line, reason) in [
            ("bastion", "`bastion` is not an option"),
            ("-J bastion -- web1", "`--` is not an option"),
            ("-", "`-` is not an option"),
            ("''", "`` is not an option"),
            ("-A", "`-A` is not an option"),
            ("-4A", "`-A` is not an option"),
            ("-K", "`-K` is not an option"),
            ("-o 'UserKnownHostsFile=\"/a b\"'", "is not a path"),
            ("-o 'UserKnownHostsFile=\"/a\" \"/b\"'", "is not a path"),
            ("-L 1:a:1", "`-L` is not an option"),
            ("-R 1:a:1", "`-R` is not an option"),
            ("-D 1", "`-D` is not an option"),
            ("-W a:1", "`-W` is not an option"),
            ("-w 1", "`-w` is not an option"),
            ("-tt", "`-t` is not an option"),
            ("-vvv", "`-v` is not an option"),
            ("-E /log", "`-E` is not an option"),
            ("-I /lib/evil.so", "`-I` is not an option"),
            ("-X", "`-X` is not an option"),
            ("-Y", "`-Y` is not an option"),
            ("-S /tmp/x", "`-S` is not an option"),
            ("-O exit", "`-O` is not an option"),
            ("-\u{e4}", "is not an option"),
            ("-o ForwardAgent=yes", "an inventory can only have no, not `yes`"),
            ("-o forwardagent=ask", "an inventory can only have no, not `ask`"),
            ("-o ForwardX11=yes", "an inventory can only have no, not `yes`"),
            (
                "-o GSSAPIDelegateCredentials=yes",
                "GSSAPIDelegateCredentials: an inventory can only have no",
            ),
            ("-o LocalCommand=id", "`LocalCommand` is not an option"),
            ("-o PermitLocalCommand=yes", "can only have no"),
            ("-o RemoteCommand=id", "`RemoteCommand` is not an option"),
            ("-o LocalForward=1", "`LocalForward` is not an option"),
            ("-o KnownHostsCommand=id", "`KnownHostsCommand` is not an option"),
            ("-o PKCS11Provider=/evil.so", "is not an option"),
            ("-o SecurityKeyProvider=/evil.so", "is not an option"),
            ("-o Include=/x", "`Include` is not an option"),
            ("-o Match=exec", "`Match` is not an option"),
            ("-o HostName=elsewhere", "`HostName` is not an option"),
            ("-o SendEnv=*", "`SendEnv` is not an option"),
            ("-o NoHostAuthenticationForLocalhost=yes", "is not an option"),
            ("-o VerifyHostKeyDNS=yes", "can only have no"),
            ("-o =x", "`` is not an option"),
            ("-o", "`-o` needs a value"),
            ("-J", "`-J` needs a value"),
            ("-o ProxyJump", "it has no value"),
            ("-o ProxyJump=", "it has no value"),
            ("-J -oProxyCommand=id", "is not a ProxyJump"),
            ("-J 'a -oProxyCommand=id'", "is not a ProxyJump"),
            ("-o ProxyJump=$(id)", "is not a ProxyJump"),
            ("-o 'ProxyCommand=id\nProxyJump=x'", "U+000A is in it"),
            ("-o 'ProxyCommand=id \u{202e}'", "U+202E is in it"),
            ("-i '/a b'", "is not a path"),
            ("-i -A", "is not a path"),
            ("-F -A", "is not a path"),
            ("-o 'IdentityFile=/a\\\"b'", "is not a path"),
            ("-o IdentityFile=${HOME}/k", "is not a path"),
            ("-o Port=0", "`0` is not a port"),
            ("-p 22x", "`22x` is not a port"),
            ("-l -A", "`-A` is not an account name"),
            ("-o 'User=a b'", "`a b` is not an account name"),
            ("-o ServerAliveInterval=1m", "is not a number"),
            ("-o Compression=maybe", "`maybe` is not one of yes, no"),
            ("-o BindAddress=-A", "is not an address"),
            ("-o 'Ciphers=a;b'", "is not a list of names"),
            ("-o HostKeyAlias=a/b", "is not an address"),
            ("-o 'A", "a `'` is not closed"),
        ] {
            let message = parse(line).expect_err(line);
            assert!(message.text.contains(reason), "{line}: {}", message.text);
        }
    }

    #[test]
    fn nobody_switches_off_the_checking_of_host_keys() {
        for (line, left_out) in [
            ("-o StrictHostKeyChecking=no", "StrictHostKeyChecking=no"),
            ("-o stricthostkeychecking=OFF", "StrictHostKeyChecking=OFF"),
            ("-oUserKnownHostsFile=/dev/null", "UserKnownHostsFile=/dev/null"),
            ("-o UserKnownHostsFile=//dev//null", "UserKnownHostsFile=//dev//null"),
            ("-o 'UserKnownHostsFile=/a /dev/null'", "UserKnownHostsFile=/a /dev/null"),
            ("-o GlobalKnownHostsFile=none", "GlobalKnownHostsFile=none"),
        ] {
            let arguments = parse(line).expect(line);
            assert_eq!(arguments.left_out, [left_out]);
            assert!(arguments.ssh.is_empty());
        }
    }

    #[test]
    fn the_first_port_and_account_count() {
        let arguments = parse("-p 23 -o Port=24 -l joe -o User=jane").expect("good");
        assert_eq!((arguments.port, arguments.user.as_deref()), (Some(23), Some("joe")));
        assert!(arguments.ssh.is_empty());
    }

    #[test]
    fn an_unknown_option_is_like_a_known_one() {
        let hint = |line| parse(line).expect_err(line).hint.expect("a hint");
        assert_eq!(hint("-o ProxyJmp=a"), "did you mean ProxyJump?");
        assert!(hint("-o LocalCommand=id").contains("~/.ssh/config"));
        assert!(ssh_options::TABLE.is_sorted_by_key(|row| row.0.to_ascii_lowercase()));
    }
}
