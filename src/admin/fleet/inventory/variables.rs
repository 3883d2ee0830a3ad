//! The variables of a host or group that say how it is reached, and those that look as if they did.

use crate::admin::fleet::inventory::problem::Warnings;
use crate::admin::fleet::inventory::yaml::{Key, Node};
use std::rc::Rc;

/// What a variable is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// Where the host is.
    Address,
    /// The port of its ssh server.
    Port,
    /// The account that logs in.
    User,
    /// The file of the private key.
    Key,
    /// Arguments of ssh; Ansible puts them before all others.
    FirstArguments,
    /// Arguments of ssh.
    Arguments,
    /// The hosts in between.
    Jump,
    /// The command that connects.
    Proxy,
    /// How Ansible reaches it.
    Connection,
    /// Whether Ansible would check host keys.
    HostKeys,
    /// It is not there now.
    Offline,
}

/// Where a variable has its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Ansible's: groups with `hosts`, `children`, `vars`.
    Ansible,
    /// Alias to host.
    Flat,
}

/// Of several about the same the last one with a value counts, as in Ansible
/// (`_loop_entries` in `config/manager.py`, and the `vars` of `plugins/connection/ssh.py`).
const TABLE: [(&str, Setting, Form); 22] = [
    ("ansible_host", Setting::Address, Form::Ansible),
    ("ansible_ssh_host", Setting::Address, Form::Ansible),
    ("hostname", Setting::Address, Form::Flat),
    ("ansible_port", Setting::Port, Form::Ansible),
    ("ansible_ssh_port", Setting::Port, Form::Ansible),
    ("port", Setting::Port, Form::Flat),
    ("ansible_user", Setting::User, Form::Ansible),
    ("ansible_ssh_user", Setting::User, Form::Ansible),
    ("user", Setting::User, Form::Flat),
    ("ansible_private_key_file", Setting::Key, Form::Ansible),
    ("ansible_ssh_private_key_file", Setting::Key, Form::Ansible),
    ("identity_file", Setting::Key, Form::Flat),
    ("key_path", Setting::Key, Form::Flat),
    ("ansible_ssh_args", Setting::FirstArguments, Form::Ansible),
    ("proxy_jump", Setting::Jump, Form::Flat),
    ("proxy_command", Setting::Proxy, Form::Flat),
    ("ansible_ssh_common_args", Setting::Arguments, Form::Ansible),
    ("ssh_common_args", Setting::Arguments, Form::Flat),
    ("ansible_ssh_extra_args", Setting::Arguments, Form::Ansible),
    ("ansible_connection", Setting::Connection, Form::Ansible),
    ("ansible_host_key_checking", Setting::HostKeys, Form::Ansible),
    ("ansible_ssh_host_key_checking", Setting::HostKeys, Form::Ansible),
];

/// Who wins among groups of the same depth.
pub const PRIORITY: &str = "ansible_group_priority";

/// Both forms have it, and in Ansible's form it may stand beside `hosts` too.
pub const OFFLINE: &str = "offline";

/// What somebody who writes it expects, and this program does not do: nothing secret is read from
/// a file that is not made for it, and the ssh of the system is run as it is.
const NOT_READ: [(&str, &str); 19] = [
    ("ansible_password", PASSWORD),
    ("ansible_ssh_pass", PASSWORD),
    ("ansible_ssh_password", PASSWORD),
    ("ansible_become_pass", PASSWORD),
    ("ansible_become_password", PASSWORD),
    ("ansible_sudo_pass", PASSWORD),
    ("ansible_sudo_password", PASSWORD),
    ("ansible_su_pass", PASSWORD),
    ("ansible_private_key", SECRET),
    ("ansible_ssh_private_key", SECRET),
    ("ansible_private_key_passphrase", SECRET),
    ("ansible_ssh_private_key_passphrase", SECRET),
    ("password", PASSWORD),
    ("ansible_ssh_executable", PROGRAM),
    ("ansible_ssh_pkcs11_provider", PROGRAM),
    ("ansible_control_path", CONTROL),
    ("ansible_control_path_dir", CONTROL),
    ("ansible_paramiko_proxy_command", PARAMIKO),
    ("ansible_paramiko_host_key_checking", PARAMIKO),
];
const PASSWORD: &str = "passwords in the inventory are not read; log in with keys, and give sudo's password at the terminal";
const SECRET: &str = "secrets in the inventory are not read; name the key's file";
const PROGRAM: &str = "not read: the system's ssh is used";
const CONTROL: &str = "not read: each host gets one connection of its own";
const PARAMIKO: &str = "not read: the system's ssh is used; write ansible_ssh_common_args";

/// A variable and its value.
#[derive(Debug, Clone)]
pub struct Value {
    /// The value.
    pub node: Rc<Node>,
    /// The line of the variable's name.
    pub line: usize,
}

/// Which variables have which values.
#[derive(Debug, Default, Clone)]
pub struct Values(Vec<(&'static str, Value)>);

impl Values {
    /// The value of the variable.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|entry| entry.0 == name).map(|entry| &entry.1)
    }

    /// Sets it, over what it was.
    pub fn set(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|entry| entry.0 == name) {
            Some(entry) => entry.1 = value,
            None => self.0.push((name, value)),
        }
    }

    /// All.
    pub fn iter(&self) -> impl Iterator<Item = &(&'static str, Value)> {
        self.0.iter()
    }
}

/// The variable with this name, if it has a meaning in this form. The flat form has Ansible's
/// names too, as other readers of it have.
pub fn known(name: &str, form: Form) -> Option<&'static str> {
    if name == OFFLINE {
        return Some(OFFLINE);
    }
    let row = TABLE.iter().find(|row| row.0 == name)?;
    (form == Form::Flat || row.2 == Form::Ansible).then_some(row.0)
}

/// What a variable is about.
pub fn setting(name: &str) -> Option<Setting> {
    if name == OFFLINE {
        return Some(Setting::Offline);
    }
    TABLE.iter().find(|row| row.0 == name).map(|row| row.1)
}

/// The variables about this, the one that counts last.
pub fn about(setting: Setting) -> impl DoubleEndedIterator<Item = &'static str> {
    let table = TABLE.iter().filter(move |row| row.1 == setting).map(|row| row.0);
    table.chain((setting == Setting::Offline).then_some(OFFLINE))
}

/// The names that the flat form has of its own.
pub fn of_the_flat_form() -> impl Iterator<Item = &'static str> {
    TABLE.iter().filter(|row| row.2 == Form::Flat).map(|row| row.0).chain([OFFLINE])
}

/// Says so if it is one of those that are not read.
pub fn warn(key: &Key, whose: &str, form: Form, warnings: &mut Warnings) -> bool {
    let row = NOT_READ
        .iter()
        .find(|row| *row.0 == *key.text && (form == Form::Flat || row.0 != "password"));
    if let Some((name, reason)) = row {
        warnings.add(key.line, whose, format!("{name}: {reason}"));
    }
    row.is_some()
}
