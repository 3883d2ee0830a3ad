//! Who is asking, and over which way in.

use crate::request::agent::AgentName;
use crate::request::probe;
use crate::request::who::Who;
use crate::system::accounts::{Group, User, is_member};
use crate::system::proc::{Field, Stat, is_unmapped};
use nix::unistd::{Uid, getgid, getppid, getuid};
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::OnceCell;
use std::time::SystemTime;

/// The way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// Root itself.
    Root,
    /// sudo, which says for whom.
    Sudo,
    /// The broker's socket, where the kernel says who.
    Socket,
    /// sudo, through which root tries as an account whether that may ask.
    Probe,
    /// No privilege yet: an ordinary account, asking for what needs none.
    None,
}

impl Via {
    const ALL: [Self; 5] = [Self::Root, Self::Sudo, Self::Socket, Self::Probe, Self::None];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Sudo => "sudo",
            Self::Socket => "socket",
            Self::Probe => "probe",
            Self::None => "none",
        }
    }
}

impl Serialize for Via {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for Via {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = String::deserialize(from)?;
        let found = Self::ALL.into_iter().find(|via| via.word() == word);
        found.ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&word), &"a way in"))
    }
}

/// Whom a request is counted for: what it spends, and the place that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted {
    /// The account with this id.
    Account(u32),
    /// All together who have no account on this host. An ordinary account can have tens of
    /// thousands of such ids (`subuid(5)`), and one count for each would be none.
    Strangers,
}

/// The account's number, or `strangers`.
impl std::fmt::Display for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account(uid) => write!(f, "{uid}"),
            Self::Strangers => f.write_str("strangers"),
        }
    }
}

/// The account that asks.
#[derive(Debug, Clone, Serialize)]
pub struct Caller {
    /// Its user id.
    pub uid: u32,
    /// Its name; the number if it has none.
    pub user: String,
    /// Its group id.
    pub gid: u32,
    /// The process that asked: sudo's, or the parent.
    pub pid: i32,
    /// The way in.
    pub via: Via,
    /// Its terminal, if it has one.
    pub tty: Option<String>,
    /// The account that logged in, as the kernel's audit knows it (`pam_loginuid(8)`).
    pub loginuid: Option<u32>,
    /// The agent that asks as this account, if the policy names one; it is in records alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// The account as which root tries, by its name: the policy is asked for it.
    #[serde(skip)]
    tried: Option<String>,
    /// Whether the account database knows it.
    #[serde(skip)]
    has_account: bool,
    /// Its entry in the account database, looked up when somebody wants to know. Its groups are asked
    /// of that alone: a process can have others, and hand them on (a set-group-ID file); sudo gives
    /// the first of them in `SUDO_GID`. None if the database does not say.
    #[serde(skip)]
    account: OnceCell<Option<User>>,
}

/// A caller with all that is known of it, as one process of root's describes it to another. A record
/// has less.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Caller")]
pub struct Whole {
    uid: u32,
    user: String,
    gid: u32,
    pid: i32,
    via: Via,
    tty: Option<String>,
    loginuid: Option<u32>,
    /// Whoever reads it asks the policy.
    #[serde(skip)]
    agent: Option<AgentName>,
    tried: Option<String>,
    has_account: bool,
    #[serde(skip)]
    account: OnceCell<Option<User>>,
}

impl Who for Caller {
    fn is_user(&self, name: &str) -> bool {
        self.asks_for() == name
    }

    fn in_group(&self, name: &str) -> Option<bool> {
        let wanted = Group::from_name(name).ok().flatten()?;
        let account = self.account.get_or_init(|| User::from_name(self.asks_for()).ok().flatten());
        let account = account.as_ref()?;
        is_member(&account.name, account.gid, wanted.gid).ok()
    }

    fn uid(&self) -> Option<u32> {
        Some(self.uid)
    }

    fn moment(&self) -> Option<i64> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok();
        Some(now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX)))
    }
}

impl Caller {
    /// Whom its requests are counted for.
    pub fn counted(&self) -> Counted {
        if self.has_account { Counted::Account(self.uid) } else { Counted::Strangers }
    }

