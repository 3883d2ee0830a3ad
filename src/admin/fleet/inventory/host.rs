//! The variables of a host made into a way to it.

use crate::admin::fleet::inventory::address::{self, Address};
use crate::admin::fleet::inventory::groups::{Found, Model, group_label};
use crate::admin::fleet::inventory::problem::{Problem, Result, named, sentence};
use crate::admin::fleet::inventory::ssh_arguments::{self, Arguments};
use crate::admin::fleet::inventory::ssh_options::Wrong;
use crate::admin::fleet::inventory::variables::{self, Setting};
use crate::admin::fleet::inventory::yaml::Kind;
use crate::request::code::{Code, Refusal};
use crate::request::name::quoted;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// One host, while its variables are being read.
pub struct Reader<'m> {
    /// Where it is from.
    pub file: &'m Path,
    /// What `~` is.
    pub home: Option<&'m Path>,
    /// All hosts and groups.
    pub model: &'m Model,
}

/// A line, whose, and what was noticed.
pub type Noticed = (usize, String, String);

/// A value that was found, as text.
struct Text<'m> {
    name: &'static str,
    text: &'m str,
    from: Found<'m>,
}

impl Reader<'_> {
    /// The host with this number, and what is to be said about it.
    ///
    /// # Errors
    /// What is wrong with one of its variables.
    pub fn host(&self, number: usize) -> Result<(Host, Vec<Noticed>)> {
        let member = &self.model.members[number];
        let alias = &member.alias;
        let mut noticed = Vec::new();
        let refused = self.refused(number)?;
        let address = match self.text(number, Setting::Address)? {
            Some(text) => Address::parse(text.text).map_err(|reason| {
                self.wrong(number, &text, reason).hint("write a host's name or its IP address")
            })?,
            None => Address::parse(alias).map_err(|reason| {
                Problem::new(member.line, reason).of(&named(alias)).hint(
                    "a host whose name is not an address needs ansible_host, or hostname in the flat \
                     form",
                )
            })?,
        };
        let port = match self.text(number, Setting::Port)? {
            Some(text) => Some(address::port(text.text).map_err(|reason| {
                self.wrong(number, &text, reason).hint("write a number from 1 to 65535")
            })?),
            None => None,
        };
        let user = match self.filled(number, Setting::User)? {
            Some(text) => Some(address::user(text.text).map_err(|reason| {
                self.wrong(number, &text, reason)
                    .hint("an account has letters, numbers, and . _ - @ \\ between them")
            })?),
            None => None,
        };
        let identity = match self.filled(number, Setting::Key)? {
            Some(text) => Some(address::file(text.text, self.home).map_err(|reason| {
                self.wrong(number, &text, reason)
                    .hint("write the path of a private key; ~/ in front is your home")
            })?),
            None => None,
        };
        let first = self.arguments(number, &[Setting::FirstArguments], &mut noticed)?;
        let later = [Setting::Jump, Setting::Proxy, Setting::Arguments];
        let later = self.arguments(number, &later, &mut noticed)?;
        self.host_keys(number, &mut noticed)?;
        let host = Host {
            alias: alias.clone(),
            address,
            // ssh takes the first value that it gets, and this is Ansible's order.
            port: first.port.or(port).or(later.port),
            user: first.user.or(user).or(later.user),
            identity,
            ssh_arguments: first.ssh.into_iter().chain(later.ssh).collect(),
            offline: self.truth(number, Setting::Offline)?.unwrap_or(false),
            line: member.line,
            refused,
        };
        Ok((host, noticed))
    }

    fn arguments(
        &self,
        number: usize,
        settings: &[Setting],
        noticed: &mut Vec<Noticed>,
    ) -> Result<Arguments> {
        let mut all = Arguments::default();
        for &setting in settings {
            for name in variables::about(setting) {
                let Some(text) = self.value(number, name)? else { continue };
                let mut some = Arguments::default();
                let done = match setting {
                    _ if text.text.is_empty() => Ok(()),
                    Setting::Jump => some.option("ProxyJump", text.text),
                    Setting::Proxy => some.option("ProxyCommand", text.text),
                    _ => ssh_arguments::parse(text.text).map(|parsed| some = parsed),
                };
                done.map_err(|Wrong { text: reason, hint }| {
                    let problem = self.wrong(number, &text, reason);
                    match hint {
                        Some(hint) => problem.hint(hint),
                        None => problem,
                    }
                })?;
                for option in some.left_out {
                    noticed.push(self.unchecked(number, &text.from, &option));
                }
                all.ssh.extend(some.ssh);
                all.port = all.port.or(some.port);
                all.user = all.user.take().or(some.user);
            }
        }
        Ok(all)
    }

    /// What would switch off the checking of host keys has no effect, and that is said.
    fn unchecked(&self, number: usize, from: &Found<'_>, what: &str) -> Noticed {
        let text = format!(
            "{} has no effect: host keys are always checked; --accept-new-host-keys trusts a key the first time it is seen",
            quoted(what.as_bytes())
        );
        let whose = match from.group {
            Some(group) => group_label(group),
            None => self.whose(number, from),
        };
        (from.value.line, whose, text)
    }

    fn host_keys(&self, number: usize, noticed: &mut Vec<Noticed>) -> Result<()> {
        if self.truth(number, Setting::HostKeys)? == Some(false)
            && let Some(text) = self.text(number, Setting::HostKeys)?
        {
            noticed.push(self.unchecked(
                number,
                &text.from,
                &format!("{}: {}", text.name, text.text),
            ));
        }
        Ok(())
    }

    /// Why it cannot be reached over ssh, if Ansible would reach it in another way.
    fn refused(&self, number: usize) -> Result<Option<Refusal>> {
        const SSH: [&str; 4] = ["ssh", "smart", "paramiko", "paramiko_ssh"];
        let Some(text) = self.filled(number, Setting::Connection)? else { return Ok(None) };
        let plain = text.text.strip_prefix("ansible.").unwrap_or(text.text);
        let plain = plain.strip_prefix("builtin.").or(plain.strip_prefix("legacy."));
        if SSH.contains(&plain.unwrap_or(text.text)) {
            return Ok(None);
        }
        let reason = format!("{}: {} is not ssh", text.name, quoted(text.text.as_bytes()));
        let whose = self.whose(number, &text.from);
        let reason = sentence(self.file, text.from.value.line, &whose, &reason);
        Ok(Some(
            Refusal::new(Code::Unsupported, reason)
                .hint("hosts are reached only over ssh; on this host itself run sm-helper"),
        ))
    }

    /// Yes or no, as YAML 1.1 and Ansible's `boolean` have them.
    fn truth(&self, number: usize, setting: Setting) -> Result<Option<bool>> {
        let Some(text) = self.text(number, setting)? else { return Ok(None) };
        match text.text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" | "t" | "1" => Ok(Some(true)),
            "false" | "no" | "off" | "n" | "f" | "0" => Ok(Some(false)),
            _ => {
                let reason = format!("{} is neither true nor false", quoted(text.text.as_bytes()));
                Err(self.wrong(number, &text, reason).hint("write true or false"))
            }
        }
    }

    /// The value that counts of all variables about it, if there is one.
    fn text(&self, number: usize, setting: Setting) -> Result<Option<Text<'_>>> {
        for name in variables::about(setting).rev() {
            if let Some(text) = self.value(number, name)? {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// The same, if an empty text means none.
    fn filled(&self, number: usize, setting: Setting) -> Result<Option<Text<'_>>> {
        Ok(self.text(number, setting)?.filter(|text| !text.text.is_empty()))
    }

    fn value(&self, number: usize, name: &'static str) -> Result<Option<Text<'_>>> {
        let Some(from) = self.model.value(number, name).filter(|from| !from.value.node.is_null())
        else {
            return Ok(None);
        };
        let node = &from.value.node;
        let plain = |text: &str| {
            let text = format!("{name}: {text}");
            Problem::new(from.value.line, text).of(&self.whose(number, &from))
        };
        if let Some(tag) = node.strange_tag() {
            let text = format!("a value with the tag {} cannot be read", quoted(tag.as_bytes()));
            return Err(plain(&text).hint("write the value itself: nothing is decrypted here"));
        }
        let Kind::Scalar(text, _) = &node.kind else {
            return Err(plain(&format!("{} is not allowed here", node.what()))
                .hint("write one plain value"));
        };
        if !node.is_unsafe() && ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark)) {
            return Err(plain(&format!("{} is a template", quoted(text.as_bytes())))
                .hint("write the value itself: no template is evaluated here"));
        }
        Ok(Some(Text { name, text, from }))
    }

    fn whose(&self, number: usize, from: &Found<'_>) -> String {
        let alias = named(&self.model.members[number].alias);
        match from.group {
            Some(group) => format!("{alias} ({})", group_label(group)),
            None => alias,
        }
    }

    fn wrong(&self, number: usize, text: &Text<'_>, reason: String) -> Problem {
        Problem::new(text.from.value.line, format!("{}: {reason}", text.name))
            .of(&self.whose(number, &text.from))
    }
}

/// A host, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// What the inventory calls it.
    pub alias: String,
    /// Where it is: a name or an address that can be nothing but the destination of ssh.
    pub address: String,
    /// The port, if the inventory says one.
    pub port: Option<u16>,
    /// The account that logs in, if the inventory says one.
    pub user: Option<String>,
    /// The private key's file, if the inventory says one; `~` resolved.
    pub identity: Option<PathBuf>,
    /// Further arguments of ssh that the inventory gives: options that were looked at one by one.
    pub ssh_arguments: Vec<OsString>,
    /// The inventory says that it is not there now.
    pub offline: bool,
    /// The line that names it first.
    pub line: usize,
    /// Why it cannot be reached at all: Ansible would reach it over something that is not ssh.
    pub refused: Option<Refusal>,
}
