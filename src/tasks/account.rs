//! The account as which a task is run.

use crate::exec::program::Ids;
use crate::request::code::{Code, Refusal};
use crate::system::accounts::shadow::Shadow;
use crate::system::accounts::{User, groups_of};

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its home.
    pub home: String,
    /// Its shell.
    pub shell: String,
    /// Its ids; none for root's, which a process of root's has.
    pub ids: Option<Ids>,
}

impl Account {
    /// The one of this name, if it may be used.
    ///
    /// # Errors
    /// `unsupported` where there is none, or it has expired or is locked.
    pub fn find(name: &str) -> Result<Self, Refusal> {
        let refused = |what: String, hint: String| {
            Err(Refusal::new(Code::Unsupported, format!("the task runs as {name}, {what}"))
                .hint(format!("nothing was run; an administrator can fix it: {hint}")))
        };
        let user = match User::from_name(name) {
            Ok(Some(user)) => user,
            Ok(None) => {
                let what = "and this host has no account of that name".to_owned();
                return refused(what, format!("useradd --system {name}, or `user` in the policy"));
            }
            Err(error) => {
                let what = format!("and that account cannot be looked up: {}", error.desc());
                return refused(what, format!("getent passwd {name}"));
            }
        };
        let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
        let account = |ids| Self {
            name: user.name.clone(),
            home: text(&user.dir),
            shell: text(&user.shell),
            ids,
        };
        if user.uid.is_root() {
            return Ok(account(None));
        }
        let shadow = Shadow::of(name);
        let shadow = match shadow {
            Ok(shadow) => shadow,
            Err(error) => {
                let what = format!("and whether that account has expired cannot be read: {error}");
                return refused(what, format!("chage --list {name}"));
            }
        };
        if shadow.has_expired() {
            let what = "an account that has expired".to_owned();
            return refused(what, format!("chage --expiredate -1 {name}"));
        }
        if shadow.is_locked {
            let what = "an account whose password is locked".to_owned();
            let hint = format!(
                "usermod --unlock {name}, or without a password at all: usermod --password '*' {name}"
            );
            return refused(what, hint);
        }
        match groups_of(&user.name, user.gid) {
            Ok(groups) => {
                let ids = Ids { uid: user.uid, gid: user.gid, groups };
                Ok(account(Some(ids)))
            }
            Err(error) => {
                let what =
                    format!("and the groups of that account are not known: {}", error.desc());
                refused(what, format!("getent initgroups {name}"))
            }
        }
    }
}