    /// Finds out. Root's own environment is believed, since sudo sets these variables itself and
    /// whoever else can set them for a root process is root; nobody else's is.
    pub fn find() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        let own = getuid();
        let (uid, gid, via) = match (own.is_root(), number("SUDO_UID"), number("SUDO_GID")) {
            (true, Some(uid), Some(gid)) => (uid, gid, Via::Sudo),
            (true, ..) => (0, getgid().as_raw(), Via::Root),
            (false, ..) => (own.as_raw(), getgid().as_raw(), Via::None),
        };
        // sudo has looked the name up already; a second look-up may go over the network.
        let user = match via {
            Via::Sudo => std::env::var("SUDO_USER").ok(),
            Via::Root => Some("root".to_owned()),
            Via::None | Via::Socket | Via::Probe => name_of(uid),
        };
        // For one without a name sudo gives its number, if it lets it in at all (`sudo(8)`).
        let has_account = user.as_ref().is_some_and(|name| !name.starts_with('#'));
        let caller = Self {
            uid,
            has_account,
            user: user.unwrap_or_else(|| uid.to_string()),
            gid,
            pid: getppid().as_raw(),
            via,
            tty: terminal("self"),
            loginuid: loginuid("self"),
            agent: None,
            tried: None,
            account: OnceCell::new(),
        };
        match via {
            Via::Sudo => match probe::prober(std::env::args_os().skip(1)) {
                Some(pid) => caller.tried_by(pid),
                None => caller,
            },
            _ => caller,
        }
    }

    /// Root itself, whoever asked: for what is done without being asked for.
    pub fn root() -> Self {
        Self {
            uid: 0,
            has_account: true,
            user: "root".to_owned(),
            gid: 0,
            pid: nix::unistd::getpid().as_raw(),
            via: Via::Root,
            tty: None,
            loginuid: None,
            agent: None,
            tried: None,
            account: OnceCell::new(),
        }
    }

    /// Root's process `pid`, which tries as this account.
    fn tried_by(self, pid: i32) -> Self {
        let process = pid.to_string();
        Self {
            uid: 0,
            user: "root".to_owned(),
            gid: 0,
            pid,
            via: Via::Probe,
            tty: terminal(&process),
            loginuid: loginuid(&process),
            agent: None,
            tried: Some(self.user),
            has_account: true,
            account: OnceCell::new(),
        }
    }

    /// The name of the account that the policy is asked for.
    pub fn asks_for(&self) -> &str {
        self.tried.as_deref().unwrap_or(&self.user)
    }

    /// The account with these ids, in whose process `pid` is, that has connected to the socket.
    pub fn of_peer(uid: u32, gid: u32, pid: i32) -> Self {
        let account = User::from_uid(Uid::from_raw(uid)).ok().flatten();
        let process = pid.to_string();
        Self {
            uid,
            // The kernel shows one and the same id for all that have none here.
            has_account: account.is_some() && !is_unmapped(uid),
            // Its groups are those of the account, as with sudo, not those of the process.
            gid: account.as_ref().map_or(gid, |account| account.gid.as_raw()),
            user: account.map_or_else(|| uid.to_string(), |account| account.name),
            pid,
            via: Via::Socket,
            tty: terminal(&process),
            loginuid: loginuid(&process),
            agent: None,
            tried: None,
            account: OnceCell::new(),
        }
    }

    /// What was read of its process is of another one by now.
    pub fn forget_process(&mut self) {
        (self.tty, self.loginuid) = (None, None);
    }
}

/// The name of the account with this number, if it has one.
pub fn name_of(uid: u32) -> Option<String> {
    User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name)
}

/// The controlling terminal, by its device number.
fn terminal(process: &str) -> Option<String> {
    let device: u32 = Stat::of(process)?.field(Field::Terminal)?;
    let (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff00));
    match major {
        0 => None,
        4 => Some(format!("tty{minor}")),
        136..=143 => Some(format!("pts/{}", (major - 136) * 256 + minor)),
        _ => Some(format!("{major}:{minor}")),
    }
}

fn loginuid(process: &str) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/proc/{process}/loginuid")).ok()?;
    text.trim().parse().ok().filter(|uid| *uid != u32::MAX)
}

/// An account by its name, for finding out what it may do.
pub struct Named<'n>(pub &'n str);
impl Who for Named<'_> {
    fn is_user(&self, name: &str) -> bool {
        self.0 == name
    }

    fn in_group(&self, name: &str) -> Option<bool> {
        let group = Group::from_name(name).ok().flatten()?;
        let user = User::from_name(self.0).ok().flatten()?;
        is_member(self.0, user.gid, group.gid).ok()
    }
}
