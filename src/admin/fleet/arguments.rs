//! The arguments of ssh: what is the same for every host, and what the inventory says of one.

use crate::admin::fleet::inventory::host::Host;
use crate::cli::Reached;
use std::ffi::OsString;

/// Before everything else, since ssh takes the first value that it finds (`ssh_config(5)`).
/// Nothing is asked, nobody's agent or screen is lent to a host, and what the user's configuration
/// starts for a person at a terminal is left out. A host that has vanished is noticed in 15 s.
const OPTIONS: [&str; 20] = [
    // What keeps a conversation from being one. OpenSSH before 8.7 does not have these; the other two
    // are what configurations tell ssh to ignore, which this takes the place of.
    "IgnoreUnknown=SessionType,StdinNull,ForkAfterAuthentication,UseKeychain,GSSAPI*",
    "SessionType=default",
    "StdinNull=no",
    "ForkAfterAuthentication=no",
    "BatchMode=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "Tunnel=no",
    // One connection for each host, and no other process that outlives it.
    "ControlMaster=no",
    "ControlPath=none",
    "NoHostAuthenticationForLocalhost=no",
    // It says why it ends, and that somebody was let in, at this level and not below it.
    "LogLevel=VERBOSE",
    "VisualHostKey=no",
];

/// How hosts are reached that the inventory does not say.
#[derive(Debug, Clone, Copy)]
pub struct Manner<'m> {
    /// Log in as this account, whatever the inventory says.
    pub user: Option<&'m str>,
    /// Trust a host's key the first time it is seen.
    pub accept_new_host_keys: bool,
}

impl<'m> Manner<'m> {
    /// As the command line says.
    pub fn of(reached: &'m Reached) -> Self {
        let user = reached.user.as_deref();
        Self { user, accept_new_host_keys: reached.accept_new_host_keys }
    }
}

/// ssh's arguments, up to the destination. Every value is behind an option that takes it, and the
/// destination behind `--`.
pub fn arguments(host: &Host, manner: &Manner<'_>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["-T".into()];
    let mut option = |text: OsString| arguments.extend(["-o".into(), text]);
    let checking = if manner.accept_new_host_keys { "accept-new" } else { "yes" };
    option(format!("StrictHostKeyChecking={checking}").into());
    OPTIONS.iter().for_each(|text| option(text.into()));
    if let Some(port) = host.port {
        option(format!("Port={port}").into());
    }
    if let Some(user) = manner.user.or(host.user.as_deref()) {
        option(format!("User={user}").into());
    }
    if let Some(identity) = &host.identity {
        arguments.extend(["-i".into(), identity.into()]);
    }
    arguments.extend(host.ssh_arguments.iter().cloned());
    arguments.extend(["--".into(), OsString::from(&host.address)]);
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Host {
        Host {
            alias: "web1".into(),
            address: "10.0.0.1".into(),
            port: Some(2222),
            user: Some("deploy".into()),
            identity: Some("/home/me/.ssh/id".into()),
            ssh_arguments: vec!["-o".into(), "ProxyJump=bastion".into()],
            offline: false,
            line: 1,
            refused: None,
        }
    }

    fn words(manner: &Manner<'_>) -> Vec<String> {
        let words = arguments(&host(), manner);
        words.iter().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn our_options_come_first_and_the_destination_is_behind_the_dashes() {
        let words = words(&Manner { user: None, accept_new_host_keys: false });
        assert_eq!(words[..3], ["-T", "-o", "StrictHostKeyChecking=yes"]);
        assert_eq!(words[words.len() - 2..], ["--", "10.0.0.1"]);
        let place = |word: &str| words.iter().position(|other| other == word).expect(word);
        assert!(place("BatchMode=yes") < place("ProxyJump=bastion"));
        assert!(place("User=deploy") < place("ProxyJump=bastion"));
        assert_eq!(words[place("-i") + 1], "/home/me/.ssh/id");
    }

    #[test]
    fn another_account_and_new_keys_only_where_somebody_says_so() {
        let words = words(&Manner { user: Some("agent"), accept_new_host_keys: true });
        assert!(words.contains(&"User=agent".to_owned()));
        assert!(!words.contains(&"User=deploy".to_owned()));
        assert!(words.contains(&"StrictHostKeyChecking=accept-new".to_owned()));
    }
}
